"""Proportional hazards (Cox 1972), ties by Efron (1977): fit, tests, baseline, prediction.

Covariates that change with time are rows (entry, time] of one subject. To group by something that happens after day 0
as if it had been known on day 0 makes patients immortal until then; such rows are the honest way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Floats, Ints, chosen, coded, same_length, times_asked
from transplants.statistics.data import SurvivalData, without_causes
from transplants.statistics.design import covariate_table
from transplants.statistics.distributions import two_sided_p, z_of
from transplants.statistics.errors import StatisticsError
from transplants.statistics.groups import ChiSquareTest, Labels, chi_square_test
from transplants.statistics.newton import Fit, Likelihood, inverse, largest
from transplants.statistics.riskset import Moments, RiskSets, added, risk_sets

TIES = ("efron", "breslow")


@dataclass(frozen=True, eq=False)
class Effects:
    """Coefficients of p covariates: all arrays of shape (p,), covariance (p, p).

    ratio: exp(coefficient), a hazard ratio (of Fine and Gray: of subdistribution hazards), per unit of the covariate,
    between lower and upper at `level` (Wald). p: two-sided.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    level: float

    @cached_property
    def standard_errors(self) -> Floats:
        found: Floats = np.sqrt(np.diag(self.covariance))
        return found

    @cached_property
    def ratio(self) -> Floats:
        found: Floats = np.exp(self.coefficients)
        return found

    @cached_property
    def lower(self) -> Floats:
        found: Floats = np.exp(self.coefficients - z_of(self.level) * self.standard_errors)
        return found

    @cached_property
    def upper(self) -> Floats:
        found: Floats = np.exp(self.coefficients + z_of(self.level) * self.standard_errors)
        return found

    @cached_property
    def z(self) -> Floats:
        return self.coefficients / self.standard_errors

    @cached_property
    def p(self) -> Floats:
        return np.array([two_sided_p(z) for z in self.z.tolist()])

    def wald(self) -> ChiSquareTest:
        """All coefficients 0, by their covariance."""
        statistic = self.coefficients @ np.linalg.solve(self.covariance, self.coefficients)
        return chi_square_test(float(statistic), len(self.names))


@dataclass(frozen=True, eq=False)
class Baseline:
    """Cumulative hazard of a stratum at the centre of the covariates: at K times of death, shape (K,); 0 before."""

    time: Floats
    hazard: Floats

    def at(self, times: Floats) -> Floats:
        return np.concatenate(([0.0], self.hazard))[np.searchsorted(self.time, times, side="right")]


@dataclass(frozen=True, eq=False)
class CoxModel(Effects):
    """A fitted Cox model; n rows, `events` deaths.

    log_likelihood, null_log_likelihood: partial, at the coefficients and at 0. likelihood_ratio, score_test, wald():
    all coefficients 0. centre: covariates of the baseline, their means. baselines: by stratum (None without strata).
    """

    n: int
    events: int
    ties: str
    steps: int
    log_likelihood: float
    null_log_likelihood: float
    likelihood_ratio: ChiSquareTest
    score_test: ChiSquareTest
    centre: Floats
    baselines: Mapping[object, Baseline]
    strata_moments: tuple[Moments, ...]

    def relative_hazard(self, covariates: npt.ArrayLike) -> Floats:
        """exp of the linear predictor of m new rows, shape (m, p), relative to the centre: shape (m,)."""
        table = np.asarray(covariates, dtype=np.float64)
        rows, _ = covariate_table(table, len(table), self.names)
        relative: Floats = np.exp((rows - self.centre) @ self.coefficients)
        return relative

    def cumulative_hazard(
        self, covariates: npt.ArrayLike, times: npt.ArrayLike, *, stratum: object = None
    ) -> Floats:
        """Of m new rows at q times: shape (m, q); exp of its negative is their survival. Constant after the last
        death of the fit. Raises StatisticsError ("unknown_stratum")."""
        return self.relative_hazard(covariates)[:, None] * self._baseline(stratum).at(times_asked(times))

    def expected_events(
        self, covariates: npt.ArrayLike, until: npt.ArrayLike, *, strata: Labels | None = None
    ) -> Floats:
        """Of each of m new rows the cumulative hazard up to its own time `until`, shape (m,): its expected deaths."""
        relative = self.relative_hazard(covariates)
        ends = times_asked(until)
        same_length(ends.size, "until", relative.size, "the covariates")
        if strata is None:
            return relative * self._baseline(None).at(ends)
        codes, labels = coded(strata, "strata", relative.size)
        expected = np.empty_like(relative)
        for code, label in enumerate(labels):
            mine = codes == code
            expected[mine] = relative[mine] * self._baseline(label).at(ends[mine])
        return expected

    def _baseline(self, stratum: object) -> Baseline:
        if stratum not in self.baselines:
            raise StatisticsError("unknown_stratum", column="strata", value=str(stratum))
        return self.baselines[stratum]


