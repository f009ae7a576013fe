"""Hospitals compared: deaths by one year, observed and expected, and how complete their follow-up is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np

from transplants.cohorts import endpoints as ends
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import DIMENSIONS, GROUPS
from transplants.cohorts.disclosure import Scope, hidden
from transplants.cohorts.endpoints import endpoint_data
from transplants.cohorts.figures import RULE
from transplants.cohorts.frame import Bools, Floats, Frame
from transplants.cohorts.seen import DAYS_A_YEAR, Cut
from transplants.cohorts.selecting import groups_of_rows, strata_of
from transplants.statistics.completeness import clark_completeness
from transplants.statistics.data import survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.observed_expected import FUNNEL_LEVELS, observed_expected

HORIZON_DAYS: Final = 365.0
LEAST_COMPLETE: Final = 0.9
COVARIATES: Final = ("age", "stage", "graft", "era")  # and the group of diseases where several are in
LEAST_OF_A_VALUE: Final = 20  # patients of a value that has an indicator of its own in the model


@dataclass(frozen=True)
class HospitalResult:
    """One hospital. key: of its row, "" for another's. expected None: no model without it could be fitted.

    verdict: 1 more deaths than expected (outside 95 %), 2 outside 99.8 %, the same below 0 for fewer; None without one.
    """

    key: str
    patients: int
    observed: int
    expected: float | None
    ratio: float | None
    lower: float | None
    upper: float | None
    completeness: float
    is_complete: bool
    is_large: bool
    verdict: int | None


@dataclass(frozen=True)
class Comparison:
    """hospitals: those the reader may see, by expected deaths. left_out: how many are not shown."""

    hospitals: list[HospitalResult]
    left_out: int
    patients: int
    completeness: float | None
    covariates: list[str]
    cut: str
    version: int
    problem: str = ""


def comparison(frame: Frame, cohort: Cohort, scope: Scope) -> Comparison:
    """Every hospital of the cohort, as for a reader of all rows; `seen_by` takes out what another must not see."""
    cut = Cut(frame, cohort, scope)
    data = endpoint_data(frame, ends.OVERALL)
    rows = cut.rows & data.known
    if not rows.any():
        return _nothing(cut, "empty")
    checked = survival_data(data.time[rows], data.event[rows])
    table, names = covariates(frame, rows, cohort)
    codes = frame.baseline.columns["hospital"][rows]
    try:
        found = observed_expected(checked, table, codes, names, horizon=HORIZON_DAYS)
    except StatisticsError as error:
        return _nothing(cut, error.code)
    outside = {level: found.outside(level) for level in FUNNEL_LEVELS}
    results = []
    for place, code in enumerate(found.hospitals):
        mine = rows & (frame.baseline.columns["hospital"] == code)
        complete = _complete(cut, data.time, data.event, mine)
        large = int(found.patients[place]) >= RULE.least_patients
        judged = large and complete >= LEAST_COMPLETE and not found.problems[place]
        sides = [int(outside[level][place]) for level in FUNNEL_LEVELS]
        results.append(
            HospitalResult(
                key=frame.baseline.keys["hospital"][int(str(code))],
                patients=int(found.patients[place]),
                observed=int(found.observed[place]),
                expected=_or_none(found.expected[place]),
                ratio=_or_none(found.ratio[place]),
                lower=_or_none(found.lower[place]),
                upper=_or_none(found.upper[place]),
                completeness=complete,
                is_complete=complete >= LEAST_COMPLETE,
                is_large=large,
                verdict=(2 * sides[1] or sides[0]) if judged else None,
            )
        )
    results.sort(key=lambda one: (one.expected is None, one.expected or 0.0, one.key))
    return Comparison(
        hospitals=results,
        left_out=0,
        patients=len(checked),
        completeness=_complete(cut, data.time, data.event, rows),
        covariates=[*COVARIATES, *(["group"] if cohort.group not in GROUPS else [])],
        cut=frame.cut.isoformat(),
        version=frame.version.number,
    )


def _nothing(cut: Cut, problem: str) -> Comparison:
    frame = cut.frame
    return Comparison([], 0, 0, None, list(COVARIATES), frame.cut.isoformat(), frame.version.number, problem)


def covariates(frame: Frame, rows: Bools, cohort: Cohort) -> tuple[Floats, list[str]]:
    """Age in decades and its square, an indicator for each value but the most frequent; rare ones stand with it."""
    age = frame.baseline.number("age")[rows]
    known = ~np.isnan(age)
    middle = float(age[known].mean()) if known.any() else 0.0
    decades = np.where(known, age - middle, 0.0) / 10
    columns, names = [decades, decades**2], ["age", "age²"]
    for key in COVARIATES[1:]:
        codes = strata_of(frame, key)[rows]
        labels = DIMENSIONS[key].keys
        _indicators(columns, names, key, [labels[code] for code in codes.tolist()])
    if cohort.group not in GROUPS:
        _indicators(columns, names, "group", groups_of_rows(frame.baseline)[rows].tolist())
    return np.column_stack(columns), names


def _indicators(columns: list[Floats], names: list[str], key: str, values: list[str]) -> None:
    found, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    usual = int(counts.argmax())
    for place, value in enumerate(found.tolist()):
        if place != usual and counts[place] >= LEAST_OF_A_VALUE:
            columns.append((codes == place).astype(np.float64))
            names.append(f"{key}={value}")


def _complete(cut: Cut, time: Floats, event: Floats | object, mine: Bools) -> float:
    """Clark's C of the first year."""
    data = survival_data(time[mine], np.asarray(event)[mine])
    return clark_completeness(data, cut.potential[mine], horizon=DAYS_A_YEAR).share


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def seen_by(scope: Scope, found: Comparison) -> Comparison:
    """All with their names; or the own ones named, and of the others, without names, those with no or at least five
    deaths and as many survivors, and what subtraction leaves hidden."""
    if scope.own is None:
        return found
    shown = _shown(found.hospitals, scope.own)
    shown.sort(key=lambda one: (one.expected is None, one.expected or 0.0, one.key))
    return replace(found, hospitals=shown, left_out=len(found.hospitals) - len(shown))


def _shown(results: list[HospitalResult], hospitals: frozenset[UUID]) -> list[HospitalResult]:
    own = {str(key) for key in hospitals}
    mine = [one for one in results if one.key in own]
    others = [one for one in results if one.key not in own]
    if not others:
        return mine
    table = np.array([[one.observed, one.patients - one.observed] for one in others], dtype=np.int64)
    unseen = hidden(table)
    seen = [one for one, out in zip(others, unseen.tolist(), strict=True) if not out]
    # the bank's own people without row access (scope of no hospital) know hospitals by name
    return mine + [replace(one, key="") if own else one for one in seen]
