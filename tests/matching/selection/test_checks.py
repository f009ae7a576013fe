"""Each rule at its edges: exactly at the threshold, just beside it, missing, zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bank.choices import MarkerTest
from matching.engine.selection.catalogue import MARKERS, RULES
from matching.engine.selection.checks import CHECKS
from matching.engine.selection.evaluate import evaluate
from matching.engine.selection.facts import Bead, Marker, Measured, PatientFacts, UnitFacts
from matching.engine.selection.rules import parse

PATIENT = PatientFacts(
    today=date(2026, 11, 28),
    weight_kg=Decimal(60),
    abo="A",
    sex="F",
    antibodies_tested=True,
    serum_days=(("I", date(2026, 11, 1)), ("II", date(2026, 11, 1))),
    antibody_tests=(("single_antigen", "I"), ("single_antigen", "II")),
)
BEAD = Bead("A*24:02", "yes", "allele", "A*24:02", mfi_peak=1000, mfi_newest=400, loci=("A",))
CALLED = replace(BEAD, mfi_peak=None, unquantified=("peak",))
MADE_UP = Measured(99.0, standing="invented")
PANEL = tuple(
    (subject, test, "positive" if (subject, test) == ("mother", "cmv") else "negative", True)
    for subject in ("mother", "unit")
    for test in ("anti_hiv_12", "hbs_ag", "anti_hcv", "syphilis", "cmv")
)


def seen(value: float) -> Measured:
    return Measured(value, "processing", "verified")


def screened(result: str) -> dict[str, Any]:
    return {"haemoglobinopathy": result, "haemoglobinopathy_verified": True}


def panel(subject: str, test: str, result: str, verified: bool = True) -> tuple[Marker, ...]:
    """PANEL with one other result."""
    return tuple((subject, test, result, verified) if one[:2] == (subject, test) else one for one in PANEL)


OPEN = replace(BEAD, carried="unknown", unit="", level="")


def outcome(
    code: str, patient: PatientFacts, unit: UnitFacts, **values: Any
) -> tuple[str, Any, tuple[str, ...]]:
    setting = parse({"rules": {code: values}}).settings[code]
    found = CHECKS[code](setting.values, patient, unit)
    return found.outcome, found.value, found.missing


@pytest.mark.parametrize(
    ("code", "unit", "told"),
    [
        ("offer", {"offered": True, "status": "LISTED"}, ("passed", "LISTED", ())),
        ("offer", {"offered": False, "blocks": ("recalled",)}, ("failed", ["recalled"], ())),
        ("offer", {}, ("unknown", None, ("status",))),
        ("segments", {"segments": 1}, ("passed", 1, ())),
        ("segments", {"segments": 0}, ("failed", 0, ())),
        ("segments", {}, ("unknown", None, ("segments",))),
        # 2.5 ×10⁷/kg × 60 kg = 150 ×10⁷, whole cells decide
        ("tnc_dose", {"tnc_e4": 150_000}, ("passed", 2.5, ())),
        ("tnc_dose", {"tnc_e4": 149_999}, ("failed", 2.5, ())),
        ("tnc_dose", {}, ("unknown", None, ("tnc",))),
        ("tnc_dose", {"tnc_e4": 0}, ("failed", 0.0, ())),
        ("cd34_dose", {"cd34_e3": 9_000}, ("passed", 1.5, ())),
        ("cd34_dose", {"cd34_e3": 8_999}, ("failed", 1.4998, ())),
        ("cd34_dose", {}, ("unknown", None, ("cd34",))),
        ("cfu_dose", {"cfu_e5": seen(6.0)}, ("passed", [0.1, "processing"], ())),
        ("cfu_dose", {"cfu_e5": Measured(6.0)}, ("unknown", [0.1, ""], ("verification",))),
        ("cfu_dose", {"cfu_e5": seen(0.0)}, ("failed", [0.0, "processing"], ())),
        ("cfu_dose", {}, ("unknown", None, ("cfu",))),
        ("class_antigen6", {"classes": {"antigen6": (4, 6)}}, ("passed", [4, 6], ())),
        ("class_antigen6", {"classes": {"antigen6": (3, 4)}}, ("unknown", [3, 4], ("class",))),
        ("class_antigen6", {"classes": {"antigen6": (3, 3)}}, ("failed", [3, 3], ())),
        ("class_antigen6", {}, ("unknown", None, ("class",))),
        ("class_allele8", {"classes": {"allele8": (4, 8)}}, ("passed", [4, 8], ())),
        ("class_allele8", {"classes": {"allele8": (2, 4)}}, ("unknown", [2, 4], ("class",))),
        ("class_allele8", {"classes": {"allele8": (0, 3)}}, ("failed", [0, 3], ())),
        ("mismatches8", {"classes": {"allele8": (4, 5)}}, ("passed", [3, 4], ())),
        ("mismatches8", {"classes": {"allele8": (3, 4)}}, ("unknown", [4, 5], ("class",))),
        ("mismatches8", {"classes": {"allele8": (3, 3)}}, ("failed", [5, 5], ())),
        ("mismatches8", {}, ("unknown", None, ("class",))),
        ("c_matched", {"matches": {"C": (2, 2)}}, ("passed", [2, 2], ())),
        ("c_matched", {"matches": {"C": (1, 2)}}, ("unknown", [1, 2], ("typing_C",))),
        ("c_matched", {"matches": {"C": (0, 1)}}, ("failed", [0, 1], ())),
        ("c_matched", {}, ("unknown", None, ("typing_C",))),
        ("direction", {"direction": "matched"}, ("passed", "matched", ())),
        ("direction", {"direction": "gvh-only"}, ("passed", "gvh-only", ())),
        ("direction", {"direction": "hvg-only"}, ("failed", "hvg-only", ())),
        ("direction", {}, ("unknown", None, ("direction",))),
        ("nima", {"nima": 1}, ("passed", 1, ())),
        ("nima", {"nima": 0}, ("failed", 0, ())),
        ("nima", {"nima_why": "phase"}, ("unknown", None, ("phase",))),
        ("dpb1", {"dpb1": "permissive"}, ("passed", "permissive", ())),
        ("dpb1", {"dpb1": "non-permissive-gvh"}, ("failed", "non-permissive-gvh", ())),
        ("dpb1", {}, ("unknown", None, ("dpb1",))),
        ("b_leader", {"leader_patient": "MT", "leader_unit": "MT"}, ("passed", ["MT", "MT"], ())),
        ("b_leader", {"leader_patient": "MT", "leader_unit": "TT"}, ("failed", ["MT", "TT"], ())),
        ("b_leader", {"leader_patient": "MT"}, ("unknown", ["MT", "unknown"], ("leader",))),
        ("dsa", {}, ("passed", [], ())),
        ("dsa", {"beads": (BEAD,)}, ("failed", [["A*24:02", 1000, "allele", "A*24:02"]], ())),
        ("dsa", {"beads": (replace(BEAD, mfi_peak=999),)}, ("passed", [["A*24:02", 999, "allele", "A*24:02"]], ())),
        ("dsa", {"beads": (CALLED,)}, ("failed", [["A*24:02", None, "allele", "A*24:02"]], ())),
        ("dsa", {"beads": (replace(BEAD, carried="no"),)}, ("passed", [], ())),
        ("dsa", {"beads": (OPEN,)}, ("unknown", [["A*24:02", 1000, "", ""]], ("typing_A",))),
        ("dsa", {"beads": (OPEN, BEAD)}, ("failed", [["A*24:02", 1000, "allele", "A*24:02"]], ())),
        ("serum_age", {}, ("passed", 27, ())),
        ("accreditation", {"accreditations": ("aabb",)}, ("passed", ["aabb"], ())),
        ("accreditation", {"accreditations": ("other",)}, ("failed", ["other"], ())),
        ("accreditation", {"accreditations_ended": ("aabb",)}, ("failed", {"ended": ["aabb"]}, ())),
        ("accreditation", {"accreditations": ("aabb",), "accreditations_ended": ("other",)}, ("passed", ["aabb"], ())),
        ("accreditation", {}, ("unknown", None, ("accreditation",))),
        ("red_cells", {"red_cells": "depleted"}, ("passed", "depleted", ())),
        ("red_cells", {"red_cells": "replete"}, ("failed", "replete", ())),
        ("red_cells", {}, ("unknown", None, ("red_cells",))),
        ("volume", {"volume_ml": 24.5}, ("passed", 24.5, ())),
        ("volume", {"volume_ml": 26.0}, ("passed", 26.0, ())),
        ("volume", {"volume_ml": 24.4}, ("failed", 24.4, ())),
        ("volume", {"volume_ml": 26.1}, ("failed", 26.1, ())),
        ("volume", {"volume_ml": 25, "counts_invented": True}, ("unknown", 25, ("measured",))),
        ("volume", {}, ("unknown", None, ("volume",))),
        ("viability", {"viability_percent": seen(80.0)}, ("passed", [80.0, "processing"], ())),
        ("viability", {"viability_percent": seen(79.9)}, ("failed", [79.9, "processing"], ())),
        ("viability", {"viability_percent": Measured(79.9)}, ("failed", [79.9, ""], ())),
        ("viability", {"viability_percent": Measured(80.0)}, ("unknown", [80.0, ""], ("verification",))),
        ("viability", {"viability_percent": MADE_UP}, ("unknown", [99.0, ""], ("measured",))),
        ("viability", {}, ("unknown", None, ("viability",))),
        ("cd34_viability", {"cd34_viability_percent": seen(85.0)}, ("passed", [85.0, "processing"], ())),
        ("cd34_viability", {"cd34_viability_percent": seen(0.0)}, ("failed", [0.0, "processing"], ())),
        ("cd34_viability", {}, ("unknown", None, ("cd34_viability",))),
        ("haemoglobinopathy", screened("not_found"), ("passed", "not_found", ())),
        ("haemoglobinopathy", screened("trait"), ("passed", "trait", ())),
        ("haemoglobinopathy", screened("disease"), ("failed", "disease", ())),
        ("haemoglobinopathy", {"haemoglobinopathy": "not_found"}, ("unknown", "not_found", ("verification",))),
        ("haemoglobinopathy", {"haemoglobinopathy": "disease"}, ("failed", "disease", ())),
        ("haemoglobinopathy_trait", screened("not_found"), ("passed", "not_found", ())),
        ("haemoglobinopathy_trait", screened("trait"), ("failed", "trait", ())),
        ("haemoglobinopathy_trait", screened("disease"), ("failed", "disease", ())),
        ("haemoglobinopathy_trait", screened("pending"), ("unknown", "pending", ("haemoglobinopathy",))),
        ("haemoglobinopathy_trait", {}, ("unknown", None, ("haemoglobinopathy",))),
        ("markers", {}, ("unknown", None, ("markers",))),
        ("haemoglobinopathy", {"haemoglobinopathy": "pending"}, ("unknown", "pending", ("haemoglobinopathy",))),
        ("haemoglobinopathy", {}, ("unknown", None, ("haemoglobinopathy",))),
        ("age", {"collected_on": date(2016, 11, 28)}, ("passed", 10, ())),
        ("age", {"collected_on": date(2016, 11, 27)}, ("failed", 10, ())),
        ("age", {}, ("unknown", None, ("collected_on",))),
        ("abo", {"abo_relation": "minor"}, ("passed", "minor", ())),
        ("abo", {"abo_relation": "both"}, ("failed", "both", ())),
        ("abo", {}, ("unknown", None, ("abo",))),
        ("sex", {"sex": "F"}, ("passed", ["F", "F"], ())),
        ("sex", {"sex": "M"}, ("failed", ["F", "M"], ())),
        ("sex", {}, ("unknown", None, ("sex",))),
    ],
)  # fmt: skip
def test_a_rule_at_its_edges(code: str, unit: dict[str, Any], told: tuple[str, Any, tuple[str, ...]]) -> None:
    assert outcome(code, PATIENT, UnitFacts(**unit)) == told


CMV = ["mother", "cmv"]  # positive in PANEL, and accepted


@pytest.mark.parametrize(
    ("markers", "told"),
    [
        (PANEL, ("passed", [CMV], ())),
        (panel("mother", "hbs_ag", "positive"), ("failed", [["mother", "hbs_ag"], CMV], ())),
        ((*PANEL, ("unit", "wnv", "positive", False)), ("failed", [CMV, ["unit", "wnv"]], ())),
        (panel("unit", "hbs_ag", "indeterminate"), ("unknown", [CMV], ("marker_unit_hbs_ag",))),
        ((*PANEL, ("unit", "wnv", "indeterminate", True)), ("unknown", [CMV], ("marker_unit_wnv",))),
        (panel("unit", "hbs_ag", "negative", verified=False), ("unknown", [CMV], ("verification",))),
        (
            tuple(one for one in PANEL if one[1] != "syphilis"),
            ("unknown", [CMV], ("marker_unit_syphilis", "marker_mother_syphilis")),
        ),
        (tuple(one for one in PANEL if one[0] == "mother"), ("unknown", [CMV], ("markers_unit",))),
    ],
)
def test_markers_are_complete_and_none_is_positive(
    markers: tuple[Marker, ...], told: tuple[str, Any, tuple[str, ...]]
) -> None:
    assert outcome("markers", PATIENT, UnitFacts(markers=markers)) == told


def test_every_rule_has_a_check_and_edges_above() -> None:
    mark = test_a_rule_at_its_edges.pytestmark[0]  # type: ignore[attr-defined]
    tested = {(code, told[0]) for code, _unit, told in mark.args[1]}

    assert set(CHECKS) == set(RULES)
    assert {code for code, _outcome in tested} == set(RULES)
    open_ones = {code for code, found in tested if found == "unknown"}
    assert set(RULES) - open_ones == {"serum_age"}  # below


@pytest.mark.parametrize("code", ["tnc_dose", "cd34_dose", "cfu_dose"])
def test_no_dose_without_a_weight(code: str) -> None:
    unit = UnitFacts(tnc_e4=150_000, cd34_e3=9_000, cfu_e5=seen(6))

    assert outcome(code, replace(PATIENT, weight_kg=None), unit) == ("unknown", None, ("weight",))


def test_colonies_against_a_threshold() -> None:
    assert outcome("cfu_dose", PATIENT, UnitFacts(cfu_e5=seen(6.0)), least="0.1")[0] == "passed"
    assert outcome("cfu_dose", PATIENT, UnitFacts(cfu_e5=seen(5.9)), least="0.1")[0] == "failed"


def test_an_untested_patient_has_no_clean_units() -> None:
    untested = replace(PATIENT, antibodies_tested=False, serum_days=())

    assert outcome("dsa", untested, UnitFacts()) == ("unknown", None, ("antibodies",))
    assert outcome("serum_age", untested, UnitFacts()) == ("unknown", None, ("antibodies",))


def test_the_policy_chooses_the_strength_it_looks_at() -> None:
    unit = UnitFacts(beads=(BEAD,))

    assert outcome("dsa", PATIENT, unit, of=["newest"])[0] == "passed"
    assert outcome("dsa", PATIENT, unit, of=["peak", "newest"])[0] == "failed"
    assert outcome("dsa", PATIENT, unit, of=["newest"], mfi=400)[0] == "failed"


@pytest.mark.parametrize(("days", "expected"), [(180, "passed"), (181, "failed")])
def test_a_serum_grows_old(days: int, expected: str) -> None:
    tested = date.fromordinal(PATIENT.today.toordinal() - days)

    both = replace(PATIENT, serum_days=(("I", tested), ("II", tested)))
    assert outcome("serum_age", both, UnitFacts()) == (expected, days, ())


def test_a_new_serum_of_one_class_makes_the_other_class_no_younger() -> None:
    old = date.fromordinal(PATIENT.today.toordinal() - 700)
    half = replace(PATIENT, serum_days=(("I", PATIENT.today), ("II", old)))

    assert outcome("serum_age", half, UnitFacts()) == ("failed", 700, ())
    only_one = replace(PATIENT, serum_days=(("I", PATIENT.today),))
    assert outcome("serum_age", only_one, UnitFacts()) == ("unknown", 0, ("antibodies_II",))
    old_one = replace(PATIENT, serum_days=(("I", old),))
    assert outcome("serum_age", old_one, UnitFacts()) == ("failed", 700, ())


def test_the_leap_day_ages_on_the_28th() -> None:
    leap = replace(PATIENT, today=date(2026, 2, 28))

    assert outcome("age", leap, UnitFacts(collected_on=date(2016, 2, 29))) == ("passed", 9, ())
    assert (
        outcome("age", replace(PATIENT, today=date(2024, 2, 29)), UnitFacts(collected_on=date(2014, 2, 28)))[
            0
        ]
        == "passed"
    )


def test_only_failed_rules_exclude_and_open_ones_warn() -> None:
    known = UnitFacts(offered=True, tnc_e4=1, classes={"antigen6": (3, 4), "allele8": (8, 8)})
    found = evaluate(parse({}), PATIENT, known)

    assert found.excluded_by == ("tnc_dose",)
    assert "class_antigen6" in found.warnings
    assert "sex" not in {one.code for one in found.findings}  # off


def test_quality_counts_what_failed_and_what_is_open() -> None:
    poor = UnitFacts(
        red_cells="replete", viability_percent=seen(70), accreditations=("aabb",), abo_relation="both"
    )

    # open: CD34 viability, disease and trait, markers
    assert evaluate(parse({}), PATIENT, poor).quality == (3, 4)


@pytest.mark.parametrize("code", ["tnc_dose", "cd34_dose"])
def test_made_up_counts_never_pass_a_dose(code: str) -> None:
    unit = UnitFacts(tnc_e4=150_000, cd34_e3=9_000, counts_invented=True)

    assert outcome(code, PATIENT, unit)[::2] == ("unknown", ("measured",))
    assert outcome(code, PATIENT, replace(unit, tnc_e4=1, cd34_e3=1))[0] == "failed"


def test_the_policy_says_which_markers_of_whom_it_asks() -> None:
    mothers = UnitFacts(markers=tuple(one for one in PANEL if one[0] == "mother"))

    assert outcome("markers", PATIENT, mothers, subjects=["mother"])[0] == "passed"
    assert outcome("markers", PATIENT, mothers, subjects=["mother"], accepted=[])[0] == "failed"
    assert outcome("markers", PATIENT, mothers, subjects=["mother"], tests=["hcv_nat"])[::2] == (
        "unknown",
        ("marker_mother_hcv_nat",),
    )


def test_the_markers_are_those_of_the_bank() -> None:
    assert tuple(MarkerTest.values) == MARKERS


@pytest.mark.parametrize(
    ("tnc_e4", "bound", "expected"),
    [
        (150_000, "at_least", "passed"),
        (150_000, "above", "failed"),
        (150_001, "above", "passed"),
    ],
)
def test_a_policy_may_ask_for_more_than_its_dose(tnc_e4: int, bound: str, expected: str) -> None:
    assert outcome("tnc_dose", PATIENT, UnitFacts(tnc_e4=tnc_e4), bound=bound)[0] == expected


def test_classes_by_another_antigen_rule_tell_nothing() -> None:
    unit = UnitFacts(classes={"antigen6": (6, 6)}, other_antigen_rule=True)

    assert outcome("class_antigen6", PATIENT, unit) == ("unknown", None, ("antigen_rule",))
