"""The list of patients and its CSV."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from core.models import User
from hospitals.models import Hospital, Patient
from tests.factories.hospitals import (
    HospitalFactory,
    PatientFactory,
    PatientTypingFactory,
    member_of,
)
from tests.hospitals.pages import LIST, page, text_of

# --- list ---


def test_list_shows_own_active_patients(sign_in: Any, patient: Patient, coordinator: User) -> None:
    other = PatientFactory()

    text = text_of(sign_in(coordinator).get(LIST))

    assert patient.code in text
    assert other.code not in text


def test_bank_sees_all_hospitals_and_may_choose_one(
    sign_in: Any, patient: Patient, bank_coordinator: User
) -> None:
    other = PatientFactory()
    client = sign_in(bank_coordinator)

    both, one = text_of(client.get(LIST)), text_of(client.get(LIST, {"hospital": other.hospital_id}))

    assert patient.code in both
    assert other.code in both
    assert patient.code not in one


def test_member_of_two_hospitals_sees_both(sign_in: Any, hospital: Hospital) -> None:
    second = HospitalFactory()
    person = member_of(hospital)
    second.memberships.create(user=person)
    PatientFactory(hospital=hospital)
    PatientFactory(hospital=second)

    assert len(sign_in(person).get(LIST).context["page"].object_list) == 2


FILTERS = [
    ({"typing": "missing"}, 2),
    ({"typing": "typed"}, 1),
    ({"weight": "missing"}, 1),
    ({"weight": "known"}, 2),
    ({"urgency": "urgent"}, 1),
    ({"diagnosis": "malignant"}, 1),
    ({"state": "inactive"}, 0),
    ({"typing": "nonsense", "page": "99", "sort": "nonsense", "hospital": "x"}, 3),
]


@pytest.mark.parametrize(("query", "count"), FILTERS, ids=[str(q) for q, _ in FILTERS])
def test_filters(
    query: dict[str, str], count: int, sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    PatientTypingFactory(patient=PatientFactory(hospital=hospital))
    PatientFactory(hospital=hospital, weight_kg=None, diagnosis="aml", stage="cr1")
    PatientFactory(hospital=hospital, urgency="urgent")

    assert len(sign_in(coordinator).get(LIST, query).context["page"].object_list) == count


@pytest.mark.parametrize("sort", ["code", "-birth", "weight", "-weight", "typing", "diagnosis"])
def test_sorting(sort: str, sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    PatientFactory.create_batch(3, hospital=hospital)
    PatientFactory(hospital=hospital, weight_kg=None)

    response = sign_in(coordinator).get(LIST, {"sort": sort})

    rows = response.context["page"].object_list
    assert len(rows) == 4
    if "weight" in sort:
        assert rows[3].weight_kg is None
    assert f'aria-sort="{"descending" if sort.startswith("-") else "ascending"}"' in text_of(response)


def test_column_of_the_hospital_only_where_there_are_several(
    sign_in: Any, patient: Patient, coordinator: User, bank_coordinator: User
) -> None:
    own = sign_in(coordinator).get(LIST)
    several = sign_in(bank_coordinator).get(LIST, {"sort": "hospital"})

    assert "hospital" not in [column.key for column in own.context["columns"]]
    assert "hospital" in [column.key for column in several.context["columns"]]


def test_search_by_a_code_in_any_spelling(sign_in: Any, patient: Patient, coordinator: User) -> None:
    PatientFactory(hospital=patient.hospital)
    spelled = patient.code.replace("-", "").lower()

    rows = sign_in(coordinator).get(LIST, {"q": spelled}).context["page"].object_list

    assert list(rows) == [patient]


def test_empty_lists_say_what_to_do(sign_in: Any, coordinator: User, bank_coordinator: User) -> None:
    client = sign_in(coordinator)

    assert "Enter a patient" in text_of(client.get(LIST))
    assert "Show all active patients" in text_of(client.get(LIST, {"q": "P-XXX"}))
    assert "they appear here" in text_of(sign_in(bank_coordinator).get(LIST))


def test_csv_is_the_selection_of_the_page(sign_in: Any, typed_patient: Patient, coordinator: User) -> None:
    PatientFactory(hospital=typed_patient.hospital)
    PatientFactory()

    response = sign_in(coordinator).get(reverse("hospitals:patient-export"), {"typing": "typed"})

    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].lstrip("\ufeff").startswith("code,hospital,state")
    assert len(lines) == 2
    assert typed_patient.code in lines[1]
    assert "A*11:01+A*24:02" in lines[1]


MARK = "typing conflict</span>"


def test_a_typing_conflict_is_marked_in_the_list(
    sign_in: Any, hospital: Hospital, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    odd, even = PatientFactory.create_batch(2, hospital=hospital)
    settled = PatientFactory(hospital=hospital)
    PatientTypingFactory(patient=odd, gl="A*11:01+A*24:02^A1+A24")
    PatientTypingFactory(patient=even, gl="A*11:01+A*24:02^A11+A24")
    PatientTypingFactory(patient=settled, gl="A*11:01+A*24:02^A1+A24", is_current=False)
    PatientTypingFactory(patient=settled)
    client = sign_in(coordinator)

    with django_assert_max_num_queries(12):
        response = client.get(LIST)

    rows = {row.code: row.has_typing_conflict for row in response.context["page"].object_list}
    assert rows == {odd.code: True, even.code: False, settled.code: False}
    assert text_of(response).count(MARK) == 1
    assert 'aria-hidden="true"' in text_of(response).split(MARK)[0].rsplit("<span", 1)[1]  # word and drawing


@pytest.mark.parametrize("rows", [1, 20])
def test_list_costs_the_same_queries_for_any_number_of_rows(
    rows: int, sign_in: Any, hospital: Hospital, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    for patient in PatientFactory.create_batch(rows, hospital=hospital):
        PatientTypingFactory(patient=patient)
    client = sign_in(coordinator)

    with django_assert_max_num_queries(12):
        assert len(client.get(LIST).context["page"].object_list) == rows
    with django_assert_max_num_queries(9):
        response = client.get(reverse("hospitals:patient-export"))
        assert len(b"".join(response.streaming_content).splitlines()) == rows + 1


def test_page_of_a_patient_costs_a_fixed_number_of_queries(
    sign_in: Any, typed_patient: Patient, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    client = sign_in(coordinator)

    client.get(page(typed_patient))  # what a process asks once and keeps
    with django_assert_max_num_queries(33):
        client.get(page(typed_patient))
