"""Whether predicted probabilities come true: reliability bins, distance from the diagonal, alarm on drift.

Everything takes two arrays of equal length: predicted, float64 (n,), 0 to 1; happened, bool (n,). Nothing here knows
what was predicted.

Sources: city-block distance and R² over bins of 1 %, weighted by the predictions in them, as Anthony Nolan's Atlas
validates its predictions; interval of a share: Wilson, J Am Stat Assoc 1927;22:209-12; calibration over all:
Spiegelhalter, Stat Med 1986;5:421-33; drift: risk-adjusted CUSUM of Steiner, Cook, Farewell and Treasure,
Biostatistics 2000;1:441-52, its limit by simulation (Barnard, J R Stat Soc B 1963;25:294).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Verdict = Literal["too_few", "in_control", "alarm"]
Reason = Literal["total", "spread", "drift"]

FINE: Final = 100  # bins of 1 %
COARSE: Final = 10  # bins of 10 %
CONFIDENCE: Final = 0.95
FALSE_ALARMS: Final = 0.01  # of looks at predictions that are right
JUDGED_FROM: Final = 50  # predictions
JUDGED_VARIANCE: Final = 10.0  # sum of p (1 - p): below it the normal approximation of the sums does not hold
WINDOW: Final = 500  # newest predictions that the CUSUM runs over
ODDS: Final = 2.0  # the CUSUM looks for odds that are this many times, or this fraction of, the predicted
SIMULATIONS: Final = 1_999
_EDGE: Final = 1e-9  # 0.29 * 100 is 28.999…


@dataclass(frozen=True)
class Reliability:
    """Predictions by bins of equal width, the empty ones left out; all arrays (bins,).

    low, high: float64, edges of the bin (the upper one belongs to the next bin, but 1 to the last). n: int64,
    predictions. predicted: float64, their mean. observed: float64, share that came true, from `lower` to `upper` at
    `confidence` (Wilson).
    """

    low: Array
    high: Array
    n: Array
    predicted: Array
    observed: Array
    lower: Array
    upper: Array
    confidence: float

    @property
    def city_block(self) -> float:
        """Mean distance of observed from predicted, weighted by n, 0 to 1; NaN without predictions."""
        return self._weighted(np.abs(self.observed - self.predicted))

    @property
    def r_squared(self) -> float:
        """Share of the weighted variance of `observed` that `predicted` itself (no fitted line) explains.

        At most 1; below 0 where the mean would have said more; NaN where the observed shares do not differ.
        """
        mean = self._weighted(self.observed)
        around = self._weighted((self.observed - mean) ** 2)
        if not around > 0:
            return math.nan
        return 1 - self._weighted((self.observed - self.predicted) ** 2) / around

    def _weighted(self, values: Array) -> float:
        total = int(self.n.sum())
        return float((self.n * values).sum() / total) if total else math.nan


def reliability(
    predicted: ArrayLike, happened: ArrayLike, *, bins: int = COARSE, confidence: float = CONFIDENCE
) -> Reliability:
    """The reliability curve. Raises ValueError for arrays that do not fit, values outside 0 to 1, no bins."""
    p, y = _checked(predicted, happened)
    if bins < 1:
        raise ValueError("At least one bin is needed.")
    at = np.minimum((p * bins + _EDGE).astype(np.int64), bins - 1)
    counts = np.bincount(at, minlength=bins)
    there = np.flatnonzero(counts)
    n = counts[there]
    came_true = np.bincount(at, weights=y, minlength=bins)[there]
    lower, upper = wilson(came_true, n, confidence)
    return Reliability(
        low=there / bins,
        high=(there + 1) / bins,
        n=n,
        predicted=np.bincount(at, weights=p, minlength=bins)[there] / n,
        observed=came_true / n,
        lower=lower,
        upper=upper,
        confidence=confidence,
    )


def wilson(came_true: ArrayLike, n: ArrayLike, confidence: float = CONFIDENCE) -> tuple[Array, Array]:
    """Wilson's interval of shares. came_true, n: counts (k,), n > 0. Returns lower and upper, float64 (k,), 0 to 1.

    Raises ValueError for n = 0, counts above n, or a confidence not between 0 and 1.
    """
    hits, total = np.asarray(came_true, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if not 0 < confidence < 1:
        raise ValueError("The confidence lies between 0 and 1.")
    if (total <= 0).any() or (hits < 0).any() or (hits > total).any():
        raise ValueError("Counts from 0 to n, and n above 0, are needed.")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * np.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2) / (1 + z * z / total)
    # At no hit and at n hits the ends are exactly 0 and 1; rounding would leave them beside it.
    lower = np.where(hits == 0, 0.0, np.clip(middle - half, 0.0, 1.0))
    upper = np.where(hits == total, 1.0, np.clip(middle + half, 0.0, 1.0))
    return lower, upper


@dataclass(frozen=True)
class Totals:
    """Over all predictions. difference: observed share less mean prediction, with its interval.

    The interval is Wilson's of the observed share, moved by the mean prediction: never too narrow, as shares of unlike
    predictions vary less than equal ones. All but n and the sums are NaN where n is 0.
    """

    n: int
    expected: float
    observed: int
    difference: float
    lower: float
    upper: float


def totals(predicted: ArrayLike, happened: ArrayLike, *, confidence: float = CONFIDENCE) -> Totals:
    """Expected and observed number. Raises ValueError as reliability() does."""
    p, y = _checked(predicted, happened)
    n, expected, observed = len(p), float(p.sum()), int(y.sum())
    if not n:
        return Totals(0, 0.0, 0, math.nan, math.nan, math.nan)
    lower, upper = wilson([observed], [n], confidence)
    mean = expected / n
    return Totals(n, expected, observed, observed / n - mean, float(lower[0]) - mean, float(upper[0]) - mean)


def z_total(predicted: ArrayLike, happened: ArrayLike) -> float:
    """Observed less expected number in standard deviations; NaN where no prediction was open (all 0 or 1)."""
    p, y = _checked(predicted, happened)
    return _standardised(y - p, p * (1 - p))


def z_spiegelhalter(predicted: ArrayLike, happened: ArrayLike) -> float:
    """Spiegelhalter's z: how far Brier's score lies from what right predictions give, in standard deviations.

    Above 0: predictions more extreme than what came true; below: too cautious. NaN where all are 0, ½ or 1.
    """
    p, y = _checked(predicted, happened)
    return _standardised((y - p) * (1 - 2 * p), (1 - 2 * p) ** 2 * p * (1 - p))


def _standardised(terms: Array, variances: Array) -> float:
    variance = float(variances.sum())
    return float(terms.sum()) / math.sqrt(variance) if variance > 0 else math.nan


@dataclass(frozen=True)
class Alarm:
    """Verdict of a look at all predictions.

    reasons: "total", more or fewer came true than predicted; "spread", predictions too extreme or too cautious
    (Spiegelhalter); "drift", a run of recent ones (CUSUM). Of right predictions at most `false_alarms` of the looks
    end in alarm: each of three tests gets a third. z_total, z_spread: standard deviations; drift: p value of the CUSUM
    over the newest `window` predictions. judged_from: fewer are not judged. NaN where not judged or not defined.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    n: int
    z_total: float
    z_spread: float
    drift: float
    window: int
    false_alarms: float
    judged_from: int


