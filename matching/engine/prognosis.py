"""What a search will find, before it is asked for: units of the present inventory counted for each likely genotype.

No list, no evidence, no probability of single units: only how many there are by class and dose, and how many a year's
new units would add. Patients typed without doubt have one genotype, and the counts are those of their search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.engine import planning_kernels as kernels
from matching.engine.columns import Pair
from matching.engine.planning_expected import Expected
from matching.engine.planning_plan import GRID
from matching.engine.planning_scan import Matcher
from matching.engine.policy import Policy
from matching.engine.snapshot import Snapshot

Array = NDArray[Any]

DIGITS: Final = 9
LISTED: Final = frozenset({"LISTED"})


@dataclass(frozen=True)
class Genotype:
    """One of the patient's genotypes: its two names at each locus, and its share."""

    pairs: Mapping[str, Pair]
    share: float


@dataclass(frozen=True)
class Outlook:
    """One class and fewest matches.

    any_unit, any_certain: probability that at least one unit reaches it, possibly and certainly; any_large: possibly
    and with the cells needed. units, certain, large: expected numbers of such units. new_a_year, large_a_year: expected
    among a year's new units, NaN where it cannot be told.
    """

    class_name: str
    floor: int
    any_unit: float
    any_certain: float
    any_large: float
    units: float
    certain: float
    large: float
    new_a_year: float
    large_a_year: float


@dataclass(frozen=True)
class Prognosis:
    """outlooks: by class, best first. told: share of the patient's genotypes that were counted; all shares are of
    these."""

    outlooks: tuple[Outlook, ...]
    told: float

    def best(self, class_name: str) -> list[tuple[int, float]]:
        """The best value of a class that a search will find, and its probability; what is left finds none."""
        found, above = [], 0.0
        for one in self.outlooks:
            if one.class_name == class_name:
                found.append((one.floor, round(one.any_unit - above, DIGITS)))
                above = one.any_unit
        return found


def prognosis(
    genotypes: Sequence[Genotype],
    snapshot: Snapshot,
    *,
    loci: tuple[str, ...],
    policy: Policy,
    need_e4: int,
    expected: Mapping[str, Expected],
    new_a_year: float,
    enough: float,
) -> Prognosis:
    """Count for these genotypes, at least one. loci: at which all have names.

    need_e4: cells that a unit must have, 0 none. expected: of some classes, how likely a new unit reaches them;
    new_a_year: how many units come in a year, of which the share `enough` has the cells. O(genotypes × units).
    """
    matcher = Matcher(snapshot, loci, policy, LISTED)
    needs = np.array([0, need_e4] if need_e4 else [0], dtype=np.int64)
    told = sum(one.share for one in genotypes)
    shape = (2, len(matcher.classes), matcher.floors.shape[1], len(needs))
    share_any, number = np.zeros(shape), np.zeros(shape)
    arriving = {name: np.zeros(len(GRID[name])) for name in matcher.classes if name in expected}
    for one in genotypes:
        counts = _counts(matcher, one.pairs, needs, shape)
        share_any += one.share / told * (counts > 0)
        number += one.share / told * counts
        for name, found in arriving.items():
            found += one.share / told * _reached(expected[name], one.pairs, GRID[name])
    large = len(needs) - 1
    return Prognosis(
        tuple(
            Outlook(
                class_name=name,
                floor=floor,
                any_unit=_share(share_any[0, place, at, 0]),
                any_certain=_share(share_any[1, place, at, 0]),
                any_large=_share(share_any[0, place, at, large]),
                units=float(number[0, place, at, 0]),
                certain=float(number[1, place, at, 0]),
                large=float(number[0, place, at, large]),
                new_a_year=new_a_year * _at(arriving.get(name), at),
                large_a_year=new_a_year * enough * _at(arriving.get(name), at),
            )
            for place, name in enumerate(matcher.classes)
            for at, floor in enumerate(GRID[name])
        ),
        told,
    )


def _counts(
    matcher: Matcher, pairs: Mapping[str, Pair], needs: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.int32]:
    found = matcher.candidates(pairs)
    counts, first = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    ranks = np.zeros(len(found.rows), dtype=np.int64)
    kernels.tally(found.packed, found.cells, ranks, matcher.floors, needs, counts, first)
    return counts


def _reached(expected: Expected, pairs: Mapping[str, Pair], floors: Sequence[int]) -> NDArray[np.float64]:
    """Share of persons drawn from the set with at least so many matches: float64 (floors,)."""
    distribution = expected.distribution(pairs)
    return np.array([distribution[floor:].sum() for floor in floors])


def _at(values: Array | None, place: int) -> float:
    return float("nan") if values is None else float(values[place])


def _share(value: Any) -> float:
    """Shares that are 1 on paper are not told as less."""
    return min(round(float(value), DIGITS), 1.0)
