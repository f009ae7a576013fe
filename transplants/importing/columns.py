"""The documented columns of a list of earlier transplants, each with its unit of measure in its name.

docs: templates/transplants/outcome_import.html prints this table. Every event has three columns: what happened, its
date (`…_on`), and the same as whole days since day 0 (`…_days`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bank.imports.columns import Column, Reader, as_is, read_date, refuse_formula, whole
from bank.imports.errors import CellError
from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG, Cmv, Sex, Stage
from transplants.choices_orders import GraftType
from transplants.choices_outcomes import (
    FIRST_TRANSPLANT_YEAR,
    MOST_AGE_YEARS,
    MOST_HCT_CI,
    MOST_TBI_GY,
    Cause,
    Contact,
    GraftFailure,
    Intensity,
    Prophylaxis,
    Recovery,
    RiskIndex,
    Severity,
    YesNo,
)
from transplants.importing.words import answers, diagnosis

MOST_DAYS: Final = 36_525  # a hundred years
MOST_MONTHS: Final = 1_200
PLACES = {"months": Decimal("1e-10"), "hundredth": Decimal("0.01"), "tenth": Decimal("0.1")}
_NUMBER = re.compile(r"\+?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_COMMA = re.compile(r"[0-9]+,[0-9]+")
_GRADES = {"0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "i": 1, "ii": 2, "iii": 3, "iv": 4}


def decimal(low: float, high: float, unit: str, places: Decimal = PLACES["hundredth"]) -> Reader:
    """A number from low to high, kept to that many places; a decimal comma too, where it cannot be thousands."""

    def read(text: str, today: dt.date) -> Decimal:
        plain = text
        if _COMMA.fullmatch(text):
            if len(text.split(",")[1]) == 3:
                raise CellError("number_comma", text=text[:40])
            plain = text.replace(",", ".")
        if not _NUMBER.fullmatch(plain) or len(plain) > 40:
            raise CellError("number_form", text=text[:40])
        value = Decimal(plain)
        if not Decimal(str(low)) <= value <= Decimal(str(high)):
            raise CellError("number_between", text=text[:40], low=f"{low:g}", high=f"{high:g}", unit=unit)
        return value.quantize(places)

    return read


def text_of(most: int, code: str = "text_long") -> Reader:
    def read(text: str, today: dt.date) -> str:
        refuse_formula(text)
        if len(text) > most:
            raise CellError(code, most=most, text=text[:40])
        return text.replace("\0", "")

    return read


def read_day_0(text: str, today: dt.date) -> dt.date:
    day: dt.date = read_date(text, today)
    if day.year < FIRST_TRANSPLANT_YEAR:
        raise CellError("day_0_early", text=text, year=FIRST_TRANSPLANT_YEAR)
    return day


def read_birth(text: str, today: dt.date) -> dt.date:
    """As other days, and a person may be older than they go back."""
    try:
        day = dt.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None:
        raise CellError("date_form", text=text[:40])
    return day


def read_grade(text: str, today: dt.date) -> int:
    if text.lower() not in _GRADES:
        raise CellError("choice_unknown", text=text[:40], allowed="0, I, II, III, IV")
    return _GRADES[text.lower()]


def read_causes(text: str, today: dt.date) -> list[str]:
    """Contributing causes, parted by + or ;"""
    read = answers(Cause)
    return [read(part.strip(), today) for part in re.split(r"[+;；]", text) if part.strip()]


def _event(name: str, kind: Any, label: str | Promise) -> tuple[Column, Column, Column]:
    return (
        Column(name, answers(kind), label),
        Column(f"{name}_on", read_date, _("day of it, YYYY-MM-DD")),
        Column(f"{name}_days", whole(0, MOST_DAYS), _("or whole days of it since day 0")),
    )


def _only_day(name: str, label: str | Promise) -> tuple[Column, Column]:
    return (
        Column(f"{name}_on", read_date, label),
        Column(f"{name}_days", whole(0, MOST_DAYS), _("or whole days of it since day 0")),
    )


def _unit(place: int) -> Iterator[Column]:
    yield Column(f"unit_{place}", text_of(40), _("number of the unit"))
    yield Column(f"own_{place}", answers(YesNo), _("is the unit of this bank: yes or no"))
    for name, high, label in (
        ("tnc_e7_per_kg", 200, _("nucleated cells as frozen, 10⁷ per kg of the patient")),
        ("cd34_e5_per_kg", 500, _("CD34+ cells as frozen, 10⁵ per kg of the patient")),
    ):
        yield Column(f"{name}_{place}", decimal(0, high, "/kg", Decimal("0.0001")), label)
    yield Column(f"antigen6_{place}", whole(0, 6), _("of 6: A and B by antigen, DRB1 by allele"))
    yield Column(f"allele8_{place}", whole(0, 8), _("of 8: A, B, C and DRB1 by allele"))


COLUMNS: tuple[Column, ...] = (
    Column("hospital", as_is, _("code of the hospital; or one hospital for the whole file")),
    Column("patient", text_of(40, "patient_form"), _("code by which the hospital knows the patient; never a name")),
    Column("sequence", whole(1, 20), _("which transplant of the patient it is; empty: the first")),
    Column("infused_on", read_day_0, _("day 0: day of the first infusion, YYYY-MM-DD; a month is not enough")),
    Column("graft_type", answers(GraftType), _("single, double, cord_haplo or supportive")),
    Column("diagnosis", diagnosis, _("code of the list of diagnoses, such as aml or thalassaemia")),
    Column("icd10", text_of(10), _("or its ICD-10 code, where that means only one of them")),
    Column("diagnosis_text", text_of(200), _("in words; needed where the diagnosis is “other”")),
    Column("stage", answers(Stage), _("cr1, cr2, cr3, no_remission, chronic_phase and so on")),
    Column("symptomatic", answers(YesNo), _("of an inherited disorder: symptoms before the transplant")),
    Column("risk_index", answers(RiskIndex), _("disease risk index: low, intermediate, high or very_high")),
    Column("age_years", decimal(0, MOST_AGE_YEARS, "years"), _("age on day 0")),
    Column("birth_date", read_birth, _("or the day of birth: only the age is kept")),
    Column("sex", answers(Sex), _("F or M")),
    Column("weight_kg", decimal(MIN_WEIGHT_KG, MAX_WEIGHT_KG, "kg"), _("weight on day 0")),
    Column("cmv", answers(Cmv), _("antibodies against CMV: P or N")),
    Column("karnofsky", whole(0, 100), _("Karnofsky or Lansky before the transplant")),
    Column("hct_ci", whole(0, MOST_HCT_CI), _("comorbidity index")),
    *_unit(1),
    *_unit(2),
    Column("conditioning", text_of(200), _("in words")),
    Column("intensity", answers(Intensity), _("of the conditioning: mac, ric or nma")),
    Column("atg", answers(YesNo), _("anti-thymocyte globulin: yes or no")),
    Column("tbi_gy", decimal(0, MOST_TBI_GY, "Gy"), _("total body irradiation; 0 where there was none")),
    Column("prophylaxis", answers(Prophylaxis), _("against GVHD: cni_mmf, cni_mtx, cni_steroid, cni, ptcy or other")),
    Column("status", answers(Contact), _("alive, dead or lost, on the day of the last contact")),
    Column("last_contact_on", read_date, _("day of the last contact or of the death, YYYY-MM-DD")),
    Column(
        "followed_months",
        decimal(0, MOST_MONTHS, "months", PLACES["months"]),
        _("or months from day 0 to it, of 30.4375 days; kept as given, to ten decimals"),
    ),
    Column("cause", answers(Cause), _("primary cause of death, such as relapse, acute_gvhd or bacterial")),
    Column("contributing", read_causes, _("other causes, parted by +")),
    *_event("neutrophils", Recovery, _("neutrophils recovered (0.5×10⁹/L): yes, no, never_below or unknown")),
    *_event("platelets", Recovery, _("platelets recovered (20×10⁹/L): yes, no, never_below or unknown")),
    *_event("graft_failure", GraftFailure, _("no, primary, secondary or unknown")),
    Column("acute_grade", read_grade, _("highest grade of acute GVHD: 0 to 4, or I to IV")),
    *_event("acute", YesNo, _("acute GVHD: yes, no or unknown")),
    *_only_day("acute_severe", _("day on which grade III or IV was first reached, YYYY-MM-DD")),
    *_event("chronic", YesNo, _("chronic GVHD: yes, no or unknown")),
    Column("chronic_severity", answers(Severity), _("of chronic GVHD: mild, moderate or severe")),
    *_event("chronic_systemic", YesNo, _("systemic treatment of chronic GVHD: yes, no or unknown")),
    *_event("relapse", YesNo, _("relapse or progression: yes, no or unknown")),
    *_event("second_transplant", YesNo, _("another transplant after this one: yes, no or unknown")),
    Column("donor_chimerism_percent", decimal(0, 100, "%", PLACES["tenth"]), _("the latest, %")),
    Column("enzyme_percent", decimal(0, 1_000, "%", PLACES["tenth"]), _("the latest enzyme activity, % of normal")),
)  # fmt: skip
READERS: dict[str, Reader] = {column.name: column.read for column in COLUMNS}
NAMES: tuple[str, ...] = tuple(READERS)
NEEDED: Final = ("patient", "infused_on", "graft_type", "status")
# What happened, in the order of its columns; each with `…_on` on the form of a follow-up.
EVENTS: Final = (
    "neutrophils", "platelets", "graft_failure", "acute", "chronic", "chronic_systemic", "relapse", "second_transplant",
)  # fmt: skip
# Columns of the form that are copied as they are read.
PLAIN_ANSWERS: Final = (
    "cause", "contributing", "acute_grade", "chronic_severity", "donor_chimerism_percent", "enzyme_percent",
)  # fmt: skip
OF_TRANSPLANT: Final = (
    "infused_on", "graft_type", "diagnosis", "diagnosis_text", "stage", "symptomatic", "risk_index", "age_years", "sex",
    "weight_kg", "cmv", "karnofsky", "hct_ci", "conditioning", "intensity", "atg", "tbi_gy", "prophylaxis",
    "months_followed",
)  # fmt: skip
OF_UNIT: Final = ("unit_no", "is_own", "tnc_e7_per_kg", "cd34_e5_per_kg", "antigen6", "allele8")
OF_FORM: Final = (
    "contact", "contact_on", *EVENTS, *(f"{name}_on" for name in EVENTS), "acute_grade", "acute_severe_on",
    "chronic_severity", "donor_chimerism_percent", "enzyme_percent", "primary_cause", "contributing",
)  # fmt: skip
