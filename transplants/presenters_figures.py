"""Figures of outcomes in words: sentence, table, legend, what a drawing says. Numbers come safe from the cohorts."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from hospitals.choices import DIAGNOSES, DiagnosisGroup
from transplants.charts.curves import Axis, Chart, Series, chart
from transplants.choices_outcomes import CauseGroup
from transplants.cohorts import endpoints as ends
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import ALL_GROUPS, DIMENSIONS, FILTERS
from transplants.cohorts.figures import Line, Summary, SurvivalFigure, Test
from transplants.cohorts.incidences import CauseCount, IncidenceFigure
from transplants.cohorts.seen import DAYS_A_YEAR
from transplants.cohorts.selecting import reason_label

TABLE_YEARS: Final = (1, 2, 3, 5, 10, 15, 20)
SPOKEN_YEARS: Final = (5, 3, 2, 1)  # the sentence speaks of the first of these that may be shown
HOVERS: Final = 60  # columns of a chart that say their numbers
ENDPOINTS: Final = {
    one.key: one for one in (*ends.SURVIVALS, *ends.INCIDENCES, ends.CAUSE_OF_DEATH)
}  # by key; event-free survival of inherited disorders has the same key and label


def percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{share * 100:.{digits}f} %"


def bare(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{share * 100:.{digits}f}"


def span(lower: float | None, upper: float | None, digits: int = 1) -> str:
    return f"{bare(lower, digits)}–{bare(upper, digits)}"


def counted(number: int | None) -> str:
    """Thousands apart; a number that is not shown is a dash like any other."""
    return "–" if number is None else f"{number:,}"


def p_words(test: Test | None) -> str:
    if test is None:
        return ""
    name = _("Log-rank") if test.name == "logrank" else _("Gray's test")
    p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.3f}" if test.p < 0.1 else f"p = {test.p:.2f}"
    return f"{name} {p}"


def group_label(cohort: Cohort) -> str:
    if cohort.diagnoses:
        named = {d.code: d.label for d in DIAGNOSES}
        return ", ".join(str(named[code]) for code in cohort.diagnoses)
    return _("all diseases") if cohort.group == ALL_GROUPS else str(DiagnosisGroup(cohort.group).label)


def stratum_label(cohort: Cohort, key: str) -> str:
    """Of a line: the stratum, or the event of a figure that is not split."""
    stratum, _bar, event = key.partition("|")
    if not cohort.split:
        names = {"": _("Relapse"), "nrm": _("Non-relapse mortality")} | dict(CauseGroup.choices)
        return str(names.get(event or stratum, _("All patients")))
    label = str(DIMENSIONS[cohort.split].label_of(stratum))
    return label if not event else f"{label}, {_('non-relapse mortality')}"


def sentence(found: Summary, figure: SurvivalFigure, cohort: Cohort) -> SafeString | str:
    """The answer first."""
    told = _spoken(figure.whole)
    if figure.whole is None or told is None:
        return ngettext(
            "%(n)s patient with a first cord blood transplant: too few, or too recent, for an estimate.",
            "%(n)s patients with a first cord blood transplant: too few, or too recent, for an estimate.",
            found.n or 0,
        ) % {"n": counted(found.n)}
    years, point = told
    words = {
        "os": ngettext(
            "One year after a first cord blood transplant ({group}), {share} of patients were alive"
            " (95 % CI {interval}).",
            "{years} years after a first cord blood transplant ({group}), {share} of patients were alive"
            " (95 % CI {interval}).",
            years,
        ),
        "efs": ngettext(
            "One year after a first cord blood transplant ({group}), {share} of patients were alive and free of"
            " events (95 % CI {interval}).",
            "{years} years after a first cord blood transplant ({group}), {share} of patients were alive and"
            " free of events (95 % CI {interval}).",
            years,
        ),
    }[figure.endpoint]
    first = format_html(
        words,
        years=years,
        group=group_label(cohort),
        share=format_html("<b>{}</b>", percent(point.value)),
        interval=span(point.lower, point.upper),
    )
    return format_html("{} {}", first, _basis(found))


def _basis(found: Summary) -> str:
    parts = [
        ngettext("%(n)s patient", "%(n)s patients", found.n or 0) % {"n": counted(found.n)},
    ]
    if found.hospitals:
        parts.append(
            ngettext("%(n)s hospital", "%(n)s hospitals", found.hospitals) % {"n": counted(found.hospitals)}
        )
    if found.followed_years is not None:
        parts.append(_("followed a median of %(years)s years") % {"years": f"{found.followed_years:.1f}"})
    if found.completeness is not None:
        parts.append(
            _("%(share)s of the possible follow-up received") % {"share": percent(found.completeness, 0)}
        )
    return pgettext("list", ", ").join(parts) + pgettext("sentence", ".")


def _spoken(line: Line | None) -> tuple[int, Any] | None:
    for years in SPOKEN_YEARS if line else ():
        for point in line.points if line else ():
            if point.day == years * DAYS_A_YEAR and point.value is not None and line and not line.few:
                return years, point
    return None


def figure_page(figure: SurvivalFigure | IncidenceFigure, cohort: Cohort) -> dict[str, Any]:
    """Everything that the card of a figure shows."""
    endpoint = ENDPOINTS[figure.endpoint]
    survival = isinstance(figure, SurvivalFigure)
    lines = shown_lines(figure)
    tests = [figure.test] if isinstance(figure, SurvivalFigure) else [test for _name, test in figure.tests]
    name = "outcome-survival-file" if survival else "outcome-incidence-file"
    return {
        "key": endpoint.key,
        "title": endpoint.label,
        "rule": endpoint.rule,
        "competing": endpoint.competing,
        "method": _("Kaplan–Meier, log-log limits")
        if survival
        else _("cumulative incidence, Aalen–Johansen"),
        "tests": [p_words(test) for test in tests if test],
        "chart": drawing(figure, cohort) if lines else None,
        "table": table(figure, cohort),
        "hidden": [stratum_label(cohort, key) for key in figure.hidden],
        "few": any(line.few for line in lines),
        "files": [
            (suffix.upper(), f"{reverse(f'transplants:{name}', args=[endpoint.key, suffix])}?{cohort.query}")
            for suffix in ("svg", "png", "csv")
        ],
    }


def shown_lines(figure: SurvivalFigure | IncidenceFigure) -> list[Line]:
    if isinstance(figure, IncidenceFigure):
        return figure.lines
    return figure.lines or ([figure.whole] if figure.whole else [])


def drawing(figure: SurvivalFigure | IncidenceFigure, cohort: Cohort) -> Chart:
    lines = shown_lines(figure)
    survival = isinstance(figure, SurvivalFigure)
    axis = _axis(figure, cohort, lines)
    label = str(ENDPOINTS[figure.endpoint].label)
    series = [_series(line, axis, cohort, survival=survival) for line in lines]
    said = [f"{one.label} {one.end_text}" for one in series]
    return chart(axis, series, summary=f"{label}: " + "; ".join(said), hovers=_hovers(axis, series))


def _axis(figure: SurvivalFigure | IncidenceFigure, cohort: Cohort, lines: Sequence[Line]) -> Axis:
    if isinstance(figure, IncidenceFigure) and figure.grid[-1] < 2 * DAYS_A_YEAR:
        ticks = [(day, f"{day:.0f}") for day in figure.grid]
        return Axis(figure.grid[-1], ticks, *_height(lines), _("days after transplant"))
    end = figure.grid[-1] if isinstance(figure, IncidenceFigure) else DAYS_A_YEAR * cohort.horizon
    years = round(end / DAYS_A_YEAR)
    by = 1 if years <= 10 else 2
    ticks = [(DAYS_A_YEAR * year, f"{year}") for year in range(0, years + 1, by)]
    height = (1.0, 0.2) if isinstance(figure, SurvivalFigure) else _height(lines)
    return Axis(end, ticks, *height, _("years after transplant"))


def _height(lines: Sequence[Line]) -> tuple[float, float]:
    most = max((max(line.upper, default=0.0) for line in lines), default=1.0)
    for top, step in ((0.2, 0.05), (0.4, 0.1), (0.6, 0.2), (0.8, 0.2)):
        if most <= top:
            return top, step
    return 1.0, 0.2


def _series(line: Line, axis: Axis, cohort: Cohort, *, survival: bool) -> Series:
    label = stratum_label(cohort, line.key)
    last = line.values[-1] if line.values else (1.0 if survival else 0.0)
    at_risk = {round(point.day, 3): counted(point.at_risk) for point in line.points}
    drawn_at_risk = "" if line.key.endswith("|nrm") else None
    texts = [
        drawn_at_risk if drawn_at_risk is not None else at_risk.get(round(day, 3), "")
        for day, _t in axis.ticks
    ]
    return Series(
        label=label,
        start=1.0 if survival else 0.0,
        days=line.days,
        values=line.values,
        lower=line.lower,
        upper=line.upper,
        until=line.until,
        few=line.few,
        at_risk=[] if line.key.endswith("|nrm") else texts,
        end_text=percent(last),
    )


def _hovers(axis: Axis, series: Sequence[Series]) -> list[tuple[float, str]]:
    """What each column of the chart says: the estimate of every line at its beginning."""
    days = np.linspace(0, axis.end, HOVERS, endpoint=False)
    years = axis.end > 2 * DAYS_A_YEAR
    found = []
    for day in days.tolist():
        when = (
            _("%(years)s years") % {"years": f"{day / DAYS_A_YEAR:.1f}"}
            if years
            else _("day %(day)s") % {"day": f"{day:.0f}"}
        )
        words = [
            f"{one.label} {percent(value)}" for one in series if (value := _value_at(one, day)) is not None
        ]
        found.append((day, f"{when}: " + "; ".join(words)))
    return found


def _value_at(one: Series, day: float) -> float | None:
    if day > one.until:
        return None
    place = int(np.searchsorted(one.days, day, side="right"))
    return one.values[place - 1] if place else one.start


def table(figure: SurvivalFigure | IncidenceFigure, cohort: Cohort) -> dict[str, Any]:
    """The same numbers in rows: one for each line."""
    lines = [*shown_lines(figure)]
    if isinstance(figure, SurvivalFigure) and figure.lines and figure.whole:
        lines.append(replace(figure.whole, key="*"))
    days = _table_days(figure)
    return {
        "heads": [_day_words(day) for day in days],
        "rows": [_row(line, days, cohort) for line in lines],
        "median": isinstance(figure, SurvivalFigure),
    }


def _table_days(figure: SurvivalFigure | IncidenceFigure) -> list[float]:
    if isinstance(figure, IncidenceFigure) and figure.grid[-1] < 4 * DAYS_A_YEAR:
        return figure.grid[1:]
    last = figure.grid[-1] if isinstance(figure, IncidenceFigure) else figure.horizon * DAYS_A_YEAR
    return [100.0] + [years * DAYS_A_YEAR for years in TABLE_YEARS if years * DAYS_A_YEAR <= last]


def _day_words(day: float) -> str:
    years = day / DAYS_A_YEAR
    if years >= 1 and abs(years - round(years)) < 0.01:
        return ngettext("%(n)s year", "%(n)s years", round(years)) % {"n": round(years)}
    return _("day %(day)s") % {"day": f"{day:.0f}"}


def _row(line: Line, days: Sequence[float], cohort: Cohort) -> dict[str, Any]:
    points = {round(point.day, 3): point for point in line.points}
    cells = []
    for day in days:
        point = points.get(round(day, 3))
        cells.append(
            {
                "value": bare(point.value, 2) if point else "–",
                "interval": span(point.lower, point.upper, 2) if point and point.value is not None else "",
                "at_risk": counted(point.at_risk) if point else "–",
            }
        )
    return {
        "label": _("All together") if line.key == "*" else stratum_label(cohort, line.key),
        "n": counted(line.n),
        "events": counted(line.events),
        "missing": counted(line.missing),
        "few": line.few,
        "cells": cells,
        "median": _median(line),
    }


def _median(line: Line) -> str:
    days, lower, upper = line.median
    if days is None:
        return _("not reached")
    ends = "–".join("…" if day is None else f"{day / DAYS_A_YEAR:.1f}" for day in (lower, upper))
    return f"{days / DAYS_A_YEAR:.1f} ({ends})"


def cause_rows(causes: Sequence[CauseCount]) -> list[tuple[str, str]]:
    labels = dict(CauseGroup.choices) | {"": _("Not reported")}
    return [(str(labels[row.cause]), counted(row.deaths)) for row in causes]


def definition(found: Summary, cohort: Cohort) -> dict[str, Any]:
    """The drawer "How this was computed"."""
    return {
        "choices": chosen_words(cohort),
        "exclusions": [(reason_label(reason), counted(count)) for reason, count in found.exclusions],
        "n": counted(found.n),
        "cut": found.cut,
        "version": found.version,
        "software": f"Qidai {settings.VERSION}, NumPy {np.__version__}, Python {platform.python_version()}",
    }


def chosen_words(cohort: Cohort) -> list[tuple[str, str]]:
    """The cohort in words; the switch is always among them."""
    rows = [
        (_("Diseases"), group_label(cohort)),
        (
            _("Grafts"),
            _("one or two units, cord blood with a haploidentical graft, supportive cord blood")
            if cohort.combined
            else _("one or two units; not: cord blood with a haploidentical graft, supportive cord blood"),
        ),
    ]
    if cohort.since or cohort.until:
        rows.append((_("Years of transplant"), f"{cohort.since or ''}–{cohort.until or ''}"))
    for key in FILTERS:
        values = dict(cohort.chosen).get(key)
        if values:
            labels = [str(DIMENSIONS[key].label_of(value)) for value in values]
            rows.append((str(DIMENSIONS[key].label), ", ".join(labels)))
    if cohort.split:
        rows.append((_("Split by"), str(DIMENSIONS[cohort.split].label)))
    return rows


def csv_rows(figure: SurvivalFigure | IncidenceFigure, cohort: Cohort) -> list[list[Any]]:
    """Every step and every time of the table, as on the page."""
    rows: list[list[Any]] = []
    for line in shown_lines(figure):
        label = stratum_label(cohort, line.key)
        for point in line.points:
            values = (point.value, point.lower, point.upper)
            rows.append([label, "table", point.day, *values, point.at_risk, line.n, line.events])
        steps = zip(line.days, line.values, line.lower, line.upper, strict=True)
        rows.extend([label, "step", *step, None, None, None] for step in steps)
    return rows


CSV_HEAD: Final = (
    "stratum",
    "kind",
    "days",
    "estimate",
    "lower_95",
    "upper_95",
    "at_risk",
    "patients",
    "events",
)
