"""Searches that run, failed or grew old: progress that can be left, notices above a list, what waits, what is found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse

from core import jobs
from core.models import User
from core.roles import Role
from hospitals.models import Patient
from matching import services
from matching.models import SearchRun
from matching.providers import find_requests, work_items
from matching.services import RequestData
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientTypingFactory, member_of
from tests.factories.match_list import queued_run
from tests.factories.matching import ACTOR
from tests.matching.match_list_pages import FIVE, HTMX, detail_url, progress_url
from tests.matching.test_pages_requests import client_of, text_of

# --- progress ------------------------------------------------------------------------------------


def claimed(run: SearchRun) -> jobs.Claim:
    """As by a worker that takes its job."""
    claim = jobs.job_claim(run.job_id)
    assert claim is not None
    return claim


def test_waiting_search_polls_and_refreshes_without_script(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    page = text_of(client.get(progress_url(run)))

    assert "Waiting for a free worker" in page
    assert f'hx-get="{progress_url(run)}"' in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page
    assert "You can leave this page" in page


def test_waiting_long_is_said(client: Client, patient: Patient) -> None:
    run = queued_run(patient)
    type(run.job).objects.filter(pk=run.job_id).update(created_at="2026-01-01T00:00Z")

    assert "No worker has taken this search yet" in text_of(client.get(progress_url(run)))


def test_running_search_shows_stage_share_and_counts(client: Client, patient: Patient) -> None:
    run = queued_run(patient)
    claimed(run).progress("rank", 0.7, candidates=1234)

    response = client.get(progress_url(run), **HTMX)

    assert "<html" not in text_of(response)
    assert "Ranking the candidates" in text_of(response)
    assert "70 %" in text_of(response)
    assert "1,234" in text_of(response)


def test_poll_needs_few_queries(client: Client, patient: Patient, django_assert_max_num_queries: Any) -> None:
    run = queued_run(patient)

    with django_assert_max_num_queries(5):
        client.get(progress_url(run), **HTMX)


def test_finished_search_leads_to_its_list(client: Client, run: SearchRun) -> None:
    polled = client.get(progress_url(run), **HTMX)
    plain = client.get(progress_url(run))

    assert polled["HX-Redirect"] == detail_url(run)
    assert plain.url == detail_url(run)


def test_failed_search_says_why_and_what_to_do(client: Client, patient: Patient) -> None:
    run = queued_run(patient)
    claim = claimed(run)
    claim.progress("score", 0.3)
    claim.fail("The typing cannot be read.")

    polled = client.get(progress_url(run), **HTMX)
    page = text_of(client.get(progress_url(run)))

    assert polled["HX-Refresh"] == "true"
    assert "The typing cannot be read." in page
    assert "Search again" in page
    assert "hx-get" not in page
    assert "noscript" not in page


def test_stopped_search_says_so(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    stopped = client.post(reverse("matching:run-cancel", args=[run.pk]), follow=True)
    again = client.post(reverse("matching:run-cancel", args=[run.pk]), follow=True)

    assert "The search was cancelled" in text_of(stopped)
    assert "already ended" in text_of(again)


def test_unfinished_search_has_no_list_yet(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    assert client.get(detail_url(run)).url == progress_url(run)


# --- what changed since --------------------------------------------------------------------------


def test_changed_patient_is_said_above_an_old_list(client: Client, run: SearchRun, patient: Patient) -> None:
    before = text_of(client.get(detail_url(run)))
    patient.typings.update(is_current=False)
    PatientTypingFactory(patient=patient, gl=FIVE)
    Patient.objects.filter(pk=patient.pk).update(weight_kg=Decimal(30))

    after = text_of(client.get(detail_url(run)))

    assert "was changed since this search" not in before
    assert "typing was changed since this search" in after
    assert "Doses by 30 kg (the search knew" in after


def test_older_list_says_that_it_is(client: Client, run: SearchRun) -> None:
    newer = services.run_repeat(request_id=run.request_id, actor=ACTOR)
    services.run_execute(job_id=newer.job_id)
    SearchRun.objects.filter(pk=run.pk).update(release="3.40.0")

    old, new = text_of(client.get(detail_url(run))), text_of(client.get(detail_url(newer)))

    assert "not the newest list" in old
    assert "made by IPD-IMGT/HLA 3.40.0; in use now is built-in nomenclature" in old
    assert "not the newest list" not in new
    assert "in use now is" not in new


def test_reference_data_changed_under_one_name_are_noticed(client: Client, run: SearchRun) -> None:
    first = text_of(client.get(detail_url(run)))
    SearchRun.objects.filter(pk=run.pk).update(nomenclature_checksum="0" * 64, mac_checksum="0" * 64)
    later = text_of(client.get(detail_url(run)))

    assert "Search again to use it" not in first
    assert "built-in nomenclature was compiled anew since this search" in later
    assert "made by no MAC table; in use now is no MAC table" in later


def test_the_built_in_nomenclature_is_a_warning(client: Client, run: SearchRun) -> None:
    notice = client.get(detail_url(run)).context["notices"][0]

    assert notice["tone"] == "warn"
    assert "only possible there, not certain" in str(notice["text"])


# --- what waits, what is found -------------------------------------------------------------------


def work_of(user: User) -> list[str]:
    return [item.title for item in work_items(user)]


def test_my_work_names_lists_searches_drafts_and_failures(
    user: User, run: SearchRun, patient: Patient
) -> None:
    services.request_create(patient=patient, data=RequestData(), actor=ACTOR)
    waiting, failed = queued_run(patient), queued_run(patient)
    claimed(failed).fail("no")

    assert work_of(user) == [
        f"The search for {failed.request.number} failed",
        f"A search for {waiting.request.number} is under way",
        "1 request is not submitted",
        f"Match list of {run.request.number}, patient {patient.code}",
    ]
    assert work_of(member_of(HospitalFactory())) == []
    assert work_of(UserFactory(roles=[Role.LAB])) == []


def test_only_the_newest_list_of_a_request_is_work(user: User, run: SearchRun) -> None:
    again = services.run_repeat(request_id=run.request_id, actor=ACTOR)
    services.run_execute(job_id=again.job_id)

    assert [item.url for item in work_items(user)] == [detail_url(again)]


def test_failure_is_no_work_once_it_was_repeated(user: User, patient: Patient, units: Any) -> None:
    failed = queued_run(patient)
    claimed(failed).fail("no")
    again = services.run_repeat(request_id=failed.request_id, actor=ACTOR)
    services.run_execute(job_id=again.job_id)

    assert work_of(user) == [f"Match list of {failed.request.number}, patient {patient.code}"]


def test_request_is_found_by_its_number(client: Client, user: User, patient: Patient) -> None:
    run = queued_run(patient)
    number = run.request.number

    assert [hit.exact for hit in find_requests(user, number.lower())] == [True]
    assert [hit.exact for hit in find_requests(user, number[-4:])] == [False]
    assert find_requests(member_of(HospitalFactory()), number) == []
    assert client.get(reverse("config:find") + f"?q={number}").url == reverse(
        "matching:request-detail", args=[run.request_id]
    )


def test_reference_page_names_release_policy_and_how_to_load(client: Client) -> None:
    hospital_page = text_of(client.get(reverse("matching:release-list")))
    admin_page = text_of(client_of(UserFactory(roles=[Role.ADMIN])).get(reverse("matching:release-list")))

    assert "built-in nomenclature is in use" in hospital_page
    assert "Malignant disease, single unit v1" in hospital_page
    assert "load_hla_release" not in hospital_page
    assert "manage.py load_hla_release PATH" in admin_page
