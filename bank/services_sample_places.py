"""Writes about where reference samples lie: one kind of one unit in one place, in what is marked for samples."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit, Slot, UnitSample
from bank.services_samples import Which, locked_stock
from bank.services_storage import locked_slots
from bank.stock_pages import name_of
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput


@transaction.atomic
def sample_put(*, unit_id: UUID, which: Which, slot_id: UUID, actor: Actor) -> Slot:
    """Put a sample into a free place for samples, wherever it lay before; into its own place is nothing.

    Locks: the unit, its stock, then both places by key, as everywhere in the storage. Raises Conflict `slot_taken`,
    `slot_blocked`, `for_units`, `other_bank`, `sample_none_left`; InvalidInput for what does not exist.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    sample = locked_stock(unit, which)
    if sample.remaining == 0:
        raise Conflict("sample_none_left", _("None of these samples is left."), field="sample")
    here = _slot_of(sample)
    if here is not None and here.pk == slot_id:
        return here
    slots = locked_slots(slot_id, *([here.pk] if here else []))
    if slot_id not in slots:
        raise InvalidInput("slot_unknown", _("There is no such place."))
    slot = slots[slot_id]
    _guard_slot(unit, slot)
    if here is not None:
        Slot.objects.filter(pk=here.pk).update(sample=None)
    slot.sample = sample
    try:
        with transaction.atomic():
            slot.save(update_fields=["sample"])
    except (
        IntegrityError
    ) as error:  # its own lock keeps it from lying twice; the constraint has the last word
        raise Conflict("slot_taken", _("This place was taken meanwhile."), field="place") from error
    before = {"lies_in": here.place if here else ""}
    after = {"sample": str(which), "lies_in": slot.place}
    touch_unit(unit, actor=actor, action="unit.sample_place", before=before, after=after)
    return slot


@transaction.atomic
def sample_take_out(*, unit_id: UUID, which: Which, actor: Actor, reason: str) -> UnitSample:
    """A sample lies in its place no more. Conflict `not_stored`."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    reason = given_reason(reason)
    sample = locked_stock(unit, which)
    here = _slot_of(sample)
    if here is None:
        raise Conflict("not_stored", _("This sample lies in no place."), field="place")
    slot = locked_slots(here.pk)[here.pk]
    slot.sample = None
    slot.save(update_fields=["sample"])
    before, after = {"lies_in": here.place}, {"sample": str(which), "lies_in": ""}
    touch_unit(unit, actor=actor, action="unit.sample_take_out", before=before, after=after, reason=reason)
    return sample


def _slot_of(sample: UnitSample) -> Slot | None:
    return Slot.objects.with_place().filter(sample=sample).first()


def _guard_slot(unit: CordBloodUnit, slot: Slot) -> None:
    """A free place for samples of the same bank."""
    place = {"place": slot.place}
    if not slot.for_samples:
        text = _("%(place)s is for units. Choose a place for samples.")
        raise Conflict("for_units", text, params=place, field="place")
    if slot.canister.bank_id != unit.bank_id:
        text = _("This unit is of another bank than the place %(place)s. Choose a place of its own bank.")
        raise Conflict("other_bank", text, params=place, field="place")
    if slot.blocked:
        text = _("%(place)s is blocked (%(reason)s). Choose another place, or unblock it first.")
        params = {**place, "reason": slot.blocked_reason or "–"}
        raise Conflict("slot_blocked", text, params=params, field="place")
    if slot.sample_id is not None:
        lying = UnitSample.objects.select_related("unit").get(pk=slot.sample_id)
        text = _("%(place)s is taken: %(sample)s of %(unit)s. Choose another place.")
        params = {**place, "sample": name_of(lying.subject, lying.kind), "unit": lying.unit.public_no}
        raise Conflict("slot_taken", text, params=params, field="place")
