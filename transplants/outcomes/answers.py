"""What a form of follow-up asks, and what cannot be so. Nothing here asks the database or the clock.

A draft may hold anything that its fields take. What is handed in has to be in order: every finding that is refused is
named beside its field with the reason, all of them at once. An answer may be missing: missing is not "no".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from transplants.choices_outcomes import Autopsy, Cause, Contact, GraftFailure, Recovery, YesNo
from transplants.outcomes import gvhd
from transplants.outcomes.schedule import Visit, last_day_of

# A "yes" needs its day, and a day its "yes": the answer, its day, and which answers are a "yes".
DATED: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("neutrophils", "neutrophils_on", (Recovery.YES,)),
    ("platelets", "platelets_on", (Recovery.YES,)),
    ("graft_failure", "graft_failure_on", (GraftFailure.PRIMARY, GraftFailure.SECONDARY)),
    ("acute", "acute_on", (YesNo.YES,)),
    ("chronic", "chronic_on", (YesNo.YES,)),
    ("chronic_systemic", "chronic_systemic_on", (YesNo.YES,)),
    ("relapse", "relapse_on", (YesNo.YES,)),
    ("malignancy", "malignancy_on", (YesNo.YES,)),
    ("second_transplant", "second_transplant_on", (YesNo.YES,)),
)
PLAIN: Final = (
    "contact", "contact_on", "karnofsky", "donor_chimerism_percent", "chimerism_on", "enzyme_percent",
    "acute_severe_on", "infections", "organs", "primary_cause", "contributing", "autopsy", "note",
)  # fmt: skip
FINDINGS: Final = ("acute_organs", "chronic_sites")
# Everything a person answers; grade and severity are derived from it.
ANSWERS: Final = (*PLAIN, *(name for answer, day, _yes in DATED for name in (answer, day)), *FINDINGS)
DAYS: Final = (*(day for _answer, day, _yes in DATED), "acute_severe_on", "chimerism_on")
# What a form takes over from the one before it: events do not un-happen. What was measured anew is asked anew.
CARRIED: Final = tuple(
    name
    for name in ANSWERS
    if name
    not in (
        "contact", "contact_on", "karnofsky", "donor_chimerism_percent", "chimerism_on", "enzyme_percent", "note",
        "primary_cause", "contributing", "autopsy", "infections", "organs",
    )
)  # fmt: skip
ACUTE_KEYS: Final = (
    "skin_percent", "bullae", "bilirubin", "bilirubin_unit", "stool_ml", "stool_episodes", "gut_severe", "upper_gut",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """What cannot be so. field: beside which it stands."""

    field: str
    code: str
    text: str


@dataclass(frozen=True)
class Other:
    """Another form of the same transplant that was handed in."""

    title: str
    order: int
    contact: str
    contact_on: dt.date
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """What answers are held against. died_on: by the patient's record. counted_on: the last blood count."""

    day_0: dt.date
    today: dt.date
    visit: Visit
    others: Sequence[Other] = ()
    died_on: dt.date | None = None
    counted_on: dt.date | None = None
    recovered_on: dt.date | None = None  # neutrophils, by counts


Given = Mapping[str, Any]


def problems(given: Given, known: Known) -> list[Problem]:
    """Everything that speaks against handing these answers in, in the order of the form."""
    return [one for rule in RULES for one in rule(given, known)]


def _problem(field: str, code: str, text: Promise | str, **params: Any) -> Problem:
    return Problem(field, code, str(text) % params if params else str(text))


def _contact(given: Given, known: Known) -> Iterator[Problem]:
    if not given.get("contact"):
        yield _problem("contact", "contact_missing", _("Say whether the patient lives."))
    on = given.get("contact_on")
    if on is None:
        yield _problem(
            "contact_on", "contact_day_missing", _("Give the day of the last contact or of death.")
        )
    elif on < known.day_0:
        text = _("%(day)s is before day 0, %(zero)s.")
        yield _problem("contact_on", "before_day_0", text, day=on, zero=known.day_0)
    elif on > known.today:
        yield _problem("contact_on", "in_the_future", _("%(day)s has not come yet."), day=on)
    else:
        yield from _period(given.get("contact", ""), on, known)


