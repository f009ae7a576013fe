"""What a person scanned or typed at the storage: a unit or a place."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bank import places, storing
from bank.models import CordBloodUnit, Slot
from core.errors import InvalidInput
from core.models import User

KEPT = 60  # characters of what was read that an error repeats


def unit_of(text: str, user: User) -> CordBloodUnit:
    """The unit whose number or DIN this is, typed or scanned. Raises InvalidInput unit_unknown."""
    plain = text.replace("\0", "").strip()
    unit = CordBloodUnit.objects.visible_to(user).by_number(plain) if plain else None
    if unit is None:
        message = _("There is no unit “%(text)s”. Write a unit number, or a DIN with its check character.")
        raise InvalidInput("unit_unknown", message, params={"text": plain[:KEPT]}, field="number")
    return unit


def slot_of(text: str, user: User) -> Slot:
    """The slot that a place names, typed or scanned. Raises InvalidInput place_form, place_unknown."""
    plain = text.replace("\0", "").strip()
    place = places.parse(plain)
    if place is None or place.position is None:
        message = _("“%(text)s” is no place. Write tank, rack, canister and slot: T1-R3-C2-07.")
        raise InvalidInput("place_form", message, params={"text": plain[:KEPT]}, field="place")
    slot = Slot.objects.visible_to(user).at(place).with_place().first()
    if slot is None:
        message = _("There is no place %(text)s.")
        raise InvalidInput("place_unknown", message, params={"text": str(place)}, field="place")
    return slot


def read(text: str, user: User, *, held: CordBloodUnit | None) -> CordBloodUnit | Slot:
    """What was scanned: with a unit in hand a place is expected, else a unit.

    Raises InvalidInput: nothing, neither, or a place before its unit.
    """
    plain = text.replace("\0", "").strip()
    if not plain:
        raise InvalidInput("nothing_scanned", _("Scan or type something."), field="scan")
    place = places.parse(plain)
    slot = Slot.objects.visible_to(user).at(place).with_place().first() if place and place.position else None
    unit = CordBloodUnit.objects.visible_to(user).by_number(plain)
    if held is not None and slot is not None:
        return slot
    if unit is not None:
        return unit
    if slot is not None:
        raise InvalidInput(
            "unit_first", _("That is a place. Scan the unit first, then its place."), field="scan"
        )
    message = _("“%(text)s” is neither a unit nor a place of this bank. Nothing was moved.")
    raise InvalidInput("scan_unknown", message, params={"text": plain[:KEPT]}, field="scan")


def free_place_for(unit: CordBloodUnit) -> Slot | None:
    """The first free slot in which the unit may lie, as one walks."""
    slots = Slot.objects.free().filter(canister__bank=unit.bank_id)
    if unit.bank_id in storing.banks_with_quarantine():
        slots = slots.in_quarantine(storing.must_be_apart(unit))
    return slots.with_place().in_order().first()
