"""Reads of approvals of files with HLA typings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from core.roles import Permission

if TYPE_CHECKING:
    from bank.models import ExportApproval  # noqa: F401 - named in the base below
    from core.models import User


class ApprovalQuerySet(models.QuerySet["ExportApproval"]):
    def visible_to(self, user: User) -> Self:
        """One's own; whoever watches over genetic data sees all."""
        return self.all() if user.has_permission(Permission.GENETIC_VIEW) else self.filter(asked_by=user)

    def open(self) -> Self:
        return self.filter(state="open")
