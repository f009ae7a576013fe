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
        observed += curves.own.sum(axis=1)
        expected += _expected(curves)
        variance += _variance(curves)
    statistic, df = quadratic_form(observed - expected, variance, expected > 0)
    n = np.bincount(codes, minlength=count)
    return GroupTest(statistic, df, chi_square_tail(statistic, df), labels, n, observed, expected, variance)


@dataclass(frozen=True, eq=False)
class _Curves:
    """By group and time, shape (G, K): events of the cause and of others, at risk, S before and after, F before, and
    `scale` = at risk / S before. By time, shape (K,): events of the cause, their pooled incidence before and after, the
    sum of scales."""

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
    total: Floats


def _curves(table: GroupTable) -> _Curves:
    own, other = table.events.astype(np.float64)
    at_risk = table.at_risk.astype(np.float64)
    own_share, leaving = _over(own, at_risk), own + other
    after = np.cumprod(1.0 - _over(leaving, at_risk), axis=1, dtype=np.float64)
    before = _lagged(after, 1.0)
    incidence = _lagged(np.cumsum(before * own_share, axis=1, dtype=np.float64), 0.0)
    scale = _over(at_risk, before)
    deaths, total = own.sum(axis=0), scale.sum(axis=0)
    pooled = np.cumsum(_over(deaths, total))
    pooled_before = np.concatenate(([0.0], pooled))[:-1]
    return _Curves(own, other, at_risk, before, after, incidence, scale, deaths, pooled_before, pooled, total)


def _over(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, 0 where bottom is not positive."""
    return np.divide(
        top, bottom, out=np.zeros(np.broadcast_shapes(top.shape, bottom.shape)), where=bottom > 0
    )


def _lagged(rows: Floats, start: float) -> Floats:
    """Each row one time later: values just before the times."""
    return np.hstack((np.full((rows.shape[0], 1), start), rows[:, :-1]))


def _expected(curves: _Curves) -> Floats:
    """Events of the cause that each group would have had as its share of the subdistribution risk set, shape (G,)."""
    weight = curves.scale * (1.0 - curves.incidence)
    expected: Floats = weight @ _over(curves.deaths, weight.sum(axis=0))
    return expected


def _variance(curves: _Curves) -> Floats:
    """Covariance of observed - expected, shape (G, G): each event moves the score at once and through the curves.

    The last group's score is minus the sum of the others': it is filled in, not computed.
    """
    rise = _over(curves.deaths, curves.total * (1.0 - curves.pooled_before))
    groups = curves.own.shape[0]
    kept = np.zeros((groups - 1, groups - 1))
    for source in range(groups):
        noise_own, noise_other = _noise(curves, source)
        remaining = _over(1.0 - curves.pooled, curves.after[source])
        slope = np.where(curves.after[source] > 0, 1.0 - remaining, 1.0)
        effect = _effect(curves, source)
        influence = np.cumsum(effect * rise, axis=1)
        to_come = influence[:, -1:] - influence
        effect += slope * to_come
        kept += (effect * noise_own) @ effect.T
        kept += (to_come * (noise_other * remaining**2)) @ to_come.T
    rows = np.vstack((np.eye(groups - 1), np.full((1, groups - 1), -1.0)))
    variance: Floats = rows @ kept @ rows.T
    return variance


def _effect(curves: _Curves, source: int) -> Floats:
    """What an event in group `source` does at once to the score of every group but the last, shape (G - 1, K)."""
    effect = curves.scale[:-1] * -_over(curves.scale[source], curves.total)
    if source < len(effect):
        effect[source] += curves.scale[source]
    return effect


def _noise(curves: _Curves, source: int) -> tuple[Floats, Floats]:
    """Variance of the jumps in one group: of the cause, under the pooled hazard; of other causes, under its own."""
    before, at_risk = curves.before[source], curves.at_risk[source]
    ties = 1.0 - _over(np.maximum(curves.deaths - 1.0, 0.0), curves.total * before - 1.0)
    own = _over(ties * before * _over(curves.deaths, curves.total), at_risk)
    others = curves.other[source]
    ties = 1.0 - _over(np.maximum(others - 1.0, 0.0), at_risk - 1.0)
    other = _over(ties * before**2 * others * (curves.after[source] > 0), at_risk**2)
    return own, other
