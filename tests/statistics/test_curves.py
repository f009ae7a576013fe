"""Edges of curves as R draws them: limits at 0 and 1, quantiles, types of limits, points between and after."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.survival_sets import bmt, bmt_causes, bmt_overall, lung_overall
from transplants.statistics.data import survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.gray import gray
from transplants.statistics.incidence import cumulative_incidence
from transplants.statistics.kaplan_meier import kaplan_meier
from transplants.statistics.logrank import logrank

NAN = float("nan")


@pytest.mark.parametrize(
    ("limits", "told"),
    [  # R 4.2.2, survival 3.5-3: summary(survfit(Surv(t1, d1) ~ 1, bmt, conf.type=...), times=365)
        ("log-log", (0.547446389262, 0.708686151559)),
        ("log", (0.558284024993, 0.720308940132)),
        ("plain", (0.553349006490, 0.714936409867)),
    ],
)
def test_each_type_of_limits_is_rs(limits: str, told: tuple[float, float]) -> None:
    curve = kaplan_meier(bmt_overall(), limits=limits)

    point = curve.at([365])
    assert (point.lower[0], point.upper[0]) == pytest.approx(told, abs=1e-11)
    assert point.variance[0] ** 0.5 == pytest.approx(0.0412220338362, abs=1e-12)
    assert (curve.limits, curve.level) == (limits, 0.95)


def test_where_all_have_died_there_is_no_interval() -> None:
    """R prints NaN and NA there."""
    curve = kaplan_meier(survival_data([1, 2, 2, 3], [1, 1, 1, 1]))

    assert list(curve.survival) == [0.75, 0.25, 0.0]
    assert list(curve.lower) == pytest.approx([0.1279469176, 0.0089478244, NAN], nan_ok=True, abs=1e-9)
    assert list(curve.upper) == pytest.approx([0.96054864, 0.66532534, NAN], nan_ok=True, abs=1e-8)
    assert np.isnan(curve.variance[-1])
    assert list(curve.at([4]).survival) == [0.0]


@pytest.mark.parametrize(
    ("event", "told"),
    [([1, 1, 0, 0], 2.0), ([1, 1, 1, 0], 2.5), ([1, 1, 1, 1], 2.5), ([1, 0, 0, 0], NAN)],
)
def test_the_median_of_a_curve_that_lies_at_one_half(event: list[int], told: float) -> None:
    """As R: the middle of the stretch, its beginning if it never ends."""
    median = kaplan_meier(survival_data([1, 2, 3, 4], event)).median

    assert median.value == pytest.approx(told, nan_ok=True)


def test_other_quantiles() -> None:
    curve = kaplan_meier(lung_overall())

    assert curve.quantile(0.25).value == 170
    assert curve.quantile(0.75).value == 550


def test_points_between_before_and_after() -> None:
    curve = kaplan_meier(survival_data([2, 4, 6, 6], [1, 0, 1, 0]))

    points = curve.at([0, 1.9, 2, 5, 6, 7])
    assert list(points.survival) == pytest.approx([1, 1, 0.75, 0.75, 0.375, NAN], nan_ok=True)
    assert list(points.at_risk) == [4, 4, 4, 2, 2, 0]
    assert list(points.events) == [0, 0, 1, 1, 2, 2]
    assert list(curve.censored) == [0, 1, 1]
    assert curve.at(5).survival == pytest.approx([0.75])


@pytest.mark.parametrize("times", [[-1], [NAN], [[1, 2]]])
def test_a_curve_is_read_at_times_of_0_or_more(times: list[object]) -> None:
    for curve in (kaplan_meier(survival_data([1], [1])), cumulative_incidence(survival_data([1], [1]))):
        with pytest.raises(StatisticsError, match="times asked for"):
            curve.at(times)  # type: ignore[arg-type]


def test_limits_of_incidences_by_type() -> None:
    """log-log as scikit-survival and SAS compute it (tests/statistics/test_oracles.py); here the other two by hand."""
    kinds = {kind: cumulative_incidence(bmt_causes(), limits=kind).at([365]) for kind in ("log", "plain")}

    f, deviation = 0.21216545012, 0.0012349669811**0.5 * 1.959963984540054
    plain, log = kinds["plain"], kinds["log"]
    assert (plain.lower[0, 0], plain.upper[0, 0]) == pytest.approx((f - deviation, f + deviation), abs=1e-9)
    factor = np.exp(deviation / f)
    assert (log.lower[0, 0], log.upper[0, 0]) == pytest.approx((f / factor, f * factor), abs=1e-9)


def test_an_incidence_of_0_or_1_has_no_room() -> None:
    curves = cumulative_incidence(survival_data([1, 2, 3], [2, 1, 1]), causes=(1, 2, 3))

    assert (curves.lower[0, 0], curves.upper[0, 0]) == (0, 0)
    assert list(curves.incidence[:, 2]) == [0, 0, 0]
    everybody = cumulative_incidence(survival_data([1, 2], [1, 1]))
    assert everybody.incidence[-1, 0] == 1
    assert np.isnan(everybody.lower[-1, 0])
    assert np.isnan(everybody.upper[-1, 0])
    assert everybody.at([9]).incidence[0, 0] == 1
    assert np.isnan(cumulative_incidence(survival_data([1, 2], [1, 0])).at([9]).incidence[0, 0])


@pytest.mark.parametrize("limits", ["loglog", ""])
def test_an_unknown_type_of_limits_is_named(limits: str) -> None:
    for work in (kaplan_meier, cumulative_incidence):
        with pytest.raises(StatisticsError, match="none of log-log, log, plain"):
            work(survival_data([1], [1]), limits=limits)


def test_one_group_cannot_be_compared() -> None:
    data = survival_data([1, 2], [1, 0])

    for work in (lambda: logrank(data, ["a", "a"]), lambda: gray(data, ["a", "a"], cause=1)):
        with pytest.raises(StatisticsError) as caught:
            work()
        assert (caught.value.code, caught.value.column) == ("one_group", "group")


def test_groups_that_are_never_at_risk_together_have_no_statistic() -> None:
    """One group is gone before the other's first event: nothing was compared, p is 1."""
    test = logrank(survival_data([1, 2, 5, 6], [0, 0, 1, 1]), [1, 1, 2, 2])

    assert (test.statistic, test.df, test.p) == (0.0, 0, 1.0)
    assert list(test.n) == [2, 2]


def test_a_group_without_expected_events_costs_no_degree_of_freedom() -> None:
    test = logrank(survival_data([1, 5, 6, 7, 8], [0, 1, 1, 1, 0]), ["gone", "a", "b", "a", "b"])

    assert test.groups == ("a", "b", "gone")
    assert test.df == 1


def test_gray_refuses_late_entries() -> None:
    with pytest.raises(StatisticsError, match="Gray's test is not defined here for rows that enter late"):
        gray(survival_data([3, 4], [1, 2], entry=[0, 1]), [1, 2], cause=1)


def test_strata_of_groups_are_those_of_r() -> None:
    """R 4.2.2: survdiff and cuminc with strata z3."""
    from scripts.survival_sets import bmt_disease_free

    ours = logrank(bmt_disease_free(), bmt()["group"], strata=bmt()["z3"])
    assert ours.statistic == pytest.approx(13.5879361364, abs=1e-9)
    assert ours.variance[0, 1] == pytest.approx(-9.8590283239, abs=1e-9)
    incidence = gray(bmt_causes(), bmt()["group"], cause=1, strata=bmt()["z3"])
    assert incidence.statistic == pytest.approx(11.762521684204, abs=1e-9)
