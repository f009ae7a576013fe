"""Every filtered read of incidents and recalls. `visible_to` is the only way for a person."""

from __future__ import annotations

from typing import Self

from core.roles import Permission
from hospitals.querysets import OfHospital
from transplants.choices_incidents import IncidentState


class IncidentQuerySet(OfHospital):
    """Members see what concerns their hospitals; an incident without one is of the bank only."""

    _view = Permission.INCIDENT_VIEW

    def open(self) -> Self:
        return self.exclude(state=IncidentState.CLOSED)

    def with_names(self) -> Self:
        return self.select_related("hospital", "patient", "order", "lot", "owner")


class OfIncident(OfHospital):
    _hospital = "incident__hospital"
    _view = Permission.INCIDENT_VIEW


class RecallQuerySet(OfHospital):
    """Of the bank: a hospital is told of what concerns it by a notice and on its own pages."""

    _hospital = "incident__hospital"
    _view = Permission.RECALL_VIEW

    def on(self) -> Self:
        return self.filter(lifted_at__isnull=True)
