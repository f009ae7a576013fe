"""Days of engraftment from counts, by the published definitions (CIBMTR form 2100, q8-11 and q12-18).

Neutrophils: the first of three consecutive values of at least 0.5 × 10⁹/L on different days, none before the lowest
point. Platelets: the first of three consecutive values of at least 20 × 10⁹/L on different days, the first of them at
least seven days after the last transfusion. Days without a count are not counted: consecutive means the next one known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

ANC_E9_PER_L: Final = Decimal("0.5")
PLATELETS_E9_PER_L: Final = Decimal(20)
IN_A_ROW: Final = 3
DAYS_WITHOUT_TRANSFUSION: Final = 7


@dataclass(frozen=True)
class Count:
    """One day's counts; None: not measured. transfused: platelets were given on that day."""

    day: dt.date
    anc_e9_per_l: Decimal | None = None
    platelets_e9_per_l: Decimal | None = None
    transfused: bool = False


def neutrophil_day(counts: Sequence[Count], limit: Decimal = ANC_E9_PER_L) -> dt.date | None:
    """First day of recovery; None: not reached, or the counts never fell below the limit (nothing to recover from)."""
    rows = sorted((row for row in counts if row.anc_e9_per_l is not None), key=lambda row: row.day)
    values = [row.anc_e9_per_l for row in rows if row.anc_e9_per_l is not None]
    if not values or min(values) >= limit:
        return None
    nadir = values.index(min(values))
    return _first_run(rows[nadir:], lambda row: row.anc_e9_per_l is not None and row.anc_e9_per_l >= limit)


def platelet_day(counts: Sequence[Count], limit: Decimal = PLATELETS_E9_PER_L) -> dt.date | None:
    """First day of recovery; None as above. A transfusion on a day without a count counts too."""
    rows = sorted((row for row in counts if row.platelets_e9_per_l is not None), key=lambda row: row.day)
    values = [row.platelets_e9_per_l for row in rows if row.platelets_e9_per_l is not None]
    given = [row.day for row in counts if row.transfused]
    if not values or (min(values) >= limit and not given):
        return None

    def stands(row: Count) -> bool:
        enough = row.platelets_e9_per_l is not None and row.platelets_e9_per_l >= limit
        return enough and not any(0 <= (row.day - day).days < DAYS_WITHOUT_TRANSFUSION for day in given)

    return _first_run(rows, stands)


def _first_run(rows: Sequence[Count], stands: Callable[[Count], bool]) -> dt.date | None:
    for start in range(len(rows) - IN_A_ROW + 1):
        run = rows[start : start + IN_A_ROW]
        if all(stands(row) for row in run):
            return run[0].day
    return None
