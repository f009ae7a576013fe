"""Order of the list and direction of mismatches (matching.md 2.3)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine.ranking import (
    LOCUS_DIRECTIONS,
    UNIT_DIRECTIONS,
    best,
    direction,
    locus_direction,
)

rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(-1, 300_000)), min_size=0, max_size=60
)


@given(rows, st.integers(1, 70))
def test_best_is_the_beginning_of_the_full_order(drawn: list[tuple[int, int, int]], limit: int) -> None:
    triples = [(high, min(low, high), dose) for high, low, dose in drawn]
    columns = np.array(triples, dtype=np.int64).reshape(-1, 3).T

    found = best(*columns, limit).tolist()

    expected = sorted(
        range(len(triples)), key=lambda row: (-triples[row][0], -triples[row][1], -triples[row][2], row)
    )
    assert found == expected[:limit]


def test_a_unit_without_a_count_comes_after_one_with_a_small_count() -> None:
    order = best(np.array([6, 6]), np.array([6, 6]), np.array([-1, 0]), 2)

    assert order.tolist() == [1, 0]


def test_possible_matches_come_before_certain_ones_and_those_before_dose() -> None:
    order = best(np.array([5, 6, 6, 6]), np.array([5, 4, 5, 4]), np.array([900, 100, 50, 200]), 4)

    assert order.tolist() == [2, 3, 1, 0]


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
