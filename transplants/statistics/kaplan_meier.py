"""Survival by Kaplan and Meier (1958), its limits, median, numbers at risk; follow-up by the reverse estimate."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Floats, Ints, times_asked
from transplants.statistics.data import SurvivalData, without_causes
from transplants.statistics.limits import survival_limits
from transplants.statistics.risk import RiskTable, risk_table

_SAME: Final = float(np.sqrt(np.finfo(np.float64).eps))  # as R's quantile.survfit: closer is equal


@dataclass(frozen=True, eq=False)
class SurvivalPoints:
    """A curve read at q times; all arrays of shape (q,).

    survival, variance, lower, upper: NaN after the last observation, unless all had died by then (survival 0).
    at_risk: under observation just before. events: so many up to and including that time.
    """

    time: Floats
    survival: Floats
    variance: Floats
    lower: Floats
    upper: Floats
    at_risk: Ints
    events: Ints


@dataclass(frozen=True)
class Quantile:
    """A time with limits; NaN where the curve, or the limit of the curve, never comes down to it."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """S(t) at K distinct observed times, ascending; 1 before the first. All arrays of shape (K,).

    variance: Greenwood's, of S; NaN where S is 0. lower, upper: of `limits` type at `level`. at_risk: just before.
    events, censored: at that time (where censored > 0 a chart has its ticks). n: rows.
    """

    n: int
    time: Floats
    survival: Floats
    variance: Floats
    lower: Floats
    upper: Floats
    at_risk: Ints
    events: Ints
    censored: Ints
    limits: str
    level: float
    table: RiskTable

    @cached_property
    def total_events(self) -> int:
        return int(self.events.sum())

    def at(self, times: npt.ArrayLike) -> SurvivalPoints:
        """The curve at any times of 0 or more. Raises StatisticsError."""
        asked = times_asked(times)
        place = self.table.place(asked)
        after = (asked > self.time[-1]) & (self.survival[-1] > 0)
        columns = (self.survival, self.variance, self.lower, self.upper)
        survival, variance, lower, upper = (
            np.where(after, np.nan, np.concatenate(([before], column))[place + 1])
            for column, before in zip(columns, (1.0, 0.0, 1.0, 1.0), strict=True)
        )
        events = np.concatenate(([0], np.cumsum(self.events)))[place + 1]
        at_risk = self.table.at_risk_at(asked)
        return SurvivalPoints(asked, survival, variance, lower, upper, at_risk, events)

    def quantile(self, share: float) -> Quantile:
        """When the share of events (0.5: the median) is reached; limits from the curves of the limits
        (Brookmeyer and Crowley 1982). Where a curve lies exactly at the height, the middle of that stretch, as in R."""
        read = [self._comes_down_to(curve, 1.0 - share) for curve in (self.survival, self.lower, self.upper)]
        return Quantile(*read)

    @property
    def median(self) -> Quantile:
        return self.quantile(0.5)

    def _comes_down_to(self, curve: Floats, height: float) -> float:
        reached = np.flatnonzero(curve <= height + _SAME)
        if reached.size == 0:
            return float("nan")
        time = float(self.time[reached[0]])
        lower = np.flatnonzero(curve < height - _SAME)
        if abs(curve[reached[0]] - height) < _SAME and lower.size:
            return (time + float(self.time[lower[0]])) / 2
        return time


def kaplan_meier(data: SurvivalData, *, level: float = 0.95, limits: str = "log-log") -> SurvivalCurve:
    """The survival curve of data whose events are 0 and 1 (else StatisticsError "several_causes").

    limits: "log-log" (default), "log" (R's default) or "plain"; the result carries it. Tied events and censorings: who
    is censored at t is still at risk at t. One row, all censored (S stays 1, limits 1), an event on day 0 (S(0) < 1)
    are all allowed. With late entries S is conditional on being alive at the first entry, and falls to 0 for good if
    the few at risk early all die. Sorting dominates: O(n log n).
    """
    without_causes(data, "Kaplan–Meier")
    table = risk_table(data, (1,))
    events = table.events[:, 0]
    alive = table.at_risk - events
    survival = np.cumprod(alive / table.at_risk, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (table.at_risk * alive.astype(np.float64)), dtype=np.float64)
        variance = survival**2 * greenwood
    lower, upper = survival_limits(survival, greenwood, limits, level)
    return SurvivalCurve(
        n=len(data),
        time=table.time,
        survival=survival,
        variance=variance,
        lower=lower,
        upper=upper,
        at_risk=table.at_risk,
        events=events,
        censored=table.censored,
        limits=limits,
        level=level,
        table=table,
    )


def follow_up(data: SurvivalData, *, level: float = 0.95, limits: str = "log-log") -> SurvivalCurve:
    """The reverse Kaplan–Meier (Schemper and Smith 1996): censoring is the event, any event censors.

    Its median is the median follow-up: how long patients would have been followed had nobody died.
    """
    reverse = SurvivalData(data.time, (data.event == 0).astype(np.int64), data.entry)
    return kaplan_meier(reverse, level=level, limits=limits)
