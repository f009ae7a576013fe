"""Every write of the bank beyond one plain row: one transaction, row lock, guard, change, audit entry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from bank import confirming
from bank.choices import (
    HAPPENED,
    SEARCHABLE,
    STEPS_BACK,
    TRANSITIONS,
    HoldReason,
    UnitStatus,
)
from bank.limits import Limits
from bank.lot_locks import share_lots
from bank.models import CordBloodUnit, Lot, Measurement, PlausibilityLimits
from bank.promised import is_promised
from bank.research import guard_research
from bank.results import changed_since
from bank.writing import given_reason, guard_own, locked_unit, write_unit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.populations import canonical_populations

# Nobody can vouch for a value that is not there: it must be entered first.
NOT_CONFIRMABLE = frozenset({HoldReason.TNC_MISSING.value})
VALUES_CHANGED = _("The values have changed since you read them. Nothing was confirmed: read them again.")


# --- states ---------------------------------------------------------------------------------------


@transaction.atomic
def unit_hold(*, unit_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """Take a unit out of use for an administrative reason; it remembers where it came from."""
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    if unit.status == UnitStatus.ON_HOLD:
        raise Conflict("already_on_hold", _("This unit is on hold already."))
    return hold(unit, actor=actor, reason=reason)


def hold(unit: CordBloodUnit, *, actor: Actor, reason: str) -> CordBloodUnit:
    """The locked unit out of use; it remembers where it came from."""
    fields = {"status_before_hold": unit.status, "hold_reason": reason}
    return move(unit, UnitStatus.ON_HOLD, actor=actor, action="unit.hold", reason=reason, fields=fields)


def hold_all(units: Sequence[CordBloodUnit], *, actor: Actor, reason: str) -> None:
    """The same of many locked units, each with its own audit entry, in as many statements as of few: who blocks a lot
    of thousands of units waits for it."""
    now, to = timezone.now(), UnitStatus.ON_HOLD
    entries = []
    for unit in units:
        guard_move(unit, to)
        new = {"status_before_hold": unit.status, "hold_reason": reason, "status": to.value}
        entries.append(audit.Entry(unit, *audit.changes({name: getattr(unit, name) for name in new}, new)))
        for name, value in {**new, "status_changed_at": now, "updated_at": now}.items():
            setattr(unit, name, value)
    CordBloodUnit.objects.filter(pk__in=[unit.pk for unit in units]).update(
        status=to.value,
        status_before_hold=F("status"),
        hold_reason=reason,
        status_changed_at=now,
        updated_at=now,
    )
    audit.record_each(actor=actor, action="unit.hold", entries=entries, reason=reason)


@transaction.atomic
def unit_unhold(*, unit_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """Give a held unit back to the state that it was taken from.

    One that was on offer, and of which something was recorded while it was held, or on which a lot was used that is
    blocked today, goes into quarantine: it is released again by what is known now, and a promise of it lives on
    meanwhile. Conflict `changed_while_held` and `lot_blocked` where it entered as reserved and nobody knows for whom.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    if unit.status != UnitStatus.ON_HOLD:
        raise Conflict("not_on_hold", _("This unit is not on hold."))
    back = _way_back(unit)
    fields = {"status_before_hold": "", "hold_reason": ""}
    return move(unit, back, actor=actor, action="unit.unhold", reason=reason, fields=fields)


def _way_back(unit: CordBloodUnit) -> UnitStatus:
    before = UnitStatus(unit.status_before_hold)
    if before not in SEARCHABLE:
        return before
    share_lots(unit.pk)
    blocked = Lot.objects.blocked().filter(uses__unit=unit).exists()
    if not blocked and not changed_since(unit, unit.status_changed_at):
        return before
    if before == UnitStatus.RESERVED and not is_promised(unit.pk):
        why = (
            _("Something that was used on this unit is blocked, and the unit entered as reserved.")
            if blocked
            else _("Results of this unit were recorded while it was held, and it entered as reserved.")
        )
        text = format_lazy("{} {}", why, _("Say first for whom, or that it is free."))
        raise Conflict("lot_blocked" if blocked else "changed_while_held", text)
    return UnitStatus.QUARANTINE


