"""What looks wrong about a patient but may be true: warnings that a person confirms, never refusals."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from django.utils.translation import gettext_lazy as _

from core.hla_messages import note_text
from core.typings import conflict_code
from hla.errors import Note
from hospitals.choices import DIAGNOSIS, DiagnosisGroup, Stage

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# Median weight (kg) by age (years), both sexes together, rounded: WHO child growth standards to 10 years,
# then rough. *Unconfirmed* beyond that; it only decides whether a person is asked to look again.
_AGE_YEARS = (0.0, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18)
_MEDIAN_KG = (3.3, 6.2, 7.6, 9.3, 11.9, 14.1, 16.2, 18.3, 20.4, 25.3, 31.7, 40, 50, 57, 60)
_LOWEST_SHARE, _HIGHEST_SHARE = 0.5, 2.2

SEARCH_NEEDS = ("A", "B", "DRB1")
_MALIGNANT_STAGES = frozenset(
    {Stage.CR1, Stage.CR2, Stage.CR3, Stage.NO_REMISSION, Stage.CHRONIC_PHASE}
    | {Stage.ACCELERATED_PHASE, Stage.BLAST_PHASE}
)


@dataclass(frozen=True)
class Doubt:
    """One warning: a stable code, the form field it belongs to, a sentence for people."""

    code: str
    field: str
    text: StrPromise | str


def age_years(birth_date: datetime.date, on: datetime.date) -> float:
    """Age in years; negative before birth."""
    return (on - birth_date).days / 365.25


def median_weight_kg(age: float) -> float:
    """Median weight for an age in years; at birth and before, that of a newborn."""
    return float(np.interp(max(age, 0.0), _AGE_YEARS, _MEDIAN_KG))


def plausible_weight_kg(age: float) -> tuple[float, float]:
    """Lowest and highest weight that nobody asks about, for an age in years."""
    median = median_weight_kg(age)
    return median * _LOWEST_SHARE, median * (_HIGHEST_SHARE if age < 18 else 2.5)


def weight_doubts(weight_kg: Decimal, birth_date: datetime.date, on: datetime.date) -> list[Doubt]:
    age = age_years(birth_date, on)
    low, high = plausible_weight_kg(age)
    if low <= weight_kg <= high:
        return []
    text = _("%(weight)s kg is unusual at the age of %(age)s years: is it right?")
    return [Doubt("weight_for_age", "weight_kg", text % {"weight": weight_kg, "age": f"{max(age, 0):.1f}"})]


def birth_doubts(birth_date: datetime.date, today: datetime.date) -> list[Doubt]:
    if birth_date <= today:
        return []
    return [
        Doubt("unborn", "birth_date", _("The date lies ahead: is it the expected date of an unborn patient?"))
    ]


def stage_doubts(diagnosis: str, stage: str) -> list[Doubt]:
    """A remission of a metabolic disease, or symptoms as the stage of a leukaemia: probably a wrong line."""
    entry = DIAGNOSIS.get(diagnosis)
    if entry is None or not stage or entry.group == DiagnosisGroup.OTHER:
        return []
    if (entry.group == DiagnosisGroup.MALIGNANT) == (stage in _MALIGNANT_STAGES):
        return []
    return [Doubt("stage_of_diagnosis", "stage", _("This stage is unusual for the diagnosis: is it right?"))]


def conflict_doubts(conflicts: Iterable[tuple[str, Note]]) -> list[Doubt]:
    """Antigens that the DNA typing excludes (domain notes 2.3): one of the two reports is wrong."""
    text = _("HLA-%(locus)s: %(conflict)s One of the two is wrong; the DNA typing would decide.")
    return [
        Doubt(
            conflict_code(locus, note.params), "typing", text % {"locus": locus, "conflict": note_text(note)}
        )
        for locus, note in conflicts
    ]


def typing_doubts(loci: Iterable[str]) -> list[Doubt]:
    """`loci` are those with a typing; without all of A, B and DRB1 no search is possible."""
    missing = [locus for locus in SEARCH_NEEDS if locus not in set(loci)]
    if not missing:
        return []
    text = _("Not typed at %(loci)s: a search needs A, B and DRB1. The patient can be saved all the same.")
    return [Doubt("not_searchable", "typing", text % {"loci": ", ".join(missing)})]
