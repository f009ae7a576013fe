"""Writes of the storage: what lies where. Locks are taken in one order, first units and then slots, each by key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from bank import places, storing
from bank.choices import SEARCHABLE, NodeKind
from bank.models import Bank, CordBloodUnit, Slot, StorageNode
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput

ABOVE_OF = {NodeKind.TANK: NodeKind.SITE, NodeKind.RACK: NodeKind.TANK, NodeKind.CANISTER: NodeKind.RACK}
MOST_CHILDREN = 99
MOST_SLOTS = 50_000  # made at once


# --- units ----------------------------------------------------------------------------------------


@transaction.atomic
def unit_place(*, unit_id: UUID, slot_id: UUID, actor: Actor) -> Slot:
    """Put a unit that lies nowhere into a free slot.

    Raises Conflict placed_already, or a code of storing.MESSAGES; InvalidInput for what does not exist.
    """
    unit = locked_unit(unit_id)
    here = slot_of(unit)
    if here is not None:
        text = _("This unit lies in %(place)s already. Move it instead.")
        raise Conflict("placed_already", text, params={"place": here.place})
    return _put(unit, None, slot_id, actor)


@transaction.atomic
def unit_move(*, unit_id: UUID, slot_id: UUID, actor: Actor, canister_id: UUID | None = None) -> Slot:
    """Move a unit from where it lies into a free slot; into its own slot is nothing.

    canister_id: where the person saw it lie; is it elsewhere by now, nothing is moved.
    Raises Conflict not_stored, moved_meanwhile, or a code of storing.MESSAGES; InvalidInput for what does not exist.
    """
    unit = locked_unit(unit_id)
    here = slot_of(unit)
    if here is None:
        raise _not_stored()
    if canister_id is not None and here.canister_id != canister_id:
        text = _("%(unit)s lies in %(place)s by now: somebody moved it. Look there first.")
        params = {"unit": unit.public_no, "place": here.place}
        raise Conflict("moved_meanwhile", text, params=params)
    return _put(unit, here, slot_id, actor)


@transaction.atomic
def unit_put(*, unit_id: UUID, slot_id: UUID, actor: Actor) -> Slot:
    """A unit into a free slot, wherever it lay before: what a scanner does. Raises as unit_move."""
    unit = locked_unit(unit_id)
    return _put(unit, slot_of(unit), slot_id, actor)


@transaction.atomic
def unit_take_out(*, unit_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """Take a unit out of its slot, which is free then: what is shipped or discarded must leave.

    Conflict `on_offer`: of a unit that hospitals may choose somebody knows where it is; it is put on hold first.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    guard_own(unit)
    here = slot_of(unit)
    if here is None:
        raise _not_stored()
    if unit.status in SEARCHABLE:
        raise Conflict(
            "on_offer", _("This unit is on offer. Put it on hold first, or move it to another place.")
        )
    free(unit, here, actor=actor, reason=reason)
    return unit


def free(unit: CordBloodUnit, here: Slot, *, actor: Actor, reason: str) -> None:
    """The locked unit lies in `here` no more."""
    slot = locked_slots(here.pk)[here.pk]
    slot.unit = None
    slot.save(update_fields=["unit"])
    before, after = {"place": here.place}, {"place": ""}
    touch_unit(unit, actor=actor, action="unit.take_out", before=before, after=after, reason=reason)


def slot_of(unit: CordBloodUnit) -> Slot | None:
    """Where a unit lies. Behind the unit's lock it stays so until the end of the transaction."""
    return Slot.objects.with_place().filter(unit=unit).first()


def _not_stored() -> Conflict:
    return Conflict("not_stored", _("This unit lies in no place."))


def _put(unit: CordBloodUnit, here: Slot | None, slot_id: UUID, actor: Actor) -> Slot:
    """The one place where a single unit gets a slot. The unit is locked; both slots are locked here, by key."""
    if here is not None and here.pk == slot_id:
        return here
    slots = locked_slots(slot_id, *([here.pk] if here else []))
    if slot_id not in slots:
        raise InvalidInput("slot_unknown", _("There is no such place."))
    slot = slots[slot_id]
    refused = (
        storing.refusal_of_unit(unit)
        or storing.refusal_of_slot(slot)
        or storing.refusal_of_area(unit, slot, storing.banks_with_quarantine())
    )
    if refused:
        raise refused.conflict("place")
    if here is not None:
        Slot.objects.filter(pk=here.pk).update(unit=None)
    slot.unit = unit
    slot.save(update_fields=["unit"])
    action = "unit.move" if here else "unit.place"
    before, after = {"place": here.place if here else ""}, {"place": slot.place}
    touch_unit(unit, actor=actor, action=action, before=before, after=after)
    return slot


