"""A role of the bank shows every hospital's patients; what the hospital role allows stays with the own hospital."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEntry, User
from core.roles import Permission, Role
from hospitals.models import Hospital, Patient, PatientIdentity
from tests.factories.hospitals import (
    HospitalFactory,
    PatientFactory,
    PatientIdentityFactory,
    PatientTypingFactory,
    member_of,
)
from tests.hospitals.pages import page, text_of, values

SECRET = "Invented Name"
COORDINATORS = [
    (Role.HOSPITAL_COORDINATOR, Role.SEARCH_COORDINATOR),
    (Role.HOSPITAL_COORDINATOR, Role.MEDICAL_DIRECTOR),
    (Role.HOSPITAL_COORDINATOR, Role.COLLECTION),
]
MIXED = [(Role.HOSPITAL_PHYSICIAN, Role.MEDICAL_DIRECTOR), *COORDINATORS]
EDIT = {"sex": "M", "birth_date": "2024-01-01", "urgency": "routine", "version": "1"}
WRITES = [
    ("patient-edit", EDIT),
    ("patient-typing", {"gl": "A*02:01+A*24:02", "confirmed": "not_searchable"}),
    ("patient-weight", {"weight_kg": "13", "measured_on": "2025-01-01"}),
    ("patient-deactivate", {"reason": "moved", "on": "2026-05-01"}),
    ("patient-identity-edit", {"name": "Other Invented Name"}),
]
POSTS = [
    *WRITES,
    ("patient-identity", {}),
    ("patient-identity-edit", {"open": "1"}),
]


def roles_id(roles: tuple[Role, Role]) -> str:
    return "+".join(roles)


def full(hospital: Hospital, **state: Any) -> Patient:
    patient = PatientFactory(hospital=hospital, **state)
    PatientTypingFactory(patient=patient)
    PatientIdentityFactory(patient=patient, name=SECRET)
    return patient


def stored(patient: Patient) -> list[Any]:
    """All that a write could change."""
    row = Patient.objects.filter(pk=patient.pk).values().get()
    identity = PatientIdentity.objects.get(patient=patient)
    return [row, identity.name, patient.typings.count(), patient.weights.count(), AuditEntry.objects.count()]


@pytest.fixture
def other(db: None) -> Patient:
    return full(HospitalFactory())


@pytest.mark.parametrize("roles", MIXED, ids=roles_id)
@pytest.mark.parametrize(("name", "data"), POSTS)
def test_post_to_another_hospitals_patient_finds_nothing_and_writes_nothing(
    name: str, data: dict[str, str], roles: tuple[Role, ...], sign_in: Any, hospital: Hospital, other: Patient
) -> None:
    client = sign_in(member_of(hospital, *roles))
    before = stored(other)

    response = client.post(page(other, name), data)

    lacks_permission = roles[0] == Role.HOSPITAL_PHYSICIAN and name != "patient-identity"
    assert response.status_code == (403 if lacks_permission else 404)
    assert SECRET not in text_of(response)
    assert stored(other) == before


@pytest.mark.parametrize("roles", COORDINATORS, ids=roles_id)
def test_forms_and_reactivation_of_another_hospitals_patient_are_not_found(
    roles: tuple[Role, ...], sign_in: Any, hospital: Hospital, other: Patient
) -> None:
    client = sign_in(member_of(hospital, *roles))
    Patient.objects.filter(pk=other.pk).update(
        state="inactive", inactive_reason="moved", deactivated_at=other.created_at
    )
    before = stored(other)

    assert client.get(page(other, "patient-edit")).status_code == 404
    assert client.get(page(other, "patient-typing")).status_code == 404
    assert client.post(page(other, "patient-reactivate")).status_code == 404
    assert stored(other) == before


@pytest.mark.parametrize("roles", COORDINATORS, ids=roles_id)
@pytest.mark.parametrize(("name", "data"), WRITES)
def test_own_hospital_still_works(
    name: str, data: dict[str, str], roles: tuple[Role, ...], sign_in: Any, hospital: Hospital
) -> None:
    own = full(hospital)
    client = sign_in(member_of(hospital, *roles))
    before = stored(own)

    assert client.post(page(own, name), data).status_code == 302
    assert stored(own) != before


@pytest.mark.parametrize("roles", MIXED, ids=roles_id)
def test_own_identity_is_shown(roles: tuple[Role, ...], sign_in: Any, hospital: Hospital) -> None:
    client = sign_in(member_of(hospital, *roles))

    assert SECRET in text_of(client.post(page(full(hospital), "patient-identity")))


def offers(client: Client, patient: Patient) -> list[str]:
    text = text_of(client.get(page(patient)))
    names = ("edit", "typing", "weight", "deactivate", "identity")
    return [name for name in names if page(patient, f"patient-{name}") in text]


def test_page_offers_only_what_the_person_may_do_with_this_patient(
    sign_in: Any, hospital: Hospital, other: Patient
) -> None:
    both = member_of(hospital, Role.HOSPITAL_COORDINATOR, Role.MEDICAL_DIRECTOR)
    own = full(hospital)
    client = sign_in(both)

    assert offers(client, own) == ["edit", "typing", "weight", "deactivate", "identity"]
    assert offers(client, other) == []
    create = reverse("matching:request-create")
    assert create in text_of(client.get(page(own)))
    assert create not in text_of(client.get(page(other)))


def test_search_coordinator_may_ask_for_every_patient(
    sign_in: Any, bank_coordinator: User, other: Patient
) -> None:
    client = sign_in(bank_coordinator)

    assert reverse("matching:request-create") in text_of(client.get(page(other)))
    assert offers(client, other) == []


@pytest.mark.parametrize("roles", COORDINATORS, ids=roles_id)
def test_nobody_enters_a_patient_for_another_hospital(
    roles: tuple[Role, ...], sign_in: Any, hospital: Hospital
) -> None:
    other = HospitalFactory()
    client = sign_in(member_of(hospital, *roles))

    response = client.post(reverse("hospitals:patient-create"), values(other))
    by_api = client.post(
        reverse("api:patient-list"),
        {"hospital": str(other.pk), "sex": "F", "birth_date": "2024-01-01"},
        content_type="application/json",
    )

    assert (response.status_code, by_api.status_code) == (200, 404)
    assert "hospital" in response.context["form"].errors
    assert not Patient.objects.exists()


def test_rows_are_open_only_where_every_permission_reaches(hospital: Hospital, other: Patient) -> None:
    own = full(hospital)
    both = member_of(hospital, Role.HOSPITAL_PHYSICIAN, Role.MEDICAL_DIRECTOR)

    assert set(Patient.objects.visible_to(both)) == {own, other}
    assert set(Patient.objects.open_for(both, Permission.PATIENT_VIEW, Permission.PATIENT_IDENTITY)) == {own}
    assert not Patient.objects.open_for(both, Permission.PATIENT_VIEW, Permission.PATIENT_EDIT).exists()
    assert [row.patient for row in PatientIdentity.objects.visible_to(both)] == [own]
