"""An incident is opened. Not a service of its own: called inside the transaction of what found it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.utils import timezone

from bank.models import CordBloodUnit, Lot
from core import audit, notifications
from core.audit import Actor
from core.models import User
from hospitals.models import Hospital, Patient
from transplants import notices_incidents
from transplants.choices_incidents import LONGEST_TEXT, LONGEST_TITLE, SERIOUS, IncidentKind, Seriousness
from transplants.models import Incident, IncidentNote, IncidentRules, IncidentUnit, Order
from transplants.numbers import INCIDENT, next_number


@dataclass(frozen=True, kw_only=True)
class Found:
    """What went wrong. hospital None: of the bank only. happened_on None: today.

    due_on None: by the rules, where it is serious or a rapid alert. incident_id: of the form, so that a double click
    opens one.
    """

    kind: IncidentKind
    title: str
    what: str
    units: Sequence[CordBloodUnit] = ()
    hospital: Hospital | None = None
    patient: Patient | None = None
    order: Order | None = None
    lot: Lot | None = None
    seriousness: Seriousness = Seriousness.NOT_SERIOUS
    rapid_alert: bool = False
    happened_on: dt.date | None = None
    due_on: dt.date | None = None
    incident_id: UUID | None = None


def opened(found: Found, *, actor: Actor) -> Incident:
    """The new incident; quality assurance is told, and the hospital where it concerns one.

    Takes a number and tells people: call it last, after every row is locked.
    """
    today = timezone.localdate()
    row: Incident = Incident.objects.create(
        id=found.incident_id or uuid4(),
        number=next_number(INCIDENT, today.year),
        kind=found.kind,
        title=found.title[:LONGEST_TITLE],
        what=found.what[:LONGEST_TEXT],
        seriousness=found.seriousness,
        rapid_alert=found.rapid_alert,
        hospital=found.hospital,
        patient=found.patient,
        order=found.order,
        lot=found.lot,
        happened_on=found.happened_on or today,
        due_on=found.due_on or due_day(found.seriousness, found.rapid_alert, today),
        opened_by=actor.label[:200],
        opened_by_user_id=actor.person_id,
    )
    IncidentUnit.objects.bulk_create(
        (IncidentUnit(incident=row, unit=unit) for unit in found.units), batch_size=1_000
    )
    audit.record(
        actor=actor,
        action="incident.open",
        target=(row._meta.label, str(row.pk), row.number),
        after={"kind": str(row.kind), **_units(found.units), "due_on": row.due_on},
        hospital_id=row.hospital_id,
    )
    notifications.notifications_create(notices=notices_incidents.opened(row, but=actor.person_id))
    return row


def opened_or_extended(found: Found, *, user: User) -> Incident:
    """Of an order one incident of a kind is enough while it is open: what is found later is a shared note in it.

    Both sides are told of either. Call it last, as `opened`.
    """
    actor = Actor.user(user)
    rows = Incident.objects.open().filter(order=found.order, kind=found.kind).order_by("opened_at", "pk")
    row: Incident | None = rows.select_for_update(no_key=True, of=("self",)).first()
    if row is None or found.order is None:
        return opened(found, actor=actor)
    text = found.what[:LONGEST_TEXT]
    note = IncidentNote.objects.create(incident=row, text=text, inner=False, written_by=user)
    row.updated_at = timezone.now()
    row.save(update_fields=["updated_at"])
    audit.record(
        actor=actor,
        action="incident.note",
        target=(row._meta.label, str(row.pk), row.number),
        after={"note": str(note.pk), "inner": False},
        hospital_id=row.hospital_id,
    )
    notifications.notifications_create(notices=notices_incidents.extended(row, but=actor.person_id))
    return row


_MOST_NAMED = 50  # of a recalled lot; the rows of the incident hold each


def _units(units: Sequence[CordBloodUnit]) -> dict[str, object]:
    named = [unit.public_no for unit in units[:_MOST_NAMED]]
    return {"units": named} if len(units) == len(named) else {"units": named, "units_count": len(units)}


def due_day(seriousness: str, rapid_alert: bool, known_on: dt.date) -> dt.date | None:
    """Until when it is reported outside, by the bank's rules; None where nobody outside has to know."""
    rules = IncidentRules.load()
    if rapid_alert:
        return known_on + dt.timedelta(days=rules.rapid_days)
    return known_on + dt.timedelta(days=rules.serious_days) if seriousness in SERIOUS else None