def locked_slots(*slot_ids: UUID) -> dict[UUID, Slot]:
    """The slots, locked in the order of their keys, then read with their place and unit."""
    locked = Slot.objects.select_for_update(no_key=True).filter(pk__in=slot_ids).order_by("pk")
    keys = [slot.pk for slot in locked]
    rows = Slot.objects.with_place().select_related("unit").filter(pk__in=keys)
    return {slot.pk: slot for slot in rows}


# --- slots ----------------------------------------------------------------------------------------


@transaction.atomic
def slot_block(*, slot_id: UUID, actor: Actor, reason: str) -> Slot:
    """Say that nothing may be put into an empty slot: bent, iced up, taken by something else."""
    reason = given_reason(reason)
    slot = _locked_slot(slot_id)
    if slot.unit is not None:
        text = _("%(unit)s lies in %(place)s. Move it first, then block the place.")
        raise Conflict("slot_taken", text, params={"unit": slot.unit.public_no, "place": slot.place})
    if slot.sample_id is not None:
        text = _("A sample lies in %(place)s. Move it first, then block the place.")
        raise Conflict("slot_taken", text, params={"place": slot.place})
    if slot.blocked:
        raise Conflict("blocked_already", _("%(place)s is blocked already."), params={"place": slot.place})
    return _write_blocked(slot, True, reason, actor)


@transaction.atomic
def slot_unblock(*, slot_id: UUID, actor: Actor, reason: str) -> Slot:
    """Give a blocked slot back to use."""
    reason = given_reason(reason)
    slot = _locked_slot(slot_id)
    if not slot.blocked:
        raise Conflict("not_blocked", _("%(place)s is not blocked."), params={"place": slot.place})
    return _write_blocked(slot, False, reason, actor)


def _locked_slot(slot_id: UUID) -> Slot:
    slots = locked_slots(slot_id)
    if slot_id not in slots:
        raise InvalidInput("slot_unknown", _("There is no such place."))
    return slots[slot_id]


def _write_blocked(slot: Slot, blocked: bool, reason: str, actor: Actor) -> Slot:
    slot.blocked, slot.blocked_reason = blocked, reason if blocked else ""
    slot.save(update_fields=["blocked", "blocked_reason"])
    audit.record(
        actor=actor,
        action="storage.block" if blocked else "storage.unblock",
        target=(Slot._meta.label, str(slot.pk), slot.place),
        before={"blocked": not blocked},
        after={"blocked": blocked},
        reason=reason,
    )
    return slot


# --- nodes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """What a new node holds: racks in a tank, canisters in each rack, slots in each canister."""

    racks: int = 0
    canisters: int = 0
    slots: int = 0


@transaction.atomic
def nodes_create(
    *,
    bank_id: UUID,
    kind: str,
    code: str,
    actor: Actor,
    parent_id: UUID | None = None,
    quarantine: bool = False,
    for_samples: bool = False,
    shape: Shape | None = None,
) -> StorageNode:
    """Make a site, tank, rack or canister, with all that it holds: a tank of 12 racks of 10 canisters of 20 slots.

    Racks and canisters within are called R1, R2 … and C1, C2 …; a canister always has slots. for_samples: nothing in
    it takes a unit, ever; what is made within a node for samples is for samples too.
    Raises InvalidInput (code_form, parent_kind, shape), Conflict (code_taken).
    """
    what = NodeKind(kind)
    bank = Bank.objects.select_for_update(no_key=True).filter(pk=bank_id).first()
    if bank is None:
        raise InvalidInput("bank_unknown", _("There is no such bank."))
    parent = _parent(bank, what, parent_id)
    plain = places.code_of(code)
    if not plain:
        text = _("A code is 1 to 20 letters and digits, without spaces or hyphens.")
        raise InvalidInput("code_form", text, field="code")
    asked = _checked_shape(what, shape or Shape())
    node = StorageNode(
        bank=bank,
        kind=what,
        parent=parent,
        code=plain,
        quarantine=quarantine,
        for_samples=(for_samples or (parent is not None and parent.for_samples)) and what != NodeKind.SITE,
        position=_next(bank, parent),
    )
    try:
        with transaction.atomic():
            node.save(force_insert=True)
    except IntegrityError as error:
        text = _("“%(code)s” stands here already. Choose another code.")
        raise Conflict("code_taken", text, params={"code": plain}, field="code") from error
    _fill(node, asked)
    after = {"kind": what.value, "code": node.path, "quarantine": quarantine, **asdict(asked)}
    if node.for_samples:
        after["for_samples"] = True
    audit.record(actor=actor, action="storage.create", target=node, after=after)
    return node


