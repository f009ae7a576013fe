"""Order of the list and direction of mismatches (matching.md 2.3)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from matching.engine.ranking import (
    LOCUS_DIRECTIONS,
    UNIT_DIRECTIONS,
    direction,
    locus_direction,
)


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ((0, 0, 0, 0), "none"),
        ((1, 1, 0, 0), "gvh"),
        ((1, 2, 0, 0), "gvh"),
        ((0, 0, 2, 2), "hvg"),
        ((1, 1, 2, 2), "bidirectional"),
        ((0, 1, 0, 0), "unknown"),
        ((1, 1, 0, 1), "unknown"),
        ((0, 2, 0, 2), "unknown"),
    ],
)
def test_direction_of_a_locus_is_named_only_when_it_is_the_same_in_all_resolutions(
    counts: tuple[int, int, int, int], name: str
) -> None:
    found = locus_direction(np.array([counts], dtype=np.int8))

    assert LOCUS_DIRECTIONS[found[0]] == name


def test_direction_of_a_unit_is_one_way_only_if_every_mismatched_locus_is() -> None:
    """Against the sentence of 2.3, for all combinations of three loci."""
    for loci in itertools.product(range(len(LOCUS_DIRECTIONS)), repeat=3):
        names = {LOCUS_DIRECTIONS[code] for code in loci} - {"none"}

        found = UNIT_DIRECTIONS[direction([np.array([code], dtype=np.uint8) for code in loci])[0]]

        assert (found == "matched") == (not names)
        assert (found == "gvh-only") == (names == {"gvh"})
        assert (found == "hvg-only") == (names == {"hvg"})
        both = "bidirectional" in names or {"gvh", "hvg"} <= names
        assert (found == "bidirectional") == both
