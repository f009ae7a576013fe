"""Units that left the bank and were not infused: told of, back in the house, decided on by two people (ADR 41).

What never comes back is discarded as every unit is (bank.services_disposal): proposed by one, signed by another.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import services as bank_services
from bank.choices import DiscardReason, UnitStatus
from bank.lot_locks import share_lots
from bank.services_disposal import leave
from core import audit, notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission, Role
from core.signing import guard_signature
from transplants import moving, notices_grafts
from transplants.bag_code import guard_scanned
from transplants.choices_orders import Answer, FailureCause, OrderState, ReturnDecision
from transplants.models import UnitReturn
from transplants.moving import LockedOrder
from transplants.relisting import open_checks
from transplants.services_grafts import arrived_at, guard_hospital
from transplants.writing import given_reason, ring

# Why a hospital did not use a unit that it accepted; what happens on the way is told by the shipment.
NOT_USED_CAUSES: Final = (
    FailureCause.PATIENT,
    FailureCause.OTHER_GRAFT,
    FailureCause.THAW,
    FailureCause.TEMPERATURE,
    FailureCause.DAMAGED,
    FailureCause.OTHER,
)
_DISCARDED_FOR: Final = {
    FailureCause.TEMPERATURE: DiscardReason.TEMPERATURE,
    FailureCause.DAMAGED: DiscardReason.DAMAGED,
}


# --- the hospital ---------------------------------------------------------------------------------


@transaction.atomic
def graft_not_used(*, order_id: UUID, user: User, cause: str, note: str, thawed: bool) -> UnitReturn:
    """The hospital does not give the delivered unit to the patient. Its promise ends; quality assurance decides.

    Raises NotAllowed, InvalidInput, Conflict `order_state`.
    """
    held = moving.locked_order(order_id)
    guard_hospital(held.row, user)
    moving.guard_state(held.row, OrderState.DELIVERED)
    if cause not in NOT_USED_CAUSES:
        raise InvalidInput("cause_unknown", _("Choose why it was not used."), field="cause")
    if cause == FailureCause.THAW and not thawed:
        raise InvalidInput(
            "thaw_not_said", _("A unit that failed at thaw was thawed: say so."), field="thawed"
        )
    reason, actor = _given(note, "note"), Actor.user(user)
    row: UnitReturn = UnitReturn.objects.create(
        order=held.row,
        unit=held.unit,
        hospital=held.row.hospital,
        cause=cause,
        note=reason,
        thawed=thawed,
        reported_by=user,
    )
    moving.step(held, OrderState.NOT_USED, actor=actor, action="order.not_used", reason=reason)
    _record(row, "return.report", actor, after={"cause": cause, "thawed": thawed}, reason=reason)
    notifications.notifications_create(notices=notices_grafts.not_used(row, but=user))
    return row


# --- back in the house ----------------------------------------------------------------------------


@transaction.atomic
def unit_returned(
    *, order_id: UUID, user: User, scanned: str, returned_at: dt.datetime, bag_intact: str
) -> UnitReturn:
    """The unit is back in the bank, and under review: scanned, and looked at.

    Raises NotAllowed, InvalidInput, Conflict `back_already`, `transition`.
    """
    held, row = _locked(order_id)
    _guard_any(user, Permission.SHIPMENT_WORK, Permission.RETURN_DECIDE)
    if row.returned_at is not None:
        raise Conflict("back_already", _("This unit is back already."))
    guard_scanned(held.unit, scanned)
    _guard_moment(held, returned_at)
    if bag_intact not in Answer.values:
        raise InvalidInput("answer_missing", _("Say how the bag looks."), field="bag_intact")
    actor = Actor.user(user)
    _save(row, {"returned_at": returned_at, "returned_by": user, "bag_intact": bag_intact})
    bank_services.move(
        held.unit,
        UnitStatus.RETURNED_QA,
        actor=actor,
        action="unit.return",
        reason=held.row.number,
        fields={},
    )
    _record(row, "return.arrive", actor, after={"returned_at": returned_at, "bag_intact": bag_intact})
    notifications.notifications_create(notices=notices_grafts.returned(row, but=user))
    return row


def _guard_moment(held: LockedOrder, at: dt.datetime) -> None:
    if at > timezone.now():
        raise InvalidInput("returned_in_future", _("This lies ahead."), field="returned_at")
    shipment = getattr(held.row, "shipment", None)
    left = arrived_at(held.row) or (shipment.dispatched_at if shipment else None)
    if left is not None and at < left:
        raise InvalidInput(
            "returned_before_leaving",
            _("It left on %(left)s and cannot be back before."),
            field="returned_at",
            params={"left": f"{timezone.localtime(left):%Y-%m-%d %H:%M}"},
        )


# --- the decision ---------------------------------------------------------------------------------


@transaction.atomic
def return_propose(*, order_id: UUID, user: User, password: str, decision: str, reason: str) -> UnitReturn:
    """The first of two signatures: what shall become of a unit that came back, and why. Nothing moves yet.

    Raises NotAllowed, InvalidInput; Conflict `not_back`, `proposed_already`, `decided_already`, `not_listable`
    (details: what speaks against it), or why the bank would refuse the step.
    """
    held, row = _locked(order_id)
    _guard_any(user, Permission.RETURN_DECIDE)
    _guard_open(held, row)
    if row.decision:
        raise Conflict(
            "proposed_already", _("A decision is proposed already; another person has to sign it.")
        )
    if decision not in ReturnDecision.values:
        raise InvalidInput("decision_unknown", _("Say what becomes of the unit."), field="decision")
    text = _given(reason, "reason")
    _guard_way(held, row, decision)
    guard_signature(user, password)
    actor = Actor.user(user)
    _save(
        row,
        {"decision": decision, "decision_reason": text, "decided_by": user, "decided_at": timezone.now()},
    )
    _record(row, "return.propose", actor, after={"decision": decision}, reason=text)
    notifications.notifications_create(notices=notices_grafts.proposed(row, but=user))
    return row


@transaction.atomic
def return_second(*, order_id: UUID, user: User, password: str, seen: str) -> UnitReturn:
    """The second signature, of the other role: quality assurance and the medical director. The unit goes its way.

    seen: `digest_of` of the proposal as this person was shown it. Raises as `return_propose`; NotAllowed `own_work`,
    `other_role`; Conflict `not_proposed`, `proposal_changed`.
    """
    held, row = _locked(order_id)
    _guard_any(user, Permission.RETURN_DECIDE)
    _guard_open(held, row)
    if not row.decision or row.decided_by is None:
        raise Conflict("not_proposed", _("No decision is proposed any more. Look at the page again."))
    if row.decided_by_id == user.pk:
        raise NotAllowed("own_work", _("You proposed it yourself. Somebody else must sign."))
    if not are_both_roles(row.decided_by, user):
        raise NotAllowed(
            "other_role",
            _("One of the two signs for quality assurance, the other as medical director: that is missing."),
        )
    if seen != digest_of(row):
        raise Conflict("proposal_changed", _("The proposal has changed since you read it. Read it again."))
    _guard_way(held, row, row.decision)
    guard_signature(user, password)
    actor = Actor.user(user)
    _save(row, {"seconded_by": user, "seconded_at": timezone.now()})
    _carry_out(held, row, actor)
    _record(row, "return.decide", actor, after={"decision": row.decision}, reason=row.decision_reason)
    notifications.notifications_create(notices=notices_grafts.decided(row, but=user))
    return row


@transaction.atomic
def return_withdraw(*, order_id: UUID, user: User, reason: str) -> UnitReturn:
    """A proposal is taken back by who made it, or refused by who might have signed it."""
    held, row = _locked(order_id)
    _guard_any(user, Permission.RETURN_DECIDE)
    _guard_open(held, row)
    if not row.decision:
        raise Conflict("not_proposed", _("No decision is proposed any more. Look at the page again."))
    text, before = given_reason(reason), {"decision": row.decision, "decided_by": str(row.decided_by)}
    _save(row, {"decision": "", "decision_reason": "", "decided_by": None, "decided_at": None})
    _record(row, "return.withdraw", Actor.user(user), before=before, after={"decision": ""}, reason=text)
    return row


def are_both_roles(one: User, other: User) -> bool:
    """Whether the two people are quality assurance and medical director, in either order."""
    pairs = ((one.roles, other.roles), (other.roles, one.roles))
    return any(Role.QA in first and Role.MEDICAL_DIRECTOR in second for first, second in pairs)


def digest_of(row: UnitReturn) -> str:
    """Of a proposal, as a person is shown it before the signature."""
    at = row.decided_at.isoformat() if row.decided_at else ""
    told = [str(row.pk), row.decision, row.decision_reason, str(row.decided_by_id), at]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _guard_way(held: LockedOrder, row: UnitReturn, decision: str) -> None:
    """Raises Conflict where the unit may not go there now; a way that is open stays so until the end."""
    bank_services.guard_move(held.unit, _TO[ReturnDecision(decision)])
    if decision != ReturnDecision.LISTED:
        return
    share_lots(held.unit.pk)  # none is blocked between this look and the end
    found = open_checks(row)
    if found:
        raise Conflict(
            "not_listable",
            _("This unit cannot be on offer again: %(n)d conditions are not met."),
            field="decision",
            params={"n": len(found)},
            details=[{"code": one.code, "label": str(one.label), "text": one.says} for one in found],
        )


_TO: Final = {
    ReturnDecision.LISTED: UnitStatus.LISTED,
    ReturnDecision.DISCARDED: UnitStatus.DISCARDED,
    ReturnDecision.RESEARCH: UnitStatus.RESEARCH,
}


def _carry_out(held: LockedOrder, row: UnitReturn, actor: Actor) -> None:
    unit, to = held.unit, _TO[ReturnDecision(row.decision)]
    if to == UnitStatus.LISTED:
        bank_services.move(unit, to, actor=actor, action="unit.relist", reason=row.decision_reason, fields={})
        transaction.on_commit(ring)  # others may wait for it
        return
    code = _DISCARDED_FOR.get(FailureCause(row.cause), DiscardReason.OTHER)
    leave(unit, to, code=code, actor=actor, reason=row.decision_reason)


# --- parts ----------------------------------------------------------------------------------------


def _locked(order_id: UUID) -> tuple[LockedOrder, UnitReturn]:
    held = moving.locked_order(order_id)
    rows = UnitReturn.objects.select_related("decided_by").select_for_update(no_key=True, of=("self",))
    row: UnitReturn | None = rows.filter(pk=order_id).first()
    if row is None:
        raise Conflict("no_return", _("Nobody has said that this unit comes back."))
    row.order, row.unit, row.hospital = held.row, held.unit, held.row.hospital
    return held, row


def _guard_any(user: User, *permissions: Permission) -> None:
    if not any(user.has_permission(one) for one in permissions):
        raise NotAllowed("not_yours", _("You may not do this with a unit that came back."))


def _guard_open(held: LockedOrder, row: UnitReturn) -> None:
    if row.seconded_at is not None:
        raise Conflict(
            "decided_already",
            _("It is decided already: %(decision)s."),
            params={"decision": row.get_decision_display()},
        )
    if held.unit.status != UnitStatus.RETURNED_QA:
        raise Conflict(
            "not_back",
            _("%(unit)s is “%(status)s”: what becomes of it is decided once it is back and under review."),
            params={"unit": held.unit.public_no, "status": UnitStatus(held.unit.status).label},
        )


def _given(text: str, field: str) -> str:
    try:
        return given_reason(text)
    except InvalidInput as error:
        raise InvalidInput(error.code, _("Write why."), field=field) from None


def _save(row: UnitReturn, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=[*values])


def _record(row: UnitReturn, action: str, actor: Actor, **values: Any) -> None:
    """In a trail of its own: who reads that of the order may be of the hospital."""
    audit.record(
        actor=actor,
        action=action,
        target=(row._meta.label, str(row.pk), f"{row.order.number} · {row.unit.public_no}"),
        hospital_id=row.hospital_id,
        **values,
    )