def _period(contact: str, on: dt.date, known: Known) -> Iterator[Problem]:
    """Of the living a contact within the period of the form; periods do not overlap."""
    days, visit = (on - known.day_0).days, known.visit
    first = known.day_0 + dt.timedelta(days=visit.opens)
    last_day = last_day_of(visit)
    if contact == Contact.ALIVE and days < visit.opens:
        if visit.code == "y1":
            text = _(
                "The one-year form needs a contact after day 365, from %(first)s on; %(day)s is day %(days)s."
            )
        else:
            text = _(
                "This form needs a contact from %(first)s on; %(day)s is day %(days)s, of an earlier form."
            )
        yield _problem("contact_on", "before_the_period", text, first=first, day=on, days=days)
    if last_day is not None and days > last_day:
        last = known.day_0 + dt.timedelta(days=last_day)
        text = _(
            "%(day)s is of a later form: this one tells of contacts until %(last)s. Fill in the later one."
        )
        yield _problem("contact_on", "after_the_period", text, day=on, last=last)


def _others(given: Given, known: Known) -> Iterator[Problem]:
    """Against the other forms: nobody lives after his death or dies before he was seen alive."""
    on, contact = given.get("contact_on"), given.get("contact", "")
    if on is None:
        return
    for other in known.others:
        said = {"day": on, "title": other.title, "other": other.contact_on}
        if other.contact == Contact.DEAD:
            if contact == Contact.DEAD and on != other.contact_on:
                text = _(
                    "The form %(title)s says that the patient died on %(other)s. Correct the one that is wrong."
                )
                yield _problem("contact_on", "two_deaths", text, **said)
            elif contact != Contact.DEAD and on > other.contact_on:
                text = _("%(day)s is after the death on %(other)s that the form %(title)s tells of.")
                yield _problem("contact_on", "contact_after_death", text, **said)
        elif contact == Contact.DEAD and on < other.contact_on:
            text = _(
                "The form %(title)s tells of a contact on %(other)s: the death cannot be on %(day)s, before it."
            )
            yield _problem("contact_on", "death_before_contact", text, **said)
        elif other.order < known.visit.order and on < other.contact_on:
            text = _("The earlier form %(title)s tells of a contact on %(other)s, after %(day)s.")
            yield _problem("contact_on", "before_earlier_form", text, **said)
        elif other.order > known.visit.order and on > other.contact_on:
            text = _("The later form %(title)s tells of a contact on %(other)s, before %(day)s.")
            yield _problem("contact_on", "after_later_form", text, **said)


def _record(given: Given, known: Known) -> Iterator[Problem]:
    """Against the patient's record and the counts."""
    on, contact = given.get("contact_on"), given.get("contact", "")
    if on is None:
        return
    if contact != Contact.DEAD and known.died_on is not None and on > known.died_on:
        text = _(
            "The patient's record says that he died on %(died)s, before %(day)s. Correct the one that is wrong."
        )
        yield _problem("contact_on", "contact_after_record", text, died=known.died_on, day=on)
    if contact == Contact.DEAD and known.counted_on is not None and on < known.counted_on:
        text = _("There is a blood count of %(counted)s: the death cannot be on %(day)s, before it.")
        yield _problem("contact_on", "death_before_count", text, counted=known.counted_on, day=on)


