"""Tails and exact limits against SciPy, which is here for the tests only."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from transplants.statistics.distributions import (
    chi_square_tail,
    gamma_tails,
    poisson_bounds,
    poisson_interval,
    two_sided_p,
    z_of,
)
from transplants.statistics.errors import StatisticsError


@settings(deadline=None)
@given(st.floats(1e-3, 300), st.integers(1, 120))
def test_the_tail_of_chi_square(statistic: float, df: int) -> None:
    told = stats.chi2.sf(statistic, df)

    assert chi_square_tail(statistic, df) == pytest.approx(told, rel=1e-11, abs=1e-300)


@settings(deadline=None)
@given(st.floats(0.05, 5000), st.floats(0, 6000))
def test_the_incomplete_gamma_function(a: float, x: float) -> None:
    lower, upper = gamma_tails(np.array([a]), np.array([x]))

    assert lower[0] == pytest.approx(special.gammainc(a, x), rel=1e-9, abs=1e-13)
    assert upper[0] == pytest.approx(special.gammaincc(a, x), rel=1e-9, abs=1e-13)


def test_nothing_to_test_is_no_surprise() -> None:
    assert chi_square_tail(3.0, 0) == 1.0
    assert chi_square_tail(0.0, 2) == 1.0


def test_normal_quantiles_and_tails() -> None:
    assert z_of(0.95) == pytest.approx(1.959963984540054, abs=1e-15)
    assert two_sided_p(-1.959963984540054) == pytest.approx(0.05, rel=1e-14)
    for level in (0.0, 1.0, 95):
        with pytest.raises(StatisticsError, match=r"Write 0\.95 for 95 %"):
            z_of(level)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.998])
def test_exact_limits_of_counts(level: float) -> None:
    counts = np.array([0, 1, 2, 3, 10, 47, 300, 2500])

    lower, upper = poisson_interval(counts, level)

    outside = (1 - level) / 2
    assert lower[0] == 0
    assert lower[1:] == pytest.approx(special.gammaincinv(counts[1:], outside), rel=1e-11)
    assert upper == pytest.approx(special.gammaincinv(counts + 1, 1 - outside), rel=1e-11)
    assert poisson_interval([0])[1][0] == pytest.approx(-math.log(0.025))


@settings(deadline=None, max_examples=50)
@given(st.floats(0.01, 400), st.integers(0, 500), st.sampled_from([0.95, 0.998]))
def test_a_count_lies_outside_the_funnel_exactly_when_its_interval_leaves_out_the_expected(
    expected: float, count: int, level: float
) -> None:
    low, high = poisson_bounds(expected, level)
    lower, upper = poisson_interval([count], level)

    assert (count > high[0]) == (lower[0] > expected)
    assert (count < low[0]) == (upper[0] < expected)
