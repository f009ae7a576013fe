"""Reservations: asked for, confirmed, declined, extended, cancelled; what the rules are.

Each is one transaction: locks (transplants.writing), guards, change, audit entry, then the notices.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import promises
from bank.choices import LEFT, SEARCHABLE, TAKEN, UnitStatus
from bank.models import CordBloodUnit
from bank.writing import locked_unit
from core import notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.models import Hospital, Patient
from hospitals.querysets import hospitals_open_to, open_in
from matching.choices import OPEN as OPEN_REQUESTS
from matching.models import MatchRequest
from transplants import notices
from transplants.choices import MOST_DAYS, EndCause, Purpose, ReservationState
from transplants.choices_incidents import FeeKind
from transplants.models import Reservation, ReservationRules
from transplants.numbers import RESERVATION, next_number
from transplants.writing import (
    Locked,
    activate,
    end,
    ended,
    fee,
    free_id,
    given_reason,
    locked,
    locked_patient,
    record,
    ring,
    save,
)


@dataclass(frozen=True)
class Wish:
    """What a hospital asks for. request: the match request in whose list the unit stands, where there is one.

    reservation_id: of the form, so that a double click asks once.
    """

    unit_id: UUID
    patient_id: UUID
    purpose: str = Purpose.GRAFT
    note: str = ""
    request_id: UUID | None = None
    reservation_id: UUID | None = None


def may_decide(user: User) -> bool:
    """Whether the person speaks for the bank, by a role of the bank; one who also works in a hospital does too."""
    return hospitals_open_to(user, Permission.RESERVATION_DECIDE) is None


@transaction.atomic
def reservation_ask(*, wish: Wish, user: User) -> Reservation:
    """Ask that a unit be kept for a patient.

    Kept at once where the unit is free, nobody waits for it, and the person speaks for the bank or the bank lets that
    hospital reserve itself; else it waits for a coordinator, or in the line for a unit that is promised to another
    patient, be it by a promise that was made before the unit came into this system.
    Raises NotAllowed, InvalidInput, or Conflict: inactive patient or hospital, a unit that cannot be promised, one that
    was asked for already, too many units for one patient.
    """
    patient = locked_patient(wish.patient_id)
    _guard_patient(patient, user)
    unit = locked_unit(wish.unit_id)
    if known := _sent_before(wish, user):
        return known
    _guard_unit(unit)
    _guard_number(patient, unit)
    actor = Actor.user(user)
    row = Reservation(
        id=free_id(Reservation, wish.reservation_id),
        unit=unit,
        patient=patient,
        hospital=patient.hospital,
        request=_request(wish, patient),
        purpose=_purpose(wish.purpose),
        note=wish.note.replace("\0", "").strip()[:400],
        asked_by=user,
        number=next_number(RESERVATION, timezone.localdate().year),
        free_told_at=timezone.now() if unit.status == UnitStatus.LISTED else None,
    )
    row.save(force_insert=True)
    record(row, "reservation.ask", actor, after={"unit": unit.public_no, "purpose": row.purpose})
    if _at_once(row, user):
        activate(Locked(row, patient, unit), until=default_end(), actor=actor, action="reservation.confirm")
        tell = notices.reserved(row, but=user)
    else:
        tell = notices.asked(row, but=user) if row.free_told_at else []
    notifications.notifications_create(notices=tell)
    return row


@transaction.atomic
def reservation_confirm(
    *,
    reservation_id: UUID,
    user: User,
    until: dt.date | None = None,
    reason: str = "",
    earlier: bool = False,
) -> Reservation:
    """The bank keeps the unit for the patient, until a day or as long as its rules say.

    reason: needed where somebody else asked before. earlier: the unit entered this system as reserved, and it was for
    this patient. Raises Conflict, InvalidInput.
    """
    _guard_bank(user)
    held = locked(reservation_id)
    if held.row.is_active:
        raise Conflict(
            "reserved_already", _("%(number)s is confirmed already."), params={"number": held.row.number}
        )
    _guard_active(held.patient)
    last = until or default_end()
    _guard_day(last)
    _guard_line(held, reason)
    activate(
        held,
        until=last,
        actor=Actor.user(user),
        action="reservation.confirm",
        reason=reason.strip(),
        earlier=earlier,
    )
    notifications.notifications_create(notices=notices.reserved(held.row, but=user))
    return held.row


@transaction.atomic
def reservation_decline(*, reservation_id: UUID, user: User, reason: str) -> Reservation:
    """The bank does not keep the unit for this patient."""
    _guard_bank(user)
    held, reason = locked(reservation_id), given_reason(reason)
    if held.row.is_active:
        raise Conflict(
            "reserved_already",
            _("%(number)s is confirmed already. Cancel it, if the promise cannot be kept."),
            params={"number": held.row.number},
        )
    end(
        held,
        state=ReservationState.DECLINED,
        cause=EndCause.BANK,
        reason=reason,
        actor=Actor.user(user),
        action="reservation.decline",
    )
    notifications.notifications_create(notices=notices.declined(held.row, but=user))
    return held.row


@transaction.atomic
def reservation_cancel(*, reservation_id: UUID, user: User, reason: str) -> Reservation:
    """Hospital or bank lets go of it; a promised unit is free again. Raises Conflict for one that is ordered."""
    held, reason = locked(reservation_id), given_reason(reason)
    by_bank = may_decide(user)
    if not by_bank and not open_in(user, Permission.RESERVATION_ASK, held.row.hospital_id):
        raise _not_allowed()
    told = end(
        held,
        state=ReservationState.CANCELLED,
        cause=EndCause.BANK if by_bank else EndCause.HOSPITAL,
        reason=reason,
        actor=Actor.user(user),
        action="reservation.cancel",
    )
    notifications.notifications_create(notices=[*told, *notices.cancelled(held.row, but=user)])
    return held.row


@transaction.atomic
def reservation_extend(
    *, reservation_id: UUID, user: User, reason: str, until: dt.date | None = None
) -> Reservation:
    """Keep the unit longer. A hospital as often and long as the rules allow, the bank until any day it names.

    The hospital's own extension is charged; the bank's is free: nobody is charged for what somebody else decides.
    """
    held, reason = locked(reservation_id), given_reason(reason)
    row, rules = held.row, ReservationRules.load()
    if not row.is_active or row.until is None:
        raise Conflict("not_reserved", _("%(number)s is not confirmed yet."), params={"number": row.number})
    # one on hold is kept longer, too: the hold is not the patient's fault
    if held.unit.status in TAKEN | LEFT:
        raise Conflict(
            "unit_not_reserved",
            _("%(unit)s is “%(status)s”: its reservation cannot be extended now."),
            params={"unit": held.unit.public_no, "status": UnitStatus(held.unit.status).label},
        )
    by_bank, today = may_decide(user), timezone.localdate()
    if row.until < today:
        raise Conflict(
            "over_already", _("The last day of %(number)s has passed."), params={"number": row.number}
        )
    _guard_active(held.patient)
    if not by_bank:
        _guard_own_extension(row, user, rules)
    last = until if by_bank and until else row.until + dt.timedelta(days=rules.extension_days)
    _guard_day(last)
    if last <= row.until:
        raise InvalidInput(
            "not_longer",
            _("Choose a day after %(until)s."),
            field="until",
            params={"until": f"{row.until:%Y-%m-%d}"},
        )
    before = {"until": row.until, "extensions": row.extensions}
    save(row, {"until": last, "extensions": row.extensions + (0 if by_bank else 1)})
    after = {"until": row.until, "extensions": row.extensions}
    record(row, "reservation.extend", Actor.user(user), before=before, after=after, reason=reason)
    if not by_bank:
        fee(held, FeeKind.EXTENSION, f"{row.number}-{row.extensions}", Actor.user(user))
    notifications.notifications_create(notices=notices.extended(row, but=user))
    return row


@transaction.atomic
def unit_free(*, unit_id: UUID, user: User, reason: str) -> CordBloodUnit:
    """A unit that entered as reserved is free: whoever made that promise, before this system, has let go of it."""
    _guard_bank(user)
    unit, reason = locked_unit(unit_id), given_reason(reason)
    if not promises.entered_as_reserved(unit) or Reservation.objects.of_unit(unit_id):
        raise Conflict("not_unnamed", _("Only a unit that entered as reserved is freed here."))
    promises.guard_ours(unit)
    transaction.on_commit(ring)
    return promises.unpromise(unit, actor=Actor.user(user), reason=reason)


def extensions_left(row: Reservation, rules: ReservationRules) -> int:
    """How often the hospital may still extend it itself."""
    return max(0, rules.most_extensions - row.extensions)


# --- guards ---------------------------------------------------------------------------------------


def _not_allowed() -> NotAllowed:
    return NotAllowed("not_yours", _("You may not do this with this reservation."))


def _guard_bank(user: User) -> None:
    if not may_decide(user):
        raise _not_allowed()


def _guard_patient(patient: Patient, user: User) -> None:
    if not may_decide(user) and not open_in(user, Permission.RESERVATION_ASK, patient.hospital_id):
        raise _not_allowed()
    _guard_active(patient)


def _guard_active(patient: Patient) -> None:
    if not patient.is_active:
        raise Conflict(
            "patient_inactive",
            _("%(patient)s is not active: no unit is kept for this patient."),
            params={"patient": patient.code},
        )
    if not patient.hospital.active:
        raise Conflict("hospital_inactive", _("This hospital is not active; it may reserve no unit."))


def _guard_line(held: Locked, reason: str) -> None:
    ahead = Reservation.objects.line_of(held.unit.pk).first()
    if ahead is not None and ahead.pk != held.row.pk and not reason.strip():
        raise InvalidInput(
            "not_first",
            _("%(number)s asked for this unit before. Say why this patient goes first."),
            field="reason",
            params={"number": ahead.number},
        )


def _guard_unit(unit: CordBloodUnit) -> None:
    """A hospital asks for what it may know of: what a search offers."""
    promises.guard_promisable(unit)
    if unit.status not in SEARCHABLE:
        raise Conflict(
            "unit_not_on_offer",
            _("%(unit)s is not on offer now."),
            params={"unit": unit.public_no},
        )


def _guard_number(patient: Patient, unit: CordBloodUnit) -> None:
    open_rows = Reservation.objects.open().filter(patient=patient)
    if open_rows.filter(unit=unit).exists():
        raise Conflict(
            "asked_already",
            _("%(unit)s is reserved or asked for already for this patient."),
            params={"unit": unit.public_no},
        )
    most = ReservationRules.load().most_of_patient
    if open_rows.count() >= most:
        raise Conflict(
            "too_many_units",
            _(
                "%(n)d units are kept or asked for for this patient, as many as the bank allows. Cancel one first."
            ),
            params={"n": most},
        )


def _guard_own_extension(row: Reservation, user: User, rules: ReservationRules) -> None:
    if not open_in(user, Permission.RESERVATION_ASK, row.hospital_id):
        raise _not_allowed()
    if not extensions_left(row, rules):
        raise Conflict(
            "no_extension_left",
            _("%(number)s was extended %(n)d times, as often as a hospital may. Ask the bank."),
            params={"number": row.number, "n": row.extensions},
        )


def _guard_day(last: dt.date) -> None:
    today = timezone.localdate()
    if not today <= last <= today + dt.timedelta(days=MOST_DAYS):
        raise InvalidInput(
            "day_out_of_range",
            _("Choose a day from today to %(last)s."),
            field="until",
            params={"last": f"{today + dt.timedelta(days=MOST_DAYS):%Y-%m-%d}"},
        )


# --- parts ----------------------------------------------------------------------------------------


def _at_once(row: Reservation, user: User) -> bool:
    """Whether the promise can be made now: nobody has it, nobody waits for it, and whoever asks may."""
    ahead = Reservation.objects.line_of(row.unit_id).exclude(pk=row.pk).exists()
    if ahead or row.unit.status != UnitStatus.LISTED or Reservation.objects.of_unit(row.unit_id):
        return False
    return may_decide(user) or reserves_itself(row.hospital)


def reserves_itself(hospital: Hospital) -> bool:
    """The bank lets this hospital reserve without a coordinator, and its qualification is in force."""
    return hospital.active and hospital.self_service_reservation and hospital.is_qualified


def default_end() -> dt.date:
    """The last day of a reservation that is confirmed today."""
    return timezone.localdate() + dt.timedelta(days=ReservationRules.load().days)


def _sent_before(wish: Wish, user: User) -> Reservation | None:
    """What this very form asked for before; an id of somebody else's tells nothing. Raises Conflict where it ended."""
    rows = Reservation.objects.select_related("patient", "unit", "hospital")
    same = rows.filter(unit=wish.unit_id, patient=wish.patient_id, asked_by=user)
    found: Reservation | None = same.filter(pk=wish.reservation_id).first() if wish.reservation_id else None
    if found is not None and not found.is_open:
        raise ended(found)
    return found


def _request(wish: Wish, patient: Patient) -> MatchRequest | None:
    """The request that was named. A reservation outlives it: it is not let go of because criteria were asked anew."""
    if wish.request_id is None:
        return None
    named: MatchRequest | None = MatchRequest.objects.filter(patient=patient, pk=wish.request_id).first()
    if named is None or named.state not in OPEN_REQUESTS:
        raise Conflict("request_ended", _("This match request has ended; nothing is reserved by it."))
    return named


def _purpose(given: str) -> str:
    if given not in Purpose.values:
        raise InvalidInput("purpose_unknown", _("Choose what the unit is for."), field="purpose")
    return given
