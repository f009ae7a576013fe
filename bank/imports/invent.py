"""Made-up counts for files that have none (GL lines), so that a real typing file can be searched by dose.

The unit and its measurements are marked as invented; no such unit is for clinical use.
"""

from __future__ import annotations

import random

# Banked units of a public bank: TNC about 12–15 ×10⁸, CD34 about 0.3 % of it, frozen in about 25 mL.
TNC_E7_MEDIAN = 125.0
TNC_LOG_SIGMA = 0.30
TNC_E7_RANGE = (60.0, 400.0)
CD34_SHARE_MEDIAN = 0.003
CD34_LOG_SIGMA = 0.45
CD34_SHARE_RANGE = (0.0005, 0.015)
VOLUME_ML = (23.0, 2.2)


def counts(seed: int, unit_no: str) -> dict[str, float]:
    """tnc_e7, cd34_e6 and volume_ml of one unit; the same seed and number always give the same."""
    return draw(random.Random(f"{seed}:{unit_no}"))


def draw(rng: random.Random) -> dict[str, float]:
    tnc = _clip(TNC_E7_MEDIAN * rng.lognormvariate(0, TNC_LOG_SIGMA), TNC_E7_RANGE)
    share = _clip(CD34_SHARE_MEDIAN * rng.lognormvariate(0, CD34_LOG_SIGMA), CD34_SHARE_RANGE)
    volume = max(rng.gauss(*VOLUME_ML), 15.0)
    return {"tnc_e7": round(tnc, 1), "cd34_e6": round(tnc * share * 10, 2), "volume_ml": round(volume, 1)}


def _clip(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
