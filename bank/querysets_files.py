"""Reads of files that are taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from bank.choices_files import FilePurpose
from core.roles import Permission

if TYPE_CHECKING:
    from bank.models import ImportFile  # noqa: F401 - named in the base below
    from core.models import User


class ImportFileQuerySet(models.QuerySet["ImportFile"]):
    def visible_to(self, user: User) -> ImportFileQuerySet:
        """Whoever chose a file is the only one to see it before it is written."""
        return self.filter(user=user) if user.has_permission(Permission.INVENTORY_IMPORT) else self.none()

    def of(self, purpose: FilePurpose) -> ImportFileQuerySet:
        return self.filter(purpose=purpose)
