"""Every filtered read of incidents and recalls. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Count, Q

from core.roles import Permission
from hospitals.querysets import OfHospital, hospitals_open_to
from transplants.choices_incidents import SERIOUS, IncidentState

if TYPE_CHECKING:
    from bank.models import Lot
    from core.models import User
    from transplants.models import Incident, Recall


class IncidentQuerySet(OfHospital):
    """Members see what concerns their hospitals; an incident without one is of the bank only."""

    _view = Permission.INCIDENT_VIEW

    def open(self) -> Self:
        return self.exclude(state=IncidentState.CLOSED)

    def serious(self) -> Self:
        return self.filter(seriousness__in=SERIOUS)

    def unreported(self) -> Self:
        """Open ones that have to be reported outside, and were not."""
        return self.open().filter(due_on__isnull=False, reported_out_at__isnull=True)

    def overdue(self, today: dt.date) -> Self:
        return self.unreported().filter(due_on__lt=today)

    def to_remind(self, today: dt.date) -> Self:
        """Overdue ones of which nobody was reminded today."""
        return self.overdue(today).filter(Q(reminded_on__isnull=True) | Q(reminded_on__lt=today))

    def with_names(self) -> Self:
        return self.select_related("hospital", "patient", "order", "lot", "owner")

    def by_key(self, key: UUID | None) -> Incident | None:
        """The one that a form carried the key of."""
        found: Incident | None = self.filter(pk=key).first() if key else None
        return found

    def with_unit_count(self, user: User) -> Self:
        """Adds unit_count: of the units that the person may see named."""
        return self.annotate(unit_count=Count("units", filter=_named_to(user, "units__") or None))


def _named_to(user: User, prefix: str = "") -> Q:
    """Of units that incidents name, those that a person may know of.

    A hospital those that it has to do with: an incident may be of a lot that other hospitals have units of.
    """
    from transplants.received import once_known_to

    opened = hospitals_open_to(user, Permission.INCIDENT_VIEW)
    return Q() if opened is None else Q(**{f"{prefix}unit__in": once_known_to(opened).values("pk")})


class IncidentUnitQuerySet(OfHospital):
    """As visible as the incident; to a hospital only units that it has, or had, to do with."""

    _hospital = "incident__hospital"
    _view = Permission.INCIDENT_VIEW

    def visible_to(self, user: User) -> Self:
        return super().visible_to(user).filter(_named_to(user))


class IncidentNoteQuerySet(OfHospital):
    """As visible as the incident; what is for the bank only is read by its people only."""

    _hospital = "incident__hospital"
    _view = Permission.INCIDENT_VIEW

    def visible_to(self, user: User) -> Self:
        rows = super().visible_to(user)
        is_bank = hospitals_open_to(user, Permission.INCIDENT_VIEW) is None
        return rows if is_bank else rows.filter(inner=False)


class RecallQuerySet(OfHospital):
    """Of the bank: a hospital is told of what concerns it by a notice and on its own pages."""

    _hospital = "incident__hospital"
    _view = Permission.RECALL_VIEW

    def on(self) -> Self:
        return self.filter(lifted_at__isnull=True)

    def of_lot(self, lot: Lot) -> Self:
        """Of the lot under each of its names."""
        return self.filter(Q(lot=lot) | Q(lot__merged_into=lot))

    def by_key(self, key: UUID | None) -> Recall | None:
        found: Recall | None = self.filter(pk=key).first() if key else None
        return found

    def with_names(self) -> Self:
        return self.select_related("incident", "lot", "started_by", "lifted_by")

    def with_unit_counts(self) -> Self:
        """Adds unit_count and held_count: of all, and of those that were not taken out."""
        held = Count("units", filter=Q(units__freed_at__isnull=True))
        return self.annotate(unit_count=Count("units"), held_count=held)


class RecallUnitQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        return self.all() if user.has_permission(Permission.RECALL_VIEW) else self.none()

    def on(self) -> Self:
        """Those that a recall keeps back now."""
        return self.filter(freed_at__isnull=True, recall__lifted_at__isnull=True)

    def of_units(self, unit_ids: Iterable[UUID]) -> Self:
        return self.filter(unit__in=list(unit_ids))
