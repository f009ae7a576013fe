"""One lot that was written by mistake as two becomes one: its uses move, its name stays."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _

from bank import lot_reach
from bank.choices_lots import LotState
from bank.lot_locks import lock_lots
from bank.lot_use import plain_number
from bank.models import CordBloodUnit, Lot, LotUse
from bank.recalls import locked_units
from bank.writing import given_reason
from core import audit
from core.audit import Actor, Batch
from core.errors import Conflict, InvalidInput
from core.models import User
from core.signing import guard_signature


@transaction.atomic
def lot_merge(
    *, lot_id: UUID, other: str, user: User, password: str, reason: str, carry_block: bool = False,
    same_anyway: bool = False,
) -> Lot:  # fmt: skip
    """Take `other` (its number, or manufacturer and number) into a lot of the same kind, signed.

    Uses of the other become uses of the lot, each with the name under which it was noted; a use that the lot has
    already (same unit, step and day) stays with the old name, and says the same. So the look-back of the lot holds
    every unit of both. The other is a name from then on: whoever writes it means the lot.

    Raises InvalidInput `lot_unknown`, `same_lot`, `lots_differ` where manufacturers or last days are registered that
    differ and nobody says that it is one lot in spite of that (same_anyway); Conflict `kind_differs`, `lot_ambiguous`,
    `lot_merged`, and `block_differs` where only one of them is blocked and the block is not said to be of both
    (carry_block). A recall of either that is on reaches the units of both (bank.lot_reach).
    """
    reason = given_reason(reason)
    kept, gone, touched = _locked_pair(lot_id, other)
    differ = _differences(kept, gone)
    if differ and not same_anyway:
        raise _differing(kept, gone, differ)
    blocked = _block_of_both(kept, gone, carry_block)
    guard_signature(user, password)
    moved = _move_uses(kept, gone)
    Lot.objects.filter(merged_into=gone).update(merged_into=kept)
    was = {"state": gone.state, "blocked_reason": gone.blocked_reason}
    gone.merged_into, gone.state, gone.blocked_reason = kept, LotState.IN_USE.value, ""
    gone.save(update_fields=["merged_into", "state", "blocked_reason"])
    before, after = _carry(kept, blocked)
    actor, batch = Actor.user(user), _batch(moved)
    told = {**after, "lot": str(gone), "lot_id": str(gone.pk), "uses": len(moved)}
    told |= {"in_spite_of": differ} if differ else {}
    audit.record(
        actor=actor, action="lot.merge", target=kept, before=before, after=told, reason=reason, batch=batch
    )
    into = {"lot": str(kept), "lot_id": str(kept.pk)}
    audit.record(actor=actor, action="lot.merged", target=gone, before=was, after=into, reason=reason)
    lot_reach.tell([kept], touched, actor)
    return kept


class _Grown(Exception):
    """While one waited for the lots, one of them was used on a further unit: that is to be locked before them."""


def _locked_pair(lot_id: UUID, text: str) -> tuple[Lot, Lot, list[CordBloodUnit]]:
    """Both and their names behind locks, taken by key; before them each unit of either: one may be recalled.

    Whoever notes a use of either waits, or is waited for.
    """
    while True:
        try:
            with transaction.atomic():  # a savepoint: leaving it by an exception frees what it locked
                return _locked_once(lot_id, text)
        except _Grown:
            continue


def _locked_once(lot_id: UUID, text: str) -> tuple[Lot, Lot, list[CordBloodUnit]]:
    kept = Lot.objects.filter(pk=lot_id).first()
    if kept is None:
        raise InvalidInput("lot_unknown", _("There is no such lot."))
    found = _other(kept, text)
    units = locked_units(_unit_ids(kept, found))
    by_key = lock_lots([kept.pk, found.pk], to_merge=True)
    kept, gone = by_key[kept.pk], by_key[found.pk]
    if kept.merged_into_id or gone.merged_into_id:
        raise Conflict("lot_merged", _("One of these lots was merged already."), field="other")
    if not _unit_ids(kept, gone) <= {unit.pk for unit in units}:
        raise _Grown
    return kept, gone, units


def _unit_ids(*lots: Lot) -> set[UUID]:
    return set(LotUse.objects.filter(lot__in=lots).order_by().values_list("unit_id", flat=True))


def _other(kept: Lot, text: str) -> Lot:
    plain = plain_number(text)
    named = list(Lot.objects.named([plain]).exclude(pk=kept.pk)) if plain else []
    found = [lot for lot in named if lot.kind == kept.kind]
    if not found and named:
        params = {"kind": named[0].get_kind_display()}
        text_kind = _("That is another kind of thing (%(kind)s): they are not one lot.")
        raise Conflict("kind_differs", text_kind, params=params, field="other")
    if not found:
        code = "same_lot" if Lot.objects.named([plain]).filter(pk=kept.pk).exists() else "lot_unknown"
        said = _("That is this lot itself.") if code == "same_lot" else _("There is no such lot.")
        raise InvalidInput(code, said, field="other")
    whole = [lot for lot in found if str(lot).upper() == plain.upper()]
    if len(whole) == 1:
        return whole[0]
    if len(found) > 1:
        names = ", ".join(map(str, found))
        text_many = _("Several lots have the number %(number)s (%(lots)s). Write manufacturer and number.")
        params = {"number": plain, "lots": names}
        raise Conflict("lot_ambiguous", text_many, params=params, field="other")
    return found[0]


def _block_of_both(kept: Lot, gone: Lot, carry: bool) -> str:
    """Why the merged lot is blocked; "" where it is not."""
    if kept.is_blocked != gone.is_blocked and not carry:
        text = _(
            "Only one of them is blocked. Say that the block is of both, or give that one back to use first."
        )
        raise Conflict("block_differs", text, field="carry_block")
    return "; ".join(dict.fromkeys(filter(None, (kept.blocked_reason, gone.blocked_reason))))


def _differences(kept: Lot, gone: Lot) -> list[str]:
    """What is registered of both and not the same; what is not known of one of them differs from nothing."""
    pairs = {
        "manufacturer": (kept.manufacturer.upper(), gone.manufacturer.upper()),
        "expires_on": (kept.expires_on, gone.expires_on),
    }
    return [name for name, (one, other) in pairs.items() if one and other and one != other]


def _differing(kept: Lot, gone: Lot, names: list[str]) -> InvalidInput:
    told = [f"{getattr(kept, name)} / {getattr(gone, name)}" for name in names]
    text = _("They are registered differently (%(what)s). Say that they are the same lot in spite of that.")
    return InvalidInput("lots_differ", text, field="same_anyway", params={"what": "; ".join(told)})


def _move_uses(kept: Lot, gone: Lot) -> list[UUID]:
    """Units whose uses moved, one each use."""
    there = LotUse.objects.filter(lot=kept, unit=OuterRef("unit"), step=OuterRef("step"))
    there = there.filter(
        Q(used_on=OuterRef("used_on")) | Q(used_on__isnull=True) & Q(IsNull(OuterRef("used_on"), True))
    )
    moving = LotUse.objects.filter(lot=gone).exclude(Exists(there)).order_by()
    keys = dict(moving.values_list("pk", "unit_id"))
    rows = LotUse.objects.filter(pk__in=keys)
    rows.filter(written_as__isnull=True).update(written_as=gone)
    rows.update(lot=kept)
    return list(keys.values())


def _carry(kept: Lot, blocked: str) -> tuple[dict[str, str], dict[str, str]]:
    """The block of the other one too: (before, after) of what changed."""
    if not blocked:
        return {}, {}
    old = {"state": str(kept.state), "blocked_reason": kept.blocked_reason}
    new = {"state": LotState.BLOCKED.value, "blocked_reason": blocked}
    kept.state, kept.blocked_reason = new["state"], blocked
    kept.save(update_fields=["state", "blocked_reason"])
    return audit.changes(old, new)


def _batch(units: list[UUID]) -> Batch | None:
    if not units:
        return None
    keys = "\n".join(sorted(map(str, units)))
    return Batch(rows=len(units), sha256=hashlib.sha256(keys.encode()).hexdigest())
