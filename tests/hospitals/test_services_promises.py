"""What holds for every service of patients: nothing without its audit entry, and what the database refuses."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core.audit import Actor
from core.roles import Role
from core.typings import TypingInput
from hospitals import services, services_people
from hospitals.data import DepartmentData, HospitalData, IdentityData, PatientData, WeightData
from hospitals.models import (
    Department,
    Hospital,
    Membership,
    Patient,
    PatientHlaTyping,
    PatientIdentity,
    PatientWeight,
)
from tests.factories.core import UserFactory
from tests.factories.hospitals import (
    DepartmentFactory,
    MembershipFactory,
    PatientFactory,
    PatientTypingFactory,
)

DATA = PatientData(sex="F", birth_date=datetime.date(2024, 3, 1), diagnosis="mld")
HOSPITAL = HospitalData(code="H900", name="Synthetic Hospital 900", city="Wuhan")
TODAY = timezone.localdate


def weight(kg: str, days_ago: int = 0) -> WeightData:
    return WeightData(weight_kg=Decimal(kg), measured_on=TODAY() - datetime.timedelta(days=days_ago))


# --- the rule of all services ---

WRITES: dict[str, Callable[[Patient, Actor], Any]] = {
    "hospital_create": lambda p, by: services.hospital_create(data=HOSPITAL, by=by),
    "hospital_update": lambda p, by: services.hospital_update(
        hospital_id=p.hospital_id, data=HOSPITAL, version=1, by=by
    ),
    "membership_add": lambda p, by: services.membership_add(
        hospital_id=p.hospital_id, user_id=UserFactory(roles=[Role.HOSPITAL_COORDINATOR]).pk, by=by
    ),
    "membership_remove": lambda p, by: services.membership_remove(
        membership_id=Membership.objects.first().pk, reason="", by=by
    ),
    "membership_update": lambda p, by: services_people.membership_update(
        membership_id=Membership.objects.first().pk,
        title="Physician",
        department_id=None,
        shown=Membership.objects.first().as_shown,
        by=by,
    ),
    "department_add": lambda p, by: services_people.department_add(
        hospital_id=p.hospital_id, data=DepartmentData(name="Haematology"), by=by
    ),
    "department_update": lambda p, by: services_people.department_update(
        department_id=Department.objects.first().pk, data=DepartmentData(name="Haematology"), version=1, by=by
    ),
    "patient_create": lambda p, by: services.patient_create(
        hospital_id=p.hospital_id,
        data=DATA,
        typing=TypingInput(gl="A*02:01+A*24:02"),
        weight=weight("12"),
        by=by,
    ),
    "patient_update": lambda p, by: services.patient_update(
        patient_id=p.pk, data=DATA, version=p.version, by=by
    ),
    "patient_weight_record": lambda p, by: services.patient_weight_record(
        patient_id=p.pk, weight=weight("13"), by=by
    ),
    "patient_typing_record": lambda p, by: services.patient_typing_record(
        patient_id=p.pk, typing=TypingInput(gl="A*02:01+A*24:02"), by=by
    ),
    "patient_deactivate": lambda p, by: services.patient_deactivate(patient_id=p.pk, reason="moved", by=by),
    "patient_identity_update": lambda p, by: services.patient_identity_update(
        patient_id=p.pk, identity=IdentityData(name="x"), by=by
    ),
}


def _picture() -> list[Any]:
    tables = (Hospital, Membership, Department, Patient, PatientWeight, PatientHlaTyping, PatientIdentity)
    return [list(model.objects.order_by("pk").values()) for model in tables]


@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_saved_when_the_audit_fails(
    name: str, patient: Patient, by: Actor, no_audit: None
) -> None:
    PatientTypingFactory(patient=patient)
    MembershipFactory(hospital=patient.hospital)
    DepartmentFactory(hospital=patient.hospital)
    before = _picture()

    with pytest.raises(RuntimeError, match="audit"):
        WRITES[name](patient, by)

    assert _picture() == before


def test_identity_is_not_shown_when_the_look_cannot_be_recorded(
    patient: Patient, by: Actor, no_audit: None
) -> None:
    with pytest.raises(RuntimeError, match="audit"):
        services.patient_identity_view(patient_id=patient.pk, by=by)


# --- promises of the database ---


@pytest.mark.parametrize("kg", ["0.5", "251"])
def test_database_refuses_an_impossible_weight(kg: str, db: None) -> None:
    with pytest.raises(IntegrityError):
        PatientFactory(weight_kg=Decimal(kg))


def test_database_refuses_a_second_typing_in_force(typed_patient: Patient) -> None:
    with pytest.raises(IntegrityError):
        PatientTypingFactory(patient=typed_patient)


def test_database_refuses_a_code_twice(patient: Patient) -> None:
    with pytest.raises(IntegrityError):
        PatientFactory(code=patient.code)


def test_database_refuses_inactive_without_a_reason(db: None) -> None:
    with pytest.raises(IntegrityError):
        PatientFactory(state="inactive", deactivated_at=timezone.now())


def test_system_actor_leaves_no_person(hospital: Hospital) -> None:
    patient = services.patient_create(hospital_id=hospital.pk, data=DATA, by=Actor.system("demo"))

    assert patient.created_by is None
