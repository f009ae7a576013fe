"""Compiled loops over the candidates of simulated patients. What they mean: planning.py and prognosis.py."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled

Array = NDArray[Any]

HALF = np.uint32(15)


@compiled
def tally(
    packed: Array,
    cells: Array,
    ranks: Array,
    floors: Array,
    needs: Array,
    counts: Array,
    first: Array,
) -> None:
    """Candidates of one patient by class, floor and dose, possible and certain.

    packed: words of the candidates (scan_kernels). cells: in 10⁴, below 0 unknown. ranks: when each comes into an
    inventory that grows. floors: int64 (classes, f), falling. needs: int64 (d,), cells needed, rising from 0, which
    unknown cells meet and nothing else. counts, first: int64 (2, classes, f, d), of candidates and the smallest of
    their ranks; both are added to.
    """
    for at in range(len(packed)):
        word = packed[at]
        level = 0
        while level < len(needs) and (needs[level] == 0 or cells[at] >= needs[level]):
            level += 1
        for place in range(floors.shape[0]):
            both = word >> np.uint32(8 * place)
            for half in range(2):
                value = np.int64(both >> np.uint32(4 * half) & HALF)
                for floor in range(floors.shape[1]):
                    if value >= floors[place, floor]:
                        for need in range(level):
                            counts[half, place, floor, need] += 1
                            first[half, place, floor, need] = min(first[half, place, floor, need], ranks[at])


@compiled
def credit(
    rows: Array,
    packed: Array,
    cells: Array,
    place: int,
    floor: int,
    needs: Array,
    shares: Array,
    best: Array,
    useful: Array,
) -> Any:
    """One patient's share given to the unit that heads the list: class possible, class certain, then cells.

    needs, shares: cells needed at each weight, and the share of patients of this weight. best: float64 (units,), to
    which the shares are added, those of equally good units in equal parts; useful: the same for each unit that has the
    floor and the cells. Returns the share that no unit serves. Unknown cells serve only where none are needed.
    """
    unserved = 0.0
    for at in range(len(needs)):
        highest, ties = np.int64(-1), 0
        for one in range(len(rows)):
            own = standing(packed[one], cells[one], place, floor, needs[at])
            if own < 0:
                continue
            useful[rows[one]] += shares[at]
            if own > highest:
                highest, ties = own, 1
            elif own == highest:
                ties += 1
        if ties == 0:
            unserved += shares[at]
            continue
        for one in range(len(rows)):
            if standing(packed[one], cells[one], place, floor, needs[at]) == highest:
                best[rows[one]] += shares[at] / ties
    return unserved


@compiled
def standing(word: Any, cells: Any, place: int, floor: int, need: int) -> Any:
    """Where a unit stands in a list, the larger the better; -1 where it has not the floor or not the cells."""
    both = word >> np.uint32(8 * place)
    most, least = np.int64(both & HALF), np.int64(both >> np.uint32(4) & HALF)
    if most < floor or (need > 0 and cells < need):
        return np.int64(-1)
    return (most * 16 + least) << 32 | (np.int64(cells) + 1)
