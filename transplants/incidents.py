"""An incident is opened. Not a service of its own: called inside the transaction of what found it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from bank.models import CordBloodUnit, Lot
from core import audit, notifications
from core.audit import Actor
from hospitals.models import Hospital, Patient
from transplants import notices_incidents
from transplants.choices_incidents import IncidentKind, Seriousness
from transplants.models import Incident, IncidentUnit, Order
from transplants.numbers import INCIDENT, next_number


@dataclass(frozen=True, kw_only=True)
class Found:
    """What went wrong. hospital None: of the bank only. happened_on None: today."""

    kind: IncidentKind
    title: str
    what: str
    units: Sequence[CordBloodUnit] = ()
    hospital: Hospital | None = None
    patient: Patient | None = None
    order: Order | None = None
    lot: Lot | None = None
    seriousness: Seriousness = Seriousness.NOT_SERIOUS
    happened_on: dt.date | None = None
    due_on: dt.date | None = None


def opened(found: Found, *, actor: Actor) -> Incident:
    """The new incident; quality assurance is told, and the hospital where it concerns one.

    Takes a number and tells people: call it last, after every row is locked.
    """
    today = timezone.localdate()
    row: Incident = Incident.objects.create(
        number=next_number(INCIDENT, today.year),
        kind=found.kind,
        title=found.title[:160],
        what=found.what[:4000],
        seriousness=found.seriousness,
        hospital=found.hospital,
        patient=found.patient,
        order=found.order,
        lot=found.lot,
        happened_on=found.happened_on or today,
        due_on=found.due_on,
        opened_by=actor.label[:200],
        opened_by_user_id=actor.person_id,
    )
    IncidentUnit.objects.bulk_create(IncidentUnit(incident=row, unit=unit) for unit in found.units)
    audit.record(
        actor=actor,
        action="incident.open",
        target=(row._meta.label, str(row.pk), row.number),
        after={"kind": str(row.kind), "units": [unit.public_no for unit in found.units]},
        hospital_id=row.hospital_id,
    )
    notifications.notifications_create(notices=notices_incidents.opened(row, but=actor.person_id))
    return row
