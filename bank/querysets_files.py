"""Reads of files that are taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from bank.choices_files import FilePurpose
from core.roles import Permission

if TYPE_CHECKING:
    from bank.models import ImportFile  # noqa: F401 - named in the base below
    from core.models import User

_PERMISSIONS = {
    FilePurpose.UNITS: Permission.INVENTORY_IMPORT,
    FilePurpose.RESULTS: Permission.INVENTORY_IMPORT,
    FilePurpose.OUTCOMES: Permission.OUTCOME_IMPORT,
}


class ImportFileQuerySet(models.QuerySet["ImportFile"]):
    def visible_to(self, user: User) -> ImportFileQuerySet:
        """Whoever chose a file is the only one to see it before it is written."""
        allowed = [purpose for purpose, permission in _PERMISSIONS.items() if user.has_permission(permission)]
        return self.filter(user=user, purpose__in=allowed)

    def of(self, purpose: FilePurpose) -> ImportFileQuerySet:
        return self.filter(purpose=purpose)
