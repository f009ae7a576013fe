"""Newton's method for a concave log-likelihood, and why a fit has no answer: collinear, separated, diverging."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transplants.statistics.arrays import Floats
from transplants.statistics.errors import StatisticsError

_MOST_STEPS: Final = 60
_MOST_HALVINGS: Final = 30
_SMALL_STEP: Final = 1e-9  # of a coefficient per standard deviation of its covariate
_DEPENDENT: Final = 1e-9  # what is left of a covariate's information beside the others
_FARTHEST: Final = 100.0  # a hazard ratio of e^100 for a standard deviation is none
_EXHAUSTED: Final = 1e-8  # of the information at the start: the likelihood has gone flat towards infinity


@dataclass(frozen=True, eq=False)
class Likelihood:
    """At one point: its logarithm, first derivatives, shape (p,), minus the second ones, shape (p, p)."""

    value: float
    score: Floats
    information: Floats


@dataclass(frozen=True, eq=False)
class Fit:
    """The likelihood at 0 and at its largest, where that is, and in how many steps it was found."""

    null: Likelihood
    best: Likelihood
    coefficients: Floats
    steps: int


def largest(
    likelihood: Callable[[Floats], Likelihood], names: Sequence[str], start: Floats | None = None
) -> Fit:
    """The coefficients of the largest likelihood, of covariates centred and scaled to standard deviation 1.

    Steps are halved until the likelihood grows. start: where to begin, 0 by default.
    Raises StatisticsError: "constant", "collinear" or "separation" with the covariate as column, "no_convergence".
    """
    null = likelihood(np.zeros(len(names)))
    _refuse_dependent(null.information, names)
    at: Floats = np.zeros(len(names)) if start is None else start
    now = null if start is None else likelihood(at)
    for step in range(1, _MOST_STEPS + 1):
        move = _solve(now.information, now.score, null.information, names)
        at, now = _climb(likelihood, at, now, move)
        _refuse_separated(now.information, null.information, names)
        if float(np.max(np.abs(at))) > _FARTHEST:
            raise StatisticsError("separation", column=names[int(np.abs(at).argmax())])
        if float(np.max(np.abs(move))) < _SMALL_STEP:
            return Fit(null, now, at, step)
    raise StatisticsError("no_convergence", iterations=_MOST_STEPS)


def inverse(information: Floats) -> Floats:
    found = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return (found + found.T) / 2


def _climb(
    likelihood: Callable[[Floats], Likelihood], at: Floats, now: Likelihood, move: Floats
) -> tuple[Floats, Likelihood]:
    slack = 1e-10 * (abs(now.value) + 1.0)
    for _ in range(_MOST_HALVINGS):
        there = likelihood(at + move)
        if np.isfinite(there.value) and there.value >= now.value - slack:
            return np.add(at, move, dtype=np.float64), there
        move = move * np.float64(0.5)
    return at, now


def _solve(information: Floats, score: Floats, start: Floats, names: Sequence[str]) -> Floats:
    try:
        return np.asarray(np.linalg.solve(information, score), dtype=np.float64)
    except np.linalg.LinAlgError:
        _refuse_separated(information, start, names, least=1e-4)
        raise StatisticsError("no_convergence", iterations=1) from None


def _refuse_separated(now: Floats, start: Floats, names: Sequence[str], least: float = _EXHAUSTED) -> None:
    left = np.diag(now) / np.diag(start)
    if left.min() < least:
        raise StatisticsError("separation", column=names[int(left.argmin())])


def _refuse_dependent(information: Floats, names: Sequence[str]) -> None:
    """By Cholesky's steps: what is left of each covariate once those before it are known."""
    left = information.copy()
    scale = np.diag(information).copy()
    for place, name in enumerate(names):
        if scale[place] <= 1e-12 * max(float(scale.max()), 1.0):
            raise StatisticsError("constant", column=name)
        if left[place, place] <= _DEPENDENT * scale[place]:
            raise StatisticsError("collinear", column=name)
        left -= np.outer(left[:, place], left[place]) / left[place, place]
