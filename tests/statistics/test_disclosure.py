"""Small cells: none is shown, none can be derived by anybody who knows every shown count of every table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from transplants.statistics.disclosure import SafeTable, suppress
from transplants.statistics.errors import StatisticsError

Subtotals = dict[int, list[list[int]]]


def sums(shape: tuple[int, ...], subtotals: Subtotals) -> np.ndarray:
    """Which cells each count of the whole table adds up, written out: shape (counts, cells)."""
    axes = []
    for axis, size in enumerate(shape):
        nodes = [[i] for i in range(size)] + subtotals.get(axis, []) + [list(range(size))]
        axes.append(nodes)
    cells = list(product(*map(range, shape)))
    return np.array(
        [
            [all(i in node for i, node in zip(cell, nodes, strict=True)) for cell in cells]
            for nodes in product(*axes)
        ],
        dtype=float,
    )


def can_be_told(table: SafeTable, row: int, matrix: np.ndarray) -> bool:
    """Whether the shown counts and "whole numbers of 0 or more" leave one value only for a hidden count."""
    counts, hidden = table.counts.ravel(), table.hidden.ravel()
    shown = ~hidden
    rules = [LinearConstraint(matrix[shown], counts[shown], counts[shown])] if shown.any() else []
    largest = float(counts.max() + 10)
    ends = []
    for sign in (1, -1):
        found = milp(
            sign * matrix[row],
            constraints=rules,
            integrality=np.ones(matrix.shape[1]),
            bounds=Bounds(0, largest),
        )
        ends.append(round(sign * found.fun))
    return ends[0] == ends[1]


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, Subtotals]:
    shape = draw(st.sampled_from([(1,), (2,), (5,), (1, 3), (2, 2), (3, 4), (4, 4), (2, 3, 2)]))
    count = st.one_of(st.integers(0, 6), st.integers(0, 40))
    cells = draw(st.lists(count, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    nested = draw(st.booleans()) and shape[0] > 2
    return np.array(cells).reshape(shape), {0: [[0, 1]]} if nested else {}


@settings(max_examples=80, deadline=None)
@given(tables())
def test_no_small_count_is_shown_or_derivable(drawn: tuple[np.ndarray, Subtotals]) -> None:
    counts, subtotals = drawn

    table = suppress(counts, subtotals=subtotals)

    matrix = sums(counts.shape, subtotals)
    assert (matrix @ counts.ravel() == table.counts.ravel()).all()
    assert (table.counts[~table.hidden] >= 5).all()
    for row in np.flatnonzero(table.counts.ravel() < 5):
        assert not can_be_told(table, int(row), matrix)


def test_the_attack_would_find_what_one_hidden_cell_leaves_open() -> None:
    table = SafeTable(np.array([3, 20, 40, 63]), np.array([True, False, False, False]), (3,))

    assert can_be_told(table, 0, sums((3,), {}))


def test_two_hidden_zeros_are_no_protection_for_one_another() -> None:
    """Their shown sum of 0 would say it: a larger cell is hidden with them."""
    table = suppress([0, 0, 40])

    assert list(table.hidden) == [True, True, True, False]


def test_a_bridge_between_two_blocks_is_not_taken_for_protection() -> None:
    """Two hidden cells in each row and column are not enough: this one would still follow from the others."""
    counts = np.full((6, 6), 30)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2), (2, 3), (3, 2), (3, 3)):
        counts[i, j] = 2

    table = suppress(counts)

    matrix = sums(counts.shape, {})
    assert not any(can_be_told(table, int(row), matrix) for row in np.flatnonzero(table.counts.ravel() < 5))


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    table = suppress([[5, 9], [7, 30]])

    assert not table.hidden.any()


def test_all_else_stays_shown() -> None:
    """One small cell in a table of large ones costs three more, the smallest that do, and no total."""
    table = suppress([[12, 3, 20], [30, 40, 7], [8, 9, 10]])

    assert table.hidden.sum() == 4
    assert not table.hidden[-1].any()
    assert not table.hidden[:, -1].any()
    assert table.hidden[0, :2].all()
    assert table.hidden[2, :2].all()


def test_margins_are_slices_of_the_same_table() -> None:
    counts = np.random.default_rng(3).poisson(9, (3, 2, 4))
    table = suppress(counts)

    shown, hidden = table.margin([0, 2])
    assert (shown[:-1, :-1] == counts.sum(axis=1)).all()
    assert hidden.shape == (4, 5)
    alone, _ = table.margin([1])
    assert list(alone) == [*counts.sum(axis=(0, 2)), counts.sum()]


def test_a_small_total_hides_itself() -> None:
    table = suppress([1, 2])

    assert table.hidden.all()


def test_subtotals_of_nested_strata_are_part_of_it() -> None:
    """Leukaemias 3 + 20 and their subtotal: hiding 3 and a lymphoma would leave 3 to the subtotal."""
    table = suppress([3, 20, 40, 50], subtotals={0: [[0, 1], [2, 3]]})

    assert list(table.counts) == [3, 20, 40, 50, 23, 90, 113]
    assert list(table.hidden) == [True, True, False, False, False, False, False]


@pytest.mark.parametrize("counts", [[1.5], [-1], [], 7, [True]])
def test_a_table_holds_whole_numbers(counts: object) -> None:
    with pytest.raises(StatisticsError) as caught:
        suppress(counts)  # type: ignore[arg-type]

    assert caught.value.code == "bad_counts"


def test_the_same_table_is_hidden_the_same_way() -> None:
    counts = np.random.default_rng(8).poisson(6, (12, 5))

    assert suppress(counts).hidden.tobytes() == suppress(counts.copy()).hidden.tobytes()
