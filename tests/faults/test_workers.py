"""Workers that hang, die and build at the same time: each search ends once, with its results or with a reason."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db.models import F

from config.celery import limits
from config.supervisor import worker as layout
from core import jobs
from core.jobs import MAX_ATTEMPTS
from core.models import Job
from matching import inventory, tasks
from matching.models import SearchRun
from tests.faults.searches import (
    are_over,
    assert_done_once,
    assert_failed,
    inventory_locked,
    job_of,
    offered_units,
    results_locked,
    submitted,
    waiting_to_read_units,
)
from tests.faults.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BUILDING = "building the inventory snapshot"


@pytest.fixture
def a_second(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Searches may last a second. The limit goes with the ring, so that it is whoever rings who knows it."""
    for name, seconds in limits(1).items():
        monkeypatch.setattr(tasks.search, name, seconds)
    monkeypatch.setattr(tasks.search, "_exec_options", None)  # what goes with a ring, remembered by Celery
    return {"QIDAI_SEARCH_LIMIT_SECONDS": "1"}  # for the worker, which rings for swept ones


@contextmanager
def somebody_builds() -> Iterator[None]:
    """This process is the builder of the host, and never ends."""
    path = inventory.file_path().with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def test_a_stage_that_says_nothing_for_longer_than_its_lease_keeps_its_job(
    workers: Workers, settings: Any
) -> None:
    settings.JOB_LEASE_SECONDS = 2  # as the worker's

    def two_leases_later() -> bool:
        assert jobs.sweep()["taken_back"] == 0
        job = job_of(run)
        return (job.heartbeat_at - job.started_at).total_seconds() > 4

    offered_units()
    [run] = submitted()
    with ExitStack() as lock:
        lock.enter_context(inventory_locked())
        with workers.worker():
            workers.until(lambda: job_of(run).state == "running", "the search to begin")
            workers.until(waiting_to_read_units, "it to be silent in the database")
            workers.until(two_leases_later, "signs of life beside the work")
            lock.close()
            workers.until(lambda: are_over([run]), "its end")

    assert_done_once([run])
    assert job_of(run).attempts == 1


def test_a_search_that_takes_too_long_fails_with_a_reason(workers: Workers, a_second: dict[str, str]) -> None:
    offered_units()
    runs = submitted()
    with somebody_builds(), workers.worker(**a_second):
        workers.until(lambda: are_over(runs), "the search to be stopped")

    assert_failed(runs[0], "out_of_time", "took longer than it may")
    assert job_of(runs[0]).attempts == 1


def test_a_search_that_cannot_be_stopped_is_killed_and_fails_after_the_last_attempt(
    workers: Workers, a_second: dict[str, str]
) -> None:
    """It stands in a query, holding its job; the database lets go of it once its process is dead."""
    offered_units()
    [run] = submitted()
    Job.objects.filter(pk=run.job_id).update(attempts=MAX_ATTEMPTS - 1)
    attentive = workers.environment["DATABASE_URL"] + "?options=-cclient_connection_check_interval%3D200"
    with results_locked(), workers.with_beat(DATABASE_URL=attentive, **a_second) as part:
        workers.until(lambda: are_over([run]), "the search to be given up")
        assert part.lives

    assert_failed(run, "worker_lost", "its worker died each time")
    assert job_of(run).attempts == MAX_ATTEMPTS


def test_of_two_workers_without_a_snapshot_one_builds_and_both_searches_are_right(workers: Workers) -> None:
    offered_units()
    runs = submitted(2)
    with workers.with_beat(), workers.worker(name="two"):
        with somebody_builds():
            workers.until(lambda: waiting_for_the_builder(runs) == 2, "both to wait for the builder")
        workers.until(lambda: are_over(runs), "both searches")

    assert_done_once(runs)
    assert workers.said().count(BUILDING) == 1


def waiting_for_the_builder(runs: list[SearchRun]) -> int:
    running = Job.objects.filter(pk__in=[run.job_id for run in runs], state="running")
    return running.filter(heartbeat_at__gt=F("started_at"), counts={"units": 0}).count()


def test_a_builder_that_is_killed_is_succeeded_by_the_one_that_waits(workers: Workers) -> None:
    offered_units()
    first, second = runs = submitted(2)
    with ExitStack() as lock:
        lock.enter_context(inventory_locked())
        with workers.worker() as doomed:
            workers.until(lambda: job_of(first).state == "running", "the first search to begin")
            workers.until(waiting_to_read_units, "it, or its process before it, to build")
            with workers.with_beat(name="two"):
                workers.until(lambda: waiting_for_the_builder([second]), "the second to wait for the builder")
                doomed.kill()
                workers.until(lambda: workers.said().count(BUILDING) == 2, "the second to build")
                lock.close()
                workers.until(lambda: are_over(runs), "both searches")

    assert_done_once(runs)
    assert job_of(first).attempts > 1


def test_a_batch_stands_in_nobodys_way(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    offered_units()
    with monkeypatch.context() as patch:
        patch.setitem(
            jobs._rings, "search", lambda job_id: tasks.search.apply_async([str(job_id)], queue="batch")
        )
        batch = submitted(3)
    runs = submitted()
    arguments = layout("interactive", 1)
    with workers.worker("-Q", arguments[arguments.index("-Q") + 1]):
        workers.until(lambda: are_over(runs), "the search of a person")
        assert {job_of(run).state for run in batch} == {"queued"}

    with workers.worker("-Q", "batch", name="batch"):
        workers.until(lambda: are_over(batch), "the batch")

    assert_done_once([*runs, *batch])


def test_a_process_whose_memory_grew_is_replaced_after_its_task(workers: Workers) -> None:
    offered_units()
    runs = submitted(2)
    with workers.worker(QIDAI_WORKER_MEMORY_MB="1") as part:
        workers.until(part.children, "its process")
        [first] = part.children()
        workers.until(lambda: are_over(runs), "the searches")
        workers.until(lambda: first not in part.children(), "the process to be replaced")

    assert_done_once(runs)
