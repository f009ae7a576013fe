"""Which unit may lie in which place, as one list of refusals: services raise them, files show them line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bank import places
from bank.choices import CLEARED, KEPT_APART, NOT_IN_STORE, Source, UnitStatus
from bank.models import CordBloodUnit, Slot, StorageNode
from core.errors import Conflict

MESSAGES: dict[str, str | Promise] = {
    "not_own": _("This unit belongs to a partner; only the partner changes it."),
    "other_bank": _("This unit is of another bank than the place %(place)s. Choose a place of its own bank."),
    "not_in_store": _("A unit in the state “%(status)s” cannot be put into storage."),
    "for_samples": _("%(place)s is for samples. Choose a place for units."),
    "slot_blocked": _("%(place)s is blocked (%(reason)s). Choose another place, or unblock it first."),
    "slot_taken": _("%(place)s is taken by %(unit)s. Choose another place, or move that unit first."),
    "quarantine_needed": _(
        "This unit waits for its release; until then it lies in a quarantine area, and %(place)s is outside. "
        "Choose a place in a quarantine area."
    ),
    "quarantine_only": _(
        "This unit is released, and %(place)s lies in a quarantine area. Choose a place outside, or put the unit on "
        "hold first."
    ),
}


@dataclass(frozen=True)
class Refusal:
    """Why a unit may not lie in a place; `code` is a key of MESSAGES."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def conflict(self, field_name: str | None = None) -> Conflict:
        return Conflict(self.code, MESSAGES[self.code], params=self.params, field=field_name)


def banks_with_quarantine() -> frozenset[UUID]:
    """Banks that have a quarantine area; in another one units that wait lie among the rest."""
    return frozenset(StorageNode.objects.filter(quarantine=True).values_list("bank_id", flat=True))


def must_be_apart(unit: CordBloodUnit) -> bool:
    """Waits for quality assurance, also where it was put on hold meanwhile."""
    return (unit.status_before_hold or unit.status) in KEPT_APART


def must_be_outside(unit: CordBloodUnit) -> bool:
    """Released, and nothing was found against it since."""
    return unit.status in CLEARED and not unit.blocks


def refusal_of_unit(unit: CordBloodUnit) -> Refusal | None:
    """Why the unit may lie nowhere."""
    if unit.source != Source.OWN:
        return Refusal("not_own")
    if unit.status in NOT_IN_STORE:
        return Refusal("not_in_store", {"status": UnitStatus(unit.status).label})
    return None


def refusal_of_area(unit: CordBloodUnit, slot: Slot, with_quarantine: frozenset[UUID]) -> Refusal | None:
    """Why the unit may not lie in this part of the storage. with_quarantine: of banks_with_quarantine."""
    place = {"place": slot.place}
    if slot.canister.bank_id != unit.bank_id:
        return Refusal("other_bank", place)
    if unit.bank_id not in with_quarantine:
        return None
    apart = places.in_quarantine(slot.canister)
    if must_be_apart(unit) and not apart:
        return Refusal("quarantine_needed", place)
    if must_be_outside(unit) and apart:
        return Refusal("quarantine_only", place)
    return None


def refusal_of_slot(slot: Slot) -> Refusal | None:
    """Why no unit may be put into the slot as it is now."""
    if slot.for_samples:
        return Refusal("for_samples", {"place": slot.place})
    if slot.blocked:
        return Refusal("slot_blocked", {"place": slot.place, "reason": slot.blocked_reason or "–"})
    if slot.unit is not None:
        return Refusal("slot_taken", {"place": slot.place, "unit": slot.unit.public_no})
    return None
