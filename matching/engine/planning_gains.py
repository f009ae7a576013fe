"""Which haplotypes would serve most of the patients who have no unit; measured on patients kept apart.

Of the patients one half names the haplotypes, the other half measures them: who measures by the patients that made him
choose finds everything better than it is. For a patient the share of new units that serve him is exact
(planning_expected), so that the sampling of patients is the only noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.engine.planning_expected import Expected

Array = NDArray[Any]

SHOWN: Final = 12
COMMON: Final = 1e-4  # frequency: of 5,000 new units one has it; rarer ones no recruiting finds
Z95: Final = 1.959964
TELL_EVERY: Final = 50  # patients


@dataclass(frozen=True)
class Gain:
    """What one new unit with a haplotype would add, its other haplotype drawn from the set.

    haplotype: its names at the loci of the class joined by ~, "" for units of two drawn haplotypes. frequency: in the
    set as read. gain: share of patients who have no unit yet and would be served. low, high: 95 % by the sampling of
    patients; below 0 is cut.
    """

    haplotype: str
    frequency: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Gains:
    """anybody: a new unit that nobody chose. best: haplotypes as the first half of the patients orders them, measured
    by the others. patients: that measured; unserved: of them without a unit at the target."""

    anybody: Gain
    best: tuple[Gain, ...]
    patients: int
    unserved: int


def gains_of(
    expected: Expected,
    floor: int,
    *,
    patients: NDArray[np.uint16],
    served: NDArray[np.bool_],
    enough: NDArray[np.float64],
    tell: Callable[[float], None],
) -> Gains:
    """Gains at `floor` matches. patients: (n, loci, 2), as Population.genotypes; served: bool (n,); enough: float64
    (n,), the share of new units that have cells enough for each."""
    half = len(patients) // 2
    naming, measuring = np.flatnonzero(~served[:half]), half + np.flatnonzero(~served[half:])
    asked = len(naming) + len(measuring)
    chosen, _squares = _summed(expected, floor, patients, enough, naming, lambda done: tell(done / asked))
    sums, squares = _summed(
        expected, floor, patients, enough, measuring, lambda done: tell((len(naming) + done) / asked)
    )
    count = len(patients) - half
    common = np.flatnonzero((expected.frequencies >= COMMON) & (chosen[:-1] > 0))
    order = common[np.argsort(-chosen[common], kind="stable")][:SHOWN]
    best = [
        _gain(expected.name(one), expected.frequencies[one], sums[one], squares[one], count)
        for one in order.tolist()
    ]
    return Gains(_gain("", 1.0, sums[-1], squares[-1], count), tuple(best), count, len(measuring))


def _summed(
    expected: Expected,
    floor: int,
    patients: Array,
    enough: Array,
    which: Sequence[int] | Array,
    tell: Callable[[int], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Over these patients the sum of the share of units that serve each, and of its square, by haplotype of the units;
    last, of units of two drawn haplotypes: float64 (h + 1,)."""
    sums, squares = np.zeros(len(expected.frequencies) + 1), np.zeros(len(expected.frequencies) + 1)
    for done, one in enumerate(which):
        if done % TELL_EVERY == 0:
            tell(done)
        kinds = expected.kinds(expected.population.pairs(patients[one].tolist()))
        shares = enough[one] * expected.shares(kinds, floor)
        shares = np.append(shares, expected.frequencies @ shares)
        sums += shares
        squares += shares**2
    return sums, squares


def _gain(name: str, frequency: float, total: float, squares: float, patients: int) -> Gain:
    """total, squares: over the patients who wait, of `patients` in all; those served add nothing to either."""
    gain = float(total) / patients
    half = Z95 * float(np.sqrt(max(float(squares) / patients - gain**2, 0.0) / patients))
    return Gain(name, float(frequency), gain, max(gain - half, 0.0), gain + half)
