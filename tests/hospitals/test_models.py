"""Small things that rows say of themselves."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone, translation

from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital, Patient, PatientIdentity, PatientWeight, kg_text
from tests.factories.hospitals import GL, MembershipFactory, PatientFactory, PatientTypingFactory


@pytest.mark.parametrize(
    ("kg", "text"), [("12.40", "12.4"), ("60.00", "60"), ("100", "100"), ("1.05", "1.05")]
)
def test_weight_without_idle_zeros(kg: str, text: str) -> None:
    assert kg_text(Decimal(kg)) == text
    assert PatientWeight(weight_kg=Decimal(kg)).kg_text == text


def test_unknown_weight_is_empty() -> None:
    assert Patient().kg_text == ""


@pytest.mark.parametrize("text", ["han", "HAN+UIG", "HAN:1"])
def test_populations_have_their_one_form(text: str, db: None) -> None:
    with pytest.raises(IntegrityError, match="hospitals_patient_populations_form"), transaction.atomic():
        PatientFactory(populations=text)
    assert PatientFactory(populations="HAN:0.75+UIG:0.25")


def test_name_in_the_language_of_the_reader() -> None:
    hospital = Hospital(code="H1", name="Synthetic Hospital 1", name_zh="合成医院1")

    with translation.override("zh-hans"):
        assert hospital.display_name == "合成医院1"
    with translation.override("en"):
        assert hospital.display_name == "Synthetic Hospital 1"
    with translation.override("zh-hans"):
        assert Hospital(name="Only English").display_name == "Only English"


def test_qualification_ends_with_its_day() -> None:
    today = timezone.localdate()

    assert Hospital(qualified_until=today).is_qualified
    assert not Hospital(qualified_until=today - datetime.timedelta(days=1)).is_qualified
    assert not Hospital().is_qualified


def test_names_for_the_audit_hold_no_person(db: None) -> None:
    patient = PatientFactory()
    typing = PatientTypingFactory(patient=patient)

    assert str(patient) == patient.code
    assert str(typing) == GL
    assert str(PatientIdentity(patient=patient, name="Invented Name")) == f"identity of {patient.pk}"
    assert "12.4" in str(PatientWeight(weight_kg=Decimal("12.4"), measured_on=datetime.date(2026, 1, 1)))
    assert patient.hospital.code in str(MembershipFactory(hospital=patient.hospital))


def test_a_choice_of_hospitals_speaks_the_readers_language() -> None:
    field = HospitalChoiceField(queryset=Hospital.objects.none())
    hospital = Hospital(code="H1", name="Synthetic Hospital 1", name_zh="合成医院1")

    with translation.override("zh-hans"):
        assert field.label_from_instance(hospital) == "H1 合成医院1"
    assert field.label_from_instance(hospital) == "H1 Synthetic Hospital 1"
