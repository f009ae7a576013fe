"""Who sees every hospital's requests by a role of the bank still submits only for the own hospital."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEntry, Job
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching.models import MatchRequest, SearchRun
from matching.providers import work_items
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import queued_run
from tests.factories.matching import MatchRequestFactory, typed_patient
from tests.matching.test_pages_requests import CRITERIA, client_of, create_url, text_of

DRAFT = {**CRITERIA, "draft": "1"}


@pytest.fixture
def hospital(db: None) -> Hospital:
    return HospitalFactory()


@pytest.fixture
def other(db: None) -> Patient:
    return typed_patient(hospital=HospitalFactory())


@pytest.fixture(params=[Role.MEDICAL_DIRECTOR, Role.COLLECTION])
def client(request: Any, hospital: Hospital) -> Client:
    return client_of(member_of(hospital, Role.HOSPITAL_COORDINATOR, request.param))


def written() -> list[Any]:
    return [
        list(MatchRequest.objects.order_by("pk").values()),
        SearchRun.objects.count(),
        list(Job.objects.order_by("pk").values_list("state", flat=True)),
        AuditEntry.objects.count(),
    ]


def url(name: str, row: MatchRequest | SearchRun) -> str:
    return reverse(name, args=[row.pk])


def test_pages_of_another_hospital_write_nothing(client: Client, other: Patient) -> None:
    found = MatchRequestFactory(patient=other)
    run = queued_run(other)
    before = written()

    statuses = [
        client.get(create_url(other)).status_code,
        client.post(create_url(other), DRAFT).status_code,
        client.get(url("matching:request-edit", found)).status_code,
        client.post(url("matching:request-edit", found), DRAFT).status_code,
        client.post(url("matching:request-submit", found)).status_code,
        client.post(url("matching:request-cancel", found), {"reason": "moved"}).status_code,
        client.post(url("matching:run-repeat", run.request)).status_code,
        client.post(url("matching:run-cancel", run)).status_code,
    ]

    assert statuses == [404] * 8
    assert written() == before


def test_api_of_another_hospital_writes_nothing(client: Client, other: Patient) -> None:
    found = MatchRequestFactory(patient=other)
    run = queued_run(other)
    before = written()

    def post(address: str, **data: str) -> int:
        return client.post(address, data, content_type="application/json").status_code

    assert post(reverse("api:match-request-list"), patient=str(other.pk)) == 404
    assert post(url("api:match-request-submit", found)) == 404
    assert post(url("api:match-request-repeat", run.request)) == 404
    assert post(url("api:run-cancel", run)) == 404
    assert written() == before


def test_own_hospital_still_works(client: Client, hospital: Hospital) -> None:
    own = typed_patient(hospital=hospital)
    run = queued_run(own)

    assert client.post(create_url(own), DRAFT).status_code == 302
    made = MatchRequest.objects.exclude(pk=run.request_id).get()
    assert client.get(url("matching:request-edit", made)).status_code == 200
    assert client.post(url("matching:run-cancel", run)).status_code == 302
    run.job.refresh_from_db()
    assert run.job.state == Job.State.CANCELLED


def test_pages_offer_nothing_for_another_hospital(hospital: Hospital, other: Patient) -> None:
    client = client_of(member_of(hospital, Role.HOSPITAL_COORDINATOR, Role.MEDICAL_DIRECTOR))
    theirs, ours = queued_run(other), queued_run(typed_patient(hospital=hospital))

    def offered(run: SearchRun) -> bool:
        return url("matching:run-cancel", run) in text_of(client.get(url("matching:run-progress", run)))

    def cancellable(found: MatchRequest) -> bool:
        return bool(client.get(url("matching:request-detail", found)).context["may_cancel"])

    assert (offered(ours), offered(theirs)) == (True, False)
    assert (cancellable(ours.request), cancellable(theirs.request)) == (True, False)


def test_another_hospitals_drafts_are_not_work(hospital: Hospital, other: Patient) -> None:
    MatchRequestFactory(patient=other)
    user = member_of(hospital, Role.HOSPITAL_COORDINATOR, Role.MEDICAL_DIRECTOR)

    assert work_items(user) == []
    MatchRequestFactory(patient=typed_patient(hospital=hospital))
    assert [item.count for item in work_items(user)] == [1]


@pytest.mark.parametrize("beside", [None, Role.HOSPITAL_COORDINATOR])
def test_search_coordinator_submits_for_every_hospital(
    beside: Role | None, hospital: Hospital, other: Patient
) -> None:
    user = (
        member_of(hospital, beside, Role.SEARCH_COORDINATOR)
        if beside
        else UserFactory(roles=[Role.SEARCH_COORDINATOR])
    )

    assert client_of(user).post(create_url(other), DRAFT).status_code == 302
    assert MatchRequest.objects.get().patient == other
