"""What every write to a confirmatory typing shares: the locks, the guard of the state, the audit entry, the end.

Order of locks: unit, reservation, confirmatory typing (as transplants.moving, without the patient, who is not changed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit
from bank.writing import locked_unit
from core import audit
from core.audit import Actor
from core.errors import Conflict
from transplants.choices_orders import TypingState
from transplants.models import ConfirmatoryTyping, Reservation


@dataclass(frozen=True)
class LockedTyping:
    """A confirmatory typing with unit and reservation, all three rows locked."""

    row: ConfirmatoryTyping
    unit: CordBloodUnit
    reservation: Reservation


def locked_typing(typing_id: UUID) -> LockedTyping:
    """Also of one whose reservation has ended: a segment that was taken is typed to the end."""
    where = ConfirmatoryTyping.objects.filter(pk=typing_id).values_list("unit", "reservation").get()
    unit = locked_unit(where[0])
    reservations = Reservation.objects.select_related("hospital", "patient")
    reservation: Reservation = reservations.select_for_update(no_key=True, of=("self",)).get(pk=where[1])
    rows = ConfirmatoryTyping.objects.select_related("hospital", "patient", "asked_by")
    row: ConfirmatoryTyping = rows.select_for_update(no_key=True, of=("self",)).get(pk=typing_id)
    row.unit = reservation.unit = unit
    row.reservation = reservation
    return LockedTyping(row, unit, reservation)


def guard_state(row: ConfirmatoryTyping, *states: TypingState) -> None:
    """Raises Conflict that says where it stands instead: a page was stale, or somebody was quicker."""
    if row.state not in states:
        raise Conflict(
            "typing_state",
            _("%(number)s is “%(state)s” now; this step is not open. Look at the page again."),
            params={"number": row.number, "state": TypingState(row.state).label},
        )


def save(row: ConfirmatoryTyping, values: Mapping[str, Any]) -> None:
    for name, value in {**values, "updated_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])


def record(row: ConfirmatoryTyping, action: str, actor: Actor, **values: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=(row._meta.label, str(row.pk), f"{row.number} · {row.unit.public_no} · {row.patient.code}"),
        hospital_id=row.hospital_id,
        **values,
    )


def cancel(row: ConfirmatoryTyping, *, actor: Actor, reason: str, action: str) -> None:
    before = {"state": row.state}
    save(row, {"state": TypingState.CANCELLED, "ended_at": timezone.now(), "end_reason": reason[:400]})
    record(row, action, actor, before=before, after={"state": row.state}, reason=reason)


def drop_asked(reservation: Reservation, *, actor: Actor) -> None:
    """A reservation has ended: no segment is cut for it. What was cut already is typed, for the unit's sake."""
    rows = ConfirmatoryTyping.objects.filter(reservation=reservation, state=TypingState.ASKED)
    for row in rows.select_related("patient", "unit").select_for_update(no_key=True, of=("self",)):
        cancel(row, actor=actor, reason=reservation.number, action="typing.drop")
