"""What is refused, and what is only asked about."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from hospitals import plausibility
from hospitals.choices import DIAGNOSES
from hospitals.data import PatientData, WeightData
from hospitals.guards import guard_birth_date, guard_patient_data, guard_weight, latest_birth_date

BORN = datetime.date(2024, 3, 1)
DAY = datetime.timedelta(days=1)
DATA = PatientData(sex="F", birth_date=BORN)


def test_latest_birth_date_is_ten_months_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda: datetime.date(2026, 4, 30))

    assert latest_birth_date() == datetime.date(2027, 2, 28)


def test_birth_date_within_the_limits_passes() -> None:
    guard_birth_date(latest_birth_date())
    guard_birth_date(datetime.date(1900, 1, 1))


@pytest.mark.parametrize(
    ("date", "code"),
    [
        (lambda: latest_birth_date() + DAY, "birth_date_too_late"),
        (lambda: datetime.date(1899, 12, 31), "birth_date_too_early"),
    ],
)
def test_birth_date_outside_is_refused(date: Callable[[], datetime.date], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        guard_birth_date(date())

    assert (caught.value.code, caught.value.field) == (code, "birth_date")


@pytest.mark.parametrize(
    ("kg", "on", "code"),
    [
        ("0.99", lambda: BORN, "weight_out_of_range"),
        ("250.01", lambda: BORN, "weight_out_of_range"),
        ("NaN", lambda: BORN, "weight_out_of_range"),
        ("12", lambda: timezone.localdate() + DAY, "weighed_in_future"),
        ("12", lambda: BORN - DAY, "weighed_before_birth"),
    ],
)
def test_impossible_weighing_is_refused(kg: str, on: Callable[[], datetime.date], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        guard_weight(WeightData(weight_kg=Decimal(kg), measured_on=on()), BORN)

    assert caught.value.code == code


@pytest.mark.parametrize("kg", ["1", "250"])
def test_weights_at_the_limits_pass(kg: str) -> None:
    guard_weight(WeightData(weight_kg=Decimal(kg), measured_on=BORN), BORN)


def test_expected_weight_of_an_unborn_patient_passes() -> None:
    today = timezone.localdate()

    guard_weight(
        WeightData(weight_kg=Decimal(8), measured_on=today), birth_date=today + datetime.timedelta(days=60)
    )


@pytest.mark.parametrize("field", ["sex", "abo", "rh", "cmv", "diagnosis", "stage", "urgency", "populations"])
def test_value_outside_its_list_is_refused(field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        guard_patient_data(replace(DATA, **{field: "nonsense!"}))

    assert caught.value.field == field


def test_other_diagnosis_needs_words() -> None:
    with pytest.raises(InvalidInput) as caught:
        guard_patient_data(replace(DATA, diagnosis="other"))

    assert caught.value.field == "diagnosis_text"
    guard_patient_data(replace(DATA, diagnosis="other", diagnosis_text="something rare"))


@pytest.mark.parametrize(
    ("years", "kg", "asked"),
    [
        (0, "3.3", False),
        (2, "12.4", False),
        (2, "60", True),
        (2, "4", True),
        (40, "70", False),
        (40, "20", True),
    ],
)
def test_weight_for_age(years: int, kg: str, asked: bool) -> None:
    on = BORN + datetime.timedelta(days=round(years * 365.25))

    assert bool(plausibility.weight_doubts(Decimal(kg), BORN, on)) is asked


@given(st.floats(-1, 120))
def test_some_weight_is_plausible_at_every_age(age: float) -> None:
    low, high = plausibility.plausible_weight_kg(age)

    assert 1 <= low < high <= 250


def test_unborn_is_asked_about() -> None:
    assert [d.code for d in plausibility.birth_doubts(BORN, BORN - datetime.timedelta(days=1))] == ["unborn"]
    assert plausibility.birth_doubts(BORN, BORN) == []


@pytest.mark.parametrize(
    ("diagnosis", "stage", "asked"),
    [
        ("aml", "cr1", False),
        ("aml", "presymptomatic", True),
        ("mld", "presymptomatic", False),
        ("mld", "cr1", True),
        ("other", "cr1", False),
        ("aml", "", False),
        ("", "cr1", False),
    ],
)
def test_stage_of_another_kind_of_disease(diagnosis: str, stage: str, asked: bool) -> None:
    assert bool(plausibility.stage_doubts(diagnosis, stage)) is asked


def test_typing_without_drb1_is_asked_about() -> None:
    doubt = plausibility.typing_doubts(["A", "B"])[0]

    assert doubt.code == "not_searchable"
    assert "DRB1" in str(doubt.text)
    assert plausibility.typing_doubts(["A", "B", "DRB1", "C"]) == []


def test_diagnosis_codes_are_unique_and_named() -> None:
    codes = [entry.code for entry in DIAGNOSES]

    assert len(codes) == len(set(codes))
    assert all(entry.icd10 for entry in DIAGNOSES if entry.code != "other")