def cox(
    data: SurvivalData,
    covariates: npt.ArrayLike,
    names: Sequence[str] | None = None,
    *,
    ties: str = "efron",
    strata: Labels | None = None,
    level: float = 0.95,
    start: npt.ArrayLike | None = None,
) -> CoxModel:
    """A Cox model of n rows and p covariates.

    data: events 0 and 1; rows with an entry are at risk in (entry, time]. covariates: numbers, shape (n, p) (see
    design for categories). names: of the columns. ties: "efron" (default) or "breslow". strata: n labels, each with a
    baseline of its own. start: coefficients to begin at, which changes the way, not the answer.
    Rows are put into one order first, so that the order given cannot change a bit. O(n (log n + p²)) for each step.

    Raises StatisticsError: "several_causes", "no_events", "constant", "collinear", "separation", "no_convergence".
    """
    chosen(ties, TIES, "ties")
    without_causes(data, "the Cox model")
    rows, labels = covariate_table(covariates, len(data), names)
    if not data.event.any():
        raise StatisticsError("no_events", column="event")
    codes, stratum_labels = (
        (np.zeros(len(data), np.int64), (None,)) if strata is None else coded(strata, "strata", len(data))
    )
    order = canonical_order(data, rows, codes)
    centre, scale = centre_and_scale(rows[order])
    sets = list(_strata(data, (rows - centre) / scale, codes, order, len(stratum_labels), ties == "efron"))
    first = None if start is None else np.asarray(start, dtype=np.float64) * scale
    fit = largest(lambda at: _likelihood(sets, at), labels, first)
    covariance = inverse(fit.best.information) / np.outer(scale, scale)
    moments = tuple(part.moments(fit.coefficients) for _, part in sets)
    baselines = {
        stratum_labels[code]: Baseline(part.sets.times, part.hazard())
        for (code, _), part in zip(sets, moments, strict=True)
    }
    for label in stratum_labels:
        baselines.setdefault(label, Baseline(np.zeros(0), np.zeros(0)))
    return CoxModel(
        names=labels,
        coefficients=fit.coefficients / scale,
        covariance=covariance,
        level=level,
        n=len(data),
        events=int(data.event.sum()),
        ties=ties,
        steps=fit.steps,
        log_likelihood=fit.best.value,
        null_log_likelihood=fit.null.value,
        likelihood_ratio=ratio_test(fit),
        score_test=score_test(fit.null),
        centre=centre,
        baselines=baselines,
        strata_moments=moments,
    )


def ratio_test(fit: Fit) -> ChiSquareTest:
    return chi_square_test(2.0 * (fit.best.value - fit.null.value), fit.coefficients.size)


def score_test(null: Likelihood) -> ChiSquareTest:
    return chi_square_test(float(null.score @ np.linalg.solve(null.information, null.score)), null.score.size)


def canonical_order(data: SurvivalData, rows: Floats, codes: Ints) -> Ints:
    """By stratum, time, event, entry, covariates: rows that are equal in all of them may change places."""
    entry = [] if data.entry is None else [data.entry]
    return np.lexsort((*rows.T[::-1], *entry, data.event, data.time, codes))


def centre_and_scale(rows: Floats) -> tuple[Floats, Floats]:
    """Means and standard deviations (1 where a covariate never varies) of rows in canonical order: shape (p,) each."""
    scale = rows.std(axis=0)
    return rows.mean(axis=0), np.where(scale > 0, scale, 1.0)


def _strata(
    data: SurvivalData, rows: Floats, codes: Ints, order: Ints, count: int, efron: bool
) -> list[tuple[int, RiskSets]]:
    """Risk sets of each stratum in which somebody dies."""
    ends = np.searchsorted(codes[order], np.arange(count + 1))
    found = []
    for code in range(count):
        mine = order[ends[code] : ends[code + 1]]
        entry = None if data.entry is None else data.entry[mine]
        if data.event[mine].any():
            found.append((code, risk_sets(rows[mine], data.time[mine], data.event[mine], entry, efron=efron)))
    return found


def _likelihood(sets: Sequence[tuple[int, RiskSets]], at: Floats) -> Likelihood:
    return added([part.moments(at).likelihood() for _, part in sets])
