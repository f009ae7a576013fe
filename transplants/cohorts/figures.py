"""From a cohort and the transplants to the curves of a page. Plain values, free of language, as they may be seen.

What a reader must not see is taken out here and nowhere later: pages, files, drawings and the API show these values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from transplants.cohorts import endpoints as ends
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import NON_MALIGNANT
from transplants.cohorts.disclosure import FEWEST, Scope, steps_kept
from transplants.cohorts.endpoints import Endpoint, EndpointData, endpoint_data
from transplants.cohorts.frame import Bools, Frame
from transplants.cohorts.seen import DAYS_A_YEAR, Cut, Seen
from transplants.statistics.arrays import Ints
from transplants.statistics.completeness import StabilityRule, clark_completeness
from transplants.statistics.data import SurvivalData, survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.kaplan_meier import SurvivalCurve, follow_up, kaplan_meier
from transplants.statistics.logrank import logrank

RULE: Final = StabilityRule()  # 20 patients, 10 at risk, half could have reached t


@dataclass(frozen=True)
class Point:
    """An estimate at a time (days). value None: not shown, because too few are at risk or could have come so far."""

    day: float
    value: float | None
    lower: float | None
    upper: float | None
    at_risk: int | None


@dataclass(frozen=True)
class Line:
    """One curve. key: of the stratum, "" without a split. n, events: None where not shown.

    days, values, lower, upper: the steps up to `until`, the last day that may be drawn. few: under 20 patients: the
    curve is hatched and nothing ranks it. missing: patients without an answer, left out. events: ever seen.
    median: days, None: not reached.
    """

    key: str
    n: int | None
    events: int | None
    missing: int | None
    few: bool
    until: float
    days: list[float]
    values: list[float]
    lower: list[float]
    upper: list[float]
    points: list[Point]
    median: tuple[float | None, float | None, float | None] = (None, None, None)


@dataclass(frozen=True)
class Test:
    """A test between the strata that are shown. name: logrank or gray."""

    name: str
    statistic: float
    df: int
    p: float


@dataclass(frozen=True)
class SurvivalFigure:
    """endpoint: its key. whole: all patients together. lines: the strata. hidden: strata that are not shown."""

    endpoint: str
    horizon: int
    whole: Line | None
    lines: list[Line]
    hidden: list[str]
    test: Test | None


@dataclass(frozen=True)
class Summary:
    """What the sentence and the drawer say. exclusions: None where the reader may not see the numbers."""

    n: int | None
    hospitals: int | None
    followed_years: float | None
    completeness: float | None
    exclusions: list[tuple[str, int | None]]
    cut: str
    version: int


@dataclass(frozen=True)
class Survival:
    summary: Summary
    figures: list[SurvivalFigure] = field(default_factory=list)


def survival(frame: Frame, cohort: Cohort, scope: Scope) -> Survival:
    """All survival figures of the page, the one that is asked first for these diseases at the head."""
    cut = Cut(frame, cohort, scope)
    return Survival(summary(cut), [survival_figure(cut, endpoint) for endpoint in survival_endpoints(cohort)])


def survival_endpoints(cohort: Cohort) -> tuple[Endpoint, ...]:
    """Of disorders that do not relapse the graft itself is asked for first."""
    if cohort.group in NON_MALIGNANT:
        return (ends.EVENT_FREE_INHERITED, ends.OVERALL)
    return (ends.OVERALL, ends.EVENT_FREE, ends.GRFS)


def summary(cut: Cut) -> Summary:
    n = cut.selection.n
    data = _data(endpoint_data(cut.frame, ends.OVERALL), cut.rows)
    hospitals = len(np.unique(cut.frame.baseline.columns["hospital"][cut.rows]))
    middle = None if data is None else follow_up(data).median.value
    complete = None if data is None else clark_completeness(data, cut.potential[cut.rows]).share
    return Summary(
        n=n,
        hospitals=hospitals if not cut.limited or hospitals >= FEWEST else None,
        followed_years=number(middle if middle is None else middle / DAYS_A_YEAR),
        completeness=complete,
        exclusions=[(reason, None if cut.limited else count) for reason, count in cut.selection.exclusions],
        cut=cut.frame.cut.isoformat(),
        version=cut.frame.version.number,
    )


def _data(data: EndpointData, rows: Bools) -> SurvivalData | None:
    use = rows & data.known
    return survival_data(data.time[use], data.event[use]) if use.any() else None


def survival_figure(cut: Cut, endpoint: Endpoint) -> SurvivalFigure:
    """One endpoint: the whole cohort and its strata, compared by the log-rank test."""
    data = endpoint_data(cut.frame, endpoint)
    whole = _whole(cut, data)
    lines: list[Line] = []
    left_out: list[str] = []
    shown = np.zeros(len(cut.frame), dtype=np.bool_)
    if cut.cohort.split:
        lines, left_out, shown = _strata(cut, data)
    test = _logrank(cut, data, shown) if len(lines) > 1 else None
    return SurvivalFigure(endpoint.key, cut.cohort.horizon, whole, lines, left_out, test)


def _whole(cut: Cut, data: EndpointData) -> Line | None:
    return (
        _line(cut, data, "", cut.rows, Seen.of(cut, data, 0, cut.grid, split=""))
        if (cut.rows & data.known).any()
        else None
    )


def _strata(cut: Cut, data: EndpointData) -> tuple[list[Line], list[str], Bools]:
    lines: list[Line] = []
    left_out: list[str] = []
    shown = np.zeros(len(cut.frame), dtype=np.bool_)
    for place, key in enumerate(cut.keys):
        rows = cut.present(place)
        if not rows.any():
            continue
        seen = Seen.of(cut, data, place, cut.grid)
        if seen.hidden:
            left_out.append(key)
        elif (rows & data.known).any():
            lines.append(_line(cut, data, key, rows, seen))
            shown |= rows
    return lines, left_out, shown


def _line(cut: Cut, data: EndpointData, key: str, rows: Bools, seen: Seen) -> Line:
    use = rows & data.known
    checked = survival_data(data.time[use], data.event[use])
    curve = kaplan_meier(checked)
    end = DAYS_A_YEAR * cut.cohort.horizon
    until = min(end, _stable_until(curve), reach_of(cut, use), last_seen(cut.grid, seen.at_risk))
    kept = _kept(curve, data, use, seen)
    places = kept[curve.time[kept] <= until]
    steps = [column[places].tolist() for column in (curve.time, curve.survival, curve.lower, curve.upper)]
    points = [
        _point(curve, kept, day, until, counted=ok and seen.counts and seen.counted)
        for day, ok in zip(cut.grid, seen.at_risk, strict=True)
    ]
    events = int(
        (checked.event > 0).sum()
    )  # ever: by a time that the reader chooses they could be subtracted
    missing = int((rows & ~data.known).sum())
    return Line(
        key=key,
        n=len(checked) if seen.counts else None,
        events=events if seen.events else None,
        missing=missing if seen.counts else None,
        few=len(checked) < RULE.least_patients,
        until=until,
        days=steps[0],
        values=steps[1],
        lower=_clean(steps[2]),
        upper=_clean(steps[3]),
        points=points,
        median=_median(curve, kept, until),
    )


def reach_of(cut: Cut, use: Bools) -> float:
    """Days that at least half of these patients could have come to: no estimate is shown beyond (HRSA)."""
    potential = np.sort(cut.potential[use])
    return float(potential[potential.size // 2])


def _clean(values: list[float]) -> list[float]:
    return [0.0 if value != value else value for value in values]


def last_seen(grid: Sequence[float], shown: Sequence[bool]) -> float:
    """Up to where a curve is drawn whose numbers at risk are hidden from some time on."""
    last = 0.0
    for day, ok in zip(grid, shown, strict=True):
        if not ok:
            return last
        last = day
    return float("inf")


def _stable_until(curve: SurvivalCurve) -> float:
    """The last time with at least ten at risk; a group of fewer is drawn to its own end, hatched."""
    if curve.n < RULE.least_at_risk:
        return float(curve.time[-1])
    return float(curve.time[curve.at_risk >= RULE.least_at_risk][-1])


def _kept(curve: SurvivalCurve, data: EndpointData, use: Bools, seen: Seen) -> Ints:
    """Places at which the curve steps: every event, or only each fifth of others for a limited reader."""
    places = np.flatnonzero(curve.events > 0)
    if seen.others is None or not (use & seen.others).any():
        return places
    theirs = data.time[use & seen.others & (data.event > 0)]
    counts = np.bincount(np.searchsorted(curve.time, theirs), minlength=curve.time.size)
    return steps_kept(counts.astype(np.int64))


def _point(curve: SurvivalCurve, kept: Ints, day: float, until: float, *, counted: bool) -> Point:
    at_risk = int(curve.table.at_risk_at(np.array([day]))[0]) if counted else None
    if day > until:
        return Point(day, None, None, None, at_risk)
    place = int(np.searchsorted(curve.time[kept], day, side="right")) - 1
    if place < 0:
        return Point(day, 1.0, 1.0, 1.0, at_risk)
    step = kept[place]
    return Point(
        day,
        float(curve.survival[step]),
        number(float(curve.lower[step])),
        number(float(curve.upper[step])),
        at_risk,
    )


def _median(
    curve: SurvivalCurve, kept: Ints, until: float
) -> tuple[float | None, float | None, float | None]:
    if kept.size == np.count_nonzero(curve.events):
        exact = curve.median
        whole = [number(day) for day in (exact.value, exact.lower, exact.upper)]
        found = [day if day is not None and day <= until else None for day in whole]
        return found[0], found[1], found[2]
    found = []
    for column in (curve.survival, curve.lower, curve.upper):
        below = kept[column[kept] <= 0.5]
        day = float(curve.time[below[0]]) if below.size else None
        found.append(day if day is not None and day <= until else None)
    return found[0], found[1], found[2]


def _logrank(cut: Cut, data: EndpointData, shown: Bools) -> Test | None:
    use = cut.rows & data.known & shown
    try:
        found = logrank(survival_data(data.time[use], data.event[use]), cut.strata[use])
    except StatisticsError:
        return None  # no event, or one stratum: nothing is compared
    return Test("logrank", found.statistic, found.df, found.p)


def number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
