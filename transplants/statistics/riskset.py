"""Risk sets of a Cox model in one stratum: partial likelihood, its derivatives and hazards, by running sums.

No sum over pairs of covariates runs over risk sets. With weights of each death's risk set summed per row first, the
information is X' diag(w) X - A' A (A: mean covariates of the risk sets): O(n p) for sums and one matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from transplants.statistics.arrays import Floats, Ints, summed
from transplants.statistics.newton import Likelihood
from transplants.statistics.ranges import Ranges

LEAST_RISK: Final = (
    1e-290  # of a risk set beside the largest risk: on its way to infinity a fit must not overflow
)


@dataclass(frozen=True, eq=False)
class RiskSets:
    """m rows of a stratum, ascending by time, and K distinct times of death.

    rows: covariates, shape (m, p). time, entry: shape (m,); entry None if nobody enters late. died: rows of the D
    deaths, ascending. block: for each death its time, 0 to K - 1. times: the K times. efron: how ties count.
    """

    rows: Floats
    time: Floats
    entry: Floats | None
    died: Ints
    block: Ints
    times: Floats
    efron: bool

    @cached_property
    def starts(self) -> Ints:
        """First row of each risk set if nobody enters late: it and all later rows are in it."""
        return np.searchsorted(self.time, self.times, side="left")

    @cached_property
    def deaths(self) -> Ints:
        return np.bincount(self.block, minlength=self.times.size)

    @cached_property
    def fraction(self) -> Floats:
        """Efron: of d deaths at once the l-th, counted from 0, sees the others l/d gone."""
        first = np.cumsum(self.deaths) - self.deaths
        return (np.arange(self.died.size) - first[self.block]) / self.deaths[self.block]

    @cached_property
    def seen(self) -> Ints:
        """For each row the number of times of death up to its own time."""
        return np.searchsorted(self.times, self.time, side="right")

    @cached_property
    def _late(self) -> Ranges | None:
        """At which times of death each row is at risk; None if all are from the start."""
        if self.entry is None:
            return None
        return Ranges(np.searchsorted(self.times, self.entry, side="right"), self.seen, self.times.size)

    def at_risk(self, values: Floats) -> Floats:
        """Sums of values, shape (m,) or (m, p), over each risk set: shape (K,) or (K, p)."""
        if self._late is not None:
            return self._late.over_rows(values)
        return from_behind(values)[self.starts]

    def per_row(self, steps: Floats) -> Floats:
        """For each row the sum of steps, shape (K,), over the times of death at which it was at risk: shape (m,)."""
        if self._late is not None:
            return self._late.over_times(steps)
        return np.concatenate(([0.0], np.cumsum(steps)))[self.seen]

    def of_deaths(self, values: Floats) -> Floats:
        """Sums of values over the deaths of each time: shape (K,) or (K, p)."""
        return np.add.reduceat(values[self.died], np.cumsum(self.deaths) - self.deaths, axis=0)

    def moments(self, coefficients: Floats) -> "Moments":
        """Everything that depends on the coefficients, shape (p,)."""
        linear = self.rows @ coefficients
        shift = float(linear.max())
        risk = np.exp(linear - shift)
        weighted = self.rows * risk[:, None]
        whole = self.at_risk(risk)[self.block]
        sums = self.at_risk(weighted)[self.block]
        if self.efron:
            gone = self.fraction
            whole = whole - gone * self.of_deaths(risk)[self.block]
            sums = sums - gone[:, None] * self.of_deaths(weighted)[self.block]
        whole = np.maximum(whole, LEAST_RISK)
        return Moments(self, linear, shift, risk, whole, sums / whole[:, None])


@dataclass(frozen=True, eq=False)
class Moments:
    """Of one stratum at given coefficients. risk: exp(linear - shift), shape (m,). whole: risk of what each death was
    drawn from, shape (D,). means: mean covariates of it, shape (D, p)."""

    sets: RiskSets
    linear: Floats
    shift: float
    risk: Floats
    whole: Floats
    means: Floats

    def row_weights(self, weights: Floats) -> Floats:
        """For each row its share in all risk sets, each death counted `weights`, shape (D,): shape (m,)."""
        sets = self.sets
        steps = summed(sets.block, weights / self.whole, sets.times.size)
        share = sets.per_row(steps)
        if sets.efron:
            gone = summed(sets.block, weights * sets.fraction / self.whole, sets.times.size)
            share[sets.died] -= gone[sets.block]
        return share * self.risk

    def likelihood(self) -> Likelihood:
        rows, died = self.sets.rows, self.sets.died
        value = float(np.sum(self.linear[died] - self.shift - np.log(self.whole)))
        weights = self.row_weights(np.ones(died.size))
        score = rows[died].sum(axis=0) - weights @ rows
        return Likelihood(value, score, self.weighted_information(weights, np.ones(died.size)))

    def weighted_information(self, row_weights: Floats, weights: Floats) -> Floats:
        rows = self.sets.rows
        information: Floats = (rows * row_weights[:, None]).T @ rows - (
            self.means * weights[:, None]
        ).T @ self.means
        return information

    def hazard(self) -> Floats:
        """Cumulative baseline hazard (all covariates 0) at the K times."""
        steps = summed(self.sets.block, 1.0 / self.whole, self.sets.times.size)
        hazard: Floats = np.cumsum(steps) * np.exp(-self.shift)
        return hazard


def from_behind(values: Floats) -> Floats:
    """Sums of values from each row to the last, and 0 behind it: shape (m + 1,) or (m + 1, p)."""
    end = np.zeros((1, *values.shape[1:]))
    sums: Floats = np.concatenate((end, np.cumsum(values[::-1], axis=0)))[::-1]
    return sums


def risk_sets(rows: Floats, time: Floats, event: Ints, entry: Floats | None, *, efron: bool) -> RiskSets:
    """Of one stratum; rows ascending by time, at least one death."""
    died = np.flatnonzero(event)
    times, block = np.unique(time[died], return_inverse=True)
    return RiskSets(rows, time, entry, died, block.astype(np.int64), times, efron)


def added(parts: Sequence[Likelihood]) -> Likelihood:
    """The likelihood of all strata together."""
    score: Floats = np.sum([part.score for part in parts], axis=0)
    information: Floats = np.sum([part.information for part in parts], axis=0)
    return Likelihood(sum(part.value for part in parts), score, information)