def alarm(
    predicted: ArrayLike,
    happened: ArrayLike,
    *,
    false_alarms: float = FALSE_ALARMS,
    window: int = WINDOW,
    simulations: int = SIMULATIONS,
    seed: int = 1,
) -> Alarm:
    """Whether predictions, in the order of their outcomes, still come true. They must be independent of each other.

    Two sums over all by the normal approximation, and the CUSUM over the newest `window` by simulation of right
    predictions, which is exact. Not judged: fewer than JUDGED_FROM, or too few that are open (JUDGED_VARIANCE); the
    spread alone, where too few are away from one half. The
    rate is that of one look: who looks again after every outcome meets a false alarm sooner or later. Raises
    ValueError as reliability() does, or for a rate that the simulations cannot resolve.
    """
    p, y = _checked(predicted, happened)
    each = false_alarms / 3
    if not 1 / (simulations + 1) <= each < 1:
        raise ValueError("The rate of false alarms is too small for so few simulations, or above 1.")
    said = {"window": window, "false_alarms": false_alarms, "judged_from": JUDGED_FROM}
    if len(p) < JUDGED_FROM or float((p * (1 - p)).sum()) < JUDGED_VARIANCE:
        return Alarm("too_few", (), len(p), math.nan, math.nan, math.nan, **said)  # type: ignore[arg-type]
    total, spread = z_total(p, y), math.nan
    if (
        float(((1 - 2 * p) ** 2 * p * (1 - p)).sum()) >= JUDGED_VARIANCE
    ):  # a few rare events are far from normal
        spread = z_spiegelhalter(p, y)
    drift = cusum_p_value(p[-window:], y[-window:], simulations=simulations, seed=seed)
    limit = NormalDist().inv_cdf(1 - each / 2)
    tests: dict[Reason, bool] = {
        "total": abs(total) > limit,
        "spread": abs(spread) > limit,  # False for NaN
        "drift": drift <= each,
    }
    reasons = tuple(name for name, failed in tests.items() if failed)
    verdict: Verdict = "alarm" if reasons else "in_control"
    return Alarm(verdict, reasons, len(p), total, spread, drift, **said)  # type: ignore[arg-type]


