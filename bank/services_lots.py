"""Writes about lots: registered, corrected, used, kept from use with the units that they touched, given back."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from bank import lot_reach, lots
from bank.choices_lots import LotKind, LotState, LotStep
from bank.lot_use import LotGiven, plain_number, use_lots
from bank.models import CordBloodUnit, Lot
from bank.results import guard_past
from bank.services import hold_all
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core import audit
from core.audit import Actor, Batch
from core.errors import Conflict, InvalidInput
from core.models import User
from core.signing import guard_signature

CORRECTABLE = ("manufacturer", "expires_on", "received_on")


# --- the lot --------------------------------------------------------------------------------------


@transaction.atomic
def lot_register(
    *, kind: str, number: str, actor: Actor, manufacturer: str = "", expires_on: dt.date | None = None,
    received_on: dt.date | None = None,
) -> Lot:  # fmt: skip
    """Enter a lot before it is used. One that is known by its number only, from a result, is completed; so is one whose
    number was written with the manufacturer before it: else one lot would be two, and a block miss units.

    Conflict `lot_exists` where this manufacturer's lot is registered already.
    """
    what, plain, maker = LotKind(kind), plain_number(number), plain_number(manufacturer)
    if not plain:
        raise InvalidInput("number_missing", _("Give the number of the lot."), field="number")
    guard_past(received_on, "received_on")
    row = _written_before(what, plain, maker) or Lot(kind=what, number=plain)
    if row.number.upper() != plain.upper():
        row.number = plain
    row.manufacturer, row.expires_on, row.received_on = maker, expires_on, received_on
    row.registered_by_id = actor.person_id
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        text = _("This lot is registered already.")
        raise Conflict("lot_exists", text, field="number") from error
    given = {"manufacturer": maker, "expires_on": expires_on, "received_on": received_on}
    after = {
        "kind": what.value,
        "number": row.number,
        **{name: value for name, value in given.items() if value},
    }
    audit.record(actor=actor, action="lot.register", target=row, after=after)
    return row


def _written_before(kind: LotKind, number: str, maker: str) -> Lot | None:
    """The locked lot that nobody registered yet; written with its manufacturer rather than without."""
    rows = Lot.objects.select_for_update(no_key=True).filter(
        kind=kind, manufacturer="", registered_by=None, merged_into=None
    )
    whole = rows.filter(number__iexact=f"{maker} {number}").first() if maker else None
    found: Lot | None = whole or rows.filter(number__iexact=number).first()
    return found


@transaction.atomic
def lot_correct(*, lot_id: UUID, values: Mapping[str, Any], actor: Actor, reason: str) -> Lot:
    """Correct manufacturer, last day or day of receipt (CORRECTABLE); the same again writes nothing."""
    row = _locked(lot_id)
    reason = given_reason(reason)
    new = {name: values[name] for name in CORRECTABLE}
    new["manufacturer"] = plain_number(new["manufacturer"])
    guard_past(new["received_on"], "received_on")
    before, after = audit.changes({name: getattr(row, name) for name in CORRECTABLE}, new)
    if not after:
        return row
    for name, value in after.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save(update_fields=list(after))
    except IntegrityError as error:
        text = _("This manufacturer's lot of that number is registered already.")
        raise Conflict("lot_exists", text, field="manufacturer") from error
    audit.record(actor=actor, action="lot.correct", target=row, before=before, after=after, reason=reason)
    return row


@transaction.atomic
def lot_use_record(
    *, unit_id: UUID, kind: str, number: str, step: str, actor: Actor, used_on: dt.date | None = None,
    lot_reason: str = "",
) -> Lot:  # fmt: skip
    """Note a lot for which no step has a field: a reagent, the instrument of a typing, the vessel of a transfer."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    given = LotGiven(LotKind(kind), number, LotStep(step), "number")
    if not given.number:
        raise InvalidInput("number_missing", _("Give the number of the lot."), field="number")
    guard_past(used_on, "used_on")
    [lot] = use_lots(unit, [given], on=used_on, actor=actor, reason=lot_reason)
    after = {"lot": str(lot), "kind": lot.kind, "step": given.step.value, "used_on": used_on}
    touch_unit(unit, actor=actor, action="unit.lot", after=after)
    lot_reach.tell([lot], [unit], actor)
    return lot


# --- kept from use --------------------------------------------------------------------------------