@transaction.atomic
def node_quarantine_change(*, node_id: UUID, quarantine: bool, actor: Actor, reason: str) -> StorageNode:
    """Make a tank, rack or canister a quarantine area, or no longer one.

    What lies in it stays; units that lie where they may not are shown on the map until they are moved.
    """
    reason = given_reason(reason)
    node = StorageNode.objects.select_for_update(no_key=True).filter(pk=node_id).first()
    if node is None:
        raise InvalidInput("node_unknown", _("There is no such place."))
    if node.quarantine == quarantine:
        return node
    before, after = {"quarantine": node.quarantine}, {"quarantine": quarantine}
    node.quarantine = quarantine
    node.save(update_fields=["quarantine"])
    audit.record(
        actor=actor, action="storage.quarantine", target=node, before=before, after=after, reason=reason
    )
    return node


def _parent(bank: Bank, kind: NodeKind, parent_id: UUID | None) -> StorageNode | None:
    wanted = ABOVE_OF.get(kind)
    parent = StorageNode.objects.filter(pk=parent_id, bank=bank).first() if parent_id else None
    if (parent.kind if parent else None) != wanted:
        text = _("A tank stands in a site, a rack in a tank, a canister in a rack.")
        raise InvalidInput("parent_kind", text, field="parent")
    return parent


def _next(bank: Bank, parent: StorageNode | None) -> int:
    """The position behind the last one."""
    last = StorageNode.objects.filter(bank=bank, parent=parent).order_by("-position").first()
    return last.position + 1 if last else 1


def _checked_shape(kind: NodeKind, shape: Shape) -> Shape:
    """Only what such a node holds; each number within its bounds."""
    inner = {
        NodeKind.SITE: (),
        NodeKind.TANK: ("racks", "canisters", "slots"),
        NodeKind.RACK: ("canisters", "slots"),
        NodeKind.CANISTER: ("slots",),
    }[kind]
    given: dict[str, Any] = {name: getattr(shape, name) for name in inner}
    for name, number in given.items():
        most = places.MAX_POSITION if name == "slots" else MOST_CHILDREN
        if not 1 <= number <= most:
            text = _("Write a number between 1 and %(most)s.")
            raise InvalidInput("shape", text, params={"most": most}, field=name)
    found = Shape(**given)
    if max(found.racks, 1) * max(found.canisters, 1) * found.slots > MOST_SLOTS:
        text = _("That is more than %(most)s places at once. Make it in parts.")
        raise InvalidInput("shape", text, params={"most": MOST_SLOTS}, field="slots")
    return found


def _fill(node: StorageNode, shape: Shape) -> None:
    """The racks, canisters and slots within a new node."""
    racks = [node] if node.kind == NodeKind.RACK else _children([node], NodeKind.RACK, "R", shape.racks)
    canisters = (
        [node]
        if node.kind == NodeKind.CANISTER
        else _children(racks, NodeKind.CANISTER, "C", shape.canisters)
    )
    slots = [
        Slot(canister=canister, position=position, for_samples=node.for_samples)
        for canister in canisters
        for position in range(1, shape.slots + 1)
    ]
    Slot.objects.bulk_create(slots, batch_size=5_000)


def _children(parents: list[StorageNode], kind: NodeKind, letter: str, count: int) -> list[StorageNode]:
    nodes = [
        StorageNode(
            bank_id=parent.bank_id,
            kind=kind,
            parent=parent,
            code=f"{letter}{n}",
            position=n,
            for_samples=parent.for_samples,
        )
        for parent in parents
        for n in range(1, count + 1)
    ]
    return StorageNode.objects.bulk_create(nodes, batch_size=5_000)
