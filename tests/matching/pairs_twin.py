"""Slow, readable twin of the pairs: two loops over units, plain Python and decimals, straight from matching.md 4.4 R16.

Matches of the units with each other come from the twin of the kernel; nothing of matching.engine.pairs is used but the
shapes of what goes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any

from hla.resolve import Resolver
from matching.engine.columns import Pair
from matching.engine.pairs import Candidates
from matching.engine.selection.rules import PairSettings
from tests.hla.reference import Counts, compare_texts
from tests.matching.twin import LEVELS

FAILED, PASSED, CANNOT_TELL = "failed", "passed", "cannot_tell"
UNIT_VERDICT = {0: FAILED, 1: PASSED, 2: CANNOT_TELL}
RED_CELLS = {0: "", 1: "A", 2: "B", 3: "AB"}  # antigens by code
Span = tuple[int, int]


@dataclass(frozen=True)
class Unit:
    """One candidate, read from its row."""

    unit_id: bytes
    place: int
    rank: int
    classes: Mapping[str, Span]
    typing: Mapping[str, Pair]
    tnc_e7: Decimal | None
    cd34_e5: Decimal | None
    is_invented: bool
    abo: str | None  # antigens of the red cells
    rules: Mapping[str, str]


@dataclass(frozen=True)
class TwinPair:
    units: tuple[Unit, Unit]
    rules: dict[str, str]
    tnc_e7_per_kg: Decimal | None
    cd34_e5_per_kg: Decimal | None
    unit_unit: dict[str, Span]
    abo: str

    @property
    def verdict(self) -> str:
        return together(self.rules.values())


def together(verdicts: Any) -> str:
    verdicts = list(verdicts)
    if FAILED in verdicts:
        return FAILED
    return CANNOT_TELL if CANNOT_TELL in verdicts else PASSED


def units_of(candidates: Candidates) -> list[Unit]:
    found = []
    for place in range(len(candidates)):
        tnc, cd34 = int(candidates.tnc_e4[place]), int(candidates.cd34_e3[place])
        found.append(
            Unit(
                unit_id=candidates.ids[place].tobytes(),
                place=place,
                rank=int(candidates.ranks[place]),
                classes={
                    name: (int(spans[place][0]), int(spans[place][1]))
                    for name, spans in candidates.classes.items()
                },
                typing={locus: pairs[place] for locus, pairs in candidates.typings.items()},
                tnc_e7=None if tnc < 0 else Decimal(tnc) / 1000,
                cd34_e5=None if cd34 < 0 else Decimal(cd34) / 100,
                is_invented=bool(candidates.invented[place]),
                abo=RED_CELLS.get(int(candidates.abo[place])),
                rules={
                    name: UNIT_VERDICT[int(verdicts[place])] for name, verdicts in candidates.passes.items()
                },
            )
        )
    return found


def twin_pairs(
    candidates: Candidates,
    *,
    weight_kg: Decimal | None,
    resolver: Resolver,
    rules: PairSettings | None = None,
    antigen_rule: str = "split",
    primary: str = "antigen6",
    known: dict[Any, Counts] | None = None,
) -> list[TwinPair]:
    """Every pair, the failed ones too, in order."""
    rules, known = rules or PairSettings(), {} if known is None else known
    units = sorted(units_of(candidates), key=lambda unit: unit.unit_id)
    found = [
        judged(one, other, weight_kg, rules, resolver, antigen_rule, known)
        for one, other in combinations(units, 2)
    ]
    return sorted(found, key=lambda pair: standing(pair, primary))


def judged(
    one: Unit,
    other: Unit,
    weight_kg: Decimal | None,
    rules: PairSettings,
    resolver: Resolver,
    antigen_rule: str,
    known: dict[Any, Counts],
) -> TwinPair:
    counts = {
        locus: compared(locus, one.typing[locus], other.typing[locus], resolver, antigen_rule, known)
        for locus in one.typing
    }
    unit_unit = {
        name: (
            sum(getattr(counts[locus], f"{level}_min") for locus, level in LEVELS[name].items()),
            sum(getattr(counts[locus], f"{level}_max") for locus, level in LEVELS[name].items()),
        )
        for name in ("antigen6", "allele8")
        if set(LEVELS[name]) <= set(counts)
    }
    verdicts = {name: together([one.rules[name], other.rules[name]]) for name in one.rules}
    verdicts["tnc_each"] = together(
        vouched(enough(unit.tnc_e7, rules.tnc_e7_each, weight_kg), unit) for unit in (one, other)
    )
    verdicts["cd34_each"] = together(
        vouched(enough(unit.cd34_e5, rules.cd34_e5_each, weight_kg), unit) for unit in (one, other)
    )
    verdicts["tnc_total"] = more(one, other, rules.tnc_e7_total_above, weight_kg)
    if rules.unit_unit_least is not None:
        low, high = unit_unit["antigen6"]
        floor = rules.unit_unit_least
        verdicts["unit_unit"] = PASSED if low >= floor else FAILED if high < floor else CANNOT_TELL
    abo = blood(one.abo, other.abo)
    return TwinPair(
        (one, other),
        verdicts,
        dose(one.tnc_e7, other.tnc_e7, weight_kg),
        dose(one.cd34_e5, other.cd34_e5, weight_kg),
        unit_unit,
        abo,
    )


def compared(
    locus: str, one: Pair, other: Pair, resolver: Resolver, rule: str, known: dict[Any, Counts]
) -> Counts:
    key = (locus, one, other, rule)
    if key not in known:
        known[key] = compare_texts(locus, one, other, resolver, rule)
    return known[key]


def enough(cells: Decimal | None, least: Decimal, weight_kg: Decimal | None) -> str:
    if cells is None or weight_kg is None:
        return CANNOT_TELL
    return PASSED if cells >= least * weight_kg else FAILED


def vouched(verdict: str, unit: Unit) -> str:
    """Made-up cells pass nothing."""
    return CANNOT_TELL if unit.is_invented and verdict == PASSED else verdict


def more(one: Unit, other: Unit, above: Decimal, weight_kg: Decimal | None) -> str:
    if weight_kg is None:
        return CANNOT_TELL
    known = [unit for unit in (one, other) if unit.tnc_e7 is not None]
    if sum((unit.tnc_e7 or 0 for unit in known if not unit.is_invented), Decimal(0)) > above * weight_kg:
        return PASSED
    if len(known) == 2 and sum((unit.tnc_e7 or 0 for unit in known), Decimal(0)) <= above * weight_kg:
        return FAILED
    return CANNOT_TELL


def dose(one: Decimal | None, other: Decimal | None, weight_kg: Decimal | None) -> Decimal | None:
    if one is None or other is None or weight_kg is None:
        return None
    return (one + other) / weight_kg


def blood(one: str | None, other: str | None) -> str:
    if one is None or other is None:
        return "unknown"
    if one == other:
        return "identical"
    return "both_ways" if set(one) - set(other) and set(other) - set(one) else "one_way"


def standing(pair: TwinPair, primary: str) -> tuple[Any, ...]:
    """Verdict, worse class, better class, TNC, units' match, ids."""
    spans = sorted((high, low) for low, high in (unit.classes[primary] for unit in pair.units))
    cells = [unit.tnc_e7 for unit in pair.units]
    total = Decimal(-1) if None in cells else sum(cell for cell in cells if cell is not None)
    low, high = pair.unit_unit["antigen6"]
    return (
        [PASSED, CANNOT_TELL, FAILED].index(pair.verdict),
        (-spans[0][0], -spans[0][1]),
        (-spans[1][0], -spans[1][1]),
        -total,
        (-high, -low),
        tuple(unit.unit_id for unit in pair.units),
    )
