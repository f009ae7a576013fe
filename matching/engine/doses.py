"""Cells and doses: how many cells a dose takes at a weight, and the dose that some cells give.

Cells are whole numbers, TNC in 10⁴ and CD34 in 10³; doses are asked in 10⁷ and 10⁵ per kg. Judgements compare whole
cells with what is needed, computed in decimals, so that exactly at the line is decided and not rounded.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

TNC_E4_PER_E7: Final = 1000
CD34_E3_PER_E5: Final = 100


def cells_needed(least_per_kg: Decimal, weight_kg: Decimal, unit: int, *, above: bool = False) -> int:
    """The fewest cells that reach a dose; `above`: that are more than it. unit: cells of one unit of dose."""
    asked = least_per_kg * weight_kg * unit
    return math.floor(asked) + 1 if above else math.ceil(asked)


def per_kg(cells: int | None, unit: int, weight_kg: Decimal | None) -> float | None:
    """Dose per kilogram for people; None where one of both is not known."""
    return None if cells is None or weight_kg is None else cells / unit / float(weight_kg)


def all_per_kg(cells: NDArray[np.integer], unit: int, weight_kg: Decimal | None) -> NDArray[np.float64]:
    """The same of many; unknown cells are below 0, unknown doses NaN."""
    if weight_kg is None:
        return np.full(len(cells), np.nan)
    return np.where(cells < 0, np.nan, cells / unit / float(weight_kg))
