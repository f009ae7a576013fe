"""Double cord grafts: of all pairs of the kept units the best, with a verdict per rule (matching.md 4.4 R16).

All pairs of MOST_UNITS units are looked at; nothing is left out without a number. Which of two units comes first never
matters: a pair is written with the smaller id first, and every figure of it is symmetric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.antigens import AntigenRule
from hla.matching import CLASSES
from hla.resolve import Resolver
from matching.engine import abo
from matching.engine.columns import Pair, id_keys
from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, all_per_kg, cells_needed
from matching.engine.selection.rules import PairSettings
from matching.engine.unit_matches import unit_matches

Array = NDArray[Any]
Verdicts = NDArray[np.uint8]

MOST_UNITS: Final = 500  # 124,750 pairs
KEPT: Final = 100
FAILED, PASSED, CANNOT_TELL = range(3)
VERDICTS: Final = ("failed", "passed", "cannot_tell")
PAIR_RULES: Final = ("tnc_each", "cd34_each", "tnc_total", "unit_unit")
UNIT_UNIT_CLASSES: Final = ("antigen6", "allele8")

# The verdict of two together: failed if either failed, else open if either is, by [one, other].
_BOTH: Final = np.array([[0, 0, 0], [0, 1, 2], [0, 2, 2]], dtype=np.uint8)
_STANDING: Final = np.array([2, 0, 1])  # place of each verdict in the order: passed, cannot tell, failed


@dataclass(frozen=True)
class Candidates:
    """n units that a search kept, in any order.

    ids: uint8 (n, 16), distinct. ranks: int64 (n,), place in the list, 1 is best. classes: class -> int8 (n, 2), min
    and max of the unit's matches with the patient. typings: per locus, A, B and DRB1 at least, the two texts of each
    unit (n,), UNTYPED where they are unknown; what cannot be read counts as that. tnc_e4, cd34_e3: int64 (n,), cells
    of the whole unit, -1 unknown. invented: bool (n,), cells that are made up: by them a dose may fail, and is else not
    told. abo: uint8 (n,), codes of matching.engine.abo. passes: rule that both units must
    pass -> uint8 (n,), FAILED, PASSED or CANNOT_TELL; no name of PAIR_RULES.
    """

    ids: NDArray[np.uint8]
    ranks: NDArray[np.int64]
    classes: Mapping[str, NDArray[np.int8]]
    typings: Mapping[str, Sequence[Pair]]
    tnc_e4: NDArray[np.int64]
    cd34_e3: NDArray[np.int64]
    invented: NDArray[np.bool_]
    abo: NDArray[np.uint8]
    passes: Mapping[str, Verdicts]

    def __len__(self) -> int:
        return len(self.ids)

    def taken(self, places: Array) -> Candidates:
        """Some of the units, in this order."""
        chosen = places.tolist()
        return Candidates(
            ids=self.ids[places],
            ranks=self.ranks[places],
            classes={name: values[places] for name, values in self.classes.items()},
            typings={locus: [pairs[at] for at in chosen] for locus, pairs in self.typings.items()},
            tnc_e4=self.tnc_e4[places],
            cd34_e3=self.cd34_e3[places],
            invented=self.invented[places],
            abo=self.abo[places],
            passes={name: values[places] for name, values in self.passes.items()},
        )


@dataclass(frozen=True)
class PairCounts:
    """Where every pair went: `pairs` = passed + cannot_tell + failed; the listed ones = kept + cut.

    units were paired, units_cut were not; units_failing, of both: those that fail a rule of their own, so that no pair
    of theirs can pass. failed_by, open_by: rule -> pairs
    that fail it or of which it cannot be told; a pair may be in several. failed_only_by: pairs that fail this rule and
    no other, which would pass or stay open without it.
    """

    units: int
    units_cut: int
    units_failing: int
    pairs: int
    passed: int
    cannot_tell: int
    failed: int
    failed_by: Mapping[str, int]
    failed_only_by: Mapping[str, int]
    open_by: Mapping[str, int]
    kept: int
    cut: int


@dataclass(frozen=True)
class Pairs:
    """The k kept pairs, best first; all arrays have k rows.

    units: int64 (k, 2), rows of the candidates, the smaller id first. verdicts: uint8 (k,), index into VERDICTS; rules:
    the same per rule, those of the units first. tnc_e7_per_kg, cd34_e5_per_kg: float64 (k,), both units together, NaN
    where cells of one or the weight are unknown. worse, better: int8 (k, 2), min and max of the primary class of the
    unit that matches less and of the other. unit_unit: class -> int8 (k, 2), min and max of the units' matches with
    each other. abo: uint8 (k,), index into abo.BETWEEN. abo_to_patient: uint8 (k, 2), index into abo.TO_RECIPIENT, in
    the order of `units`.
    """

    units: NDArray[np.int64]
    verdicts: Verdicts
    rules: Mapping[str, Verdicts]
    tnc_e7_per_kg: NDArray[np.float64]
    cd34_e5_per_kg: NDArray[np.float64]
    worse: NDArray[np.int8]
    better: NDArray[np.int8]
    unit_unit: Mapping[str, NDArray[np.int8]]
    abo: NDArray[np.uint8]
    abo_to_patient: NDArray[np.uint8]
    counts: PairCounts

    def __len__(self) -> int:
        return len(self.units)


def best_pairs(
    candidates: Candidates,
    *,
    weight_kg: Decimal | None,
    resolver: Resolver,
    rules: PairSettings | None = None,
    antigen_rule: AntigenRule = "split",
    primary: str = "antigen6",
    patient_abo: int = abo.UNKNOWN,
    keep: int = KEPT,
    failed: bool = False,
) -> Pairs:
    """All pairs of the MOST_UNITS best candidates judged, the best `keep` in order.

    Best by rank; units that fail a rule of their own come last, since they can only be in pairs that fail.

    Order: passed before cannot tell (before failed, which are listed only if `failed`); then the class of the unit
    that matches less, then of the other (at most, then certain matches); then both units' TNC, unknown last; then the
    units' matches with each other (antigen6); then their ids. weight_kg None: no dose can be told. Raises ValueError
    for a weight that is none, a unit that comes twice or a rule's name that is taken. O(n²).
    """
    _check(candidates, weight_kg, keep)
    rules = rules or PairSettings()
    failing = _failing_alone(candidates, weight_kg, rules)
    chosen = np.lexsort((candidates.ranks, failing))[:MOST_UNITS]
    chosen = chosen[np.argsort(id_keys(candidates.ids[chosen]), kind="stable")]
    judged = _Judged(candidates.taken(chosen), weight_kg, rules, resolver, antigen_rule, primary)
    overall = judged.overall()
    listed = np.arange(len(overall)) if failed else np.flatnonzero(overall != FAILED)
    kept = listed[judged.order(listed, overall[listed])[:keep]]
    counts = _counts(
        judged, overall, len(candidates) - len(chosen), int(failing.sum()), len(listed), len(kept)
    )
    return judged.pairs(kept, overall, chosen, patient_abo, counts)


def _check(candidates: Candidates, weight_kg: Decimal | None, keep: int) -> None:
    if weight_kg is not None and not (weight_kg.is_finite() and weight_kg > 0):
        raise ValueError(f"A weight of {weight_kg} kg is none.")
    if keep < 0:
        raise ValueError(f"{keep} pairs cannot be kept.")
    if len(np.unique(id_keys(candidates.ids))) < len(candidates):
        raise ValueError("A unit came twice: it cannot be paired with itself.")
    if taken := set(candidates.passes) & set(PAIR_RULES):
        raise ValueError(f"{sorted(taken)} are rules of pairs, not of units.")
    for name, verdicts in candidates.passes.items():
        if (verdicts > CANNOT_TELL).any():
            raise ValueError(f"{name} has a verdict that is none of {VERDICTS}.")


def _doses_of_each(units: Candidates, weight_kg: Decimal | None, rules: PairSettings) -> dict[str, Verdicts]:
    """Whether each unit has the doses asked of each. In whole cells and decimals: exactly at the line passes."""
    asked = (
        ("tnc_each", units.tnc_e4, rules.tnc_e7_each, TNC_E4_PER_E7),
        ("cd34_each", units.cd34_e3, rules.cd34_e5_each, CD34_E3_PER_E5),
    )
    found = {}
    for name, cells, least, unit in asked:
        known = (cells >= 0) & (weight_kg is not None)
        enough = cells >= cells_needed(least, weight_kg or Decimal(0), unit)
        found[name] = _judged(known & enough & ~units.invented, known & ~enough)
    return found


def _failing_alone(units: Candidates, weight_kg: Decimal | None, rules: PairSettings) -> NDArray[np.bool_]:
    """Units that fail a rule of their own, whatever they are paired with."""
    own = [*units.passes.values(), *_doses_of_each(units, weight_kg, rules).values()]
    return np.any([verdicts == FAILED for verdicts in own], axis=0) if own else np.zeros(len(units), np.bool_)


class _Judged:
    """All pairs of some units, which stand in the order of their ids."""

    def __init__(
        self,
        units: Candidates,
        weight_kg: Decimal | None,
        rules: PairSettings,
        resolver: Resolver,
        antigen_rule: AntigenRule,
        primary: str,
    ) -> None:
        self.units = units
        self.weight_kg = weight_kg
        self.first, self.second = np.triu_indices(len(units), 1)
        matches = unit_matches(units.typings, resolver, antigen_rule)
        names = [
            name for name in UNIT_UNIT_CLASSES if all(locus in units.typings for locus, _ in CLASSES[name])
        ]
        self.unit_unit = matches.between(names, self.first, self.second)
        self.abo = abo.between(units.abo[self.first], units.abo[self.second])
        self.primary = units.classes[primary].astype(np.int64)
        self.verdicts = {name: self._both(verdicts) for name, verdicts in units.passes.items()}
        self.verdicts |= self._by_rules(rules)

    def __len__(self) -> int:
        return len(self.first)

    def overall(self) -> Verdicts:
        """Failed if a rule failed, else open if one is, else passed."""
        found = np.full(len(self), PASSED, dtype=np.uint8)
        for verdicts in self.verdicts.values():
            found = _BOTH[found, verdicts]
        return found

    def _both(self, verdicts: Verdicts) -> Verdicts:
        """Of a rule that both units must pass."""
        return _BOTH[verdicts[self.first], verdicts[self.second]]

    def _by_rules(self, rules: PairSettings) -> dict[str, Verdicts]:
        """Those that are asked, in the order of PAIR_RULES."""
        each = _doses_of_each(self.units, self.weight_kg, rules)
        found = {name: self._both(verdicts) for name, verdicts in each.items()}
        found["tnc_total"] = self._total(self.units.tnc_e4, rules.tnc_e7_total_above, TNC_E4_PER_E7)
        if rules.unit_unit_least is not None:
            low, high = self.unit_unit["antigen6"].T
            found["unit_unit"] = _judged(low >= rules.unit_unit_least, high < rules.unit_unit_least)
        return found

    def _total(self, cells: Array, above: Decimal, unit: int) -> Verdicts:
        """Whether both together exceed a dose per kg: two exactly at the line fail. One unknown unit can only add."""
        if self.weight_kg is None:
            return np.full(len(self), CANNOT_TELL, dtype=np.uint8)
        needed = cells_needed(above, self.weight_kg, unit, above=True)
        one, other = cells[self.first], cells[self.second]
        sure = np.where(self.units.invented, 0, np.maximum(cells, 0))
        enough = sure[self.first] + sure[self.second] >= needed
        return _judged(enough, (one >= 0) & (other >= 0) & (one + other < needed))

    def together(self, cells: Array, pairs: Array) -> NDArray[np.int64]:
        """Cells of both units of some pairs, -1 where those of one are unknown."""
        one, other = cells[self.first[pairs]], cells[self.second[pairs]]
        return np.where((one < 0) | (other < 0), -1, one + other)

    def classes(self, pairs: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The primary class of the worse and of the better unit of some pairs, each (p, 2); more at most is better,
        then more for certain."""
        one, other = self.primary[self.first[pairs]], self.primary[self.second[pairs]]
        swapped = (_standing(one) > _standing(other))[:, None]
        return np.where(swapped, other, one), np.where(swapped, one, other)

    def order(self, pairs: Array, verdicts: Verdicts) -> NDArray[np.int64]:
        """Places of some pairs, given by ids, best first."""
        worse, better = self.classes(pairs)
        keys = (
            -_standing(self.unit_unit["antigen6"][pairs].astype(np.int64)),
            -self.together(self.units.tnc_e4, pairs),
            -_standing(better),
            -_standing(worse),
            _STANDING[verdicts],
        )
        return np.lexsort(keys)  # stable: the rest is settled by the ids

    def pairs(
        self, kept: Array, overall: Verdicts, chosen: Array, patient_abo: int, counts: PairCounts
    ) -> Pairs:
        """Some pairs as they are handed out. chosen: rows of the caller's candidates that the units are."""
        worse, better = self.classes(kept)
        units = np.stack([self.first[kept], self.second[kept]], axis=1)
        return Pairs(
            units=chosen[units],
            verdicts=overall[kept],
            rules={name: verdicts[kept] for name, verdicts in self.verdicts.items()},
            tnc_e7_per_kg=all_per_kg(self.together(self.units.tnc_e4, kept), TNC_E4_PER_E7, self.weight_kg),
            cd34_e5_per_kg=all_per_kg(
                self.together(self.units.cd34_e3, kept), CD34_E3_PER_E5, self.weight_kg
            ),
            worse=worse.astype(np.int8),
            better=better.astype(np.int8),
            unit_unit={name: values[kept] for name, values in self.unit_unit.items()},
            abo=self.abo[kept],
            abo_to_patient=abo.to_recipient(patient_abo, self.units.abo[units]),
            counts=counts,
        )


