"""The storage as it is drawn: sites with their tanks, a tank with its canisters, a canister with its slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank import places, stock_pages, storing
from bank.choices import (
    BLOCKS,
    CLEARED,
    KEPT_APART,
    NOT_IN_STORE,
    SEARCHABLE,
    STATUS_TONE,
    NodeKind,
)
from bank.models import CordBloodUnit, Slot, StorageNode, TankAlarm, TankReading
from bank.places import PlaceText
from bank.querysets import not_blocked
from bank.services_placing import BLOCKED, FREE
from core.models import User

TANK = "canister__parent__parent"
# The drawing of a tank, in its own units: the inside that fills up.
DRAWN_TOP, DRAWN_HEIGHT = 22, 74
MOST_MISPLACED = 500


@dataclass(frozen=True)
class Taken:
    """How full something is."""

    slots: int = 0
    units: int = 0  # or samples, in what is for samples
    blocked: int = 0

    @classmethod
    def of(cls, counted: dict[str, int]) -> Taken:
        """As SlotQuerySet.counted gives it."""
        given = dict(counted)
        given["units"] = given.get("units", 0) + given.pop("samples", 0)
        return cls(**given)

    @property
    def free(self) -> int:
        return self.slots - self.units - self.blocked

    @property
    def percent(self) -> int:
        """Of the slots those with a unit; neither full nor empty is rounded to it."""
        if not self.slots:
            return 0
        share = round(100 * self.units / self.slots)
        return (
            max(share, 1)
            if self.units and share < 1
            else min(share, 99)
            if self.free and share > 99
            else share
        )

    @property
    def shape(self) -> str:
        """empty, partly, full: as the map draws it."""
        return (
            "full" if self.slots and self.free <= 0 else "partly" if self.units or self.blocked else "empty"
        )

    @property
    def height(self) -> float:
        """Of the drawing of a tank."""
        return round(DRAWN_HEIGHT * self.percent / 100, 1)

    @property
    def top(self) -> float:
        return round(DRAWN_TOP + DRAWN_HEIGHT - self.height, 1)


def overview(user: User) -> dict[str, Any]:
    """All sites with their tanks, the figures of the whole store, the open alarms."""
    nodes = StorageNode.objects.visible_to(user)
    tanks = nodes.of_kind(NodeKind.TANK).select_related("parent", "limits")
    counts = Slot.objects.visible_to(user).counted(TANK)
    newest = {row.tank_id: row for row in TankReading.objects.visible_to(user).newest_of_each()}
    alarms = list(TankAlarm.objects.visible_to(user).open().select_related("tank"))
    alarmed = {alarm.tank_id for alarm in alarms}
    apart = frozenset(
        nodes.filter(quarantine=True, kind__in=(NodeKind.RACK, NodeKind.CANISTER)).values_list(
            "parent_id", "parent__parent_id"
        )
    )
    partly = {pk for pair in apart for pk in pair}
    drawn: dict[Any, list[dict[str, Any]]] = {}
    total, samples = Taken(), 0
    for tank in tanks:
        counted = counts.get(tank.pk, {})
        samples += counted.get("samples", 0)
        taken = Taken.of(counted)
        if not tank.for_samples:
            total = Taken(total.slots + taken.slots, total.units + taken.units, total.blocked + taken.blocked)
        drawn.setdefault(tank.parent_id, []).append(
            {
                "node": tank,
                "taken": taken,
                "quarantine": places.in_quarantine(tank),
                "partly": tank.pk in partly,
                "reading": newest.get(tank.pk),
                "alarmed": tank.pk in alarmed,
            }
        )
    sites = nodes.of_kind(NodeKind.SITE).select_related("bank")
    return {
        "sites": [{"node": site, "tanks": drawn.get(site.pk, [])} for site in sites],
        "figures": _figures(total, samples, len(alarms)),
        "alarms": alarms,
    }


def _figures(total: Taken, samples: int, alarms: int) -> list[dict[str, Any]]:
    return [
        {"value": f"{total.units:,}", "label": _("units in storage")},
        *([{"value": f"{samples:,}", "label": _("samples in their places")}] if samples else []),
        {"value": f"{total.free:,}", "label": _("free places")},
        {"value": f"{total.blocked:,}", "label": _("blocked places")},
        {"value": f"{total.percent} %", "label": _("of all places are taken")},
        {"value": alarms, "label": _("open alarms"), "tone": "bad" if alarms else ""},
    ]


def racks(tank: StorageNode) -> list[dict[str, Any]]:
    """The racks of a tank with their canisters, each with how full it is."""
    counts = Slot.objects.filter(canister__parent__parent=tank).counted("canister")
    canisters = StorageNode.objects.of_kind(NodeKind.CANISTER).filter(parent__parent=tank)
    held: dict[Any, list[dict[str, Any]]] = {}
    for node in canisters:
        entry = {"node": node, "taken": Taken.of(counts.get(node.pk, {})), "quarantine": node.quarantine}
        held.setdefault(node.parent_id, []).append(entry)
    return [{"node": rack, "canisters": held.get(rack.pk, [])} for rack in tank.children.all()]


def taken_of(entries: Iterable[dict[str, Any]]) -> Taken:
    """How full all of these are together."""
    parts = [entry["taken"] for entry in entries]
    return Taken(*(sum(getattr(part, name) for part in parts) for name in ("slots", "units", "blocked")))


def canister(node: StorageNode) -> dict[str, Any]:
    """The slots of a canister with their units, and the canisters beside it."""
    slots = list(node.slots.select_related("unit", "sample__unit"))
    for slot in slots:
        slot.canister = node
    with_quarantine = storing.banks_with_quarantine()
    drawn = [_drawn(slot, with_quarantine) for slot in slots]
    beside = list(
        StorageNode.objects.filter(parent=node.parent_id, kind=NodeKind.CANISTER).select_related(
            "parent__parent__parent"
        )
    )
    here = next(number for number, one in enumerate(beside) if one.pk == node.pk)
    held = sum(slot.unit is not None or slot.sample is not None for slot in slots)
    taken = Taken(len(slots), held, sum(slot.blocked for slot in slots))
    return {
        "slots": drawn,
        "taken": taken,
        "quarantine": places.in_quarantine(node),
        "before": beside[here - 1] if here else None,
        "after": beside[here + 1] if here + 1 < len(beside) else None,
    }


def _drawn(slot: Slot, with_quarantine: frozenset[Any]) -> dict[str, Any]:
    unit = slot.unit
    tone = "" if unit is None or unit.blocks else STATUS_TONE.get(unit.status, "")
    return {
        "slot": slot,
        "unit": unit,
        "sample": stock_pages.name_of(slot.sample.subject, slot.sample.kind) if slot.sample else "",
        "tone": tone,
        "wrong": wrong(slot, with_quarantine),
    }


# --- what lies where it may not ---------------------------------------------------------------------

WRONG = {
    "gone": gettext_lazy("take it out: it has left the inventory"),
    "quarantine_needed": gettext_lazy("move it into a quarantine area: it waits for its release"),
    "quarantine_only": gettext_lazy("move it out of the quarantine area: it is released"),
}


def wrong(slot: Slot, with_quarantine: frozenset[Any]) -> str:
    """What is to be done with a unit that lies where it may not; "" where all is well."""
    if slot.unit is None:
        return ""
    if slot.unit.status in NOT_IN_STORE:
        return str(WRONG["gone"])
    refused = storing.refusal_of_area(slot.unit, slot, with_quarantine)
    return str(WRONG.get(refused.code, "")) if refused else ""


def misplaced(user: User) -> list[dict[str, Any]]:
    """Units that lie where they may not, as one walks; at most MOST_MISPLACED."""
    with_quarantine = storing.banks_with_quarantine()
    slots = Slot.objects.visible_to(user).with_place().select_related("unit").in_order()
    kinds = [slots.filter(unit__status__in=NOT_IN_STORE)]
    if with_quarantine:
        banked = slots.filter(canister__bank__in=with_quarantine)
        apart = Q(unit__status__in=KEPT_APART) | Q(unit__status_before_hold__in=KEPT_APART)
        cleared = Q(unit__status__in=CLEARED) & not_blocked("unit__")
        kinds += [banked.filter(apart).in_quarantine(False), banked.filter(cleared).in_quarantine()]
    found = [slot for kind in kinds for slot in kind[:MOST_MISPLACED]]
    return [_drawn(slot, with_quarantine) for slot in sorted(found, key=_as_one_walks)[:MOST_MISPLACED]]


def _as_one_walks(slot: Slot) -> tuple[Any, ...]:
    """As SlotQuerySet.in_order."""
    return *((node.position, node.code) for node in places.chain(slot.canister)), slot.position


# --- lists --------------------------------------------------------------------------------------------

EXPORT_HEADER = ("place", "unit", "status")
EXPORTED = ("canister__parent__parent__code", "canister__parent__code", "canister__code", "position")


def export_rows(user: User) -> Iterator[list[str]]:
    """Every place for units as one walks, with its unit; the file can be read back to place units.

    Of columns, not of models: a large bank has a million places.
    """
    slots = Slot.objects.visible_to(user).filter(for_samples=False).in_order()
    flags = [f"unit__{flag}" for flag in BLOCKS]
    rows = slots.values_list(*EXPORTED, "blocked", "unit__unit_no", "unit__status", *flags)
    for tank, rack, can, position, blocked, unit_no, status, *blocks in rows.iterator(chunk_size=5_000):
        place = str(PlaceText(tank, rack, can, position))
        if unit_no is None:
            yield [place, "", BLOCKED if blocked else FREE]
        else:
            held = next((flag for flag, on in zip(BLOCKS, blocks, strict=True) if on), "")
            yield [place, unit_no, held.upper() if held and status in SEARCHABLE else status]


def picking(units: Iterable[CordBloodUnit]) -> dict[str, Any]:
    """Units of a picking list by place, as one walks; and those that lie nowhere."""
    wanted = {unit.pk: unit for unit in units}
    slots = Slot.objects.with_place().select_related("unit").filter(unit__in=wanted).in_order()
    rows = [_drawn(slot, frozenset()) for slot in slots]
    stored = {row["unit"].pk for row in rows}
    elsewhere = [unit for pk, unit in wanted.items() if pk not in stored]
    return {"rows": rows, "elsewhere": elsewhere}


def crumbs(node: StorageNode | None = None, last: str = "") -> list[tuple[str, str]]:
    """The way to a page of the storage; of a canister by its tank."""
    found = [(reverse("bank:unit-list"), _("Inventory")), (reverse("bank:storage"), _("Storage"))]
    if node is not None:
        tanks = [one for one in places.chain(node)[:-1] if one.kind == NodeKind.TANK]
        found += [(reverse("bank:storage-tank", args=[tank.pk]), str(tank)) for tank in tanks]
        found.append(("", node.path))
    elif last:
        found.append(("", last))
    return found