def _cause(given: Given, known: Known) -> Iterator[Problem]:
    cause, more, autopsy = given.get("primary_cause"), given.get("contributing") or [], given.get("autopsy")
    if given.get("contact") != Contact.DEAD:
        for name, value in (("primary_cause", cause), ("contributing", more), ("autopsy", autopsy)):
            if value:
                text = _("Only of the dead: leave it empty, or say that the patient died.")
                yield _problem(name, "cause_of_the_living", text)
        return
    if not cause:
        text = _("Choose exactly one primary cause; where nobody knows it, “not known”.")
        yield _problem("primary_cause", "cause_missing", text)
    if cause and cause in more:
        text = _("The primary cause is no contributing one as well.")
        yield _problem("contributing", "cause_twice", text)
    if Cause.UNKNOWN in more:
        yield _problem(
            "contributing", "cause_unknown", _("“Not known” is no contributing cause: leave it out.")
        )
    if not autopsy:
        yield _problem("autopsy", "autopsy_missing", _("Say whether there was an autopsy."))


def _dated(given: Given, known: Known) -> Iterator[Problem]:
    for answer, day, yes in DATED:
        said, on = given.get(answer) or "", given.get(day)
        if said in yes and on is None:
            yield _problem(day, "day_missing", _("“Yes” needs the day."))
        if said not in yes and on is not None:
            yield _problem(
                day, "day_without_yes", _("A day without a “yes”: answer yes, or take the day out.")
            )
    if given.get("chimerism_on") and given.get("donor_chimerism_percent") is None:
        yield _problem("donor_chimerism_percent", "value_missing", _("Give the value that was measured."))
    if given.get("donor_chimerism_percent") is not None and not given.get("chimerism_on"):
        yield _problem("chimerism_on", "day_missing", _("Give the day of the measurement."))


def _days(given: Given, known: Known) -> Iterator[Problem]:
    """Every event lies between day 0 and the day of contact."""
    contact = given.get("contact_on")
    for name in DAYS:
        on = given.get(name)
        if on is None:
            continue
        if on < known.day_0:
            text = _("%(day)s is before day 0, %(zero)s.")
            yield _problem(name, "before_day_0", text, day=on, zero=known.day_0)
        elif contact is not None and on > contact:
            text = _(
                "%(day)s is after the day of contact, %(contact)s: the form tells of the time until then."
            )
            yield _problem(name, "event_after_contact", text, day=on, contact=contact)
    second = given.get("second_transplant_on")
    if second is not None and second == known.day_0:
        text = _("A second transplant is on a later day than the first one, %(zero)s.")
        yield _problem("second_transplant_on", "second_on_day_0", text, zero=known.day_0)


def _graft(given: Given, known: Known) -> Iterator[Problem]:
    failure, on = given.get("graft_failure"), given.get("graft_failure_on")
    said = given.get("neutrophils")
    recovered = given.get("neutrophils_on") if said == Recovery.YES else None
    recovered = known.recovered_on or recovered
    if failure == GraftFailure.PRIMARY and (recovered or said == Recovery.YES):
        text = _(
            "Primary means that it never engrafted; neutrophils recovered, though: this would be a secondary one."
        )
        yield _problem("graft_failure", "primary_after_recovery", text)
    if failure == GraftFailure.SECONDARY and said == Recovery.NO and not known.recovered_on:
        text = _(
            "Secondary means that it had engrafted; neutrophils did not recover: this would be a primary one."
        )
        yield _problem("graft_failure", "secondary_without_recovery", text)
    if failure == GraftFailure.SECONDARY and on and recovered and on < recovered:
        text = _("The graft cannot be lost on %(day)s, before it engrafted on %(recovered)s.")
        yield _problem("graft_failure_on", "lost_before_recovery", text, day=on, recovered=recovered)
    if said == Recovery.NO and known.recovered_on:
        text = _("By the counts neutrophils recovered on %(day)s.")
        yield _problem("neutrophils", "recovered_by_counts", text, day=known.recovered_on)


