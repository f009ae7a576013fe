"""Signatures of an order by password: the prescription by a physician, the release by two people of the bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.lot_locks import share_lots
from core import notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from core.signing import guard_signature
from transplants import notices_orders as notices
from transplants import orders_guards as guards
from transplants import prescription
from transplants.checklist import Checklist, checklist_of, digest_of, in_english, kept
from transplants.choices_orders import Meaning, OrderState
from transplants.models import ConfirmatoryTyping, Order, OrderSignature
from transplants.moving import LockedOrder, guard_state, locked_order, record, step
from transplants.order_signatures import (
    RELEASES,
    make_void,
    prescription_signature,
    signer_words,
    standing,
    write,
)
from transplants.services_orders import guard_checks
from transplants.writing import LONGEST_REASON, given_reason


@transaction.atomic
def order_sign(*, order_id: UUID, user: User, password: str, version: int | None = None) -> OrderSignature:
    """A physician of the hospital signs the prescription as it is now. version: as it was shown.

    Raises NotAllowed `may_not_prescribe`, `wrong_password`; Conflict `signed_already`, `changed_meanwhile`.
    """
    held = locked_order(order_id)
    row = held.row
    guards.guard_prescribe(user, row.hospital_id)
    guard_state(row, *guards.AMENDABLE)
    guards.guard_seen(row, version)
    guards.guard_patient(held.patient)
    if known := prescription_signature(row):
        raise Conflict(
            "signed_already",
            _("The prescription is signed already, by %(name)s."),
            params={"name": signer_words(known.signer)},
        )
    guard_signature(user, password)
    make_void(standing(row, Meaning.PRESCRIPTION), "signed anew")
    found = write(row, Meaning.PRESCRIPTION, user, prescription.digest(row))
    record(row, "order.sign", Actor.user(user), after={"version": row.version, "digest": found.digest})
    notifications.notifications_create(notices=notices.signed(row, but=user))
    return found


@dataclass(frozen=True)
class Releasing:
    """What is signed by a release. first: the first signature, where it holds for what is found now.

    stale: signatures of something that has changed since.
    """

    checklist: Checklist
    digest: str
    first: OrderSignature | None
    stale: list[OrderSignature]


def releasing(order: Order, found: Checklist | None = None) -> Releasing:
    """found: the checklist, where the caller has it already."""
    found = found or checklist_of(order)
    digest = digest_of(order, found)
    rows = standing(order, *RELEASES)
    holding = [row for row in rows if row.digest == digest]
    first = holding[0] if holding else None
    return Releasing(found, digest, first, [row for row in rows if row.digest != digest])


@transaction.atomic
def order_release_sign(
    *, order_id: UUID, user: User, password: str, seen: str | None = None, justification: str = ""
) -> OrderSignature:
    """Sign, as one of two, that the unit may leave; the second signature releases it.

    seen: `Releasing.digest` of what was shown. A first signature of something that has changed since is void, and this
    one takes its place. justification: why, where something is open that may be excepted; whoever signs first gives it.
    Raises Conflict `not_ready` with all that is open, `checks_changed`, `signed_already`; NotAllowed `own_work`,
    `may_not_except`, `wrong_password`.
    """
    guards.guard_release(user)
    held = locked_order(order_id)
    row = held.row
    guard_state(row, OrderState.APPROVED)
    share_lots(held.unit.pk)  # none is blocked between this look and the end
    now = releasing(row, in_english(row))  # looked at once: what is signed is what is judged and kept
    _guard_seen(now, seen)
    justification = _guard_open(row, now, user, justification)
    _guard_person(held, now, user, password)
    make_void(now.stale, "what was signed has changed")
    meaning = Meaning.RELEASE_SECOND if now.first else Meaning.RELEASE
    found = write(row, meaning, user, now.digest, justification=justification)
    actor = Actor.user(user)
    after = {"meaning": str(meaning), "digest": now.digest}
    record(row, "order.release_sign", actor, after=after, reason=justification)
    if now.first is None:
        notifications.notifications_create(notices=notices.half_released(row, but=user))
        return found
    new = {"released_at": timezone.now(), "release_checks": kept(now.checklist)}
    step(held, OrderState.RELEASED, actor=actor, action="order.release", fields=new)
    excepted = bool(now.first.justification or justification)
    notifications.notifications_create(notices=notices.released(row, but=user, excepted=excepted))
    return found


@transaction.atomic
def order_release_revoke(*, order_id: UUID, user: User, reason: str) -> Order:
    """The unit may not leave after all: both signatures are void, the order is approved as before."""
    guards.guard_release(user)
    held, reason = locked_order(order_id), given_reason(reason)
    row = held.row
    guard_state(row, OrderState.RELEASED)
    make_void(standing(row, *RELEASES), reason)
    new: dict[str, Any] = {"released_at": None, "release_checks": []}
    step(
        held,
        OrderState.APPROVED,
        actor=Actor.user(user),
        action="order.release_revoke",
        reason=reason,
        fields=new,
    )
    notifications.notifications_create(notices=notices.revoked(row, but=user))
    return row


def performers_of(order: Order, found: Checklist) -> frozenset[str]:
    """Ids of people who had a hand in what a release judges: their own work is released by others.

    Who entered results of the unit or froze it, who reported or verified its confirmatory typing, who asked for the
    order, signed its prescription, or approved it.
    """
    people = set(found.performers)
    rows = ConfirmatoryTyping.objects.filter(unit=order.unit_id)
    for named in rows.values_list("reported_by", "verified_by", "result__entered_by", "result__verified_by"):
        people |= {str(one) for one in named if one}
    people |= {str(one.signed_by_id) for one in standing(order, Meaning.PRESCRIPTION)}
    people |= {str(one) for one in (order.asked_by_id, order.approved_by_user_id) if one}
    return frozenset(people)


# --- guards ---------------------------------------------------------------------------------------


def _guard_seen(now: Releasing, seen: str | None) -> None:
    if seen is not None and seen != now.digest:
        raise Conflict(
            "checks_changed",
            _("Something has changed since you opened this page. Read the checklist again, then sign."),
        )


def _guard_open(row: Order, now: Releasing, user: User, justification: str) -> str:
    """The justification that is kept with this signature; "" where nothing is open."""
    if not now.checklist.open:
        return ""
    if not now.checklist.may_be_excepted:
        guard_checks(checklist_of(row).checks)  # in the reader's language
        guard_checks(now.checklist.checks)
    if now.first and now.first.justification:
        return ""  # given already, and shown to whoever signs second
    plain = justification.replace("\0", "").strip()
    if not user.has_permission(Permission.UNIT_RELEASE_EXCEPTION):
        raise NotAllowed(
            "may_not_except",
            _("Not all of the release specification is met. The medical director signs first and says why."),
        )
    if not plain:
        raise InvalidInput(
            "justification_needed",
            _("Write why the unit is released all the same; the hospital reads it."),
            field="justification",
        )
    return plain[:LONGEST_REASON]


def _guard_person(held: LockedOrder, now: Releasing, user: User, password: str) -> None:
    if now.first and now.first.signed_by_id == user.pk:
        raise NotAllowed("second_person", _("You signed already. Another person signs as the second."))
    if str(user.pk) in performers_of(held.row, now.checklist):
        raise NotAllowed(
            "own_work",
            _(
                "You had a hand in this unit's results, or asked for, prescribed or approved this order. Two others"
                " release it."
            ),
        )
    guard_signature(user, password)
