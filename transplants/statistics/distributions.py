"""Tails of the normal, chi-square and Poisson distributions: all that is needed of SciPy, which weighs 113 MB.

Relative error below 1e-12 for the arguments that occur (tests compare with SciPy). Vectorised over arrays.
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Floats, checked_level

_NORMAL: Final = NormalDist()
_EPS: Final = 1e-17
_TINY: Final = 1e-300
_CLOSE: Final = 1e-13  # of the logarithm of a tail probability


def z_of(level: float) -> float:
    """The normal quantile of a two-sided level: 1.96 for 0.95."""
    return _NORMAL.inv_cdf(0.5 + checked_level(level) / 2)


def two_sided_p(z: float) -> float:
    """Probability of a normal deviate beyond ±z."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def chi_square_tail(statistic: float, df: int) -> float:
    """P(chi-square with df degrees of freedom >= statistic); 1 for df = 0."""
    if df == 0 or statistic <= 0:
        return 1.0
    return float(gamma_tails(np.array([df / 2.0]), np.array([statistic / 2.0]))[1][0])


def gamma_tails(a: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 - P, elementwise; a > 0, x >= 0.

    A power series below x = a + 1, Lentz's continued fraction above (Abramowitz & Stegun 6.5.29, 6.5.31).
    """
    lower = np.zeros_like(x)
    upper = np.ones_like(x)
    below, above = (x > 0) & (x < a + 1), x >= a + 1
    if below.any():
        lower[below] = _power_series(a[below], x[below])
        upper[below] = 1.0 - lower[below]
    if above.any():
        upper[above] = _continued_fraction(a[above], x[above])
        lower[above] = 1.0 - upper[above]
    return lower, upper


def _front(a: Floats, x: Floats) -> Floats:
    """x^a e^-x / Gamma(a)."""
    log_gamma = np.array([math.lgamma(value) for value in a.tolist()])
    front: Floats = np.exp(a * np.log(x) - x - log_gamma)
    return front


def _power_series(a: Floats, x: Floats) -> Floats:
    term = 1.0 / a
    total = term.copy()
    n = 0
    while bool(np.any(term > total * _EPS)):
        n += 1
        term = term * x / (a + n)
        total += term
    return total * _front(a, x)


def _continued_fraction(a: Floats, x: Floats) -> Floats:
    b = x + 1.0 - a
    c = np.full_like(x, 1.0 / _TINY)
    d = 1.0 / b
    h = d.copy()
    step, n = np.zeros_like(x), 0
    while bool(np.any(np.abs(step - 1.0) > 4e-16)):
        n += 1
        numerator = n * (a - n)
        b = b + 2.0
        d = 1.0 / _not_zero(numerator * d + b)
        c = _not_zero(b + numerator / c)
        step = c * d
        h = h * step
    return h * _front(a, x)


def _not_zero(values: Floats) -> Floats:
    return np.where(np.abs(values) < _TINY, _TINY, values)


def poisson_interval(counts: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact limits of the mean of a Poisson variable of which `counts` were seen (Garwood 1936). Lower is 0 at 0."""
    seen = np.atleast_1d(np.asarray(counts, dtype=np.float64))
    outside = (1.0 - checked_level(level)) / 2.0
    lower = np.zeros_like(seen)
    some = seen > 0
    if some.any():
        a = seen[some]
        lower[some] = _root(lambda x: gamma_tails(a, x)[0], outside, _below(a, outside), a, rising=True)
    above = seen + 1.0
    upper = _root(lambda x: gamma_tails(above, x)[1], outside, seen, _above(above, outside), rising=False)
    return lower, upper


def poisson_bounds(expected: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
    """The counts between which a Poisson variable of mean `expected` lies, as a smooth curve: its funnel.

    A whole count lies outside exactly when its own poisson_interval leaves `expected` out. expected > 0.
    """
    mean = np.atleast_1d(np.asarray(expected, dtype=np.float64))
    outside = (1.0 - checked_level(level)) / 2.0
    low, high = _below(mean, outside), _above(mean + 1.0, outside)
    upper = _root(lambda a: gamma_tails(a, mean)[0], outside, low, high, rising=False)
    lower = _root(lambda a: gamma_tails(a, mean)[1], outside, low, mean + 1.0, rising=True)
    return np.maximum(lower - 1.0, 0.0), upper


def _above(mean: Floats, outside: float) -> Floats:
    """Above what a Poisson tail of `outside` reaches (Chernoff's bound)."""
    log = -math.log(outside)
    return mean + log + np.sqrt(log * log + 2.0 * mean * log) + 1.0


def _below(mean: Floats, outside: float) -> Floats:
    """Below what the other tail reaches; more than 0."""
    log = -math.log(outside)
    return np.maximum(mean - log - np.sqrt(log * log + 2.0 * mean * log) - 1.0, 1e-9)


def _root(
    tail: Callable[[Floats], Floats], target: float, low: Floats, high: Floats, *, rising: bool
) -> Floats:
    """Where a monotone tail probability equals target, between low and high (the Illinois rule on logarithms)."""

    def distance(at: Floats) -> Floats:
        gap: Floats = np.log(np.maximum(tail(at), _TINY)) - math.log(target)
        return gap if rising else -gap

    below, above = distance(low), distance(high)
    best, off = low, np.full_like(low, np.inf)
    side, step = np.zeros_like(low), 0
    while bool(np.any((high - low > 4e-16 * high) & (off > _CLOSE))):
        step += 1
        guess = high - above * (high - low) / np.where(above == below, 1.0, above - below)
        inside = (guess > low) & (guess < high) & (step % 6 > 0)
        at = np.where(inside, guess, (low + high) / 2.0)
        gap = distance(at)
        best, off = np.where(np.abs(gap) < off, at, best), np.minimum(np.abs(gap), off)
        moved = np.sign(gap)
        # an end that stays for a second time counts half, so that it moves next time
        below = np.where(gap < 0, gap, np.where(side > 0, below / 2.0, below))
        above = np.where(gap < 0, np.where(side < 0, above / 2.0, above), gap)
        low, high, side = np.where(gap < 0, at, low), np.where(gap < 0, high, at), moved
    return best