@transaction.atomic
def lot_block(
    *, lot_id: UUID, user: User, password: str, reason: str, hold_units: Collection[UUID], seen: str
) -> Lot:
    """Keep a lot from use, signed; of the units that it touched those of `hold_units` are put on hold with it.

    All or nothing. seen: `lots.digest` of the units that the person was shown; Conflict `units_changed` where others
    or others' states are found now. Only a unit that is on offer, reserved or waits for its release can be held
    (lots.HOLDABLE): Conflict `not_holdable`; of one that is ordered whoever answers for the order decides.
    """
    reason = given_reason(reason)
    units = _locked_units(hold_units)  # before the lot: whoever records a use locks in this order too
    row = _locked(lot_id)
    if row.is_blocked:
        raise Conflict("blocked_already", _("This lot is blocked already."))
    _guard_units(row, units, seen)
    guard_signature(user, password)
    row.state, row.blocked_reason = LotState.BLOCKED.value, reason
    row.save(update_fields=["state", "blocked_reason"])
    _hold(row, units, user, action="lot.block", after={"state": row.state}, reason=reason)
    return row


@transaction.atomic
def lot_units_hold(
    *, lot_id: UUID, user: User, password: str, reason: str, hold_units: Collection[UUID], seen: str
) -> Lot:
    """Put further units of a blocked lot on hold, signed; all or nothing, as with the block."""
    reason = given_reason(reason)
    units = _locked_units(hold_units)
    row = _locked(lot_id)
    if not row.is_blocked:
        raise Conflict("not_blocked", _("This lot is not blocked."))
    if not units:
        raise InvalidInput("units_needed", _("Name at least one unit."), field="hold")
    _guard_units(row, units, seen)
    guard_signature(user, password)
    _hold(row, units, user, action="lot.hold", after={}, reason=reason)
    return row


def _guard_units(row: Lot, units: list[CordBloodUnit], seen: str) -> None:
    """They are what the person was shown, the lot touched each, and each can be held."""
    if seen != lots.digest(row):
        text = _("The units of this lot have changed since you read this page. Read it again, then sign.")
        raise Conflict("units_changed", text)
    touched = set(row.uses.filter(unit__in=units).values_list("unit_id", flat=True))
    for unit in units:
        if unit.pk not in touched or unit.status not in lots.HOLDABLE:
            text = _("%(unit)s cannot be put on hold with this lot.")
            raise Conflict("not_holdable", text, params={"unit": unit.public_no})


def _hold(
    row: Lot, units: list[CordBloodUnit], user: User, *, action: str, after: Mapping[str, Any], reason: str
) -> None:
    actor = Actor.user(user)
    why = _now("Lot %(lot)s is blocked: %(reason)s") % {"lot": row, "reason": reason}
    hold_all(units, actor=actor, reason=why)
    told = {**after, "held": len(units)}
    audit.record(actor=actor, action=action, target=row, after=told, reason=reason, batch=_batch(units))


@transaction.atomic
def lot_unblock(*, lot_id: UUID, user: User, password: str, reason: str) -> Lot:
    """Give a lot back to use, signed. The units stay on hold: each is looked at by itself."""
    reason = given_reason(reason)
    row = _locked(lot_id)
    if not row.is_blocked:
        raise Conflict("not_blocked", _("This lot is not blocked."))
    guard_signature(user, password)
    before = {"state": row.state, "blocked_reason": row.blocked_reason}
    row.state, row.blocked_reason = LotState.IN_USE.value, ""
    row.save(update_fields=["state", "blocked_reason"])
    after = {"state": row.state, "blocked_reason": ""}
    audit.record(
        actor=Actor.user(user), action="lot.unblock", target=row, before=before, after=after, reason=reason
    )
    return row


def _locked(lot_id: UUID) -> Lot:
    row = Lot.objects.select_for_update(no_key=True).filter(pk=lot_id).first()
    if row is None:
        raise InvalidInput("lot_unknown", _("There is no such lot."))
    if row.merged_into_id is not None:
        raise Conflict("lot_merged", _("This lot was merged into another one: that one is what counts."))
    return row


def _locked_units(unit_ids: Collection[UUID]) -> list[CordBloodUnit]:
    rows = CordBloodUnit.objects.select_for_update(no_key=True).filter(pk__in=unit_ids).order_by("pk")
    found = list(rows)
    if len(found) < len(set(unit_ids)):
        raise InvalidInput("unit_unknown", _("There is no such unit."))
    return found


def _batch(units: list[CordBloodUnit]) -> Batch | None:
    """The units that were held with the lot; each has an entry of its own beside."""
    if not units:
        return None
    keys = "\n".join(sorted(str(unit.pk) for unit in units))
    return Batch(rows=len(units), sha256=hashlib.sha256(keys.encode()).hexdigest())
