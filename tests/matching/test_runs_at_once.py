"""Searches beside one another and beside those who cancel them: real commits, threads and a worker."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import transaction

from core import jobs
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, Job
from matching import inventory, results, services, unit_rows
from matching.models import MatchRequest, SearchResult, SearchRun
from tests.factories.matching import ACTOR, ListedUnitFactory
from tests.matching.test_runs import executed, submitted
from tests.matching.threads import started, together


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_does_the_search() -> None:
    with transaction.atomic():
        ListedUnitFactory()
    run = submitted()
    outcomes: list[SearchRun | None] = []

    def worker() -> None:
        outcomes.append(services.run_execute(job_id=run.job_id))

    together(worker, worker)

    assert sorted(outcome is None for outcome in outcomes) == [False, True]
    assert SearchResult.objects.filter(run=run).count() == 1
    assert AuditEntry.objects.filter(action="search.complete").count() == 1


@pytest.mark.django_db(transaction=True)
def test_cancelling_a_request_whose_first_search_is_being_stored_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both hold request and job, in the same order: no deadlock, and the later one wins."""
    with transaction.atomic():
        ListedUnitFactory()
    run = submitted()
    storing, honest = threading.Event(), results.write

    def slow(rows: results.Rows) -> None:
        storing.set()
        time.sleep(0.5)  # until whoever cancels waits for a row
        honest(rows)

    outcomes: list[SearchRun | None] = []
    monkeypatch.setattr(results, "write", slow)
    worker = started(lambda: outcomes.append(services.run_execute(job_id=run.job_id)))
    assert storing.wait(20)
    cancelled = services.request_cancel(request_id=run.request_id, reason="transplanted", actor=ACTOR)
    worker.join(20)

    assert [found is not None for found in outcomes] == [True]
    assert Job.objects.get(pk=run.job_id).state == "done"
    assert (cancelled.state, SearchResult.objects.filter(run=run).count()) == ("CANCELLED", 1)


@pytest.mark.django_db(transaction=True)
def test_a_search_that_builds_the_inventory_for_longer_than_its_lease_keeps_its_job(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Its sign of life is seen while it reads, by a beat that looks all the time."""
    settings.JOB_LEASE_SECONDS = 2
    monkeypatch.setattr(inventory, "TELL_EVERY", 1)
    with transaction.atomic():
        for _ in range(12):
            ListedUnitFactory()
    run = submitted()
    honest = unit_rows._row

    def slow(*values: Any) -> Any:
        time.sleep(0.35)
        return honest(*values)

    monkeypatch.setattr(unit_rows, "_row", slow)
    began = time.monotonic()
    worker = started(lambda: services.run_execute(job_id=run.job_id))
    seen: set[int] = set()
    while worker.is_alive():
        assert jobs.sweep()["taken_back"] == 0
        seen.add(Job.objects.get(pk=run.job_id).counts.get("units", 0))
        time.sleep(0.05)
    worker.join()

    job = Job.objects.get(pk=run.job_id)
    assert time.monotonic() - began > 3, "it took longer than the lease"
    assert (job.state, job.attempts) == ("done", 1)
    assert len(seen) > 5, "how far it is can be watched"


@pytest.mark.django_db(transaction=True)
def test_two_repeats_at_once_start_one_search() -> None:
    run = executed(submitted())
    outcomes: list[str] = []

    def again() -> None:
        try:
            services.run_repeat(request_id=run.request_id, actor=Actor.system("test"))
            outcomes.append("started")
        except Conflict as conflict:
            outcomes.append(conflict.code)

    together(again, again)

    assert sorted(outcomes) == ["search_running", "started"]
    assert SearchRun.objects.filter(request=run.request_id).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_worker_on_the_real_broker_does_a_submitted_search(celery_worker: None) -> None:
    with transaction.atomic():
        ListedUnitFactory()

    run = submitted()

    limit = time.monotonic() + 20
    while Job.objects.get(pk=run.job_id).is_open and time.monotonic() < limit:
        time.sleep(0.02)
    run.refresh_from_db()
    assert run.is_finished
    assert run.kept == 1
    assert MatchRequest.objects.get(pk=run.request_id).state == "SEARCHED"