@transaction.atomic
def unit_confirm_values(*, unit_id: UUID, shown: str, actor: Actor, reason: str) -> CordBloodUnit:
    """A second person vouches for values that the import held back, as they were shown (bank.confirming).

    The unit goes on offer only if its file came with a declaration that its units were released before; else it stays
    in quarantine for the release desk. Raises Conflict where nothing waits, a needed value is missing, or something
    else was shown than is there now; NotAllowed for the person who imported, or entered one of the values.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    guard_own(unit)
    _guard_confirmation(unit, actor)
    seen = confirming.shown(unit)
    if seen.digest != shown:
        raise Conflict("values_changed", VALUES_CHANGED)
    to = confirming.goes_to(unit)
    _verify(seen.measurements, actor)
    fields = {"held_for_confirmation": False, "held_reasons": [], "status_when_confirmed": ""}
    return move(unit, to, actor=actor, action="unit.confirm_values", reason=reason, fields=fields)


@transaction.atomic
def unit_population_change(*, unit_id: UUID, populations: str, actor: Actor, reason: str) -> CordBloodUnit:
    """Say of which population the unit is (core.populations; "" unknown): frequencies are chosen by it.

    The state is not touched, so a unit in any state may be corrected. The same population again writes nothing.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    new = canonical_populations(populations)
    guard_own(unit)
    if new == unit.populations:
        return unit
    return write_unit(unit, {"populations": new}, {}, actor=actor, action="unit.populations", reason=reason)


def _guard_confirmation(unit: CordBloodUnit, actor: Actor) -> None:
    if not unit.held_for_confirmation or unit.status != UnitStatus.QUARANTINE:
        raise Conflict("nothing_to_confirm", _("No value of this unit waits for confirmation."))
    if any(held["code"] in NOT_CONFIRMABLE for held in unit.held_reasons):
        raise Conflict(
            "value_missing", _("A value is missing; it must be entered before the unit can be confirmed.")
        )
    if unit.import_batch and unit.import_batch.user_id == actor.person_id:
        raise NotAllowed("second_person", _("You imported this unit. Somebody else must confirm its values."))
    person = actor.person_id
    if person is not None and any(row.entered_by_id == person for row in confirming.listed_values(unit)):
        text = _("You entered a value of this unit yourself. Somebody else must confirm its values.")
        raise NotAllowed("second_person", text)


def _verify(rows: Iterable[Measurement], actor: Actor) -> None:
    """By a person only, and never what the person entered."""
    verifier = actor.person_id
    keys = [row.pk for row in rows if verifier is not None and row.entered_by_id != verifier]
    Measurement.objects.filter(pk__in=keys).update(verified_by_id=verifier, verified_at=timezone.now())


def move(
    unit: CordBloodUnit,
    to: UnitStatus,
    *,
    actor: Actor,
    action: str,
    reason: str,
    fields: Mapping[str, Any],
    at: dt.datetime | None = None,
) -> CordBloodUnit:
    """The one place where a unit changes its state. `to` may be the present state: then only fields change.

    at: the moment, None for now.
    """
    guard_move(unit, to)
    here = UnitStatus(unit.status)
    new = {**fields, "status": to.value}
    moved = {"status_changed_at": at or timezone.now()} if to != here else {}
    return write_unit(unit, new, moved, actor=actor, action=action, reason=reason)


def guard_move(unit: CordBloodUnit, to: UnitStatus) -> None:
    """Raises Conflict where `move` would: for services that write something else first."""
    here = UnitStatus(unit.status)
    if to != here and to not in TRANSITIONS[here]:
        text = _("A unit in the state “%(here)s” cannot become “%(to)s”.")
        raise Conflict("transition", text, params={"here": here.label, "to": to.label})
    guard_own(unit)
    _guard_blocked(unit, to)