def _acute(given: Given, known: Known) -> Iterator[Problem]:
    found, grade = given.get("acute_organs") or {}, given.get("acute_grade")
    onset, severe = given.get("acute_on"), given.get("acute_severe_on")
    if found and given.get("acute") != YesNo.YES:
        text = _("There are findings of organs: answer yes, or take them out.")
        yield _problem("acute", "findings_without_yes", text)
    area = found.get("skin_percent")
    if found.get("bullae") == YesNo.YES and area is not None and float(area) <= 50:
        text = _("Erythroderma is more than half of the skin: look at the share again.")
        yield _problem("skin_percent", "erythroderma_small", text)
    if grade is not None and grade >= 3 and severe is None:
        yield _problem(
            "acute_severe_on", "day_missing", _("Grade III or IV needs the day on which it was first so.")
        )
    if severe is not None and (grade is None or grade < 3):
        text = _(
            "By the findings the grade is not III or IV: take the day out, or look at the findings again."
        )
        yield _problem("acute_severe_on", "not_severe", text)
    if severe and onset and severe < onset:
        text = _("Grade III or IV cannot be on %(day)s, before it began on %(onset)s.")
        yield _problem("acute_severe_on", "severe_before_onset", text, day=severe, onset=onset)


def _chronic(given: Given, known: Known) -> Iterator[Problem]:
    onset, systemic = given.get("chronic_on"), given.get("chronic_systemic_on")
    yes = given.get("chronic") == YesNo.YES
    if given.get("chronic_sites") and not yes:
        text = _("There are findings of organs: answer yes, or take them out.")
        yield _problem("chronic", "findings_without_yes", text)
    if given.get("chronic_systemic") == YesNo.YES and not yes:
        text = _("A treatment of chronic GVHD without chronic GVHD: answer yes above, or take it out.")
        yield _problem("chronic_systemic", "treated_without_disease", text)
    if systemic and onset and systemic < onset:
        text = _("It cannot be treated on %(day)s, before it began on %(onset)s.")
        yield _problem("chronic_systemic_on", "treated_before_onset", text, day=systemic, onset=onset)


def _undone(given: Given, known: Known) -> Iterator[Problem]:
    """An event that an earlier form reported is not undone by a later "no": the earlier form is corrected instead."""
    for answer, _day, yes in DATED:
        for other in known.others:
            if other.order >= known.visit.order or other.answers.get(answer) not in yes:
                continue
            if given.get(answer) in (YesNo.NO, Recovery.NEVER_BELOW):
                text = _(
                    "The form %(title)s says yes. What has happened is not undone; if it was wrong, correct that form."
                )
                yield _problem(answer, "undone", text, title=other.title)
                break


Rule = Callable[[Given, Known], Iterator[Problem]]
RULES: Final[tuple[Rule, ...]] = (
    _contact, _others, _record, _cause, _dated, _days, _graft, _acute, _chronic, _undone,
)  # fmt: skip


def derived_of(given: Given, *, child_kg: Any) -> dict[str, Any]:
    """Grade and severity that follow from the findings; of a "no" the grade is 0."""
    grade = None
    if given.get("acute") == YesNo.NO:
        grade = 0
    elif given.get("acute") == YesNo.YES:
        grade = gvhd.acute_grade(gvhd.acute_stages(given.get("acute_organs") or {}, child_kg))
    severity = ""
    if given.get("chronic") == YesNo.YES:
        severity = gvhd.chronic_severity(gvhd.chronic_scores(given.get("chronic_sites") or {}))
    return {"acute_grade": grade, "chronic_severity": severity}


def is_to_complete(form: Any) -> bool:
    """An autopsy that is pending keeps the form open."""
    return bool(form.autopsy == Autopsy.PENDING)


def prefilled(earlier: Sequence[Any], recovered: Mapping[str, dt.date | None]) -> dict[str, Any]:
    """What a new form begins with: the answers of the latest form before it, and recoveries that counts show."""
    values: dict[str, Any] = {}
    if earlier:
        latest = max(earlier, key=lambda form: form.contact_on)
        values = {name: getattr(latest, name) for name in CARRIED if getattr(latest, name)}
    for name, day in recovered.items():
        if day is not None:
            values |= {name: Recovery.YES, f"{name}_on": day}
    return values
