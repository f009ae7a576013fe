"""Criteria and findings of a release in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bank.choices import (
    Analyte,
    Comparison,
    CriterionKind,
    CultureKind,
    CultureValue,
    Eligibility,
    HaemoglobinopathyValue,
    MarkerResultValue,
    MarkerTest,
    MeasureUnit,
    Subject,
    TimePoint,
)
from bank.release.judge import LOTS, Criterion, Finding

VERDICTS: dict[str, Any] = {
    "passed": ("ok", pgettext_lazy("release", "met")),
    "failed": ("no", pgettext_lazy("release", "not met")),
    "missing": ("na", pgettext_lazy("release", "missing")),
}
WHY: dict[str, Any] = {
    "none": gettext_lazy("not recorded"),
    "unverified": gettext_lazy("a second person has to verify it"),
    "invented": gettext_lazy("the value is invented"),
}
_RESULTS: dict[str, Any] = {
    CriterionKind.MARKER: MarkerResultValue,
    CriterionKind.CULTURE: CultureValue,
    CriterionKind.HAEMOGLOBINOPATHY: HaemoglobinopathyValue,
    CriterionKind.ELIGIBILITY: Eligibility,
}


def finding(one: Finding) -> dict[str, Any]:
    """One row of bank/_release_findings.html."""
    mark, word = VERDICTS[one.verdict]
    return {
        "name": name_of(one),
        "asked": asked_of(one),
        "value": value_of(one),
        "mark": mark,
        "verdict": word,
        "why": str(WHY[one.why]) if one.why else "",
        "excepted": one.kind == LOTS and one.verdict == "failed",
        "hard": one.verdict != "passed" and not one.may_be_excepted,
        "reference": one.reference,
        "unconfirmed": one.unconfirmed,
    }


def findings(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """What is open first: the order in which somebody works."""
    rank = {"failed": 0, "missing": 1, "passed": 2}
    return [finding(one) for one in sorted(found, key=lambda one: rank[one.verdict])]


def criterion(one: Criterion) -> dict[str, Any]:
    return {
        "name": name_of(one),
        "asked": asked_of(one),
        "may_be_excepted": one.may_be_excepted,
        "reference": one.reference,
        "unconfirmed": one.unconfirmed,
    }


def name_of(one: Criterion | Finding) -> str:
    if one.kind == LOTS:
        return _("Lots and instruments used")
    return _NAMES[CriterionKind(one.kind)](one)


def _measurement_name(one: Any) -> str:
    return f"{Analyte(one.analyte).label} · {TimePoint(one.time_point).label}"


_NAMES: dict[CriterionKind, Callable[[Any], str]] = {
    CriterionKind.MEASUREMENT: _measurement_name,
    CriterionKind.MARKER: lambda one: f"{MarkerTest(one.test).label} · {Subject(one.subject).label}",
    CriterionKind.CULTURE: lambda one: str(CultureKind(one.test).label),
    CriterionKind.TYPING: lambda one: f"HLA-{one.test}",
    **{
        kind: lambda one: str(CriterionKind(one.kind).label)
        for kind in (
            CriterionKind.HAEMOGLOBINOPATHY,
            CriterionKind.BLOOD_GROUP,
            CriterionKind.ELIGIBILITY,
            CriterionKind.CONSENT,
            CriterionKind.SEGMENTS,
            CriterionKind.STORED,
        )
    },
}


def asked_of(one: Criterion | Finding) -> str:
    """What passes."""
    if one.kind == LOTS:
        return _("none blocked")
    kind = CriterionKind(one.kind)
    if kind == CriterionKind.MEASUREMENT:
        unit = MeasureUnit(one.measure_unit).label
        return f"{Comparison(one.comparison).label} {one.threshold:g} {unit}"
    if kind == CriterionKind.SEGMENTS:
        return f"≥ {one.threshold:g}"
    if kind == CriterionKind.ELIGIBILITY:
        return str(Eligibility.ELIGIBLE.label)
    if kind in _RESULTS and one.allowed:
        return ", ".join(str(_RESULTS[kind](value).label) for value in one.allowed)
    return str(_KNOWN.get(kind, gettext_lazy("known")))


def unit_of(one: Criterion) -> str:
    """In which the threshold is: shown beside a field."""
    kind = CriterionKind(one.kind)
    if kind == CriterionKind.MEASUREMENT:
        return str(MeasureUnit(one.measure_unit).label)
    return ""


_KNOWN: dict[CriterionKind, Any] = {
    CriterionKind.TYPING: gettext_lazy("typed"),
    CriterionKind.CONSENT: gettext_lazy("given, not withdrawn"),
    CriterionKind.STORED: gettext_lazy("in a slot"),
}


def value_of(one: Finding) -> str:
    if one.value is None:
        return ""
    if one.kind == LOTS:
        return str(one.value)
    kind = CriterionKind(one.kind)
    if kind == CriterionKind.MEASUREMENT:
        return f"{one.value:g} {MeasureUnit(one.measure_unit).label}"
    if kind in _RESULTS:
        return str(_RESULTS[kind](one.value).label)
    return f"{one.value:g}" if isinstance(one.value, float | int) else str(one.value)


def what_is_open(found: Iterable[Finding], most: int = 4) -> str:
    """A line of the desk: the names of what is open, the first of them."""
    names = [name_of(one) for one in found if one.verdict != "passed"]
    more = len(names) - most
    shown = ", ".join(names[:most])
    return shown + (_(" and %(n)d more") % {"n": more} if more > 0 else "")
