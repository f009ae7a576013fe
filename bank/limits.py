"""Which counts a person must confirm before a unit is listed. Pure; the bounds come from PlausibilityLimits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bank.choices import HoldReason


@dataclass(frozen=True)
class Limits:
    """TNC in 10⁷; CD34 as per cent of TNC."""

    tnc_e7_min: float = 20
    tnc_e7_max: float = 500
    cd34_percent_min: float = 0.02
    cd34_percent_max: float = 3


def cd34_percent(tnc_e7: float, cd34_e6: float) -> float:
    """CD34 (10⁶) as per cent of TNC (10⁷): 0.39 of 130 → 0.03."""
    return cd34_e6 / (tnc_e7 * 10) * 100


def held_reasons(tnc_e7: float | None, cd34_e6: float | None, limits: Limits) -> list[dict[str, Any]]:
    """Why the unit waits, as {code, params} of HoldReason; [] when nothing is to be confirmed."""
    reasons: list[dict[str, Any]] = []
    if tnc_e7 is None:
        reasons.append(_reason(HoldReason.TNC_MISSING))
    elif not limits.tnc_e7_min <= tnc_e7 <= limits.tnc_e7_max:
        reasons.append(_outside(HoldReason.TNC_IMPLAUSIBLE, tnc_e7, limits.tnc_e7_min, limits.tnc_e7_max))
    if tnc_e7 is not None and cd34_e6 is not None:
        share = cd34_percent(tnc_e7, cd34_e6)
        if not limits.cd34_percent_min <= share <= limits.cd34_percent_max:
            low, high = limits.cd34_percent_min, limits.cd34_percent_max
            reasons.append(_outside(HoldReason.CD34_RATIO, round(share, 4), low, high))
    return reasons


def _reason(code: HoldReason, **params: Any) -> dict[str, Any]:
    return {"code": code.value, "params": params}


def _outside(code: HoldReason, value: float, low: float, high: float) -> dict[str, Any]:
    return _reason(code, value=f"{value:g}", low=f"{low:g}", high=f"{high:g}")
