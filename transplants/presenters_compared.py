"""Hospitals compared and the forest plot in words."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import User
from hospitals.models import Hospital
from transplants.charts.funnel import FOREST_WIDTH, Mark, funnel, whisker
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import DIMENSIONS
from transplants.cohorts.disclosure import scope_of
from transplants.cohorts.forest import Effect, Forest
from transplants.cohorts.hospitals import Comparison, HospitalResult
from transplants.presenters_figures import counted, group_label, percent

HOSPITAL_CSV: Final = (
    "hospital",
    "patients",
    "observed_deaths_day_365",
    "expected",
    "ratio",
    "lower_95",
    "upper_95",
    "completeness_1_year",
    "verdict",
)
FOREST_CSV: Final = (
    "dimension",
    "value",
    "patients",
    "hazard_ratio",
    "lower_95",
    "upper_95",
    "p",
    "p_proportional",
)


def _names(found: Comparison) -> dict[str, str]:
    keys = [UUID(one.key) for one in found.hospitals if one.key]
    return {str(pk): name for pk, name in Hospital.objects.filter(pk__in=keys).values_list("pk", "name")}


def _label(one: HospitalResult, names: dict[str, str]) -> str:
    return names.get(one.key) or _("another hospital")


def compared(found: Comparison, cohort: Cohort, person: User) -> dict[str, Any]:
    names = _names(found)
    own = {str(key) for key in scope_of(person).own or ()}
    rows = [_row(one, names, own) for one in found.hospitals]
    return {
        "sentence": _sentence(found, cohort),
        "funnel": _funnel(found, names, own),
        "rows": rows,
        "left_out": found.left_out,
        "problem": found.problem,
        "cut_day": found.cut,
        "completeness": percent(found.completeness, 0),
        "covariates": ", ".join(_covariate(name) for name in found.covariates),
        "csv_url": f"{reverse('transplants:outcome-hospitals-csv')}?{cohort.query}",
    }


def _covariate(name: str) -> str:
    return str(DIMENSIONS[name].label) if name in DIMENSIONS else _("group of diseases")


def _sentence(found: Comparison, cohort: Cohort) -> str:
    judged = [one for one in found.hospitals if one.verdict is not None]
    more = sum((one.verdict or 0) > 0 for one in judged)
    fewer = sum((one.verdict or 0) < 0 for one in judged)
    return ngettext(
        "%(judged)s hospital can be judged (%(group)s): %(more)s with more deaths by one year than expected,"
        " %(fewer)s with fewer.",
        "%(judged)s hospitals can be judged (%(group)s): %(more)s with more deaths by one year than expected,"
        " %(fewer)s with fewer.",
        len(judged),
    ) % {"judged": len(judged), "group": group_label(cohort), "more": more, "fewer": fewer}


def verdict_words(one: HospitalResult) -> tuple[str, str]:
    """Words and tone."""
    if not one.is_large:
        return _("fewer than 20 patients: not ranked"), ""
    if not one.is_complete:
        return _("follow-up incomplete: not judged"), "warn"
    if one.verdict is None:
        return _("no expectation"), ""
    if one.verdict == 0:
        return _("within the limits"), "good"
    if one.verdict > 0:
        return (_("above 99.8 %") if one.verdict == 2 else _("above 95 %")), "bad"
    return (_("below 99.8 %") if one.verdict == -2 else _("below 95 %")), "info"


def _row(one: HospitalResult, names: dict[str, str], own: set[str]) -> dict[str, Any]:
    words, tone = verdict_words(one)
    return {
        "label": _label(one, names),
        "is_own": one.key in own,
        "patients": counted(one.patients),
        "observed": counted(one.observed),
        "expected": "–" if one.expected is None else f"{one.expected:.1f}",
        "ratio": _ratio(one.ratio),
        "interval": "" if one.ratio is None else f"{_ratio(one.lower)}–{_ratio(one.upper)}",
        "completeness": percent(one.completeness, 0),
        "verdict": words,
        "tone": tone,
    }


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _funnel(found: Comparison, names: dict[str, str], own: set[str]) -> Any:
    """Hospitals with at least twenty patients; a hollow point has too little follow-up to be judged."""
    marks = []
    for one in found.hospitals:
        if not one.is_large or one.expected is None or one.ratio is None:
            continue
        mine = one.key in own
        kinds = ["own"] if mine else []
        kinds += ["hollow"] if not one.is_complete else ["out"] if abs(one.verdict or 0) == 2 else []
        words = _("%(name)s: %(observed)s observed, %(expected)s expected, O/E %(ratio)s (%(interval)s)") % {
            "name": _label(one, names),
            "observed": one.observed,
            "expected": f"{one.expected:.1f}",
            "ratio": _ratio(one.ratio),
            "interval": f"{_ratio(one.lower)}–{_ratio(one.upper)}",
        }
        marks.append(
            Mark(one.expected, one.ratio, " ".join(kinds), words, _label(one, names) if mine else "")
        )
    if not marks:
        return None
    summary = ngettext("Funnel of %(n)s hospital", "Funnel of %(n)s hospitals", len(marks)) % {
        "n": len(marks)
    }
    return funnel(marks, title=_("expected deaths by one year"), summary=summary)


def hospital_rows(found: Comparison) -> list[list[Any]]:
    names = _names(found)
    return [
        [
            _label(one, names),
            one.patients,
            one.observed,
            one.expected,
            one.ratio,
            one.lower,
            one.upper,
            one.completeness,
            verdict_words(one)[0],
        ]
        for one in found.hospitals
    ]


def forest_page(found: Forest, cohort: Cohort) -> dict[str, Any]:
    groups: list[dict[str, Any]] = []
    for effect in found.effects:
        label = str(DIMENSIONS[effect.dimension].label)
        if not groups or groups[-1]["label"] != label:
            groups.append({"label": label, "rows": []})
        groups[-1]["rows"].append(_effect(effect))
    return {
        "groups": groups,
        "problem": found.problem,
        "n": counted(found.n),
        "events": counted(found.events),
        "p_proportional": p_value(found.p_proportional),
        "left_out": [
            f"{DIMENSIONS[key].label}: {DIMENSIONS[key].label_of(value)}" for key, value in found.left_out
        ],
        "width": FOREST_WIDTH,
        "middle": FOREST_WIDTH / 2,
        "group": group_label(cohort),
        "cut_day": found.cut,
        "csv_url": f"{reverse('transplants:outcome-forest-csv')}?{cohort.query}",
    }


def p_value(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "label": str(DIMENSIONS[effect.dimension].label_of(effect.value)),
        "n": counted(effect.n),
        "ratio": _("1 (reference)") if effect.is_reference else f"{effect.ratio:.2f}",
        "interval": "" if effect.is_reference else f"{effect.lower:.2f}–{effect.upper:.2f}",
        "p": p_value(effect.p),
        "p_proportional": p_value(effect.p_proportional),
        "mark": whisker(effect.ratio, effect.lower, effect.upper),
        "is_reference": effect.is_reference,
    }


def forest_rows(found: Forest) -> list[list[Any]]:
    return [
        [
            str(DIMENSIONS[one.dimension].label),
            str(DIMENSIONS[one.dimension].label_of(one.value)),
            one.n,
            one.ratio,
            one.lower,
            one.upper,
            one.p,
            one.p_proportional,
        ]
        for one in found.effects
    ]
