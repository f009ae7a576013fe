"""Competing events of a cohort: cumulative incidence of each, Gray's test between strata, causes of death."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transplants.cohorts import endpoints as ends
from transplants.cohorts.definition import Cohort
from transplants.cohorts.disclosure import Scope, hidden, steps_kept
from transplants.cohorts.endpoints import (
    CAUSES,
    COMPETING,
    OF_INTEREST,
    Endpoint,
    EndpointData,
    endpoint_data,
)
from transplants.cohorts.figures import (
    RULE,
    Line,
    Point,
    Summary,
    Test,
    last_seen,
    number,
    reach_of,
    summary,
)
from transplants.cohorts.frame import Bools, Frame
from transplants.cohorts.seen import DAYS_A_YEAR, Cut, Seen
from transplants.statistics.data import survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.gray import gray
from transplants.statistics.incidence import IncidenceCurves, cumulative_incidence

MOST_LOST: Final = 0.1  # of the patients, before the estimate counts as unstable with fewer than ten at risk


@dataclass(frozen=True)
class IncidenceFigure:
    """lines: by stratum, or without a split by event. tests: by event."""

    endpoint: str
    grid: list[float]
    lines: list[Line]
    hidden: list[str]
    tests: list[tuple[str, Test]]


@dataclass(frozen=True)
class CauseCount:
    """cause: a CauseGroup, "" for a death whose cause is not known. deaths None: not shown."""

    cause: str
    deaths: int | None


@dataclass(frozen=True)
class Incidences:
    summary: Summary
    figures: list[IncidenceFigure]
    causes: list[CauseCount]
    deaths: IncidenceFigure | None


def incidences(frame: Frame, cohort: Cohort, scope: Scope) -> Incidences:
    """All figures of the page of competing events."""
    cut = Cut(frame, cohort, scope)
    figures = [incidence_figure(cut, endpoint) for endpoint in ends.INCIDENCES]
    deaths = cause_figure(cut) if not cohort.split and not cut.limited else None
    return Incidences(summary(cut), figures, cause_counts(cut), deaths)


def grid_of(endpoint: Endpoint, cohort: Cohort) -> list[float]:
    years = [0.0, 100.0] + [DAYS_A_YEAR * year for year in range(1, cohort.horizon + 1)]
    return list(endpoint.grid) or years


def incidence_figure(cut: Cut, endpoint: Endpoint) -> IncidenceFigure:
    """By stratum; without a split, of relapse, both events."""
    data, grid = endpoint_data(cut.frame, endpoint), grid_of(endpoint, cut.cohort)
    both = endpoint.key == ends.RELAPSE.key
    lines: list[Line] = []
    left_out: list[str] = []
    shown = np.zeros(len(cut.frame), dtype=np.bool_)
    for place, key in enumerate(cut.keys):
        rows = cut.present(place)
        use = rows & data.known
        if not use.any():
            continue
        seen = Seen.of(cut, data, place, grid)
        if seen.hidden:
            left_out.append(key)
            continue
        curves = _curves(data, use, (OF_INTEREST, COMPETING))
        shown |= rows
        lines.append(_line(cut, data, curves, rows, seen, grid, key, OF_INTEREST))
        if both:
            lines.append(_line(cut, data, curves, rows, seen, grid, f"{key}|nrm", COMPETING))
    names = [("", OF_INTEREST)] + ([("nrm", COMPETING)] if both else [])
    found = [(name, _gray(cut, data, shown, cause)) for name, cause in names] if cut.cohort.split else []
    return IncidenceFigure(
        endpoint.key, grid, lines, left_out, [(name, test) for name, test in found if test]
    )


def _curves(data: EndpointData, use: Bools, causes: tuple[int, ...]) -> IncidenceCurves:
    return cumulative_incidence(survival_data(data.time[use], data.event[use]), causes=causes)


def _line(
    cut: Cut,
    data: EndpointData,
    curves: IncidenceCurves,
    rows: Bools,
    seen: Seen,
    grid: Sequence[float],
    key: str,
    cause: int,
) -> Line:
    use = rows & data.known
    column = curves.causes.index(cause)
    happened = curves.events[:, column] > 0
    kept = np.flatnonzero(happened)
    if seen.others is not None and (use & seen.others).any():
        theirs = data.time[use & seen.others & (data.event == cause)]
        counts = np.bincount(np.searchsorted(curves.time, theirs), minlength=curves.time.size)
        kept = steps_kept(counts.astype(np.int64))
    until = min(grid[-1], _stable_until(curves), reach_of(cut, use), last_seen(grid, seen.at_risk))
    places = kept[curves.time[kept] <= until]
    values, lower, upper = (matrix[:, column] for matrix in (curves.incidence, curves.lower, curves.upper))
    points = []
    for day, ok in zip(grid, seen.at_risk, strict=True):
        at_risk = (
            int(curves.table.at_risk_at(np.array([day]))[0]) if ok and seen.counts and seen.counted else None
        )
        before = kept[curves.time[kept] <= day]
        if day > until:
            points.append(Point(day, None, None, None, at_risk))
        elif before.size:
            step = before[-1]
            points.append(Point(day, float(values[step]), number(lower[step]), number(upper[step]), at_risk))
        else:
            points.append(Point(day, 0.0, 0.0, 0.0, at_risk))
    events = int(curves.events[:, column].sum())
    return Line(
        key=key,
        n=int(use.sum()) if seen.counts else None,
        events=events if seen.events else None,
        missing=int((rows & ~data.known).sum()) if seen.counts else None,
        few=int(use.sum()) < RULE.least_patients,
        until=until,
        days=curves.time[places].tolist(),
        values=values[places].tolist(),
        lower=np.nan_to_num(lower[places]).tolist(),
        upper=np.nan_to_num(upper[places]).tolist(),
        points=points,
    )


def _stable_until(curves: IncidenceCurves) -> float:
    """The last time with ten at risk; later too while at most one in ten was lost: few are at risk as most had it."""
    lost = np.cumsum(curves.censored) - curves.censored
    stable = curves.time[(curves.at_risk >= RULE.least_at_risk) | (lost <= MOST_LOST * curves.n)]
    whole = lost[-1] + curves.censored[-1] <= MOST_LOST * curves.n
    return float("inf") if whole or curves.n < RULE.least_at_risk else float(stable[-1])


def _gray(cut: Cut, data: EndpointData, shown: Bools, cause: int) -> Test | None:
    use = cut.rows & data.known & shown
    try:
        found = gray(survival_data(data.time[use], data.event[use]), cut.strata[use], cause=cause)
    except StatisticsError:
        return None  # one stratum, or no such event
    return Test("gray", found.statistic, found.df, found.p)


def cause_counts(cut: Cut) -> list[CauseCount]:
    """Deaths by their one primary cause; for a limited reader small ones, and what would tell them, are left out."""
    course = cut.frame.course
    _time, event, known = ends.CAUSE_OF_DEATH.times(course)
    dead = course.flag("dead") & cut.rows
    codes = np.where(known, event, 0)
    width = len(CAUSES) + 1
    counts = np.bincount(codes[dead], minlength=width)
    unseen = np.zeros(width, dtype=np.bool_)
    if cut.family is not None and cut.others is not None:
        parts = [np.bincount(codes[part & course.flag("dead")], minlength=width) for part in cut.family.parts]
        table = np.array(parts, dtype=np.int64).T
        unseen = hidden(table)
        # how many died at all is shown only where how many live may be shown as well
        if not Seen.of(cut, endpoint_data(cut.frame, ends.OVERALL), 0, cut.grid, split="").events:
            unseen[:] = True
    names = ["", *CAUSES]
    rows = [CauseCount(names[place], None if unseen[place] else int(counts[place])) for place in range(width)]
    return [row for row in (*rows[1:], rows[0]) if row.deaths is None or row.deaths > 0]


def cause_figure(cut: Cut) -> IncidenceFigure | None:
    """Cumulative incidence of death by group of cause, all at once."""
    data = endpoint_data(cut.frame, ends.CAUSE_OF_DEATH)
    use = cut.rows & data.known
    if not (use & (data.event > 0)).any():
        return None
    occurring = tuple(int(code) for code in np.unique(data.event[use]) if code)
    curves = _curves(data, use, occurring)
    grid = grid_of(ends.CAUSE_OF_DEATH, cut.cohort)
    seen = Seen.of(cut, data, 0, grid, split="")
    lines = [_line(cut, data, curves, cut.rows, seen, grid, CAUSES[code - 1], code) for code in occurring]
    return IncidenceFigure(ends.CAUSE_OF_DEATH.key, grid, lines, [], [])
