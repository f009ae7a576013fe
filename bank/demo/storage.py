"""A tank farm for the synthetic units: canister after canister in racks, racks in tanks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from bank.choices import NodeKind

SLOTS_PER_CANISTER, CANISTERS_PER_RACK, RACKS_PER_TANK = 20, 10, 12
NODE_COLUMNS = ("id", "bank_id", "kind", "parent_id", "code", "position", "quarantine")
SLOT_COLUMNS = ("id", "canister_id", "position", "unit_id", "blocked")
SITE = 0
# Numbers of the keys of tanks, racks and canisters begin here; no inventory has so many units.
TANKS, RACKS, CANISTERS = 1 << 40, 2 << 40, 3 << 40

Key = Callable[[int], str]


def slots_of(units: int) -> int:
    """Slots of the canisters that so many units need."""
    return -(-units // SLOTS_PER_CANISTER) * SLOTS_PER_CANISTER


def node_lines(units: int, bank_id: UUID, key: Key) -> Iterator[list[Any]]:
    """The values of NODE_COLUMNS: one site with as many tanks, racks and canisters as are needed, parents first."""

    def line(kind: NodeKind, number: int, parent: str | None, code: str, position: int) -> list[Any]:
        return [key(number), bank_id, kind.value, parent, code, position, False]

    yield line(NodeKind.SITE, SITE, None, "S1", 1)
    for number in range(slots_of(units) // SLOTS_PER_CANISTER):
        rack, in_rack = divmod(number, CANISTERS_PER_RACK)
        tank, in_tank = divmod(rack, RACKS_PER_TANK)
        if in_rack == in_tank == 0:
            yield line(NodeKind.TANK, TANKS + tank, key(SITE), f"T{tank + 1}", tank + 1)
        if in_rack == 0:
            yield line(NodeKind.RACK, RACKS + rack, key(TANKS + tank), f"R{in_tank + 1}", in_tank + 1)
        yield line(NodeKind.CANISTER, CANISTERS + number, key(RACKS + rack), f"C{in_rack + 1}", in_rack + 1)


def slot_line(place: int, key: Key, unit_id: str | None) -> list[Any]:
    """The values of SLOT_COLUMNS for a place in the farm, counted from 0."""
    canister, position = divmod(place, SLOTS_PER_CANISTER)
    return [key(place), key(CANISTERS + canister), position + 1, unit_id, False]
