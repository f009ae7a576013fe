"""Cumulative incidence of competing events by Aalen and Johansen (1978).

Competing events tied at t share one risk set: no jitter is needed, and the curves add up to 1 - S. (One minus the
Kaplan–Meier of one cause is not a probability: it answers what would happen if nobody could die of anything else.)
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Floats, Ints, times_asked
from transplants.statistics.data import SurvivalData
from transplants.statistics.limits import incidence_limits
from transplants.statistics.risk import RiskTable, risk_table


@dataclass(frozen=True, eq=False)
class IncidencePoints:
    """Curves read at q times. survival, at_risk: shape (q,); the others (q, C), by the causes of the curves.

    NaN after the last observation, unless nobody was left without an event.
    """

    time: Floats
    causes: tuple[int, ...]
    incidence: Floats
    variance: Floats
    lower: Floats
    upper: Floats
    survival: Floats
    at_risk: Ints


@dataclass(frozen=True, eq=False)
class IncidenceCurves:
    """F_c(t) of C causes at K distinct observed times, ascending; 0 before the first.

    incidence, variance, lower, upper, events: shape (K, C). survival: free of any event, shape (K,), so that the row
    sum of incidence over *all* causes is 1 - survival. at_risk, censored: shape (K,).
    """

    n: int
    causes: tuple[int, ...]
    time: Floats
    incidence: Floats
    variance: Floats
    lower: Floats
    upper: Floats
    survival: Floats
    at_risk: Ints
    events: Ints
    censored: Ints
    limits: str
    level: float
    table: RiskTable

    def at(self, times: npt.ArrayLike) -> IncidencePoints:
        """The curves at any times of 0 or more. Raises StatisticsError."""
        asked = times_asked(times)
        place = self.table.place(asked)
        after = (asked > self.time[-1]) & (self.survival[-1] > 0)

        def read(column: Floats, before: float) -> Floats:
            rows = np.vstack((np.full((1, column.shape[1]), before), column))[place + 1]
            rows[after] = np.nan
            return rows

        return IncidencePoints(
            time=asked,
            causes=self.causes,
            incidence=read(self.incidence, 0.0),
            variance=read(self.variance, 0.0),
            lower=read(self.lower, 0.0),
            upper=read(self.upper, 0.0),
            survival=read(self.survival[:, None], 1.0)[:, 0],
            at_risk=self.table.at_risk_at(asked),
        )


def cumulative_incidence(
    data: SurvivalData,
    *,
    causes: tuple[int, ...] | None = None,
    level: float = 0.95,
    limits: str = "log-log",
) -> IncidenceCurves:
    """Cumulative incidence of each cause, each of the others competing.

    causes: those to report, by default all that occur; one without events has a curve at 0. limits: "log-log" on
    log(-log F) (default), "log", "plain". Variance: that of cmprsk's cuminc (Gray 1988, with the correction for ties);
    all censored, one row and an event on day 0 are allowed. O(n log n) and O(K) for each cause.
    """
    every = data.causes
    reported = every if causes is None else causes
    table = risk_table(data, every)
    events, at_risk = table.events, table.at_risk.astype(np.float64)
    fraction = events.sum(axis=1) / at_risk
    survival = np.cumprod(1.0 - fraction)
    before = np.concatenate(([1.0], survival[:-1]))
    every_curve = np.cumsum(before[:, None] * (events / at_risk[:, None]), axis=0)
    shown = [
        _of_cause(every_curve[:, every.index(cause)], table, every.index(cause), before, survival)
        if cause in every
        else None
        for cause in reported
    ]
    zeros = np.zeros(table.time.size)
    incidence = _columns([zeros if curve is None else curve[0] for curve in shown], table.time.size)
    variance = _columns([zeros if curve is None else curve[1] for curve in shown], table.time.size)
    counts = [events[:, every.index(c)] if c in every else zeros.astype(np.int64) for c in reported]
    lower, upper = incidence_limits(incidence, variance, limits, level)
    return IncidenceCurves(
        n=len(data),
        causes=reported,
        time=table.time,
        incidence=incidence,
        variance=variance,
        lower=lower,
        upper=upper,
        survival=survival,
        at_risk=table.at_risk,
        events=np.array(counts, dtype=np.int64).reshape(len(reported), table.time.size).T,
        censored=table.censored,
        limits=limits,
        level=level,
        table=table,
    )


def _columns(columns: list[Floats], rows: int) -> Floats:
    return np.array(columns, dtype=np.float64).reshape(len(columns), rows).T


def _noise(events: Ints, at_risk: Floats, before: Floats) -> Floats:
    """Variance of the jumps at each time, shape (K,); of d tied events as of a sample without return."""
    ties = 1.0 - np.maximum(events - 1, 0) / np.maximum(at_risk - 1.0, 1.0)
    noise: Floats = (before / at_risk) ** 2 * ties * events
    return noise


def _of_cause(
    curve: Floats, table: RiskTable, cause: int, before: Floats, survival: Floats
) -> tuple[Floats, Floats]:
    """F of one cause and its variance, shapes (K,); all other causes count as one.

    A jump at s moves F(t) by 1 - (F(t) - F(s)) / S(s) if it is of this cause, by -(F(t) - F(s)) / S(s) if of another.
    Squared, weighted by the noise of the jump and summed over s <= t, as three running sums; nothing is left to move
    after S = 0.
    """
    events, at_risk = table.events[:, cause], table.at_risk.astype(np.float64)
    own, other = _noise(events, at_risk, before), _noise(table.events.sum(axis=1) - events, at_risk, before)
    inverse = np.divide(1.0, survival, out=np.zeros_like(survival), where=survival > 0)
    share = curve * inverse
    squares = np.cumsum(own * (1.0 + share) ** 2 + other * share**2)
    mixed = np.cumsum((own * (1.0 + share) + other * share) * inverse)
    slopes = np.cumsum((own + other) * inverse**2)
    variance = squares - 2.0 * curve * mixed + curve**2 * slopes
    # between its own events nothing changes in exact arithmetic: keep rounding from saying otherwise
    jumps = np.maximum.accumulate(np.where(events > 0, np.arange(events.size), -1))
    kept = np.where(jumps >= 0, variance[jumps], 0.0)
    return curve, np.maximum(kept, 0.0)
