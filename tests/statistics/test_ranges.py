"""Sums over stretches of times against loops, and what a difference of running sums would lose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transplants.statistics.cox import cox
from transplants.statistics.data import survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.ranges import Ranges


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12))
def test_sums_are_those_of_loops(size: int, stretches: list[tuple[int, int]]) -> None:
    starts = np.array([min(a, size) for a, _ in stretches], dtype=np.int64)
    ends = np.array([min(b, size) for _, b in stretches], dtype=np.int64)
    values, steps = np.arange(1.0, len(stretches) + 1), np.arange(1.0, size + 1) ** 2

    ranges = Ranges(starts, ends, size)

    rows = range(len(stretches))
    told = [sum(values[i] for i in rows if starts[i] <= k < ends[i]) for k in range(size)]
    assert list(ranges.over_rows(values)) == pytest.approx(told)
    assert ranges.over_rows(np.stack([values, 2 * values], axis=1))[:, 1] == pytest.approx(2 * np.array(told))
    assert list(ranges.over_times(steps)) == pytest.approx([steps[starts[i] : ends[i]].sum() for i in rows])


def test_a_row_of_great_risk_that_has_not_entered_takes_no_digits() -> None:
    ranges = Ranges(np.array([0, 0, 2]), np.array([2, 3, 3]), 3)

    assert list(ranges.over_rows(np.array([1e-3, 1.0, 1e30]))) == [1.001, 1.001, 1e30]


def test_a_separation_among_late_entries_is_found() -> None:
    """Whoever died had the largest covariate of those at risk; a larger one had not entered."""
    data = survival_data([1, 1, 1, 1, 2, 2], [1, 0, 0, 0, 1, 0], entry=[0, 0, 0, 0, 1, 1])

    with pytest.raises(StatisticsError) as caught:
        cox(data, [1.0, 0.0, -1.0, 0.5, 30.0, 2.0])

    assert caught.value.code == "separation"
