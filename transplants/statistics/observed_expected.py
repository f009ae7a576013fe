"""Hospitals: deaths observed and expected by a horizon, exact limits, a funnel.

E of a hospital is the sum of its patients' cumulative hazards up to min(time, horizon), from a Cox model of the
patients of all *other* hospitals: its own deaths have no part in what is expected of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Bools, Floats, Ints, coded
from transplants.statistics.cox import CoxModel, cox
from transplants.statistics.data import SurvivalData, from_the_start, without_causes
from transplants.statistics.design import covariate_table
from transplants.statistics.distributions import poisson_bounds, poisson_interval
from transplants.statistics.errors import StatisticsError

FUNNEL_LEVELS = (0.95, 0.998)


@dataclass(frozen=True, eq=False)
class ObservedExpected:
    """Of H hospitals, sorted by label; all arrays of shape (H,).

    patients, observed: counts. expected, ratio, lower, upper: NaN where `problems` says why there is no expectation
    (the code of a StatisticsError), else "". lower, upper: exact Poisson limits of observed / expected at `level`.
    """

    hospitals: tuple[object, ...]
    patients: Ints
    observed: Ints
    expected: Floats
    ratio: Floats
    lower: Floats
    upper: Floats
    problems: tuple[str, ...]
    horizon: float
    level: float

    def outside(self, level: float) -> Ints:
        """1 above the funnel at that level (more deaths than expected), -1 below, 0 inside or without expectation."""
        lower, upper = poisson_interval(self.observed, level)
        with np.errstate(invalid="ignore"):
            return (lower > self.expected).astype(np.int64) - (upper < self.expected).astype(np.int64)


def observed_expected(
    data: SurvivalData,
    covariates: npt.ArrayLike,
    hospital: Sequence[object] | npt.ArrayLike,
    names: Sequence[str] | None = None,
    *,
    strata: Sequence[object] | npt.ArrayLike | None = None,
    horizon: float = 365.0,
    level: float = 0.95,
) -> ObservedExpected:
    """Observed and expected deaths of each hospital by `horizon` (unit of the data).

    data: events 0 and 1, no late entries; it is looked at as of the horizon, so that what hazards do later has no part.
    covariates: shape (n, p), of age, disease, stage, graft, era. hospital: n labels. strata: n labels with baselines of
    their own. One Cox model (Efron) for each hospital, begun at the coefficients of all patients.
    Raises StatisticsError where not even all patients can be fitted.
    """
    from_the_start(without_causes(data, "observed and expected"), "observed and expected")
    rows, columns = covariate_table(covariates, len(data), names)
    codes, labels = coded(hospital, "hospital", len(data))
    layers = np.zeros(len(data), np.int64) if strata is None else coded(strata, "strata", len(data))[0]
    cohort = _Cohort(data.censored_at(horizon), rows, columns, layers)
    start = cohort.fit(np.ones(len(data), dtype=np.bool_)).coefficients
    told = [cohort.expected(codes == code, start) for code in range(len(labels))]
    expected = np.array([number for number, _ in told])
    observed = np.bincount(codes, cohort.data.event, len(labels)).astype(np.int64)
    lower, upper = poisson_interval(observed, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, low, high = observed / expected, lower / expected, upper / expected
    return ObservedExpected(
        hospitals=labels,
        patients=np.bincount(codes, minlength=len(labels)),
        observed=observed,
        expected=expected,
        ratio=ratio,
        lower=low,
        upper=high,
        problems=tuple(problem for _, problem in told),
        horizon=horizon,
        level=level,
    )


@dataclass(frozen=True, eq=False)
class _Cohort:
    data: SurvivalData
    rows: Floats
    names: tuple[str, ...]
    strata: Ints

    def fit(self, mask: Bools, start: Floats | None = None) -> CoxModel:
        strata = self.strata[mask]
        return cox(self.data.subset(mask), self.rows[mask], self.names, strata=strata, start=start)

    def expected(self, mine: Bools, start: Floats) -> tuple[float, str]:
        """Deaths expected of the rows `mine` by a model of all others; NaN and a code where there is none."""
        try:
            model = self.fit(~mine, start)
            deaths = model.expected_events(self.rows[mine], self.data.time[mine], strata=self.strata[mine])
        except StatisticsError as error:
            return float("nan"), error.code
        return float(deaths.sum()), ""


@dataclass(frozen=True, eq=False)
class FunnelLimits:
    """Limits of observed / expected around 1 at each of q expected numbers, shape (q,). A point lies outside exactly
    when its own exact interval at this level leaves out 1."""

    level: float
    lower: Floats
    upper: Floats


def funnel_limits(
    expected: npt.ArrayLike, levels: Sequence[float] = FUNNEL_LEVELS
) -> tuple[FunnelLimits, ...]:
    """Exact Poisson limits at any expected numbers above 0, for each level (Spiegelhalter, Stat Med 2005;24:1185)."""
    mean = np.atleast_1d(np.asarray(expected, dtype=np.float64))
    found = []
    for level in levels:
        lower, upper = poisson_bounds(mean, level)
        found.append(FunnelLimits(level, lower / mean, upper / mean))
    return tuple(found)
