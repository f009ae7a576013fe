"""API of hospitals and patients: the same services, the same walls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL, HospitalFactory, PatientFactory, PatientTypingFactory, member_of

LIST = reverse("api:patient-list")


def post(client: Client, **body: Any) -> Any:
    return client.post(LIST, json.dumps(body), content_type="application/json")


def body(hospital: Hospital, /, **changes: Any) -> dict[str, Any]:
    return {"hospital": str(hospital.pk), "sex": "F", "birth_date": "2024-03-01", **changes}


def test_list_and_detail_show_own_patients_with_their_typing(
    sign_in: Any, typed_patient: Patient, coordinator: User
) -> None:
    PatientFactory()
    client = sign_in(coordinator)

    listed = client.get(LIST).json()
    one = client.get(reverse("api:patient-detail", args=[typed_patient.pk])).json()

    assert [row["code"] for row in listed["results"]] == [typed_patient.code]
    assert one["typing"]["loci"]["A"] == ["A*11:01", "A*24:02"]
    assert one["typing"]["gl"].startswith("A*11:01+A*24:02^B*")
    assert one["icd10"] == "E75.2"
    assert "name" not in one


def test_filters(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client = sign_in(coordinator)

    assert client.get(LIST, {"q": patient.code.lower()}).json()["count"] == 1
    assert client.get(LIST, {"q": "\0"}).json()["count"] == 1
    assert client.get(LIST, {"state": "inactive"}).json()["count"] == 0
    assert client.get(LIST, {"state": "nonsense"}).json()["count"] == 1


@pytest.mark.parametrize("rows", [1, 20])
def test_list_costs_the_same_queries_for_any_number_of_rows(
    rows: int, sign_in: Any, hospital: Hospital, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    for patient in PatientFactory.create_batch(rows, hospital=hospital):
        PatientTypingFactory(patient=patient)
    client = sign_in(coordinator)

    with django_assert_max_num_queries(8):
        assert client.get(LIST).json()["count"] == rows


def test_create_with_loci_gl_and_weight(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    typing = {"loci": {"A": ["A*02:01"]}, "gl": "B*40:01+B*46:01", "blank_rule": "homozygous"}

    response = post(sign_in(coordinator), **body(hospital, weight_kg="12.4", typing=typing, diagnosis="mld"))

    patient = Patient.objects.get()
    assert response.status_code == 201
    assert response.json()["id"] == str(patient.pk)
    assert response.json()["typing"]["loci"] == {"A": ["A*02:01", "A*02:01"], "B": ["B*40:01", "B*46:01"]}
    assert patient.current_typing.source == "transfer"
    assert patient.weights.count() == 1


def test_a_population_may_be_given(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    client = sign_in(coordinator)

    made = post(client, **body(hospital, populations="ＨＡＮ：1＋uig：3"))

    assert (made.status_code, made.json()["populations"]) == (201, "UIG:0.75+HAN:0.25")
    assert post(client, **body(hospital, populations="")).json()["populations"] == ""


def test_create_in_another_hospital_is_not_found(sign_in: Any, coordinator: User) -> None:
    response = post(sign_in(coordinator), **body(HospitalFactory()))

    assert response.status_code == 404
    assert not Patient.objects.exists()


def test_bank_role_beside_a_hospital_role_creates_only_in_the_own_hospital(
    sign_in: Any, hospital: Hospital
) -> None:
    both = member_of(hospital, Role.HOSPITAL_COORDINATOR, Role.SEARCH_COORDINATOR)
    other = HospitalFactory()
    client = sign_in(both)

    assert post(client, **body(other)).status_code == 404
    assert post(client, **body(hospital)).status_code == 201


WRONG = [
    ({"sex": "X"}, "sex"),
    ({"birth_date": "soon"}, "birth_date"),
    ({"birth_date": "2099-01-01"}, "birth_date"),
    ({"weight_kg": "NaN"}, "weight_kg"),
    ({"weight_kg": "300"}, "weight_kg"),
    ({"diagnosis": "flu"}, "diagnosis"),
    ({"populations": "HAN+UIG"}, "populations"),
    ({"populations": "H" * 201}, "populations"),
    ({"diagnosis": "other"}, "diagnosis_text"),
    ({"hospital": "H014"}, "hospital"),
    ({"typing": {"loci": {"X": ["X*01:01"]}}}, "typing"),
    ({"typing": {"loci": {"A": []}}}, "typing"),
    ({"typing": {"loci": {"A": ["1", "2", "3"]}}}, "typing"),
    ({"typing": {"loci": {"A": ["A*xx", ""]}}}, "typing"),
    ({"typing": {"gl": "A*02:01|A*03:xx1"}}, "typing"),
    ({"typing": {"gl": "UUUU"}}, "typing"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG, ids=[json.dumps(change) for change, _field in WRONG])
def test_wrong_input_has_one_shape_of_answer(
    changes: dict[str, Any], field: str, sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    response = post(sign_in(coordinator), **body(hospital, **changes))

    error = response.json()["error"]
    assert response.status_code == 400
    assert field in error["fields"]
    assert error["message"]
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"diagnosis_text": "\ud800"}, {"diagnosis_text": "\0"}, {"typing": {"gl": "\ud800"}}],
    ids=json.dumps,
)
def test_text_that_cannot_be_stored_is_refused(
    changes: dict[str, Any], sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    response = post(sign_in(coordinator), **body(hospital, **changes))

    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert not Patient.objects.exists()


def test_every_typing_error_is_listed_with_its_field(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    typing = {"loci": {"A": ["A*xx", "A*02:01"], "B": ["B*40:01", "46;x1"]}}

    error = post(sign_in(coordinator), **body(hospital, typing=typing)).json()["error"]

    assert [detail["field"] for detail in error["details"]] == ["hla_A_1", "hla_B_2"]
    assert all(detail["text"] and detail["code"] for detail in error["details"])


CONFLICT = {"gl": "A*11:01+A*24:02^A1+A24^B*40:01+B*46:01^B7+B46"}


def test_typing_conflicts_are_stored_only_when_each_is_confirmed(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    client = sign_in(coordinator)

    asked = post(client, **body(hospital, typing=CONFLICT))
    error = asked.json()["error"]
    codes = [detail["code"] for detail in error["details"]]

    assert (asked.status_code, error["code"]) == (409, "typing_conflict_unconfirmed")
    assert [code[: len(code) - 10] for code in codes] == ["typing_conflict_A_", "typing_conflict_B_"]
    assert "A1+A24 contradict the DNA typing A*11:01+A*24:02" in error["details"][0]["text"]
    assert "confirmed" in error["fields"]
    half = post(client, **body(hospital, typing=CONFLICT, confirmed=codes[:1]))
    assert half.status_code == 409
    assert [detail["code"] for detail in half.json()["error"]["details"]] == codes[1:]
    other = {"gl": "A*11:01+A*24:02^A3+A11^B*40:01+B*46:01^B7+B46"}
    assert post(client, **body(hospital, typing=other, confirmed=codes)).status_code == 409
    assert not Patient.objects.exists()

    assert post(client, **body(hospital, typing=CONFLICT, confirmed=codes)).status_code == 201
    entry = AuditEntry.objects.get(action="patient.created")
    assert [found["code"] for found in entry.after["confirmed_conflicts"]] == codes
    assert entry.after["confirmed_conflicts"][0]["antigens"] == "A1+A24"


def test_confirmed_codes_without_a_conflict_say_nothing(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    client = sign_in(coordinator)

    assert (
        post(client, **body(hospital, typing={"gl": GL}, confirmed=["typing_conflict_A"])).status_code == 201
    )
    assert "confirmed_conflicts" not in AuditEntry.objects.get(action="patient.created").after
    assert post(client, **body(hospital, confirmed="typing_conflict_A")).status_code == 400


def test_the_description_tells_of_the_confirmation(sign_in: Any, coordinator: User) -> None:
    schema = sign_in(coordinator).get(reverse("api:schema"), {"format": "json"}).json()

    assert "confirmed" in schema["components"]["schemas"]["PatientInputRequest"]["properties"]
    answers = schema["paths"]["/api/v1/patients/"]["post"]["responses"]
    assert "typing_conflict_unconfirmed" in answers["409"]["description"]


def test_body_that_is_no_json_is_refused(sign_in: Any, coordinator: User) -> None:
    response = sign_in(coordinator).post(LIST, "{", content_type="application/json")

    assert response.status_code == 400


def test_physician_reads_but_does_not_write(sign_in: Any, patient: Patient, physician: User) -> None:
    client = sign_in(physician)

    assert client.get(LIST).status_code == 200
    assert post(client, **body(patient.hospital)).status_code == 403


def test_hospitals_are_those_one_may_see(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    other = HospitalFactory()
    client = sign_in(coordinator)

    assert [row["code"] for row in client.get(reverse("api:hospital-list")).json()["results"]] == ["H014"]
    assert client.get(reverse("api:hospital-detail", args=[other.pk])).status_code == 404


def test_patient_with_gl_only(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    assert (
        post(sign_in(coordinator), **body(hospital, typing={"gl": GL, "typed_on": None})).status_code == 201
    )
    assert post(sign_in(coordinator), **body(hospital, typing=None, weight_kg=None)).status_code == 201


def test_anonymous_visitor_is_refused(client: Client, db: None) -> None:
    assert client.get(LIST).status_code in (401, 403)


def test_user_without_any_role_sees_nothing(sign_in: Any, patient: Patient) -> None:
    nobody = UserFactory()

    assert sign_in(nobody).get(LIST).status_code == 403
    assert not Patient.objects.visible_to(nobody).exists()
