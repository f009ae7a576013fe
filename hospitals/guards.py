"""Rules that data of patients and hospitals must obey, whoever calls the service: page, API, demonstration data."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Collection
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, InvalidInput
from core.populations import parse_populations
from core.typings import Interpretation
from hospitals import choices
from hospitals.data import EnzymeData, PatientData, WeightData
from hospitals.plausibility import conflict_doubts

MIN_LIMIT, MAX_LEVEL = Decimal("0.001"), 10_000_000  # what the column holds
MAX_DAYS_UNBORN = 300


def guard_qualification(begins: datetime.date | None, ends: datetime.date | None) -> None:
    """Of a hospital: it ends some day, and not before it begins."""
    if begins and not ends:
        message = _("State until when it is qualified, too.")
        raise InvalidInput("qualified_until_missing", message, field="qualified_until")
    if begins and ends and begins > ends:
        message = _("It ends before it begins: look at the two days again.")
        raise InvalidInput("qualified_order", message, field="qualified_until")


def guard_patient_data(data: PatientData) -> None:
    """Everything a form checks, again: services are called by API and demonstration data as well."""
    guard_birth_date(data.birth_date)
    for name, allowed in (
        ("sex", choices.Sex.values),
        ("abo", ["", *choices.Abo.values]),
        ("rh", ["", *choices.Rh.values]),
        ("cmv", ["", *choices.Cmv.values]),
        ("diagnosis", ["", *choices.DIAGNOSIS]),
        ("stage", ["", *choices.Stage.values]),
        ("urgency", choices.Urgency.values),
    ):
        if getattr(data, name) not in allowed:
            raise InvalidInput("not_in_list", _("Choose a value of the list."), field=name)
    parse_populations(data.populations)
    if data.diagnosis == "other" and not data.diagnosis_text:
        raise InvalidInput(
            "diagnosis_text_missing", _("Describe the diagnosis in words."), field="diagnosis_text"
        )


def latest_birth_date() -> datetime.date:
    """Ten months from today; the last day of the month where that month is shorter."""
    today = timezone.localdate()
    years, month = divmod(today.month - 1 + choices.MAX_MONTHS_UNBORN, 12)
    year = today.year + years
    day = min(today.day, calendar.monthrange(year, month + 1)[1])
    return datetime.date(year, month + 1, day)


def guard_birth_date(birth_date: datetime.date) -> None:
    """Raises InvalidInput before 1900 or more than ten months ahead."""
    latest = latest_birth_date()
    if birth_date > latest:
        message = _(
            "The date of birth lies more than %(months)s months ahead. "
            "For an unborn patient enter the expected date, %(latest)s at the latest."
        )
        params = {"months": choices.MAX_MONTHS_UNBORN, "latest": latest.isoformat()}
        raise InvalidInput("birth_date_too_late", message, field="birth_date", params=params)
    if birth_date.year < 1900:
        message = _("The date of birth lies before 1900: check the year.")
        raise InvalidInput("birth_date_too_early", message, field="birth_date")


def guard_weight(weight: WeightData, birth_date: datetime.date) -> None:
    """Raises InvalidInput for a weight outside the limits or a day that cannot be."""
    kg = weight.weight_kg
    if not kg.is_finite() or not choices.MIN_WEIGHT_KG <= kg <= choices.MAX_WEIGHT_KG:
        message = _("The weight must lie between %(low)s and %(high)s kg.")
        params = {"low": choices.MIN_WEIGHT_KG, "high": choices.MAX_WEIGHT_KG}
        raise InvalidInput("weight_out_of_range", message, field="weight_kg", params=params)
    today = timezone.localdate()
    if weight.measured_on > today:
        raise InvalidInput("weighed_in_future", _("The day of weighing lies ahead."), field="measured_on")
    # the weight of an unborn patient is an estimate of today
    if weight.measured_on < min(birth_date, today):
        raise InvalidInput(
            "weighed_before_birth", _("The day of weighing lies before the birth."), field="measured_on"
        )


def guard_event_day(on: datetime.date | None, birth_date: datetime.date) -> None:
    """Of a transplant, a death, a move. Raises InvalidInput for a day that lies ahead, or before the birth."""
    if on is None:
        return
    today = timezone.localdate()
    if on > today:
        raise InvalidInput("event_in_future", _("The day of the event lies ahead."), field="on")
    if on < min(birth_date, today):
        raise InvalidInput("event_before_birth", _("The day of the event lies before the birth."), field="on")


def guard_enzyme(level: EnzymeData, diagnosis: str, birth_date: datetime.date) -> None:
    """Raises InvalidInput for what is no measurement, and for a patient whose disease lacks no enzyme."""
    entry = choices.DIAGNOSIS.get(diagnosis)
    if entry is None or entry.group != choices.DiagnosisGroup.METABOLIC:
        message = _("Enzyme levels are recorded for inherited metabolic disorders only.")
        raise InvalidInput("enzyme_not_metabolic", message, field="enzyme")
    for name in ("enzyme", "unit"):
        if not getattr(level, name).strip():
            raise InvalidInput("enzyme_incomplete", _("Name the enzyme and the unit."), field=name)
    for name, number, lowest in (("value", level.value, 0), ("lower_limit", level.lower_limit, MIN_LIMIT)):
        if number is not None and (not number.is_finite() or not lowest <= number < MAX_LEVEL):
            message = _("The number must lie between %(low)s and %(high)s.")
            params = {"low": lowest, "high": MAX_LEVEL}
            raise InvalidInput("enzyme_out_of_range", message, field=name, params=params)
    if level.measured_on > timezone.localdate():
        raise InvalidInput(
            "measured_in_future", _("The day of the measurement lies ahead."), field="measured_on"
        )
    # cells of an unborn child can be measured
    if level.measured_on < birth_date - datetime.timedelta(days=MAX_DAYS_UNBORN):
        message = _("The day of the measurement lies before the pregnancy.")
        raise InvalidInput("measured_before_pregnancy", message, field="measured_on")


def guard_conflicts(read: Interpretation, confirmed: Collection[str]) -> None:
    """Raises Conflict unless every typing conflict is among `confirmed` (codes); `details` are those missing."""
    doubts = [doubt for doubt in conflict_doubts(read.conflicts()) if doubt.code not in confirmed]
    if doubts:
        message = _(
            "Antigens and DNA typing contradict one another. Correct the typing, or confirm it as it is."
        )
        details = [{"field": doubt.field, "code": doubt.code, "text": str(doubt.text)} for doubt in doubts]
        raise Conflict("typing_conflict_unconfirmed", message, field="confirmed", details=details)
