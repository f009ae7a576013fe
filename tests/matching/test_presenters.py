"""Words and figures of the pages, without a page."""

from __future__ import annotations

import re
import string
from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from hospitals.models import Patient
from matching.choices import Direction, Stage
from matching.engine.evidence import REASONS
from matching.engine.pairs import PAIR_RULES
from matching.engine.selection.blood_groups import abo_relation
from matching.engine.selection.catalogue import RULES
from matching.engine.selection.rules import parse
from matching.presenters import people, words
from matching.presenters.pair_words import label
from matching.presenters.progress import progress
from matching.presenters.requests import dose_text, floors_text
from matching.presenters.summary import class_values
from matching.selection.pairs import unit_rules
from tests.factories.hospitals import PatientFactory
from tests.factories.match_list import stored_run
from tests.factories.matching import SearchRunFactory

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("born", "text"),
    [
        (date(2026, 11, 23), "not born yet"),
        (date(2026, 11, 22), "0 months"),
        (date(2026, 10, 22), "1 month"),
        (date(2026, 10, 23), "0 months"),
        (date(2024, 11, 23), "23 months"),
        (date(2024, 11, 22), "2 years"),
        (date(1988, 3, 2), "38 years"),
        (date(2004, 2, 29), "22 years"),
    ],
)
def test_age_in_words(born: date, text: str) -> None:
    assert people.age_text(born, TODAY) == text


@pytest.mark.parametrize(
    ("sex", "born", "word"),
    [
        ("F", date(2020, 1, 1), "girl"),
        ("F", date(2000, 1, 1), "woman"),
        ("M", date(2020, 1, 1), "boy"),
        ("M", date(2000, 1, 1), "man"),
        ("U", date(2020, 1, 1), "child"),
        ("U", date(2000, 1, 1), "adult"),
    ],
)
def test_person_in_a_word(sex: str, born: date, word: str) -> None:
    assert people.person_word(sex, born, TODAY) == word


@pytest.mark.parametrize(
    ("patient", "unit", "match"),
    [
        ("A", "A", "identical"),
        ("O", "O", "identical"),
        ("A", "O", "minor"),
        ("AB", "A", "minor"),
        ("O", "A", "major"),
        ("A", "AB", "major"),
        ("A", "B", "both"),
        ("B", "A", "both"),
        ("", "A", ""),
        ("A", "", ""),
    ],
)
def test_abo_match(patient: str, unit: str, match: str) -> None:
    assert abo_relation(patient, unit) == match
    tag = people.abo_tag(patient, unit)
    assert (tag is None) == (match == "")


def test_patient_in_one_line(db: None) -> None:
    patient: Patient = PatientFactory.build(sex="M", birth_date=date(2024, 3, 1))

    line = people.patient_line(patient, Decimal("12.40"), TODAY)

    assert line == "boy, 2 years, 12.4 kg · Metachromatic leukodystrophy, presymptomatic"


def test_patient_line_says_what_is_not_known() -> None:
    patient = Patient(sex="U", birth_date=date(1990, 1, 1), diagnosis="other", diagnosis_text="rare one")

    assert people.patient_line(patient, None, TODAY) == "adult, 36 years, weight not known · rare one"


def _placeholders(template: str) -> set[str | None]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(template) if name}


def test_every_reason_of_the_kernel_has_words_with_the_same_values() -> None:
    assert set(words.REASONS) == set(REASONS)
    for code, template in REASONS.items():
        assert _placeholders(str(words.REASONS[code])) == _placeholders(template), code


def test_reason_of_a_newer_engine_is_shown_by_its_code() -> None:
    assert words.reason_text({"code": "from_the_future", "params": {}}) == "from_the_future"


def test_every_direction_has_a_word() -> None:
    assert set(words.UNIT_DIRECTION) == set(Direction.values)
    assert set(words.LOCUS_DIRECTION) == set(words.WHO_SEES)


@pytest.mark.parametrize(("low", "high", "text"), [(2, 2, "2"), (0, 2, "0–2")])
def test_span(low: int, high: int, text: str) -> None:
    assert words.span(low, high) == text


def test_floors_and_doses_in_words() -> None:
    assert floors_text({"allele8": 6, "antigen6": 4}) == "≥ 4/6 antigen, ≥ 6/8 allele"
    assert floors_text({}) == "none"
    assert dose_text("2.50") == "≥ 2.5 ×10⁷/kg"
    assert dose_text("10") == "≥ 10 ×10⁷/kg"
    assert dose_text(None) == ""


def test_class_values_fill_the_gaps_down_to_the_floor(db: None) -> None:
    run = stored_run([])
    run.counts = {"antigen6": [[5, 7, 2]]}
    run.criteria["floors"] = {"antigen6": 4}

    assert class_values(run, "antigen6") == [(6, 0, 0), (5, 7, 2), (4, 0, 0)]


@pytest.mark.parametrize(
    ("state", "stage", "marks"),
    [
        ("queued", "", [""] * 7),
        ("running", "snapshot", ["now", "", "", "", "", "", ""]),
        ("running", "rank", ["done", "done", "done", "now", "", "", ""]),
        ("running", "predict", ["done", "done", "done", "done", "now", "", ""]),
        ("failed", "build", ["done", "failed", "", "", "", "", "", ""]),
        ("done", "store", ["done"] * 7),
        ("running", "a stage of tomorrow", [""] * 7),
    ],
)
def test_stages_of_a_search(db: None, state: str, stage: str, marks: list[str]) -> None:
    run = SearchRunFactory()
    run.job.state, run.job.stage = state, stage

    shown = progress(run)

    assert [item["state"] for item in shown["stages"]] == marks
    assert len(marks) == len(Stage) - (stage != "build")  # shown only where it is done
    assert shown["title"]


def test_every_rule_of_pairs_has_a_name_in_the_language_of_the_reader() -> None:
    """Also those that stand under the table because the policy excludes by them."""
    codes = [
        *unit_rules(parse({"rules": {code: {"action": rule.actions[0]} for code, rule in RULES.items()}}))
    ]

    for code in (*codes, *PAIR_RULES):
        assert label(code) != code
        with translation.override("zh-hans"):
            assert re.search(r"[\u4e00-\u9fff]", label(code))
