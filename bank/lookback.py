"""Look-back of a unit: from it to everything and everybody that it had to do with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from bank.models import CordBloodUnit, LotUse, TankAlarm
from bank.stays import UNIT, Neighbour, Stay, alarms_during, neighbours, stays_of
from core.models import AuditEntry


@dataclass(frozen=True)
class Sample:
    """Something kept of the unit or its mother, as the look-back shows it."""

    what: str
    of: str
    left: str
    where: str = ""
    url: str = ""


# Whoever keeps samples adds here a function that lists those of a unit; the page asks all of them.
SAMPLES: list[Callable[[CordBloodUnit], Iterable[Sample]]] = []


@dataclass(frozen=True)
class Hands:
    """One kind of thing that was done with the unit, by whom; in the order of the first time."""

    action: str
    people: list[str]
    first: AuditEntry
    last: AuditEntry


@dataclass(frozen=True)
class Lookback:
    """All of it; a fixed number of queries, however many units lie beside it."""

    unit: CordBloodUnit
    siblings: list[CordBloodUnit]
    samples: list[Sample]
    uses: list[LotUse]
    hands: list[Hands]
    results: list[Any]
    stays: list[Stay]
    neighbours: list[Neighbour]
    alarms: list[TankAlarm] = field(default_factory=list)


def lookback_of(unit: CordBloodUnit) -> Lookback:
    """unit: with its donation and bank."""
    stays = stays_of(unit)
    return Lookback(
        unit=unit,
        siblings=siblings_of(unit),
        samples=[sample for source in SAMPLES for sample in source(unit)],
        uses=list(unit.lot_uses.select_related("lot", "entered_by")),
        hands=hands_of(unit),
        results=results_of(unit),
        stays=stays,
        neighbours=neighbours(unit, stays),
        alarms=alarms_during(stays),
    )


def siblings_of(unit: CordBloodUnit) -> list[CordBloodUnit]:
    """Other units of the same mother: of a twin, or of another birth."""
    if unit.donation is None:
        return []
    mother = {"donation__bank": unit.donation.bank_id, "donation__mother_code": unit.donation.mother_code}
    rows = CordBloodUnit.objects.filter(**mother).exclude(pk=unit.pk)
    return list(rows.select_related("donation").order_by("unit_no", "pk"))


def hands_of(unit: CordBloodUnit) -> list[Hands]:
    """Who did what with the unit."""
    rows = AuditEntry.objects.filter(target_type=UNIT, target_key=str(unit.pk)).order_by("at", "pk")
    by_action: dict[str, list[AuditEntry]] = {}
    for row in rows:
        by_action.setdefault(row.action, []).append(row)
    return [
        Hands(action, list(dict.fromkeys(row.actor_label for row in found)), found[0], found[-1])
        for action, found in by_action.items()
    ]


def results_of(unit: CordBloodUnit) -> list[Any]:
    """Every result of the unit, superseded and retracted ones too, with who entered and who verified it."""
    kinds: tuple[Any, ...] = (
        unit.measurements, unit.markers, unit.cultures, unit.blood_groups, unit.haemoglobinopathy_results, unit.typings,
    )  # fmt: skip
    return [row for rows in kinds for row in rows.select_related("entered_by", "verified_by")]
