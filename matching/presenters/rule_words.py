"""What the rules of choosing a graft are called, and what they found, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from bank.choices import (
    BLOCKS,
    HaemoglobinopathyValue,
    MarkerTest,
    RedCells,
    Scheme,
    Sex,
    Subject,
    TimePoint,
    UnitStatus,
)
from hospitals.choices import AntibodyMethod
from matching.engine.numbers import plain_number
from matching.presenters.words import UNIT_DIRECTION, span

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Words = Mapping[str, "StrPromise | str"]

NAMES: Words = {
    "offer": gettext_lazy("On offer"),
    "segments": gettext_lazy("Attached segment for confirmatory typing"),
    "tnc_dose": gettext_lazy("TNC per kg, before freezing"),
    "cd34_dose": gettext_lazy("CD34 per kg, before freezing"),
    "cfu_dose": gettext_lazy("Colony-forming units per kg"),
    "class_antigen6": gettext_lazy("Class by antigen (A, B) and allele (DRB1)"),
    "class_allele8": gettext_lazy("Class by allele, of 8"),
    "mismatches8": gettext_lazy("Allele mismatches of 8"),
    "c_matched": gettext_lazy("HLA-C matched"),
    "direction": gettext_lazy("Direction of the mismatches"),
    "nima": gettext_lazy("Mismatch is a non-inherited maternal antigen (NIMA)"),
    "dpb1": gettext_lazy("DPB1 by T-cell epitopes"),
    "b_leader": gettext_lazy("Same HLA-B leaders"),
    "dsa": gettext_lazy("No antibody of the patient against the unit"),
    "serum_age": gettext_lazy("Newest serum recent enough"),
    "accreditation": gettext_lazy("Bank accredited"),
    "red_cells": gettext_lazy("Red cells depleted"),
    "volume": gettext_lazy("Frozen volume"),
    "viability": gettext_lazy("Viability of nucleated cells"),
    "cd34_viability": gettext_lazy("Viability of CD34+ cells"),
    "haemoglobinopathy": gettext_lazy("No disease in the haemoglobinopathy screen"),
    "haemoglobinopathy_trait": gettext_lazy("No trait in the haemoglobinopathy screen"),
    "markers": gettext_lazy("Infectious disease markers complete, none positive"),
    "age": gettext_lazy("Age of the unit"),
    "abo": gettext_lazy("Blood group compatible"),
    "sex": gettext_lazy("Same sex"),
}
# For tags and chips, where a sentence has no room.
SHORT: Words = {
    "offer": gettext_lazy("not on offer"),
    "segments": gettext_lazy("no segment"),
    "tnc_dose": gettext_lazy("TNC too low"),
    "cd34_dose": gettext_lazy("CD34 too low"),
    "cfu_dose": gettext_lazy("no colonies"),
    "class_antigen6": gettext_lazy("antigen class"),
    "class_allele8": gettext_lazy("allele class"),
    "mismatches8": gettext_lazy("many mismatches"),
    "c_matched": gettext_lazy("C mismatch"),
    "direction": gettext_lazy("direction"),
    "nima": gettext_lazy("no NIMA match"),
    "dpb1": gettext_lazy("DPB1 not permissive"),
    "b_leader": gettext_lazy("other B leader"),
    "dsa": "DSA",
    "serum_age": gettext_lazy("old serum"),
    "accreditation": gettext_lazy("not accredited"),
    "red_cells": gettext_lazy("red cells replete"),
    "volume": gettext_lazy("unusual volume"),
    "viability": gettext_lazy("viability low"),
    "cd34_viability": gettext_lazy("CD34 viability low"),
    "haemoglobinopathy": gettext_lazy("haemoglobinopathy"),
    "haemoglobinopathy_trait": gettext_lazy("haemoglobinopathy trait"),
    "markers": gettext_lazy("infectious disease marker"),
    "age": gettext_lazy("old unit"),
    "abo": gettext_lazy("blood group"),
    "sex": gettext_lazy("other sex"),
}
GROUPS: Words = {
    "offer": gettext_lazy("Offer and identity"),
    "dose": gettext_lazy("Cell dose"),
    "hla": gettext_lazy("HLA"),
    "antibodies": gettext_lazy("Antibodies of the patient"),
    "quality": gettext_lazy("Quality of the unit"),
}
ACTIONS: Words = {
    "exclude": gettext_lazy("excludes"),
    "warn": gettext_lazy("warns"),
    "sort": gettext_lazy("orders"),
    "show": gettext_lazy("is shown"),
    "off": gettext_lazy("is off"),
}
OUTCOMES: Words = {
    "passed": gettext_lazy("met"),
    "failed": gettext_lazy("not met"),
    "unknown": gettext_lazy("cannot tell"),
    "not_applicable": gettext_lazy("does not apply"),
}
MISSING: Words = {
    "status": gettext_lazy("its state"),
    "offered": gettext_lazy("that the unit is on offer"),
    "segments": gettext_lazy("the number of segments"),
    "weight": gettext_lazy("the patient's weight"),
    "tnc": gettext_lazy("the unit's TNC"),
    "cd34": gettext_lazy("the unit's CD34"),
    "cfu": gettext_lazy("the unit's colony-forming units"),
    "class": gettext_lazy("a better typing"),
    "antigen_rule": gettext_lazy("a search by this policy's antigen rule"),
    "direction": gettext_lazy("a better typing"),
    "mother_untyped": gettext_lazy("the HLA typing of the unit's mother"),
    "mother_excluded": gettext_lazy("a mother's typing that fits the unit"),
    "phase": gettext_lazy("which of the mother's types the unit inherited"),
    "typing": gettext_lazy("a better typing"),
    "dpb1": gettext_lazy("DPB1 of both, or their epitope groups"),
    "leader": gettext_lazy("a better typing at B"),
    "antibodies": gettext_lazy("an antibody test of the patient"),
    "antibodies_I": gettext_lazy("an accepted antibody test of the patient for class I"),
    "antibodies_II": gettext_lazy("an accepted antibody test of the patient for class II"),
    "accreditation": gettext_lazy("a recorded accreditation of the bank"),
    "red_cells": gettext_lazy("whether red cells were depleted"),
    "volume": gettext_lazy("the frozen volume"),
    "viability": gettext_lazy("the viability of nucleated cells"),
    "cd34_viability": gettext_lazy("the viability of CD34+ cells"),
    "haemoglobinopathy": gettext_lazy("a result of the haemoglobinopathy screen"),
    "markers": gettext_lazy("infectious disease markers of unit and mother"),
    "markers_unit": gettext_lazy("infectious disease markers of the unit"),
    "markers_mother": gettext_lazy("infectious disease markers of the mother"),
    "verification": gettext_lazy("a second person who verifies the result"),
    "measured": gettext_lazy("a measured value; this one is invented"),
    "collected_on": gettext_lazy("the day of collection"),
    "abo": gettext_lazy("both blood groups"),
    "sex": gettext_lazy("both sexes"),
}
ABO: Words = {
    "identical": gettext_lazy("identical"),
    "minor": gettext_lazy("minor"),
    "major": gettext_lazy("major"),
    "both": gettext_lazy("major and minor"),
}
DIRECTIONS: Words = {**UNIT_DIRECTION, "matched": gettext_lazy("no mismatch")}
DPB1: Words = {
    "matched": pgettext_lazy("DPB1", "matched"),
    "permissive": pgettext_lazy("DPB1", "permissive"),
    "non-permissive-gvh": gettext_lazy("not permissive, GvH"),
    "non-permissive-hvg": gettext_lazy("not permissive, HvG"),
}
OF: Words = {
    "peak": gettext_lazy("the highest ever"),
    "newest": gettext_lazy("the newest"),
}
BOUNDS: Words = {
    "at_least": gettext_lazy("is enough"),
    "above": gettext_lazy("is too little"),
}
SERUM: Words = {"antigen": gettext_lazy("by antigen"), "allele": gettext_lazy("by allele"), "": ""}


def missing_text(codes: list[str] | tuple[str, ...]) -> str:
    """What would be needed to tell."""
    return ", ".join(dict.fromkeys(_missing(code) for code in codes))


def _missing(code: str) -> str:
    if code.startswith("typing_"):
        return _("a better typing at %(locus)s") % {"locus": code.removeprefix("typing_")}
    if code.startswith("marker_"):
        subject, test = code.removeprefix("marker_").split("_", 1)
        return _marker(subject, test)
    if code.startswith("bead_"):
        return _("an antibody test against %(allele)s itself") % {"allele": code.removeprefix("bead_")}
    return str(MISSING.get(code, code))


def _marker(subject: str, test: str) -> str:
    """HBsAg (Mother)"""
    return _("%(test)s (%(subject)s)") % {"test": MarkerTest(test).label, "subject": Subject(subject).label}


def choice_words(code: str, parameter: str) -> Words:
    """The words of the options of a threshold that is a choice."""
    if parameter == "of":
        return OF
    if parameter == "bound":
        return BOUNDS
    if parameter == "methods":
        return dict(AntibodyMethod.choices)
    if code == "accreditation":
        return dict(Scheme.choices)
    if code == "markers":
        return dict(Subject.choices if parameter == "subjects" else MarkerTest.choices)
    return {"abo": ABO, "direction": DIRECTIONS, "dpb1": DPB1}[code]


def threshold_text(code: str, values: Mapping[str, Any]) -> str:
    """What a rule asks, "" where its name says it all."""
    number = {
        name: plain_number(value) if isinstance(value, Decimal) else value for name, value in values.items()
    }
    match code:
        case "tnc_dose":
            if values["bound"] == "above":
                return _("above %(least)s ×10⁷/kg") % number
            return _("at least %(least)s ×10⁷/kg") % number
        case "cd34_dose" | "cfu_dose":
            return _("at least %(least)s ×10⁵/kg") % number
        case "class_antigen6":
            return _("at least %(least)s/6") % number
        case "class_allele8":
            return _("at least %(least)s/8") % number
        case "segments":
            return _("at least %(least)s") % number
        case "mismatches8":
            return _("at most %(most)s") % number
        case "volume":
            return _("%(least)s to %(most)s mL") % number
        case "viability" | "cd34_viability":
            return _("at least %(least)s %%") % number
        case "serum_age":
            return _("at most %(most_days)s days old") % number
        case "age":
            return _("at most %(most_years)s years") % number
        case "dsa":
            looked_at = ", ".join(str(OF[one]) for one in values["of"])
            return _("MFI below %(mfi)s (%(of)s)") % {"mfi": values["mfi"], "of": looked_at}
        case "accreditation" | "abo" | "direction" | "dpb1":
            words = choice_words(code, "accepted")
            return ", ".join(str(words[one]) for one in values["accepted"])
        case "markers":
            return _markers_asked(values)
    return ""


def _markers_asked(values: Mapping[str, Any]) -> str:
    named = {
        name: ", ".join(str(choice_words("markers", name)[one]) for one in chosen)
        for name, chosen in values.items()
    }
    if not named["accepted"]:
        return _("%(tests)s of: %(subjects)s") % named
    return _("%(tests)s of: %(subjects)s; may be positive: %(accepted)s") % named


def value_text(code: str, value: Any) -> str:
    """What was found, "" where nothing is known."""
    if value is None:
        return ""
    return str(_VALUES[code](value)) if code in _VALUES else str(value)


def _spanned(size: str) -> Any:
    return lambda value: f"{span(*value)}{size}"


def _offer(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(BLOCKS[flag]) for flag in value)
    return str(UnitStatus(value).label) if value in UnitStatus.values else _("no longer on offer")


def _dsa(value: list[list[Any]]) -> str:
    """A*24:02 (MFI 12,000, by allele)"""
    return "; ".join(
        f"{text} ({', '.join(filter(None, [_mfi(mfi), str(SERUM.get(level, level))]))})"
        for text, mfi, level, _unit in value
    )


def _mfi(mfi: int | None) -> str:
    return _("positive, without MFI") if mfi is None else f"MFI {mfi:,}"


def _days(value: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", value) % {"n": value}


def _years(value: int) -> str:
    return ngettext("%(n)d year", "%(n)d years", value) % {"n": value}


def amount_of(value: Any) -> float:
    """The number of a finding that has a time point beside it, and of one that has none."""
    return float(value[0] if isinstance(value, list) else value)


def _timed(form: str) -> Any:
    """83 %, Segment after thaw"""

    def text(value: Any) -> str:
        point = value[1] if isinstance(value, list) else ""
        label = str(TimePoint(point).label) if point else ""
        return ", ".join(filter(None, (form % amount_of(value), label)))

    return text


def _accredited(value: Any) -> str:
    if isinstance(value, dict):
        return _("ended: %(schemes)s") % {"schemes": _schemes(value["ended"])}
    return _schemes(value)


def _schemes(codes: list[str]) -> str:
    return ", ".join(str(Scheme(one).label) for one in codes)


def _positive(value: list[list[str]]) -> str:
    if not value:
        return ""
    return _("positive: %(tests)s") % {"tests": ", ".join(_marker(*one) for one in value)}


_VALUES: Mapping[str, Any] = {
    "offer": _offer,
    "tnc_dose": lambda value: f"{value:.2f} ×10⁷/kg",
    "cd34_dose": lambda value: f"{value:.2f} ×10⁵/kg",
    "cfu_dose": _timed("%.2f ×10⁵/kg"),
    "class_antigen6": _spanned("/6"),
    "class_allele8": _spanned("/8"),
    "mismatches8": _spanned(""),
    "c_matched": _spanned("/2"),
    "direction": lambda value: str(DIRECTIONS[value]),
    "dpb1": lambda value: str(DPB1[value]),
    "b_leader": lambda value: (
        _("patient %(patient)s, unit %(unit)s") % dict(zip(("patient", "unit"), value, strict=True))
    ),
    "dsa": _dsa,
    "serum_age": _days,
    "accreditation": _accredited,
    "red_cells": lambda value: str(RedCells(value).label),
    "volume": lambda value: f"{value:g} mL",
    "viability": _timed("%g %%"),
    "cd34_viability": _timed("%g %%"),
    "haemoglobinopathy": lambda value: str(HaemoglobinopathyValue(value).label),
    "haemoglobinopathy_trait": lambda value: str(HaemoglobinopathyValue(value).label),
    "markers": _positive,
    "age": _years,
    "abo": lambda value: str(ABO[value]),
    "sex": lambda value: (
        _("patient %(patient)s, unit %(unit)s")
        % {"patient": Sex(value[0]).label, "unit": Sex(value[1]).label}
    ),
}
