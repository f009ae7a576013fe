"""The log-rank test of k groups (Mantel 1966; Peto and Peto 1972), stratified where asked."""

import numpy as np

from transplants.statistics.arrays import Floats
from transplants.statistics.data import SurvivalData, without_causes
from transplants.statistics.distributions import chi_square_tail
from transplants.statistics.errors import StatisticsError
from transplants.statistics.groups import GroupTest, Labels, each_stratum, groups_of, quadratic_form
from transplants.statistics.risk import GroupTable, group_table


def logrank(data: SurvivalData, group: Labels, *, strata: Labels | None = None) -> GroupTest:
    """Whether the hazards of groups differ: observed and expected events, hypergeometric variance of ties.

    data: events 0 and 1; late entries are allowed. group: n labels, at least two distinct. strata: n labels; groups
    are compared within each and the differences added. A group must be known on day 0 (or enter late): grouping by
    what happens later favours who lived long enough for it (see landmark and cox with entries).
    Groups that are never at risk when somebody dies do not count towards the degrees of freedom.
    Raises StatisticsError ("one_group", "no_events", "several_causes").
    """
    without_causes(data, "the log-rank test")
    codes, labels = groups_of(data, group)
    if not data.event.any():
        raise StatisticsError("no_events", column="event")
    count = len(labels)
    observed, expected, variance = np.zeros(count), np.zeros(count), np.zeros((count, count))
    for rows, mine in each_stratum(data, codes, strata):
        table = group_table(rows, mine, count, (1,))
        o, e, v = _moments(table)
        observed, expected, variance = observed + o, expected + e, variance + v
    statistic, df = quadratic_form(observed - expected, variance, expected > 0)
    n = np.bincount(codes, minlength=count)
    return GroupTest(statistic, df, chi_square_tail(statistic, df), labels, n, observed, expected, variance)


def _moments(table: GroupTable) -> tuple[Floats, Floats, Floats]:
    """Observed, expected events and their covariance over the times of one stratum."""
    at_risk = table.at_risk.sum(axis=0).astype(np.float64)
    deaths = table.events[0].sum(axis=0).astype(np.float64)
    share = table.at_risk / at_risk
    weight = deaths * (at_risk - deaths) / np.maximum(at_risk - 1.0, 1.0)
    crossed = (share * weight) @ share.T
    variance: Floats = np.diag(share @ weight) - crossed
    return table.events[0].sum(axis=1).astype(np.float64), share @ deaths, variance
