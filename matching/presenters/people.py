"""A patient in one line, and blood groups in words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hospitals.choices import Sex
from hospitals.models import Patient, kg_text
from matching.engine.selection.blood_groups import abo_relation
from matching.models import SearchRun

CHILD_UNTIL = 14  # years; below, one says girl or boy
MONTHS_UNTIL = 24  # age in months; above, in years


def today() -> date:
    return timezone.localdate()


def age_in_months(born: date, on: date) -> int:
    """Completed months; negative for a patient who is not born yet."""
    return (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)


def age_text(born: date, on: date) -> str:
    if born > on:
        return _("not born yet")
    months = age_in_months(born, on)
    if months < MONTHS_UNTIL:
        return ngettext("%(n)d month", "%(n)d months", months) % {"n": months}
    return ngettext("%(n)d year", "%(n)d years", months // 12) % {"n": months // 12}


def person_word(sex: str, born: date, on: date) -> str:
    child = age_in_months(born, on) < 12 * CHILD_UNTIL
    if sex == Sex.FEMALE:
        return _("girl") if child else _("woman")
    if sex == Sex.MALE:
        return _("boy") if child else _("man")
    return _("child") if child else _("adult")


def weight_text(weight_kg: Decimal | None) -> str:
    """12.4 kg, without the zeros that nobody weighed."""
    if weight_kg is None:
        return _("weight not known")
    return f"{kg_text(weight_kg)} kg"


def patient_line(patient: Patient, weight_kg: Decimal | None, on: date) -> str:
    """girl, 2 years, 12.4 kg · metachromatic leukodystrophy, presymptomatic"""
    who = ", ".join(
        [
            person_word(patient.sex, patient.birth_date, on),
            age_text(patient.birth_date, on),
            weight_text(weight_kg),
        ]
    )
    disease = ", ".join(filter(None, [diagnosis_text(patient), _lower(patient.get_stage_display())]))
    return " · ".join(filter(None, [who, disease]))


def run_head(run: SearchRun, weight_kg: Decimal | None) -> dict[str, Any]:
    """What every page of a search says of its request and patient. weight_kg: that by which the page judges."""
    patient = run.request.patient
    line = patient_line(patient, weight_kg, today())
    return {"run": run, "found": run.request, "patient": patient, "line": line}


def diagnosis_text(patient: Patient) -> str:
    """The diagnosis in words; for "other" what was written."""
    if patient.diagnosis == "other" and patient.diagnosis_text:
        return patient.diagnosis_text
    return patient.get_diagnosis_display() if patient.diagnosis else ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def abo_tag(patient_abo: str, unit_abo: str) -> dict[str, str] | None:
    """The tag of a row; None where a blood group is not known."""
    return {
        "identical": {"text": _("identical ABO"), "tone": "good"},
        "minor": {"text": _("minor ABO"), "tone": "warn"},
        "major": {"text": _("major ABO"), "tone": "warn"},
        "both": {"text": _("major and minor ABO"), "tone": "warn"},
    }.get(abo_relation(patient_abo, unit_abo))
