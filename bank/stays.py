"""Where a unit lay and when, as the audit trail and its slot tell it; and which units lay beside it.

The trail is the history: every placing, move and taking out of a unit is an entry that names the places. A unit that
came with its place, by a load, has a stay without a beginning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from bank.models import CordBloodUnit, Slot, TankAlarm
from bank.places import PlaceText, parse
from core.models import AuditEntry

MOVES = frozenset({"unit.place", "unit.move", "unit.take_out"})
UNIT = CordBloodUnit._meta.label


@dataclass(frozen=True)
class Stay:
    """since None: before the records begin; until None: it lies there now. put_by, taken_by: who moved it."""

    place: str
    since: dt.datetime | None
    until: dt.datetime | None
    put_by: str = ""
    taken_by: str = ""

    @property
    def canister(self) -> str:
        return self.place.rpartition("-")[0]

    @property
    def tank(self) -> str:
        return self.place.partition("-")[0]

    def overlaps(self, other: Stay) -> bool:
        """Both lay there at one moment."""
        begins = [one.since for one in (self, other) if one.since]
        ends = [one.until for one in (self, other) if one.until]
        return not begins or not ends or max(begins) < min(ends)


def stays_of(unit: CordBloodUnit) -> list[Stay]:
    """In their order."""
    rows = AuditEntry.objects.filter(target_type=UNIT, target_key=str(unit.pk), action__in=MOVES)
    slot = Slot.objects.with_place().filter(unit=unit).first()
    return stays_from(rows.order_by("at", "pk"), slot.place if slot else "")


def stays_from(entries: Iterable[AuditEntry], now_in: str) -> list[Stay]:
    """The stays that a unit's moves, in order, tell of, and the place where it lies now ("" nowhere)."""
    found: list[Stay] = []
    here: tuple[str, dt.datetime | None, str] | None = None  # place, since, put by
    for entry in entries:
        left, reached = _place(entry.before), _place(entry.after)
        if left:
            since, by = (here[1], here[2]) if here and here[0] == left else (None, "")
            found.append(Stay(left, since, entry.at, by, entry.actor_label))
        here = (reached, entry.at, entry.actor_label) if reached else None
    if now_in:
        since, by = (here[1], here[2]) if here and here[0] == now_in else (None, "")
        found.append(Stay(now_in, since, None, by))
    return found


def _place(side: dict[str, Any] | None) -> str:
    return str((side or {}).get("place") or "")


# --- beside it ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Neighbour:
    """A unit that lay in the same canister at the same time. stay: its own, the last that overlaps."""

    unit: CordBloodUnit
    stay: Stay

    @property
    def now(self) -> bool:
        return self.stay.until is None


def neighbours(unit: CordBloodUnit, stays: Sequence[Stay]) -> list[Neighbour]:
    """Units in the same canister, now and at any time of the stays; those of now first. Three queries."""
    canisters = sorted({stay.canister for stay in stays})
    if not canisters:
        return []
    lying = _lying_in(canisters)
    moves = _moves_in(canisters)
    told: dict[UUID, Stay] = {}
    for key in {*lying, *moves} - {unit.pk}:
        for other in stays_from(moves.get(key, ()), lying.get(key, "")):
            if any(stay.canister == other.canister and stay.overlaps(other) for stay in stays):
                told[key] = other
    units = CordBloodUnit.objects.in_bulk(told)
    found = [Neighbour(units[key], stay) for key, stay in told.items() if key in units]
    return sorted(found, key=lambda one: (not one.now, one.stay.place, one.unit.unit_no))


def _lying_in(canisters: Iterable[str]) -> dict[UUID, str]:
    """Unit -> place, of all that lie in these canisters now."""
    wanted = Q(pk__in=[])
    for place in map(parse, canisters):
        if place is not None:
            wanted |= _in_canister(place)
    rows = Slot.objects.with_place().filter(wanted, unit__isnull=False)
    return {slot.unit_id: slot.place for slot in rows if slot.unit_id}


def _in_canister(place: PlaceText) -> Q:
    return Q(
        canister__code=place.canister,
        canister__parent__code=place.rack,
        canister__parent__parent__code=place.tank,
        canister__parent__parent__kind="tank",
    )


def _moves_in(canisters: Iterable[str]) -> dict[UUID, list[AuditEntry]]:
    """Unit -> its moves into and out of these canisters, in order; by the indexes audit_place_before and _after."""
    wanted = Q()
    for code in canisters:
        wanted |= Q(after__place__startswith=f"{code}-") | Q(before__place__startswith=f"{code}-")
    rows = AuditEntry.objects.filter(wanted, action__in=MOVES, target_type=UNIT)
    found: dict[UUID, list[AuditEntry]] = {}
    for entry in rows.order_by("at", "pk"):
        found.setdefault(UUID(entry.target_key), []).append(entry)
    return found


# --- alarms ---------------------------------------------------------------------------------------


def alarms_during(stays: Iterable[Stay]) -> list[TankAlarm]:
    """Alarms of the tanks in which the unit lay, while it lay there; in one query."""
    wanted = Q(pk__in=[])
    for stay in stays:
        during = Q(tank__code=stay.tank)
        if stay.since:
            during &= Q(last_at__gte=stay.since)
        if stay.until:
            during &= Q(first_at__lte=stay.until)
        wanted |= during
    rows = TankAlarm.objects.filter(wanted).select_related("tank__parent", "acknowledged_by")
    return list(rows.order_by("first_at", "pk"))
