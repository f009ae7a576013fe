"""What every write to a reservation shares: the locks in one order, the end of a promise, the audit entry.

Order of locks: patient, unit, reservation. Everybody who takes more than one takes them so; people who are told are
locked last (core.notifications).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import promises
from bank.choices import TAKEN, UnitStatus
from bank.models import CordBloodUnit
from bank.writing import locked_unit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.notifications import Notice
from hospitals.models import Patient
from matching.services.promises import request_follow
from transplants.charges import charge
from transplants.choices import OPEN, EndCause, ReservationState
from transplants.choices_incidents import FeeKind
from transplants.models import Reservation
from transplants.writing_typings import drop_asked

LONGEST_REASON = 400


@dataclass(frozen=True)
class Locked:
    """A reservation with what it is about, all three rows locked."""

    row: Reservation
    patient: Patient
    unit: CordBloodUnit


def free_id(model: type[Model], wanted: UUID | None) -> UUID:
    """The key that a form brought along, so that a double click is one row; another one where it is taken already."""
    return uuid4() if wanted is None or model._default_manager.filter(pk=wanted).exists() else wanted


def locked_patient(patient_id: UUID) -> Patient:
    rows = Patient.objects.select_related("hospital").select_for_update(no_key=True, of=("self",))
    found: Patient = rows.get(pk=patient_id)
    return found


def locked(reservation_id: UUID) -> Locked:
    """Raises Conflict where the reservation has ended meanwhile."""
    where = Reservation.objects.filter(pk=reservation_id).values_list("patient", "unit").get()
    patient, unit = locked_patient(where[0]), locked_unit(where[1])
    rows = Reservation.objects.select_related("hospital", "request").select_for_update(
        no_key=True, of=("self",)
    )
    row: Reservation = rows.get(pk=reservation_id)
    row.patient, row.unit = patient, unit
    if row.state not in OPEN:
        raise ended(row)
    return Locked(row, patient, unit)


def ended(row: Reservation) -> Conflict:
    return Conflict(
        "reservation_ended",
        _("%(number)s has ended already: %(state)s."),
        params={"number": row.number, "state": row.get_state_display()},
    )


def given_reason(reason: str) -> str:
    plain = reason.replace("\0", "").strip()
    if not plain:
        raise InvalidInput("reason_needed", _("Write why."), field="reason")
    return plain[:LONGEST_REASON]


def save(row: Reservation, values: dict[str, Any]) -> None:
    for name, value in {**values, "updated_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])


def record(row: Reservation, action: str, actor: Actor, **values: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=(row._meta.label, str(row.pk), f"{row.number} · {row.unit.public_no} · {row.patient.code}"),
        hospital_id=row.hospital_id,
        **values,
    )


def activate(
    held: Locked, *, until: dt.date, actor: Actor, action: str, reason: str = "", earlier: bool = False
) -> Reservation:
    """The promise is made. Raises Conflict where the unit is not free, or became somebody else's.

    In the unit's own trail stands the number only: most who read it may not know of patients. earlier: as in
    `promises.promise`; what was promised before this system was paid for there, and is not charged here.
    """
    row = held.row
    if other := Reservation.objects.of_unit(held.unit.pk):
        raise Conflict(
            "unit_reserved",
            _("%(unit)s is reserved for another patient until %(until)s."),
            params={"unit": held.unit.public_no, "until": f"{other.until:%Y-%m-%d}"},
        )
    promises.promise(held.unit, actor=actor, reason=row.number, earlier=earlier)
    before = {"state": row.state}
    new = {
        "state": ReservationState.ACTIVE,
        "until": until,
        "confirmed_by": actor.label[:200],
        "confirmed_at": timezone.now(),
    }
    save(row, new)
    Reservation.objects.line_of(held.unit.pk).update(free_told_at=None)
    request_follow(request_id=row.request_id, promised=True, actor=actor)
    after = {"state": row.state, "until": until}
    record(row, action, actor, before=before, after=after, reason=reason)
    if not earlier:
        fee(held, FeeKind.RESERVATION, row.number, actor)
    return row


def fee(held: Locked, kind: FeeKind, reference: str, actor: Actor) -> None:
    """What the hospital owes from today on for what was just done with its reservation."""
    charge(
        kind=kind,
        reference=reference,
        patient=held.patient,
        unit=held.unit,
        on=timezone.localdate(),
        actor=actor,
    )


def end(
    held: Locked, *, state: ReservationState, cause: EndCause, reason: str, actor: Actor, action: str
) -> list[Notice]:
    """The wish or the promise is over; a promised unit is free again, and what was only asked for with it ends.

    What people are to be told of that: the caller tells it with his own.
    """
    row, was_active = held.row, held.row.is_active
    if was_active and held.unit.status in TAKEN:
        raise Conflict(
            "unit_ordered",
            _("%(unit)s is “%(status)s”: withdraw the order first."),
            params={"unit": held.unit.public_no, "status": UnitStatus(held.unit.status).label},
        )
    told = _withdraw_order(held, actor) if was_active else []
    before = {"state": row.state}
    new = {
        "state": state,
        "end_cause": cause,
        "end_reason": reason,
        "ended_by": actor.label[:200],
        "ended_at": timezone.now(),
    }
    save(row, new)
    drop_asked(row, actor=actor)
    if was_active:
        promises.unpromise(held.unit, actor=actor, reason=row.number)
        others = Reservation.objects.active().filter(request=row.request_id)
        if row.request_id and not others.exists():
            request_follow(request_id=row.request_id, promised=False, actor=actor)
        transaction.on_commit(ring)
    record(row, action, actor, before=before, after={"state": state, "cause": cause}, reason=reason)
    return told


def _withdraw_order(held: Locked, actor: Actor) -> list[Notice]:
    """An order that the bank has not approved holds nothing: it ends with its promise."""
    from transplants import order_ends

    return order_ends.withdraw_with_promise(held, actor=actor)


def ring() -> None:
    """The next in line need not wait for the minute; if the broker is away, the beat rings."""
    from transplants import tasks

    tasks.ring_sweep()
