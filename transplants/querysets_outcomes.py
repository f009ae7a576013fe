"""Every filtered read of follow-up, counts and outcomes. `visible_to` is the only way for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from core.roles import Permission
from hospitals.querysets import OfHospital

if TYPE_CHECKING:
    from core.models import User


class OfTransplant(OfHospital):
    """Rows of a transplant: members see those of their hospitals, bank staff who may see transplants all of them."""

    _hospital = "transplant__hospital"
    _view = Permission.TRANSPLANT_VIEW


class SavedCohortQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """One's own and those that are shared."""
        return self.filter(Q(owner=user) | Q(is_shared=True))
