"""Gray's test: whether the cumulative incidence of a cause differs between groups (Annals of Statistics 1988;16:1141).

Conventions at ties (which side of a jump, correction for several events at once) are those of comprisk 0.8
(Apache-2.0), which agrees with the program of the paper's author, R's cmprsk; the arithmetic by whole columns is ours.
"""

from dataclasses import dataclass

import numpy as np

from transplants.statistics.arrays import Floats
from transplants.statistics.data import SurvivalData, from_the_start
from transplants.statistics.distributions import chi_square_tail
from transplants.statistics.errors import StatisticsError
from transplants.statistics.groups import GroupTest, Labels, each_stratum, groups_of, quadratic_form
from transplants.statistics.risk import GroupTable, group_table


def gray(data: SurvivalData, group: Labels, *, cause: int, strata: Labels | None = None) -> GroupTest:
    """Gray's test of `cause` between k groups, every other code competing.

    group, strata: n labels each, as for logrank. observed, expected: events of the cause, in subdistribution risk sets.
    Raises StatisticsError ("one_group", "no_events" of this cause, "entry_unsupported").
    """
    from_the_start(data, "Gray's test")
    codes, labels = groups_of(data, group)
    if not (data.event == cause).any():
        raise StatisticsError("no_events", column="event")
    # any other event competes, whatever its code
    coded = SurvivalData(data.time, np.where(data.event == cause, 1, np.minimum(data.event, 1) * 2))
    count = len(labels)
    observed, expected, variance = np.zeros(count), np.zeros(count), np.zeros((count, count))
    for rows, mine in each_stratum(coded, codes, strata):
        curves = _curves(group_table(rows, mine, count, (1, 2)))
        observed += curves.own.sum(axis=0)
        expected += _expected(curves)
        variance += _variance(curves)
    statistic, df = quadratic_form(observed - expected, variance, expected > 0)
    n = np.bincount(codes, minlength=count)
    return GroupTest(statistic, df, chi_square_tail(statistic, df), labels, n, observed, expected, variance)


@dataclass(frozen=True, eq=False)
class _Curves:
    """By time and group, shape (K, G): events of the cause and of others, at risk, S before and after, F before, and
    `scale` = at risk / S before. By time, shape (K,): events of the cause, their pooled incidence before and after."""

    own: Floats
    other: Floats
    at_risk: Floats
    before: Floats
    after: Floats
    incidence: Floats
    scale: Floats
    deaths: Floats
    pooled_before: Floats
    pooled: Floats


def _curves(table: GroupTable) -> _Curves:
    own, other = table.events.astype(np.float64)
    at_risk = table.at_risk.astype(np.float64)
    own_share, other_share = _over(own, at_risk), _over(other, at_risk)
    after = np.cumprod(1.0 - own_share - other_share, axis=0, dtype=np.float64)
    after[(own + other == at_risk) & (at_risk > 0)] = 0.0  # counted, not multiplied: 0 must be 0
    after = np.minimum.accumulate(after, axis=0)
    before = _lagged(after, 1.0)
    incidence = _lagged(np.cumsum(before * own_share, axis=0, dtype=np.float64), 0.0)
    scale = _over(at_risk, before)
    deaths = own.sum(axis=1)
    pooled = np.cumsum(_over(deaths, scale.sum(axis=1)))
    pooled_before = np.concatenate(([0.0], pooled))[:-1]
    return _Curves(own, other, at_risk, before, after, incidence, scale, deaths, pooled_before, pooled)


def _over(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, 0 where bottom is not positive."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def _lagged(columns: Floats, start: float) -> Floats:
    """Each column one row later: values just before the times."""
    return np.vstack((np.full((1, columns.shape[1]), start), columns))[:-1]


def _expected(curves: _Curves) -> Floats:
    """Events of the cause that each group would have had as its share of the subdistribution risk set, shape (G,)."""
    weight = curves.scale * (1.0 - curves.incidence)
    expected: Floats = _over(curves.deaths, weight.sum(axis=1)) @ weight
    return expected


def _variance(curves: _Curves) -> Floats:
    """Covariance of observed - expected, shape (G, G): each event moves the score at once and through the curves."""
    total = curves.scale.sum(axis=1)
    rise = _over(curves.deaths, total * (1.0 - curves.pooled_before))
    noise_own, noise_other = _noise(curves, total)
    left = np.broadcast_to((1.0 - curves.pooled)[:, None], curves.after.shape)
    remaining = _over(left, curves.after)
    slope_own = np.where(curves.after > 0, 1.0 - remaining, 1.0)
    groups = curves.own.shape[1]
    variance = np.zeros((groups, groups))
    for source in range(groups):
        direct = _direct(curves, total, source)
        influence = np.cumsum(direct * rise[:, None], axis=0)
        to_come = influence[-1:] - influence
        by_own = direct + slope_own[:, source, None] * to_come
        by_other = remaining[:, source, None] * to_come
        variance += (by_own * noise_own[:, source, None]).T @ by_own
        variance += (by_other * noise_other[:, source, None]).T @ by_other
    return variance


def _direct(curves: _Curves, total: Floats, source: int) -> Floats:
    """What an event in group `source` does to the score of every group, shape (K, G)."""
    share = _over(curves.scale[:, source], total)
    direct = -curves.scale * share[:, None]
    direct[:, source] += curves.scale[:, source]
    return direct


def _noise(curves: _Curves, total: Floats) -> tuple[Floats, Floats]:
    """Variance of the jumps of the cause, under the pooled hazard, and of other causes, under each group's own."""
    several = np.maximum(curves.deaths - 1.0, 0.0)[:, None]
    ties = 1.0 - _over(np.broadcast_to(several, curves.before.shape), total[:, None] * curves.before - 1.0)
    own = ties * curves.before * _over(curves.deaths, total)[:, None]
    ties_other = 1.0 - _over(np.maximum(curves.other - 1.0, 0.0), curves.at_risk - 1.0)
    other = ties_other * curves.before**2 * curves.other * (curves.after > 0)
    return _over(own, curves.at_risk), _over(other, curves.at_risk**2)
