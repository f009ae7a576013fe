"""Confirmatory typings: asked for, sampled, reported, verified or taken back, cancelled; undone by a settled conflict.

Each is one transaction: locks (transplants.writing_typings), guards, change, audit entry, then the notices.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import typing_compared
from bank.choices import Subject
from bank.choices_stocks import SampleKind, SamplePurpose
from bank.models import CordBloodUnit
from bank.services_samples import Use, Which, sample_use
from bank.services_typing import typing_confirm_row
from bank.typing_compared import Reported, loci_of
from core import notifications
from core.audit import Actor
from core.errors import Conflict, NotAllowed
from core.models import User
from core.roles import Permission
from core.typings import TypingInput, guard_typing, interpret
from hospitals.querysets import open_in
from matching.services import prediction_confirm
from transplants import match_held, writing
from transplants import notices_typings as notices
from transplants.charges import charge
from transplants.choices_incidents import FeeKind, IncidentKind
from transplants.choices_orders import TypingState
from transplants.guards_typings import (
    guard_bank,
    guard_in_store,
    guard_loci,
    guard_promised,
    guard_report,
    guard_sample_day,
    guard_shown,
    guard_typable,
    is_bank,
    listed_of,
    not_allowed,
)
from transplants.incidents import Found, opened
from transplants.models import ConfirmatoryTyping, Reservation
from transplants.numbers import CONFIRMATORY_TYPING, next_number
from transplants.writing_typings import LockedTyping, cancel, guard_state, locked_typing, record, save

SEGMENT: Final = Which(Subject.UNIT, SampleKind.SEGMENT)


@transaction.atomic
def typing_ask(
    *, reservation_id: UUID, user: User, note: str = "", typing_id: UUID | None = None
) -> ConfirmatoryTyping:
    """Ask that a reserved unit be typed anew on one of its attached segments.

    typing_id: of the form, so that a double click asks once. Raises NotAllowed, or Conflict: no promise, a unit that
    is held or blocked, no typing to compare with, no segment, one that is open or has vouched for the unit already.
    """
    held = writing.locked(reservation_id)
    row = held.row
    if not open_in(user, Permission.ORDER_ASK, row.hospital_id):
        raise not_allowed()
    if known := _sent_before(row, user, typing_id):
        return known
    guard_promised(row, held.unit)
    guard_typable(row, held.unit)
    asked = ConfirmatoryTyping(
        id=_new_id(typing_id),
        reservation=row,
        unit=held.unit,
        patient=held.patient,
        hospital=row.hospital,
        note=note.replace("\0", "").strip()[:400],
        asked_by=user,
        asked_by_bank=is_bank(user, Permission.ORDER_ASK),
        number=next_number(CONFIRMATORY_TYPING, timezone.localdate().year),
    )
    asked.save(force_insert=True)
    record(asked, "typing.ask", Actor.user(user), after={"unit": held.unit.public_no})
    notifications.notifications_create(notices=notices.asked(asked, but=user))
    return asked


@transaction.atomic
def typing_sample(*, typing_id: UUID, user: User, used_on: dt.date | None = None) -> ConfirmatoryTyping:
    """The laboratory takes one attached segment, out of the stock, for good. Raises Conflict where none is left."""
    guard_bank(user, Permission.TYPING_WORK)
    held = locked_typing(typing_id)
    guard_state(held.row, TypingState.ASKED)
    guard_in_store(held.unit)
    day = used_on or timezone.localdate()
    guard_sample_day(held.row, day)
    actor = Actor.user(user)
    use = Use(purpose=SamplePurpose.CONFIRMATORY, for_what=held.row.number, used_on=day)
    taken = sample_use(unit_id=held.unit.pk, which=SEGMENT, use=use, actor=actor)
    save(held.row, {"state": TypingState.SAMPLED, "sample_use": taken, "sampled_on": day})
    record(
        held.row, "typing.sample", actor, before={"state": TypingState.ASKED}, after=_after(held.row, on=day)
    )
    return held.row


@transaction.atomic
def typing_report(*, typing_id: UUID, given: TypingInput, method: str, user: User) -> ConfirmatoryTyping:
    """The laboratory enters what it found. Nothing of the unit changes before a second person has seen it.

    Raises InvalidInput for a typing that cannot be read, names too little, or contradicts itself.
    """
    guard_bank(user, Permission.TYPING_WORK)
    held = locked_typing(typing_id)
    guard_state(held.row, TypingState.SAMPLED)
    read = interpret(given)
    guard_typing(read)
    guard_report(held.row, given, method)
    guard_loci(read)
    found = Reported.of(given, read)
    new = {
        "state": TypingState.REPORTED,
        "reported": found.as_json(),
        "method": method,
        "reported_by": user,
        "reported_at": timezone.now(),
    }
    save(held.row, new)
    after = _after(held.row, laboratory=found.laboratory, method=method, loci=list(read.loci))
    record(held.row, "typing.report", Actor.user(user), before={"state": TypingState.SAMPLED}, after=after)
    notifications.notifications_create(notices=notices.reported(held.row, but=user))
    return held.row


@transaction.atomic
def typing_take_back(*, typing_id: UUID, user: User, reason: str, shown: str) -> ConfirmatoryTyping:
    """A result was entered wrongly: it waits to be entered again. What was entered stays, with who and why."""
    if not is_bank(user, Permission.TYPING_WORK) and not is_bank(user, Permission.RESULT_VERIFY):
        raise not_allowed()
    held, reason = locked_typing(typing_id), writing.given_reason(reason)
    row = held.row
    guard_state(row, TypingState.REPORTED)
    guard_shown(row, shown)
    actor = Actor.user(user)
    former = {
        **row.reported,
        "method": row.method,
        "reported_by": str(row.reported_by_id),
        "reported_at": row.reported_at.isoformat() if row.reported_at else "",
        "withdrawn_by": actor.label[:200],
        "withdrawn_at": timezone.now().isoformat(),
        "reason": reason,
    }
    new: dict[str, Any] = {
        "state": TypingState.SAMPLED,
        "reported": {},
        "method": "",
        "reported_by": None,
        "reported_at": None,
        "withdrawn": [*row.withdrawn, former],
    }
    save(row, new)
    record(
        row,
        "typing.take_back",
        actor,
        before={"state": TypingState.REPORTED},
        after=_after(row),
        reason=reason,
    )
    return row


@transaction.atomic
def typing_verify(*, typing_id: UUID, user: User, shown: str) -> ConfirmatoryTyping:
    """A second person vouches for the result; whether it confirms the unit follows from the comparison.

    shown: `shown_of` as the page had it. A contradiction keeps the unit off every further step, opens an incident and
    is told to both sides at once. Raises NotAllowed for whoever entered the result, Conflict for a stale page.
    """
    guard_bank(user, Permission.RESULT_VERIFY)
    held = locked_typing(typing_id)
    row = held.row
    guard_state(row, TypingState.REPORTED)
    if row.reported_by_id == user.pk:
        raise NotAllowed("own_work", _("You entered this result yourself. Somebody else must verify it."))
    guard_shown(row, shown)
    listed = listed_of(held.unit)
    found, actor = Reported.from_json(row.reported), Actor.user(user)
    differ = typing_compared.differing(loci_of(listed.canonical_gl), loci_of(found.gl))
    assert row.reported_by_id is not None  # of a reported one, by constraint
    result = typing_confirm_row(
        held.unit, found, differ=differ, entered_by_id=row.reported_by_id, actor=actor
    )
    state = TypingState.DISCREPANT if differ else TypingState.CONFIRMED
    new = {
        "state": state,
        "result": result,
        "compared_with": listed,
        "verified_by": user,
        "differing": differ,
        "ended_at": timezone.now(),
    }
    save(row, new)
    record(
        row,
        "typing.verify",
        actor,
        before={"state": TypingState.REPORTED},
        after=_after(row, differing=differ),
    )
    if not differ and found.day is not None:  # what contradicts proves no prediction before it is settled
        prediction_confirm(unit_id=held.unit.pk, gl=found.gl, confirmed_on=found.day, actor=actor)
    if not differ and not row.asked_by_bank:
        _charge(held, actor)
    _tell_outcome(held, actor, user)
    return row


def _charge(held: LockedTyping, actor: Actor) -> None:
    """What a hospital asked for, and what agrees with the list. Where the bank wanted to know, or listed it wrongly,
    the bank pays itself."""
    charge(
        kind=FeeKind.TYPING,
        reference=held.row.number,
        patient=held.row.patient,
        unit=held.unit,
        on=timezone.localdate(),
        actor=actor,
    )


def _tell_outcome(held: LockedTyping, actor: Actor, user: User) -> None:
    """People are told of incident and outcome together: their rows are locked once, in one order."""
    row = held.row
    promised = Reservation.objects.of_unit(held.unit.pk)
    if row.state == TypingState.CONFIRMED:
        told_now = notices.confirmed(row, promised, but=user)
        if promised is not None and match_held.now_fallen(promised) is not None:
            told_now += notices.fallen(promised, but=user.pk)
        notifications.notifications_create(notices=told_now)
        return
    if promised is not None:
        _hold_is_told(promised)
    with notifications.kept_back() as told:
        opened(_incident(held), actor=actor)
    notifications.notifications_create(notices=[*told, *notices.discrepant(row, promised, but=user)])


def _hold_is_told(promised: Reservation) -> None:
    """The notice of the contradiction says that the unit cannot be counted on; the sweep need not say so again."""
    row = Reservation.objects.select_for_update(no_key=True).get(pk=promised.pk)
    writing.save(row, {"held_told_at": timezone.now()})


def _incident(held: LockedTyping) -> Found:
    row = held.row
    loci = ", ".join(f"HLA-{locus}" for locus in row.differing)
    values = {"number": row.number, "unit": held.unit.public_no, "loci": loci}
    return Found(
        kind=IncidentKind.TYPING,
        title=str(_("%(number)s: the typing of %(unit)s is contradicted at %(loci)s") % values),
        what=str(
            _(
                "The confirmatory typing %(number)s of an attached segment of %(unit)s contradicts the listed typing at"
                " %(loci)s. The unit goes no step further until somebody has settled which is right."
            )
            % values
        ),
        units=[held.unit],
        hospital=row.hospital,
        patient=row.patient,
    )


@transaction.atomic
def typing_cancel(*, typing_id: UUID, user: User, reason: str) -> ConfirmatoryTyping:
    """It is not needed any more. The hospital until the segment is cut, the bank until a result is entered.

    A result is verified or taken back: what it says of the unit is not cancelled away.
    """
    held, reason = locked_typing(typing_id), writing.given_reason(reason)
    row = held.row
    by_bank = is_bank(user, Permission.ORDER_ASK) or is_bank(user, Permission.TYPING_WORK)
    if not by_bank and not open_in(user, Permission.ORDER_ASK, row.hospital_id):
        raise not_allowed()
    if row.state == TypingState.SAMPLED and not by_bank:
        raise Conflict(
            "sampled_already",
            _("The segment of %(number)s is cut already; ask the bank."),
            params={"number": row.number},
        )
    guard_state(row, TypingState.ASKED, TypingState.SAMPLED)
    cancel(row, actor=Actor.user(user), reason=reason, action="typing.cancel")
    notifications.notifications_create(notices=notices.cancelled(row, but=user))
    return row


def typings_settled(unit: CordBloodUnit, actor: Actor) -> None:
    """Somebody has said which of a unit's typings is right (bank.settling), in the same transaction.

    What vouched for it, or contradicted it, speaks of what was disputed: it vouches for nothing any more. Whoever
    counts on the unit must look at its typing anew.
    """
    ended = [TypingState.CONFIRMED, TypingState.DISCREPANT]
    rows = ConfirmatoryTyping.objects.filter(unit=unit, state__in=ended, settled_at__isnull=True)
    for row in (
        rows.select_related("patient", "unit").order_by("pk").select_for_update(no_key=True, of=("self",))
    ):
        save(row, {"settled_at": timezone.now()})
        record(row, "typing.settle", actor)
    promised = Reservation.objects.with_names().active().filter(unit=unit).first()
    if promised is not None:
        notifications.notifications_create(notices=notices.settled(promised, but=actor.person_id))


# --- parts ----------------------------------------------------------------------------------------


def _after(row: ConfirmatoryTyping, **more: object) -> dict[str, object]:
    return {"state": row.state, **more}


def _sent_before(row: Reservation, user: User, typing_id: UUID | None) -> ConfirmatoryTyping | None:
    """What this very form asked for before. Raises Conflict where that has ended."""
    if typing_id is None:
        return None
    rows = ConfirmatoryTyping.objects.filter(reservation=row, asked_by=user).with_names()
    found: ConfirmatoryTyping | None = rows.filter(pk=typing_id).first()
    if found is not None and not found.is_open:
        guard_state(found, TypingState.ASKED)
    return found


def _new_id(wanted: UUID | None) -> UUID:
    return uuid4() if wanted is None or ConfirmatoryTyping.objects.filter(pk=wanted).exists() else wanted
