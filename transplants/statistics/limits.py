"""Pointwise confidence limits of probabilities, by a transformation whose name every result carries."""

from typing import Final

import numpy as np

from transplants.statistics.arrays import Floats, chosen
from transplants.statistics.distributions import z_of

LIMIT_TYPES: Final = ("log-log", "log", "plain")


def survival_limits(survival: Floats, log_variance: Floats, kind: str, level: float) -> tuple[Floats, Floats]:
    """Lower and upper limits of S, elementwise.

    log_variance: Greenwood's sum, the variance of log S. kind: "log-log" on log(-log S), as here by default; "log", R's
    default; "plain". At S = 1 (no event yet) both limits are 1, at S = 0 there are none (NaN), as in R's survfit.
    """
    chosen(kind, LIMIT_TYPES, "limits")
    z = z_of(level)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        deviation = np.sqrt(log_variance)
        if kind == "log-log":
            power = z * deviation / np.log(survival)
            lower, upper = survival ** np.exp(-power), survival ** np.exp(power)
        elif kind == "log":
            lower, upper = survival * np.exp(-z * deviation), survival * np.exp(z * deviation)
        else:
            lower, upper = survival * (1 - z * deviation), survival * (1 + z * deviation)
    return _bounded(lower, upper, survival, sure=1.0, none=0.0)


def incidence_limits(incidence: Floats, variance: Floats, kind: str, level: float) -> tuple[Floats, Floats]:
    """Lower and upper limits of a cumulative incidence F, elementwise.

    variance: of F. kind: "log-log" on log(-log F), the default of SAS LIFETEST; "log"; "plain". At F = 0 (no event of
    this cause yet) both limits are 0, at F = 1 there are none (NaN).
    """
    chosen(kind, LIMIT_TYPES, "limits")
    z = z_of(level)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        deviation = np.sqrt(variance) / incidence
        if kind == "log-log":
            power = z * deviation / np.log(incidence)
            lower, upper = incidence ** np.exp(-power), incidence ** np.exp(power)
        elif kind == "log":
            lower, upper = incidence * np.exp(-z * deviation), incidence * np.exp(z * deviation)
        else:
            lower, upper = incidence * (1 - z * deviation), incidence * (1 + z * deviation)
    return _bounded(lower, upper, incidence, sure=0.0, none=1.0)


def _bounded(
    lower: Floats, upper: Floats, value: Floats, *, sure: float, none: float
) -> tuple[Floats, Floats]:
    limits = []
    for limit in (lower, upper):
        inside = np.where(value == sure, sure, np.clip(limit, 0.0, 1.0))
        limits.append(np.where(value == none, np.nan, inside))
    return limits[0], limits[1]
