"""Recomputing as a job: started, watched, stopped, its outcome stored or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.test import Client
from django.urls import reverse

from config.celery import app
from core import audit, jobs
from core.errors import Conflict
from core.models import AuditEntry, Job
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching import services, tasks
from matching.engine.search import ENGINE_VERSION
from matching.models import SearchReplay, SearchRun
from matching.services import replays as service
from tests.factories.core import UserFactory
from tests.factories.hospitals import member_of
from tests.factories.match_list import finished_replay, queued_run, stored_run
from tests.factories.matching import ACTOR, typed_patient
from tests.matching.match_list_pages import detail_url
from tests.matching.replay.cases import done, page_url, start, text_of
from tests.matching.test_pages_requests import client_of

pytestmark = pytest.mark.django_db(transaction=True)  # the ledger is written at commit


def test_the_outcome_is_stored_with_job_and_audit_entry(found: SearchRun) -> None:
    replay = done(found)

    assert (replay.verdict, replay.difference_count, replay.differences) == ("identical", 0, [])
    assert replay.compared == {"figures": 15, "rows": 6, "columns": 21}
    assert (replay.engine_version, replay.ledger_number) == (
        ENGINE_VERSION,
        replay.today["ledger_number"],
    )
    assert (replay.job.kind, replay.job.state) == ("replay", "done")
    assert replay.job.result == {"replay": str(replay.pk), "verdict": "identical"}
    assert replay.job.hospital_id == found.request.hospital_id
    entry = AuditEntry.objects.get(action="search.replay")
    assert (entry.target_key, entry.actor_id, entry.hospital_id) == (
        str(replay.pk),
        "system:replay",
        found.request.hospital_id,
    )
    assert (entry.after["verdict"], entry.after["differences"]) == ("identical", 0)
    assert (entry.after["new"], entry.after["gone"], entry.after["changed"]) == (0, 0, 0)
    assert AuditEntry.objects.get(action="search.replay_start").actor_id == ACTOR.id


def test_a_worker_is_rung_on_the_queue_of_batches(found: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(tasks.replay, "delay", rung.append)

    replay = start(found)

    assert rung == [str(replay.job_id)]
    assert app.conf.task_routes["matching.replay"]["queue"] == "batch"
    tasks.replay(str(replay.job_id))
    replay.refresh_from_db()
    assert replay.is_finished


def test_the_one_under_way_is_given_again_and_a_finished_one_is_not(found: SearchRun) -> None:
    first = start(found)

    assert start(found) == first
    services.replay_execute(job_id=first.job_id)
    assert services.replay_execute(job_id=first.job_id) is None
    assert start(found) != first
    assert AuditEntry.objects.filter(action="search.replay").count() == 1


def test_a_search_that_has_not_finished_has_nothing_to_recompute(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    with pytest.raises(Conflict, match="not finished") as caught:
        start(run)
    assert caught.value.code == "search_not_finished"
    assert client.post(reverse("matching:run-replay", args=[run.pk])).url == detail_url(run)
    assert not SearchReplay.objects.exists()


@pytest.mark.parametrize(
    "stage", ["Restoring the inventory of then", "Searching again", "Searching with today's data"]
)
def test_a_cancelled_replay_stores_nothing(
    found: SearchRun, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(jobs, "TELL_EVERY_SECONDS", 0)
    honest = jobs.Claim.progress

    def heard(self: Any, told: str, share: float, **counts: int) -> None:
        if told == stage:
            jobs.job_cancel(job=Job.objects.get(pk=self.job_id), actor=ACTOR)
        honest(self, told, share, **counts)

    monkeypatch.setattr(jobs.Claim, "progress", heard)
    replay = done(found)

    assert (replay.is_finished, replay.verdict, replay.job.state) == (False, "", "cancelled")
    assert not AuditEntry.objects.filter(action="search.replay").exists()


def test_what_was_proved_stays_when_todays_data_fail(
    found: SearchRun, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(service, "with_todays_data", broken)
    replay = done(found)

    assert (replay.verdict, replay.job.state, replay.today["reason"]["code"]) == (
        "identical",
        "done",
        "failed",
    )
    assert "With today's data this search cannot be made" in text_of(client.get(page_url(replay)))


def test_of_a_hospital_two_are_recomputed_at_a_time(client: Client, hospital: Hospital) -> None:
    mine = [stored_run(request__patient=typed_patient(hospital=hospital)) for _ in range(3)]
    other = stored_run()
    colleague = client_of(member_of(hospital))

    assert [
        one.post(reverse("api:run-replay", args=[run.pk])).status_code
        for one, run in zip((client, colleague, client), mine, strict=True)
    ] == [202, 202, 409]
    told = client.post(reverse("api:run-replay", args=[mine[2].pk])).json()["error"]
    assert told["code"] == "replays_under_way"
    assert client.post(reverse("api:run-replay", args=[mine[0].pk])).status_code == 202  # under way already
    page = client.post(reverse("matching:run-replay", args=[mine[2].pk]), follow=True)
    assert "2 searches are being recomputed already" in text_of(page)
    stranger = client_of(member_of(other.request.hospital))
    assert stranger.post(reverse("api:run-replay", args=[other.pk])).status_code == 202
    Job.objects.filter(kind="replay", hospital_id=hospital.pk).update(
        state="cancelled", ended_at=other.created_at
    )
    assert client.post(reverse("api:run-replay", args=[mine[2].pk])).status_code == 202


def test_of_a_person_of_the_bank_two_are_recomputed_at_a_time() -> None:
    runs = [stored_run() for _ in range(3)]
    first, second = (client_of(UserFactory(roles=[Role.MEDICAL_DIRECTOR])) for _ in range(2))

    codes = [first.post(reverse("api:run-replay", args=[run.pk])).status_code for run in runs]

    assert codes == [202, 202, 409]
    assert second.post(reverse("api:run-replay", args=[runs[2].pk])).status_code == 202


def test_progress_only_grows(found: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "TELL_EVERY_SECONDS", 0)
    told: list[float] = []
    honest = jobs.Claim.progress

    def heard(self: Any, stage: str, share: float, **counts: int) -> None:
        told.append(share)
        honest(self, stage, share, **counts)

    monkeypatch.setattr(jobs.Claim, "progress", heard)
    done(found)

    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] < 1


def test_a_fault_inside_the_program_is_no_verdict(
    found: SearchRun, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(service, "recomputed", broken)
    replay = done(found)

    assert (replay.verdict, replay.job.state) == ("", "failed")
    text = text_of(client.get(page_url(replay)))
    assert "proves nothing" in text
    assert "Nothing was proved" in text
    assert "secret detail" not in text
    assert "dentical" not in text


@pytest.mark.parametrize("where", ["recomputed", "with_todays_data"])
def test_a_database_that_goes_leaves_the_job_to_the_sweep(
    found: SearchRun, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def away(*args: Any) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(service, where, away)
    replay = start(found)
    with pytest.raises(OperationalError):
        services.replay_execute(job_id=replay.job_id)

    replay.refresh_from_db()
    assert (replay.verdict, replay.job.state) == ("", "running")


def test_nothing_is_stored_when_the_audit_entry_fails(
    found: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = start(found)

    def broken(**kwargs: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(audit, "record", broken)
    services.replay_execute(job_id=replay.job_id)

    replay.refresh_from_db()
    assert (replay.verdict, replay.is_finished) == ("", False)


@pytest.mark.parametrize(
    "values",
    [
        {"verdict": "identical", "difference_count": 3},
        {"verdict": "identical", "difference_count": None},
        {"verdict": "different", "difference_count": 0},
        {"verdict": "impossible", "difference_count": None, "reason": {}},
        {"verdict": "", "difference_count": None},
        {"completed_at": None},
    ],
)
def test_the_database_keeps_verdicts_true(db: None, values: dict[str, Any]) -> None:
    replay = finished_replay()

    with pytest.raises(IntegrityError):
        SearchReplay.objects.filter(pk=replay.pk).update(**values)
