"""API of match requests: the same services, the same visibility, one shape of errors."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from core import jobs
from core.models import Job
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching.models import MatchRequest, SearchRun
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.match_list import queued_run, searched_run, stored_run
from tests.factories.matching import ListedUnitFactory, MatchRequestFactory, typed_patient
from tests.matching.test_pages_requests import client_of


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return typed_patient(hospital=hospital)


def post(client: Client, name: str, data: Any = None, **kwargs: Any) -> Any:
    return client.post(reverse(name, kwargs=kwargs or None), data or {}, content_type="application/json")


def error_of(response: Any) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "fields", "details"}
    return body["error"]


def test_a_hospital_system_creates_submits_watches_and_reads(client: Client, patient: Patient) -> None:
    unit = ListedUnitFactory(tnc_e7=62)
    given = {"patient": str(patient.pk), "floors": {"antigen6": 5}, "min_tnc_e7_per_kg": "2.5"}

    created = post(client, "api:match-request-list", given)
    assert (created.status_code, created.json()["state"]) == (201, "DRAFT")
    request_id = created.json()["id"]
    submitted = post(client, "api:match-request-submit", pk=request_id)
    assert (submitted.status_code, submitted.json()["progress"]["state"]) == (202, "queued")
    run = SearchRun.objects.get(pk=submitted.json()["id"])
    from matching import services

    services.run_execute(job_id=run.job_id)

    watched = client.get(reverse("api:run-detail", args=[run.pk])).json()
    assert watched["progress"]["state"] == "done"
    assert watched["counts"]["antigen6"] == [[6, 1, 1]]
    assert watched["criteria"]["floors"] == {"antigen6": 5}
    found = client.get(reverse("api:run-results", args=[run.pk])).json()
    assert (found["count"], found["next"]) == (1, None)
    first = found["results"][0]
    assert first["rank"] == 1
    assert first["unit"] == {
        "id": str(unit.pk),
        "unit_no": unit.unit_no,
        "din": "",
        "donor_type": "cord",
        "grid": "",
        "origin": "own",
        "bank": "OWN",
        "abo": "",
        "rh": "",
        "collected_on": "2020-05-01",
    }
    assert first["classes"]["allele10"] == [10, 10]
    assert (first["tnc_e7_per_kg"], first["on_offer"]) == (5.0, True)
    assert first["evidence"]["B"]["positions"][1]["verdict"] == "allele"
    shown = client.get(reverse("api:match-request-detail", args=[request_id])).json()
    assert (shown["state"], shown["latest_run"]) == ("SEARCHED", str(run.pk))
    assert shown["patient"] == {"id": str(patient.pk), "code": patient.code}


def test_defaults_are_those_of_the_page(client: Client, patient: Patient) -> None:
    post(client, "api:match-request-list", {"patient": str(patient.pk)})

    found = MatchRequest.objects.get()
    assert (found.loci, found.floors, found.statuses) == ("A,B,C,DRB1,DQB1", {"antigen6": 4}, ["LISTED"])
    assert found.min_tnc_e7_per_kg is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"patient": "x"}, "patient"),
        ({"loci": "A,B"}, "loci"),
        ({"floors": {"antigen6": "many"}}, "floors"),
        ({"floors": {"antigen7": 4}}, "floors"),
        ({"floors": {"antigen6": 7}}, "floors"),
        ({"floors": {"allele8": 6}, "loci": "A,B,DRB1"}, "floors"),
        ({"min_tnc_e7_per_kg": "0"}, "min_tnc_e7_per_kg"),
        ({"min_tnc_e7_per_kg": "12345.678"}, "min_tnc_e7_per_kg"),
        ({"statuses": []}, "statuses"),
        ({"donor_types": []}, "donor_types"),
        ({"donor_types": ["cat"]}, "donor_types"),
        ({"kept_at_most": 10}, "kept_at_most"),
        ({"statuses": ["DISCARDED"]}, "statuses"),
        ({"urgency": "now"}, "urgency"),
        ({"notes": "x" * 2001}, "notes"),
    ],
)
def test_wrong_input_names_its_field_and_leaves_nothing(
    client: Client, patient: Patient, change: dict[str, Any], field: str
) -> None:
    response = post(client, "api:match-request-list", {"patient": str(patient.pk), **change})

    assert response.status_code == 400
    assert list(error_of(response)["fields"]) == [field]
    assert not MatchRequest.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "{", '{"patient": {}}', "null"])
def test_malformed_bodies_are_refused_in_the_same_shape(client: Client, body: str) -> None:
    response = client.post(reverse("api:match-request-list"), body, content_type="application/json")

    assert response.status_code == 400
    assert error_of(response)["code"]


def test_another_hospitals_patient_and_request_do_not_exist(client: Client) -> None:
    other = MatchRequestFactory()

    assert post(client, "api:match-request-list", {"patient": str(other.patient_id)}).status_code == 404
    assert post(client, "api:match-request-submit", pk=other.pk).status_code == 404
    assert client.get(reverse("api:match-request-list")).json()["results"] == []


def test_physician_reads_but_does_not_ask(hospital: Hospital, patient: Patient) -> None:
    client = client_of(member_of(hospital, Role.HOSPITAL_PHYSICIAN))

    assert client.get(reverse("api:match-request-list")).status_code == 200
    response = post(client, "api:match-request-list", {"patient": str(patient.pk)})
    assert (response.status_code, error_of(response)["code"]) == (403, "permission_denied")


def test_untyped_patient_cannot_be_submitted_and_the_draft_stays(client: Client, hospital: Hospital) -> None:
    created = post(
        client, "api:match-request-list", {"patient": str(PatientFactory(hospital=hospital).pk)}
    ).json()

    response = post(client, "api:match-request-submit", pk=created["id"])

    assert (response.status_code, error_of(response)["code"]) == (400, "patient_untyped")
    assert MatchRequest.objects.get().state == "DRAFT"


def test_dose_without_a_weight_is_refused_when_submitted(client: Client, hospital: Hospital) -> None:
    request = MatchRequestFactory(
        patient=typed_patient(hospital=hospital, weight_kg=None), min_tnc_e7_per_kg=Decimal(3)
    )

    response = post(client, "api:match-request-submit", pk=request.pk)

    assert error_of(response)["code"] == "dose_without_weight"


def test_submitted_twice_is_a_conflict(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    response = post(client, "api:match-request-submit", pk=run.request_id)

    assert (response.status_code, error_of(response)["code"]) == (409, "request_not_draft")


def test_repeat_waits_for_the_running_search(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    refused = post(client, "api:match-request-repeat", pk=run.request_id)
    post(client, "api:run-cancel", pk=run.pk)
    accepted = post(client, "api:match-request-repeat", pk=run.request_id)

    assert (refused.status_code, error_of(refused)["code"]) == (409, "search_running")
    assert (accepted.status_code, accepted.json()["run_no"]) == (202, 2)
    listed = client.get(reverse("api:match-request-runs", args=[run.request_id])).json()
    assert [(row["run_no"], row["progress"]["state"]) for row in listed] == [(2, "queued"), (1, "cancelled")]


def test_failed_search_says_why(client: Client, patient: Patient) -> None:
    run = queued_run(patient)
    claim = jobs.job_claim(run.job_id)
    assert claim is not None
    claim.progress("score", 0.25, candidates=3)
    claim.fail("no good")

    progress = client.get(reverse("api:run-detail", args=[run.pk])).json()["progress"]

    assert progress == {
        "state": "failed",
        "stage": "score",
        "share": 0.25,
        "counts": {"candidates": 3},
        "error_code": "failed",
        "error": "no good",
    }


def test_cancelled_twice_is_a_conflict(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    first = post(client, "api:run-cancel", pk=run.pk)
    second = post(client, "api:run-cancel", pk=run.pk)

    assert first.json()["progress"]["state"] == Job.State.CANCELLED
    assert (second.status_code, error_of(second)["code"]) == (409, "job_over")


def test_results_say_whether_a_unit_is_still_on_offer(client: Client, patient: Patient) -> None:
    unit = ListedUnitFactory()
    run = searched_run(patient)
    type(unit).objects.filter(pk=unit.pk).update(status="RESERVED")

    found = client.get(reverse("api:run-results", args=[run.pk])).json()["results"][0]

    assert (found["status"], found["on_offer"]) == ("LISTED", False)


@pytest.mark.parametrize("count", [1, 20])
def test_lists_need_few_queries(
    client: Client, patient: Patient, count: int, django_assert_max_num_queries: Any
) -> None:
    run = stored_run([ListedUnitFactory() for _ in range(count)], request__patient=patient)
    for _ in range(count - 1):
        MatchRequestFactory(patient=patient)

    address = reverse("api:run-results", args=[run.pk]) + "?page_size=500"
    client.get(address)  # judges the list

    with django_assert_max_num_queries(18):
        results = client.get(address)
    with django_assert_max_num_queries(9):
        requests = client.get(reverse("api:match-request-list"))

    assert len(results.json()["results"]) == len(requests.json()["results"]) == count


def test_schema_is_generated_without_a_warning(db: None) -> None:
    out = StringIO()

    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)

    assert "/api/v1/match-requests/{id}/submit/" in out.getvalue()


def test_documentation_page_is_served_locally(client: Client) -> None:
    page = client.get("/api/v1/docs/")

    assert page.status_code == 200
    assert "http://" not in page.content.decode().replace("http://testserver", "")
    assert "https://" not in page.content.decode()
