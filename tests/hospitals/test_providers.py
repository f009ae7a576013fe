"""What hospitals tell the rest: memberships, search box, my work."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from core import find, nav, work
from core.models import User
from core.roles import Role
from hospitals.models import Hospital, Membership, Patient, PatientHlaTyping
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory, member_of


def test_hospitals_of_a_person(hospital: Hospital, coordinator: User) -> None:
    second = HospitalFactory()
    Membership.objects.create(user=coordinator, hospital=second)

    assert coordinator.hospital_ids == {hospital.pk, second.pk}
    assert UserFactory().hospital_ids == frozenset()


def test_patient_is_found_by_the_code_in_any_spelling(patient: Patient, coordinator: User) -> None:
    for text in (patient.code, patient.code.lower(), patient.code.replace("-", " ")):
        hits = [hit for hit in find.find(coordinator, text) if hit.kind == "Patient"]
        assert [(hit.label, hit.exact) for hit in hits] == [(patient.code, True)]


def test_part_of_a_code_is_a_hit_that_is_not_opened_at_once(patient: Patient, coordinator: User) -> None:
    hits = find.find(coordinator, patient.code[:5])

    assert patient.code in [hit.label for hit in hits]
    assert not any(hit.exact for hit in hits)


def test_search_box_does_not_tell_of_other_hospitals(patient: Patient, hospital: Hospital) -> None:
    stranger = member_of(HospitalFactory())

    assert find.find(stranger, patient.code) == []
    assert find.find(stranger, hospital.code) == []


def test_hospital_is_found_by_code_name_and_city(hospital: Hospital, bank_coordinator: User) -> None:
    exact = find.find(bank_coordinator, "h014")
    by_name = find.find(bank_coordinator, "synthetic 014")

    assert [(hit.label, hit.exact) for hit in exact] == [("Synthetic Hospital 014", True)]
    assert [hit.url for hit in by_name] == [reverse("hospitals:hospital-detail", args=[hospital.pk])]


def test_work_names_patients_that_cannot_be_searched(hospital: Hospital, coordinator: User) -> None:
    PatientFactory.create_batch(2, hospital=hospital)
    PatientFactory(hospital=hospital, weight_kg=None)

    titles = {item.title: item.url for item in work.items_for(coordinator) if item.kind == "patient"}

    assert titles == {
        "3 patients have no HLA typing": reverse("hospitals:patient-list") + "?typing=missing",
        "1 patient has no weight": reverse("hospitals:patient-list") + "?weight=missing",
    }


def test_nothing_waits_where_all_is_known(
    typed_patient: Patient, coordinator: User, bank_coordinator: User
) -> None:
    PatientFactory()  # another hospital's, untyped

    assert [item for item in work.items_for(coordinator) if item.kind == "patient"] == []
    assert [item for item in work.items_for(bank_coordinator) if item.kind == "patient"] == []


def test_navigation_follows_permissions(coordinator: User, db: None) -> None:
    def names(user: User) -> set[str]:
        return {item.url_name for item in nav.items_for(user)}

    wanted = {"hospitals:patient-list", "hospitals:hospital-list"}
    assert wanted <= names(coordinator)
    assert not wanted & names(UserFactory(roles=[Role.LAB]))


def test_the_list_of_a_persons_work_is_one_entry(coordinator: User, bank_coordinator: User) -> None:
    def lists(user: User) -> list[str]:
        return [
            name for item in nav.items_for(user) if (name := item.url_name) in ("config:home", "config:today")
        ]

    assert lists(coordinator) == ["config:home"]
    assert lists(bank_coordinator) == ["config:today"]


def test_anonymous_visitor_sees_no_row(typed_patient: Patient) -> None:
    visitor: Any = AnonymousUser()

    for model in (Hospital, Membership, Patient, PatientHlaTyping):
        assert not model.objects.visible_to(visitor).exists()
