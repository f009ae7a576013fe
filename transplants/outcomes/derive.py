"""The outcome of a transplant from everything that was reported of it. Nothing here asks the database or the clock.

Definitions: domain notes, workflow 4.3 (CIBMTR manuals; NIH and MAGIC for graft-versus-host disease). Days count from
day 0, the first infusion. Each answer of a form speaks of the time from day 0 to its day of contact; of several forms
the earliest day of an event counts, and an event once reported is not undone by a later "no".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from transplants.choices_outcomes import Contact, GraftFailure, Recovery, YesNo
from transplants.outcomes.engraftment import Count, neutrophil_day, platelet_day

DAYS_PER_MONTH: Final = 30.4375
# The form that a list of earlier transplants stands for: its follow-up may be a duration.
IMPORTED_VISIT: Final = "import"


@dataclass(frozen=True)
class Course:
    """Everything known of one transplant. forms: those handed in.

    day_of_next: of a later transplant of the patient; later_forms: of all his later ones. They tell how long he lived,
    for a second transplant does not end the survival after the first, and nothing else of this one.
    """

    day_0: dt.date
    forms: Sequence[Any] = ()
    counts: Sequence[Count] = ()
    months_followed: float | None = None
    day_of_next: dt.date | None = None
    died_on: dt.date | None = None
    failure_day: int = 42
    later_forms: Sequence[Any] = ()

    def days(self, day: dt.date) -> float:
        return float((day - self.day_0).days)


def derived(course: Course) -> dict[str, Any]:
    """The columns of an Outcome.

    Follow-up reaches to death, else to the last day on which the patient is known to have lived: a contact, a count or
    the day of a second transplant.
    """
    values = _followed(course)
    values |= _recovery(course)
    values |= _failure(course, values)
    values |= _gvhd(course)
    relapse, relapse_known = _event(course, "relapse")
    second, _known = _event(course, "second_transplant")
    if course.day_of_next is not None:
        second = _earliest([second, course.days(course.day_of_next)])
    values |= {"days_to_relapse": relapse, "relapse_known": relapse_known, "days_to_second": second}
    return values | _latest(course)


def _followed(course: Course) -> dict[str, Any]:
    forms = sorted([*course.forms, *course.later_forms], key=lambda form: form.contact_on)
    deaths = [form for form in forms if form.contact == Contact.DEAD]
    if deaths:
        last = deaths[0]
        return {
            "days_followed": _reach(course, last),
            "is_dead": True,
            "is_lost": False,
            "cause": last.primary_cause,
        }
    if course.died_on is not None:
        return {"days_followed": course.days(course.died_on), "is_dead": True, "is_lost": False, "cause": ""}
    seen = [_reach(course, form) for form in forms] + [course.days(count.day) for count in course.counts]
    if course.day_of_next is not None:
        seen.append(course.days(course.day_of_next))
    is_lost = bool(forms) and forms[-1].contact == Contact.LOST
    return {"days_followed": max([0.0, *seen]), "is_dead": False, "is_lost": is_lost, "cause": ""}


def _reach(course: Course, form: Any) -> float:
    """A list that gave a duration is taken at its word: a day would round it."""
    of_this = any(form is one for one in course.forms)
    if of_this and form.visit == IMPORTED_VISIT and course.months_followed is not None:
        return course.months_followed * DAYS_PER_MONTH
    return course.days(form.contact_on)


def _recovery(course: Course) -> dict[str, Any]:
    """Counts speak before forms: their day is the definition itself."""
    by_counts = {
        "neutrophils": neutrophil_day(course.counts),
        "platelets": platelet_day(course.counts),
    }
    values: dict[str, Any] = {}
    for name, day in by_counts.items():
        answers = {getattr(form, name) for form in course.forms}
        days = [course.days(getattr(form, f"{name}_on")) for form in _saying(course, name, Recovery.YES)]
        if day is not None:
            days = [course.days(day)]
        values[f"days_to_{name}"] = min(days, default=None)
        values[f"{name}_known"] = bool(days) or Recovery.NO in answers
    return values


def _failure(course: Course, values: dict[str, Any]) -> dict[str, Any]:
    """Reported, or primary by the clock: alive on the day of the definition without neutrophils."""
    forms = [
        form for form in course.forms if form.graft_failure in (GraftFailure.PRIMARY, GraftFailure.SECONDARY)
    ]
    days = [course.days(form.graft_failure_on) for form in forms if form.graft_failure_on is not None]
    denied = any(form.neutrophils == Recovery.NO for form in course.forms)
    late = values["days_followed"] >= course.failure_day and values["days_to_neutrophils"] is None
    if not days and denied and late:
        days = [float(course.failure_day)]
    said_no = any(form.graft_failure == GraftFailure.NO for form in course.forms)
    known = bool(days) or said_no or values["days_to_neutrophils"] is not None
    return {"days_to_graft_failure": min(days, default=None), "graft_failure_known": known}


def _gvhd(course: Course) -> dict[str, Any]:
    second: list[float | None] = []
    third: list[float | None] = []
    known = False
    for form in course.forms:
        # a grade from II without its day is an event at no known time: no more known than without an answer
        grade = form.acute_grade
        known |= form.acute == YesNo.NO or (grade is not None and (grade < 2 or form.acute_on is not None))
        if form.acute != YesNo.YES or form.acute_on is None or form.acute_grade is None:
            continue
        onset = course.days(form.acute_on)
        if form.acute_grade >= 2:
            second.append(onset)
        if form.acute_grade >= 3:
            third.append(course.days(form.acute_severe_on) if form.acute_severe_on else onset)
    chronic, chronic_known = _event(course, "chronic")
    systemic, _ = _event(course, "chronic_systemic")
    return {
        "days_to_acute_2": _earliest(second),
        "days_to_acute_3": _earliest(third),
        "acute_known": known,
        "days_to_chronic": chronic,
        "days_to_chronic_systemic": systemic,
        "chronic_known": chronic_known,
    }


def _event(course: Course, name: str) -> tuple[float | None, bool]:
    """Its first day, and whether any form answered yes or no."""
    days = [course.days(getattr(form, f"{name}_on")) for form in _saying(course, name, YesNo.YES)]
    known = bool(days) or any(getattr(form, name) == YesNo.NO for form in course.forms)
    return min(days, default=None), known


def _saying(course: Course, name: str, answer: str) -> list[Any]:
    return [
        form
        for form in course.forms
        if getattr(form, name) == answer and getattr(form, f"{name}_on") is not None
    ]


def _latest(course: Course) -> dict[str, Any]:
    values: dict[str, Any] = {"chimerism_percent": None, "enzyme_percent": None}
    for form in sorted(course.forms, key=lambda form: form.contact_on):
        if form.donor_chimerism_percent is not None:
            values["chimerism_percent"] = float(form.donor_chimerism_percent)
        if form.enzyme_percent is not None:
            values["enzyme_percent"] = float(form.enzyme_percent)
    return values


def _earliest(days: Iterable[float | None]) -> float | None:
    return min((day for day in days if day is not None), default=None)
