"""The rows of a cohort for one reader, and what of each stratum may be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import DIMENSIONS
from transplants.cohorts.disclosure import Family, Scope, hidden
from transplants.cohorts.endpoints import OVERALL, EndpointData
from transplants.cohorts.frame import Bools, Floats, Frame
from transplants.cohorts.selecting import selected, strata_of

DAYS_A_YEAR: Final = 365.25
EARLY_DAYS: Final = 100.0


class Cut:
    """The cohort's rows of a frame for one reader, and what of them he may see."""

    def __init__(self, frame: Frame, cohort: Cohort, scope: Scope) -> None:
        self.frame, self.cohort, self.scope = frame, cohort, scope
        self.is_own = scope.own is not None and cohort.hospital is not None
        self.limited = not scope.is_full and not self.is_own
        within = frame.rows_of(scope.own or frozenset()) if self.is_own else None
        self.selection = selected(frame, cohort, within)
        self.rows = self.selection.rows
        self.strata = strata_of(frame, cohort.split)
        self.keys = DIMENSIONS[cohort.split].keys if cohort.split else ("",)
        self.family = Family(frame, scope, cohort.group) if self.limited else None
        self.others = ~frame.rows_of(scope.own or frozenset()) if self.limited else None
        day = np.maximum(frame.cut.toordinal() - frame.baseline.day, 0).astype(np.float64)
        self.potential: Floats = np.maximum(day, np.nan_to_num(frame.course.days("followed")))
        self.grid = [0.0, EARLY_DAYS] + [DAYS_A_YEAR * year for year in range(1, cohort.horizon + 1)]

    def present(self, stratum: int) -> Bools:
        present: Bools = self.rows & (self.strata == stratum)
        return present


@dataclass(frozen=True, eq=False)
class Seen:
    """What may be seen of one stratum.

    counts: how many answered, which with the size of the stratum tells how many did not. at_risk: at each time of the
    grid, and the curve with it. counted: whether the numbers at risk stand beside it. others: whose steps are thinned.
    """

    hidden: bool = False
    counts: bool = True
    events: bool = True
    at_risk: Sequence[bool] = ()
    others: Bools | None = None
    counted: bool = True

    @classmethod
    def of(
        cls, cut: Cut, data: EndpointData, place: int, grid: Sequence[float], *, split: str | None = None
    ) -> Seen:
        """place: of the stratum. split: another than that of the cohort ("" for all patients together)."""
        if cut.family is None or cut.others is None:
            return cls(at_risk=[True] * len(grid))
        split = cut.cohort.split if split is None else split
        family, known = cut.family, data.known
        # at risk of death less at risk of relapse are those who live with one: only one endpoint gives its numbers
        is_first = data.key == OVERALL.key
        answered = _hidden(family, split, known)
        told = _hidden(family, split, known, ~known)
        codes = np.unique(data.event)
        fates = _hidden(family, split, *(known & (data.event == code) for code in codes))
        at_risk = family.hidden_over_time(split, data.time, grid, known)
        return cls(
            hidden=bool(family.hidden(split)[place] or answered[place]),
            counts=not told[place],
            events=is_first and not (fates[place] or told[place]),
            counted=is_first,
            at_risk=[not row[place] for row in at_risk],
            others=cut.others,
        )


def _hidden(family: Family, split: str, *tables: Bools) -> Bools:
    return hidden(family.counts(split, *tables), family.hidden(split))
