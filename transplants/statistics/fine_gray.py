"""Regression of the cumulative incidence of one cause (Fine and Gray 1999, JASA 94:496).

Who had a competing event stays in the risk set with the weight G(t-) / G(T-) of not having been censored since (G:
Kaplan–Meier of censoring). Both parts of a risk set are running sums, so nothing is expanded. Standard errors are the
paper's: they know that G was estimated. Ties by Breslow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Bools, Floats, Ints, times_asked
from transplants.statistics.cox import Baseline, Effects, canonical_order, centre_and_scale, ratio_test
from transplants.statistics.data import SurvivalData, from_the_start
from transplants.statistics.design import covariate_table
from transplants.statistics.errors import StatisticsError
from transplants.statistics.groups import ChiSquareTest
from transplants.statistics.newton import Likelihood, inverse, largest
from transplants.statistics.riskset import LEAST_RISK, from_behind


@dataclass(frozen=True, eq=False)
class FineGrayModel(Effects):
    """A fitted model of `cause`; ratio: of subdistribution hazards. n rows, `events` of the cause.

    log_likelihood, null_log_likelihood: pseudo, of the weighted partial likelihood; likelihood_ratio from them (it
    does not know that weights were estimated: trust wald()). baseline: cumulative subdistribution hazard at the centre.
    """

    cause: int
    n: int
    events: int
    steps: int
    log_likelihood: float
    null_log_likelihood: float
    likelihood_ratio: ChiSquareTest
    centre: Floats
    baseline: Baseline

    def incidence(self, covariates: npt.ArrayLike, times: npt.ArrayLike) -> Floats:
        """Predicted cumulative incidence of m new rows at q times: shape (m, q)."""
        table = np.asarray(covariates, dtype=np.float64)
        rows, _ = covariate_table(table, len(table), self.names)
        relative = np.exp((rows - self.centre) @ self.coefficients)
        found: Floats = -np.expm1(-relative[:, None] * self.baseline.at(times_asked(times)))
        return found


def fine_gray(
    data: SurvivalData,
    covariates: npt.ArrayLike,
    names: Sequence[str] | None = None,
    *,
    cause: int,
    level: float = 0.95,
) -> FineGrayModel:
    """Fine and Gray's model of `cause`, every other code competing; covariates: shape (n, p), known on day 0.

    Raises StatisticsError: "entry_unsupported", "no_events" of the cause, and those of cox.
    """
    from_the_start(data, "Fine and Gray's model")
    rows, labels = covariate_table(covariates, len(data), names)
    if not (data.event == cause).any():
        raise StatisticsError("no_events", column="event")
    order = canonical_order(data, rows, np.zeros(len(data), np.int64))
    centre, scale = centre_and_scale(rows[order])
    event = data.event[order]
    kind = np.where(event == cause, 1, np.where(event == 0, 0, 2))
    sets = _Sets(((rows - centre) / scale)[order], data.time[order], kind)
    fit = largest(lambda at: _likelihood(_moments(sets, at)), labels)
    moments = _moments(sets, fit.coefficients)
    bread = inverse(fit.best.information)
    covariance = bread @ _noise(moments) @ bread / np.outer(scale, scale)
    baseline = Baseline(sets.times, np.cumsum(moments.steps) * np.exp(-moments.shift))
    return FineGrayModel(
        names=labels,
        coefficients=fit.coefficients / scale,
        covariance=(covariance + covariance.T) / 2,
        level=level,
        cause=cause,
        n=len(data),
        events=int(np.count_nonzero(kind == 1)),
        steps=fit.steps,
        log_likelihood=fit.best.value,
        null_log_likelihood=fit.null.value,
        likelihood_ratio=ratio_test(fit),
        centre=centre,
        baseline=baseline,
    )


@dataclass(frozen=True, eq=False)
class _Sets:
    """n rows, ascending by time. kind: 0 censored, 1 the cause, 2 competing."""

    rows: Floats
    time: Floats
    kind: Ints

    @cached_property
    def died(self) -> Ints:
        return np.flatnonzero(self.kind == 1)

    @cached_property
    def competing(self) -> Bools:
        found: Bools = self.kind == 2
        return found

    @cached_property
    def times(self) -> Floats:
        """The K distinct times of the cause."""
        return np.unique(self.time[self.died])

    @cached_property
    def deaths(self) -> Floats:
        return np.bincount(np.searchsorted(self.times, self.time[self.died])).astype(np.float64)

    @cached_property
    def starts(self) -> Ints:
        """First row with that time or a later one."""
        return np.searchsorted(self.time, self.times, side="left")

    @cached_property
    def seen(self) -> Ints:
        """For each row the number of times of the cause up to its own time."""
        return np.searchsorted(self.times, self.time, side="right")

    @cached_property
    def censorings(self) -> tuple[Floats, Floats, Floats]:
        """Distinct times of censoring; of each the number at risk and the number censored."""
        times, counts = np.unique(self.time[self.kind == 0], return_counts=True)
        at_risk = self.time.size - np.searchsorted(self.time, times, side="left")
        return times, at_risk.astype(np.float64), counts.astype(np.float64)

    def uncensored(self, times: Floats) -> Floats:
        """G just before each time."""
        when, at_risk, counts = self.censorings
        left = np.concatenate(([1.0], np.cumprod(1.0 - counts / at_risk)))
        return left[np.searchsorted(when, times, side="left")]

    @cached_property
    def weight(self) -> Floats:
        """G(t-) at the K times."""
        return self.uncensored(self.times)

    @cached_property
    def inverse_weight(self) -> Floats:
        """1 / G(T-) of those with a competing event, 0 of the others: shape (n,)."""
        return np.where(self.competing, 1.0 / np.where(self.competing, self.uncensored(self.time), 1.0), 0.0)

    def running(self, values: Floats) -> Floats:
        """Running sums of values, with 0 before the first: one row more than values."""
        total: Floats = np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)))
        return total

    def at_risk(self, values: Floats) -> Floats:
        """Weighted sums of values over the risk sets: shape (K,) or (K, p)."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        behind = from_behind(values)[self.starts]
        gone = self.running(values * self.inverse_weight.reshape(shape))[self.starts]
        return behind + gone * self.weight.reshape(shape)