# What a unit whose consent is withdrawn may do beside leaving: lie where it is. To be frozen is a step forward.
_STILL = frozenset(
    {(UnitStatus.ON_HOLD, UnitStatus.QUARANTINE), (UnitStatus.QUARANTINE, UnitStatus.QUARANTINE)}
)


def may_move(unit: CordBloodUnit, to: UnitStatus) -> bool:
    """Whether `move` would take it there: for pages, which offer nothing that would be refused."""
    try:
        guard_move(unit, to)
    except Conflict:
        return False
    return True


def may_unhold(unit: CordBloodUnit) -> bool:
    """Where results were recorded meanwhile, lifting is offered: its refusal says what to do first."""
    try:
        back = _way_back(unit)
    except Conflict:
        return True
    return may_move(unit, back)


def _guard_blocked(unit: CordBloodUnit, to: UnitStatus) -> None:
    """A flag is lifted by its own service, with its own reason; until then the unit only moves away from use."""
    if to in (UnitStatus.ON_HOLD, UnitStatus.DISCARDED, UnitStatus.VOID) or to in HAPPENED:
        return
    if (unit.status, to) in STEPS_BACK:
        return
    _guard_proposed(unit, to)
    if unit.recalled:
        raise Conflict("recalled", _("This unit is recalled; it cannot move forward."))
    if to not in (UnitStatus.QUARANTINE, UnitStatus.RESEARCH) and unit.stopped:
        raise Conflict(
            "stopped",
            _(
                "Something bad came to light of this unit; until its incident is closed it cannot move forward."
            ),
        )
    if unit.consent_withdrawn and (unit.status, to) not in _STILL:
        raise Conflict(
            "consent_withdrawn", _("The consent for this unit is withdrawn; it cannot move forward.")
        )
    if to not in (UnitStatus.QUARANTINE, UnitStatus.RESEARCH) and unit.typing_conflict:
        raise Conflict(
            "typing_conflict",
            _("Two typings of this unit disagree; until that is settled it cannot move forward."),
        )
    if to == UnitStatus.RESEARCH:
        guard_research(unit)


def _guard_proposed(unit: CordBloodUnit, to: UnitStatus) -> None:
    """What somebody wants discarded goes no step further until that is decided."""
    is_back = (unit.status, to) == (UnitStatus.ON_HOLD, UnitStatus.QUARANTINE)
    if to != UnitStatus.RESEARCH and not is_back and unit.discard_proposals.open().exists():
        raise Conflict(
            "discard_proposed",
            _(
                "It is proposed that this unit leave the inventory. That has to be decided or withdrawn first."
            ),
        )


# --- settings ------------------------------------------------------------------------------------


def load_limits() -> Limits:
    row = PlausibilityLimits.load()
    return Limits(row.tnc_e7_min, row.tnc_e7_max, row.cd34_percent_min, row.cd34_percent_max)


@transaction.atomic
def limits_update(*, values: Mapping[str, float], actor: Actor, reason: str) -> PlausibilityLimits:
    """Change the bounds beyond which counts wait for confirmation; units that wait keep waiting."""
    reason = given_reason(reason)
    names = ("tnc_e7_min", "tnc_e7_max", "cd34_percent_min", "cd34_percent_max")
    new = {name: float(values[name]) for name in names}
    if (
        not 0 < new["tnc_e7_min"] < new["tnc_e7_max"]
        or not 0 < new["cd34_percent_min"] < new["cd34_percent_max"]
    ):
        raise InvalidInput("limits_order", _("The lower bound must be above 0 and below the upper one."))
    PlausibilityLimits.objects.get_or_create(pk=1)
    row = PlausibilityLimits.objects.select_for_update(no_key=True).get(pk=1)
    before, after = audit.changes({name: getattr(row, name) for name in names}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save()
    audit.record(actor=actor, action="limits.update", target=row, before=before, after=after, reason=reason)
    return row
