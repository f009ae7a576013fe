"""A unit leaves the inventory for good: one person proposes it, another one signs, and only then it goes (ADR 29)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import SEARCHABLE, TRANSITIONS, DiscardReason, UnitStatus
from bank.choices_stocks import WAYS_OUT, ProposalState
from bank.models import CordBloodUnit, DiscardProposal
from bank.research import guard_research
from bank.services import guard_move, hold, move
from bank.services_storage import free, slot_of
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from core.signing import guard_signature

# Who may propose it of a unit that quality assurance does not have yet (domain notes, workflow 1.2); elsewhere only who
# may decide.
PROPOSERS: dict[str, tuple[Permission, ...]] = {
    UnitStatus.COLLECTED: (Permission.UNIT_COLLECT, Permission.UNIT_PROCESS),
    UnitStatus.RECEIVED: (Permission.UNIT_PROCESS,),
    UnitStatus.PROCESSING: (Permission.UNIT_PROCESS,),
}


def may_propose(user: User, unit: CordBloodUnit) -> bool:
    """Whether this person may propose that a unit in its present state leave."""
    wanted = (Permission.UNIT_DISCARD, *PROPOSERS.get(unit.status, ()))
    return any(user.has_permission(one) for one in wanted)


@transaction.atomic
def discard_propose(*, unit_id: UUID, user: User, to: str, code: str, reason: str) -> DiscardProposal:
    """Propose that a unit be discarded or given to research. Until that is decided it goes no step further.

    A unit on offer is put on hold at once, so that nobody is offered what may be thrown away; it stays there if the
    proposal comes to nothing, until quality assurance lifts the hold.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    way = _way(to)
    if not may_propose(user, unit):
        raise NotAllowed("may_not_propose", _("In this state only quality assurance proposes that."))
    if unit.discard_proposals.open().exists():
        raise Conflict("proposed_already", _("This is proposed already; somebody has to decide on it."))
    _guard_way(unit, way)
    row: DiscardProposal = DiscardProposal.objects.create(
        unit=unit,
        to=way,
        code=DiscardReason(code),
        reason=reason,
        status_then=unit.status_before_hold or unit.status,
        proposed_by=user,
    )
    actor = Actor.user(user)
    after = {"to": way.value, "code": row.code}
    touch_unit(unit, actor=actor, action="unit.discard_propose", after=after, reason=reason)
    if unit.status in SEARCHABLE:
        hold(unit, actor=actor, reason=reason)
    return row


@transaction.atomic
def discard_carry_out(*, proposal_id: UUID, user: User, password: str) -> CordBloodUnit:
    """Sign another person's proposal: the unit leaves the inventory and its slot, for good. The record stays."""
    unit, row = _locked(proposal_id)
    way = UnitStatus(row.to)
    _guard_way(unit, way)
    _guard_decider(row, user, password)
    actor = Actor.user(user)
    _decide(row, ProposalState.CARRIED_OUT, user, signed=True)
    leave(unit, way, code=row.code, actor=actor, reason=row.reason)
    return unit


@transaction.atomic
def discard_refuse(*, proposal_id: UUID, user: User, password: str, reason: str) -> CordBloodUnit:
    """Say, signed, that another person's proposal is not carried out; the unit stays where it is."""
    unit, row = _locked(proposal_id)
    reason = given_reason(reason)
    _guard_decider(row, user, password)
    _decide(row, ProposalState.REFUSED, user, reason=reason, signed=True)
    touch_unit(unit, actor=Actor.user(user), action="unit.discard_refuse", reason=reason)
    return unit


@transaction.atomic
def discard_withdraw(*, proposal_id: UUID, user: User, reason: str) -> CordBloodUnit:
    """Take one's own proposal back; the unit stays where it is."""
    unit, row = _locked(proposal_id)
    reason = given_reason(reason)
    if row.proposed_by_id != user.pk:
        raise NotAllowed("not_yours", _("Somebody else proposed it. You may refuse it instead."))
    _decide(row, ProposalState.WITHDRAWN, user, reason=reason)
    touch_unit(unit, actor=Actor.user(user), action="unit.discard_withdraw", reason=reason)
    return unit


def leave(unit: CordBloodUnit, to: UnitStatus, *, code: str, actor: Actor, reason: str) -> None:
    """The locked unit out of its slot and out of the inventory. No page leads here but by two people."""
    here = slot_of(unit)
    discarded = to == UnitStatus.DISCARDED
    fields: dict[str, Any] = {
        "discard_reason": DiscardReason(code).value if discarded else "",
        "status_before_hold": "",
        "hold_reason": "",
    }
    action = "unit.discard" if discarded else "unit.research"
    move(unit, to, actor=actor, action=action, reason=reason, fields=fields)
    if here is not None:
        free(unit, here, actor=actor, reason=reason)


def _way(to: str) -> UnitStatus:
    if to not in WAYS_OUT:
        raise InvalidInput("way_unknown", _("Say what becomes of the unit."), field="to")
    return UnitStatus(to)


def _guard_way(unit: CordBloodUnit, way: UnitStatus) -> None:
    guard_own(unit)
    if unit.status == way:
        text = _("This unit has left the inventory already: it is “%(here)s”.")
        raise Conflict("transition", text, params={"here": way.label})
    if way == UnitStatus.RESEARCH and way in TRANSITIONS[UnitStatus(unit.status)]:
        guard_research(unit, "to")
    guard_move(unit, way)


def _locked(proposal_id: UUID) -> tuple[CordBloodUnit, DiscardProposal]:
    """The unit first, as everywhere; then the proposal, which nobody may have decided on meanwhile."""
    unit_id = DiscardProposal.objects.filter(pk=proposal_id).values_list("unit_id", flat=True).first()
    if unit_id is None:
        raise InvalidInput("proposal_unknown", _("There is no such proposal."))
    unit = locked_unit(unit_id)
    row: DiscardProposal = DiscardProposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    if not row.is_open:
        text = _("Somebody was quicker: this proposal is “%(state)s” already.")
        raise Conflict("decided_already", text, params={"state": row.get_state_display()})
    return unit, row


def _guard_decider(row: DiscardProposal, user: User, password: str) -> None:
    if not user.has_permission(Permission.UNIT_DISCARD):
        raise NotAllowed("may_not_decide", _("Only quality assurance decides that a unit leaves."))
    if row.proposed_by_id == user.pk:
        raise NotAllowed("own_work", _("You proposed it yourself. Somebody else must sign."))
    guard_signature(user, password)


def _decide(
    row: DiscardProposal, state: ProposalState, user: User, *, reason: str = "", signed: bool = False
) -> None:
    row.state, row.decided_by, row.decided_at = state, user, timezone.now()
    row.decision_reason = reason
    row.signed_by = Actor.user(user).label[:200] if signed else ""
    row.save(update_fields=["state", "decided_by", "decided_at", "decision_reason", "signed_by"])
