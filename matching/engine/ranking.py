"""Order of a match list and the direction of mismatches (matching.md 2.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hla.matching import Direction, UnitDirection, direction_of, unit_direction

LOCUS_DIRECTIONS: tuple[Direction, ...] = ("none", "gvh", "hvg", "bidirectional", "unknown")
UNIT_DIRECTIONS: tuple[UnitDirection, ...] = ("matched", "gvh-only", "hvg-only", "bidirectional", "unknown")


def _locus_table() -> NDArray[np.uint8]:
    """Index into LOCUS_DIRECTIONS for [gvh_min, gvh_max, hvg_min, hvg_max], each 0–2; unused where max < min."""
    table = np.zeros((3, 3, 3, 3), dtype=np.uint8)
    for counts in np.ndindex(table.shape):
        table[counts] = LOCUS_DIRECTIONS.index(direction_of(*counts))
    return table


def _unit_table() -> NDArray[np.uint8]:
    """Index into UNIT_DIRECTIONS for a set of locus directions, bit i standing for LOCUS_DIRECTIONS[i]."""
    return np.array(
        [
            UNIT_DIRECTIONS.index(
                unit_direction(name for place, name in enumerate(LOCUS_DIRECTIONS) if bits >> place & 1)
            )
            for bits in range(1 << len(LOCUS_DIRECTIONS))
        ],
        dtype=np.uint8,
    )


_LOCUS, _UNIT = _locus_table(), _unit_table()


def locus_direction(counts: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Index into LOCUS_DIRECTIONS. counts: int8 (n, 4), columns gvh_min, gvh_max, hvg_min, hvg_max."""
    found: NDArray[np.uint8] = _LOCUS[tuple(counts.T)]
    return found


def direction(loci: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Index into UNIT_DIRECTIONS from the directions of at least one locus, each uint8 (n,)."""
    bits = np.bitwise_or.reduce([np.left_shift(np.uint8(1), codes) for codes in loci])
    found: NDArray[np.uint8] = _UNIT[bits]
    return found


def banded(
    class_max: NDArray[np.integer],
    class_min: NDArray[np.integer],
    bands: NDArray[np.integer],
    tnc_e4: NDArray[np.integer],
) -> NDArray[np.int64]:
    """The order of kept units once their probabilities are known (matching.md 2.3): all (n,), better is larger.

    Class, then band of the probability, then certain matches, then dose; ties keep the order they have.
    """
    return np.lexsort((np.arange(len(bands)), -tnc_e4, -class_min, -bands, -class_max))
