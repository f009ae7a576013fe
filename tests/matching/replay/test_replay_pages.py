"""The outcome of recomputing on a page and over the API: who may start it, stop it, read it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import bank.services
from bank.models import CordBloodUnit
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching import services
from matching.models import SearchReplay, SearchRun
from tests.factories.core import UserFactory
from tests.factories.match_list import finished_replay, queued_run, searched_run, stored_run
from tests.factories.matching import ACTOR, typed_patient
from tests.matching.match_list_pages import HTMX, detail_url
from tests.matching.replay.cases import done, forget_all, moved_on, page_url, text_of, touch
from tests.matching.test_pages_requests import client_of

pytestmark = pytest.mark.django_db(transaction=True)  # the ledger is written at commit


def test_from_the_list_to_the_proof_and_back(client: Client, found: SearchRun) -> None:
    assert reverse("matching:run-replay", args=[found.pk]) in client.get(detail_url(found)).content.decode()

    response = client.post(reverse("matching:run-replay", args=[found.pk]))
    replay = SearchReplay.objects.with_run().get()
    assert response.url == page_url(replay)
    waiting = client.get(page_url(replay))
    assert "Waiting for a free worker" in text_of(waiting)
    assert reverse("core:job-cancel", args=[replay.job_id]) in waiting.content.decode()
    part = client.get(page_url(replay), **HTMX)
    assert "<html" not in part.content.decode()
    assert f'hx-get="{page_url(replay)}"' in part.content.decode()

    forget_all()
    services.replay_execute(job_id=replay.job_id)
    assert client.get(page_url(replay), **HTMX)["HX-Refresh"] == "true"
    text = text_of(client.get(page_url(replay)))
    assert "Identical in all 6 rows." in text
    assert "All 15 figures and all 21 columns" in text
    assert found.snapshot_checksum[:12] in text
    response = client.get(detail_url(found))
    assert page_url(replay) in response.content.decode()
    assert ": identical" in response.context["replay"]["label"]


def test_where_it_differs_stands_on_the_page(client: Client, found: SearchRun) -> None:
    touch(found, 2, tnc_e7=1.5)

    response = client.get(page_url(done(found)))

    text = text_of(response)
    assert "<th>" not in response.content.decode()  # each says of what it is the head
    assert "Different: 1 value is not what is stored." in text
    assert response.context["differences"] == [
        {
            "where": "rank 2",
            "column": "tnc_e7",
            "stored": "1.5",
            "recomputed": str(found.results.get(rank=2).unit.tnc_e7),
        }
    ]
    assert "dentical" not in text


def test_why_it_cannot_be_recomputed_stands_on_the_page(
    client: Client, found: SearchRun, some: dict[str, CordBloodUnit]
) -> None:
    CordBloodUnit.objects.filter(pk=some["five"].pk).update(tnc_e7=151)

    text = text_of(client.get(page_url(done(found))))

    assert "This search cannot be recomputed. The inventory of that time cannot be restored" in text
    assert "Nothing was compared" in text
    assert "dentical" not in text


def test_what_today_would_change_stands_on_the_page(
    client: Client, found: SearchRun, some: dict[str, CordBloodUnit]
) -> None:
    moved_on(some)

    response = client.get(page_url(done(found)))

    assert "Identical in all 6 rows." in text_of(response)
    figures = {one["label"]: one["value"] for one in response.context["today_figures"]}
    assert (figures["new units"], figures["gone"]) == ("2", "2")
    rows = {row["unit"]: row for row in response.context["today_rows"]}
    assert rows["N-1"]["rank"] == "– → 1"
    assert rows["N-1"]["status"] == "Listed"
    six = rows[some["six"].unit_no]
    assert (six["rank"], six["url"]) == ("1 → –", "")  # on hold: hospitals do not open it any more
    assert six["classes"][0] == "6/6 antigen"
    assert [str(tag["text"]) for tag in six["tags"]] == ["gone"]
    assert "1 → – 6/6 antigen" in text_of(response)


def test_another_engine_and_missing_probabilities_are_said(client: Client, hospital: Hospital) -> None:
    replay = finished_replay(request__patient=typed_patient(hospital=hospital))
    remarks = ["other_engine", "no_probabilities", "no_digests"]
    SearchReplay.objects.update(remarks=remarks, engine_version="2")

    text = text_of(client.get(page_url(replay)))

    assert "Made by engine 1, recomputed by engine 2." in text
    assert "stored no probabilities" in text
    assert "wrote no digests" in text
    assert "With today's data this search cannot be made: Something else is missing." in text


def test_another_hospitals_search_is_not_there(client: Client) -> None:
    run, replay = stored_run(), finished_replay()

    assert client.post(reverse("matching:run-replay", args=[run.pk])).status_code == 404
    assert client.get(page_url(replay)).status_code == 404
    assert client.get(reverse("api:replay-detail", args=[replay.pk])).status_code == 404
    assert client.post(reverse("api:run-replay", args=[run.pk])).status_code == 404
    assert client.get(reverse("api:run-replays", args=[run.pk])).status_code == 404
    assert not run.replays.exists()


def test_the_page_needs_few_queries(
    client: Client, found: SearchRun, some: dict[str, CordBloodUnit], django_assert_max_num_queries: Any
) -> None:
    moved_on(some)
    replay = done(found)
    assert len(replay.today["listed"]) > 3

    with django_assert_max_num_queries(12):
        client.get(page_url(replay))


def test_whoever_started_it_may_stop_it(found: SearchRun) -> None:
    client = client_of(UserFactory(roles=[Role.MEDICAL_DIRECTOR]))
    client.post(reverse("matching:run-replay", args=[found.pk]))
    replay = SearchReplay.objects.with_run().get()

    client.post(reverse("core:job-cancel", args=[replay.job_id]))

    assert services.replay_execute(job_id=replay.job_id) is None
    text = text_of(client.get(page_url(replay)))
    assert "Recomputing was cancelled" in text
    assert "Recompute again" in text


# --- API -------------------------------------------------------------------------------------------------------------


def test_the_api_starts_and_tells(client: Client, found: SearchRun, some: dict[str, CordBloodUnit]) -> None:
    started = client.post(reverse("api:run-replay", args=[found.pk]))
    assert started.status_code == 202
    assert (started.json()["verdict"], started.json()["today"]) == ("", None)
    assert started.json()["progress"]["state"] == "queued"
    replay = SearchReplay.objects.get(pk=started.json()["id"])
    bank.services.unit_hold(unit_id=some["six"].pk, actor=ACTOR, reason="r")
    touch(found, 2, status="RESERVED")
    services.replay_execute(job_id=replay.job_id)

    told = client.get(reverse("api:replay-detail", args=[replay.pk])).json()

    assert (told["verdict"], told["difference_count"], told["reason"]) == ("different", 1, None)
    assert told["differences"] == [
        {"part": "rows", "rank": 2, "column": "status", "stored": "RESERVED", "recomputed": "LISTED"}
    ]
    assert (told["today"]["gone"], told["today"]["new"]) == (1, 0)
    gone = next(one for one in told["today"]["listed"] if one["changes"] == ["gone"])
    assert (gone["unit"], gone["now"], gone["then"]["classes"]["antigen6"]) == (
        str(some["six"].pk),
        None,
        [6, 6],
    )
    [one] = client.get(reverse("api:run-replays", args=[found.pk])).json()["results"]
    assert (one["id"], one["difference_count"]) == (str(replay.pk), 1)
    assert not {"differences", "today"} & one.keys()


def test_the_api_says_why_not(client: Client, found: SearchRun) -> None:
    SearchRun.objects.filter(pk=found.pk).update(ledger_number=9_999)
    replay = done(found)

    told = client.get(reverse("api:replay-detail", args=[replay.pk])).json()

    assert (told["verdict"], told["reason"]["code"], told["difference_count"]) == (
        "impossible",
        "ledger_behind",
        None,
    )


def test_the_api_refuses_a_search_that_has_not_finished(client: Client, patient: Patient) -> None:
    response = client.post(reverse("api:run-replay", args=[queued_run(patient).pk]))

    assert (response.status_code, response.json()["error"]["code"]) == (409, "search_not_finished")


def test_a_repeated_search_is_recomputed_apart(patient: Patient, some: dict[str, CordBloodUnit]) -> None:
    first = searched_run(patient)
    bank.services.unit_hold(unit_id=some["six"].pk, actor=ACTOR, reason="r")
    second = services.run_repeat(request_id=first.request_id, actor=ACTOR)
    services.run_execute(job_id=second.job_id)
    second.refresh_from_db()

    one, two = done(first), done(second)

    assert (one.verdict, one.compared["rows"], one.today["gone"]) == ("identical", 6, 1)
    assert (two.verdict, two.compared["rows"], two.today["gone"]) == ("identical", 5, 0)