@dataclass(frozen=True, eq=False)
class _Moments:
    """At given coefficients. risk: exp(linear - shift), shape (n,). whole: weighted sums of it over the risk sets.
    means: weighted mean covariates, shape (K, p). steps: of the baseline hazard (times exp(shift)), shape (K,)."""

    sets: _Sets
    linear: Floats
    shift: float
    risk: Floats
    whole: Floats
    means: Floats

    @cached_property
    def steps(self) -> Floats:
        return self.sets.deaths / self.whole

    def exposure(self, steps: Floats) -> Floats:
        """For each row the weighted sum of steps, shape (K,) or (K, p), over the times at which it counts: (n, …)."""
        sets = self.sets
        shape = (-1,) + (1,) * (steps.ndim - 1)
        until = sets.running(steps)[sets.seen]
        after = from_behind(steps * sets.weight.reshape(shape))[sets.seen] * sets.inverse_weight.reshape(
            shape
        )
        found: Floats = until + after
        return found


def _moments(sets: _Sets, coefficients: Floats) -> _Moments:
    linear = sets.rows @ coefficients
    shift = float(linear.max())
    risk = np.exp(linear - shift)
    whole = np.maximum(sets.at_risk(risk), LEAST_RISK)
    return _Moments(
        sets, linear, shift, risk, whole, sets.at_risk(sets.rows * risk[:, None]) / whole[:, None]
    )


def _likelihood(moments: _Moments) -> Likelihood:
    sets = moments.sets
    value = np.sum(moments.linear[sets.died] - moments.shift) - np.sum(sets.deaths * np.log(moments.whole))
    weights = moments.risk * moments.exposure(moments.steps)
    score = sets.rows[sets.died].sum(axis=0) - weights @ sets.rows
    means = moments.means
    information = (sets.rows * weights[:, None]).T @ sets.rows - (means * sets.deaths[:, None]).T @ means
    return Likelihood(float(value), score, information)


def _noise(moments: _Moments) -> Floats:
    """Sum over rows of (eta + psi)(eta + psi)', section 5 of the paper: shape (p, p)."""
    sets = moments.sets
    own = -moments.risk[:, None] * (
        sets.rows * moments.exposure(moments.steps)[:, None]
        - moments.exposure(moments.means * moments.steps[:, None])
    )
    place = np.searchsorted(sets.times, sets.time[sets.died])
    own[sets.died] += sets.rows[sets.died] - moments.means[place]
    influence = own + _of_weights(moments)
    noise: Floats = influence.T @ influence
    return noise


def _of_weights(moments: _Moments) -> Floats:
    """psi: what each row moved by its part in the estimate of G, shape (n, p)."""
    sets = moments.sets
    when, at_risk, counts = sets.censorings
    if when.size == 0:
        return np.zeros_like(sets.rows)
    carried = moments.risk * sets.inverse_weight
    before = np.searchsorted(sets.time, when, side="left")
    later = np.searchsorted(sets.times, when, side="left")
    ahead = moments.steps * sets.weight
    sums = from_behind(ahead)[later]
    mean_sums = from_behind(moments.means * ahead[:, None])[later]
    moved = (
        sets.running(sets.rows * carried[:, None])[before] * sums[:, None]
        - sets.running(carried)[before][:, None] * mean_sums
    ) / at_risk[:, None]
    passed = sets.running(moved * (counts / at_risk)[:, None])
    psi = -passed[np.searchsorted(when, sets.time, side="right")]
    censored = sets.kind == 0
    psi[censored] += moved[np.searchsorted(when, sets.time[censored])]
    return psi