def _judged(passed: Array, failed: Array) -> Verdicts:
    """PASSED, FAILED, or CANNOT_TELL where neither holds."""
    return np.where(failed, FAILED, np.where(passed, PASSED, CANNOT_TELL)).astype(np.uint8)


def _standing(spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """Min and max of a class (p, 2) as one number: more at most is better, then more for certain."""
    return spans[:, 1] * 16 + spans[:, 0]


def _counts(
    judged: _Judged, overall: Verdicts, units_cut: int, units_failing: int, listed: int, kept: int
) -> PairCounts:
    failures = np.zeros(len(judged), dtype=np.uint8)
    for verdicts in judged.verdicts.values():
        failures += verdicts == FAILED
    once = failures == 1
    passed, cannot_tell, failed = (int((overall == one).sum()) for one in (PASSED, CANNOT_TELL, FAILED))
    return PairCounts(
        units=len(judged.units),
        units_cut=units_cut,
        units_failing=units_failing,
        pairs=len(judged),
        passed=passed,
        cannot_tell=cannot_tell,
        failed=failed,
        failed_by={name: int((found == FAILED).sum()) for name, found in judged.verdicts.items()},
        failed_only_by={
            name: int((once & (found == FAILED)).sum()) for name, found in judged.verdicts.items()
        },
        open_by={name: int((found == CANNOT_TELL).sum()) for name, found in judged.verdicts.items()},
        kept=kept,
        cut=listed - kept,
    )
