"""Reads of watched patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import Q

from core.roles import Permission
from hospitals.querysets import OfHospital

if TYPE_CHECKING:
    from core.models import User


class PatientWatchQuerySet(OfHospital):
    """As visible as the request; of persons only the own: who else watches is nobody's affair."""

    _hospital = "request__hospital"
    _view = Permission.REQUEST_VIEW

    def visible_to(self, user: User) -> Self:
        if not user.is_authenticated:
            return self.none()
        return super().visible_to(user).filter(Q(user=user) | Q(user__isnull=True))

    def active(self) -> Self:
        return self.filter(ended_at__isnull=True)

    def telling(self, user: User) -> Self:
        """Those by which this person is told: own ones, and those of the own hospitals."""
        mine = Q(user=user) | Q(user__isnull=True, request__hospital__in=user.hospital_ids)
        return self.visible_to(user).active().filter(mine)

    def with_names(self) -> Self:
        return self.select_related("request__patient", "request__hospital")