def cusum(predicted: ArrayLike, happened: ArrayLike) -> Array:
    """Steiner's CUSUM: float64 (n, 2), after each outcome, against odds that rose and odds that fell by ODDS.

    Each step adds the logarithm of the ratio of the likelihoods and never falls below 0.
    """
    p, y = _checked(predicted, happened)
    return np.array([level[:, 0] for level in _levels(p, y[:, None] > 0)]).reshape(-1, 2)


def cusum_p_value(
    predicted: ArrayLike, happened: ArrayLike, *, simulations: int = SIMULATIONS, seed: int = 1
) -> float:
    """Share of simulated outcomes of right predictions whose CUSUM rises as high as the observed, itself included.

    Exact: of right predictions at most the share x has a value ≤ x. O(n · simulations).
    """
    p, y = _checked(predicted, happened)
    drawn = np.random.default_rng(seed).random((len(p), simulations)) < p[:, None]
    tops = _tops(p, np.column_stack([y > 0, drawn]))
    return float((tops[1:] >= tops[0] - _EDGE).sum() + 1) / (simulations + 1)


def _steps(p: Array) -> tuple[Array, Array]:
    """Logarithms of the likelihood ratios, (n, 2): if it does not happen, if it does; for risen and fallen odds."""
    odds = np.array([ODDS, 1 / ODDS])
    against = -np.log(1 - p[:, None] + odds * p[:, None])
    return against, against + np.log(odds)


def _levels(p: Array, outcomes: Array) -> Iterator[Array]:
    """CUSUM of each column of outcomes, bool (n, k), step by step: float64 (2, k)."""
    against, hit = _steps(p)
    level = np.zeros((2, outcomes.shape[1]))
    for at, row in enumerate(outcomes):
        level = np.maximum(0.0, level + np.where(row, hit[at][:, None], against[at][:, None]))
        yield level


def _tops(p: Array, outcomes: Array) -> Array:
    """How high the CUSUM of each column of outcomes rises, either way: float64 (k,)."""
    top = np.zeros(outcomes.shape[1])
    for level in _levels(p, outcomes):
        np.maximum(top, level.max(axis=0), out=top)
    return top


def _checked(predicted: ArrayLike, happened: ArrayLike) -> tuple[Array, Array]:
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape:
        raise ValueError("One outcome for each prediction is needed.")
    if not ((p >= 0) & (p <= 1)).all() or not ((y == 0) | (y == 1)).all():
        raise ValueError("Predictions lie from 0 to 1, outcomes are true or false.")
    return p, y
