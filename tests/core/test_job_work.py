"""What the work of a job ends with, the signs of life beside it, and a sweep that nobody holds up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.utils import timezone

from core import jobs, pulse
from core.audit import Actor
from core.errors import Conflict
from core.jobs import Claim
from core.models import Job
from tests.core.test_jobs import make, rung
from tests.factories.core import UserFactory

__all__ = ["rung"]

FAILED = "It failed for a reason inside the program."


def raising(error: Exception) -> Any:
    def work(claim: Claim) -> None:
        raise error

    return work


@pytest.mark.django_db
def test_work_is_done_once_and_its_answer_handed_on(rung: list[UUID]) -> None:
    job = make()

    def work(claim: Claim) -> str:
        claim.succeed({"found": 3})
        return "done"

    assert jobs.carry_out(str(job.pk), work, failed=FAILED) == "done"
    assert jobs.carry_out(job.pk, work, failed=FAILED) is None
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Conflict("too_late", "The bank has closed."), "too_late", "The bank has closed."),
        (jobs.OutOfTime(), "out_of_time", "took longer than it may"),
        (ZeroDivisionError(), "failed", FAILED),
    ],
)
def test_work_that_fails_ends_with_a_reason_for_people(
    rung: list[UUID], error: Exception, code: str, words: str
) -> None:
    job = make()

    assert jobs.carry_out(job.pk, raising(error), failed=FAILED) is None

    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", code)
    assert words in job.error


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_work_without_a_database_stays_claimed(rung: list[UUID], error: type[Exception]) -> None:
    job = make()

    with pytest.raises(error):
        jobs.carry_out(job.pk, raising(error("server closed the connection unexpectedly")), failed=FAILED)

    job.refresh_from_db()
    assert job.state == "running"


@pytest.mark.django_db
def test_work_that_fails_after_somebody_cancelled_stays_cancelled(rung: list[UUID]) -> None:
    job = make()

    def work(claim: Claim) -> None:
        jobs.job_cancel(job=job, actor=Actor.system("test"))
        raise ZeroDivisionError

    assert jobs.carry_out(job.pk, work, failed=FAILED) is None

    job.refresh_from_db()
    assert (job.state, job.error) == ("cancelled", "")


@pytest.mark.django_db(transaction=True)
def test_silent_work_gives_signs_of_life(rung: list[UUID], settings: Any) -> None:
    settings.JOB_LEASE_SECONDS = 0.05
    job = make()
    claim = jobs.job_claim(job.pk)
    assert claim is not None
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    with claim.kept_alive():
        began = timezone.now()
        limit = began + timedelta(seconds=20)
        while Job.objects.get(pk=job.pk).heartbeat_at < began:
            assert timezone.now() < limit, "no sign of life"

    claim.succeed()


def test_signs_of_life_end_when_the_job_is_lost() -> None:
    calls: list[int] = []

    def beat() -> bool:
        calls.append(1)
        return len(calls) < 3

    with pulse.beating(beat, every=0.001):
        for thread in threading.enumerate():
            if thread.name == "pulse":
                thread.join(20)

    assert len(calls) == 3


def test_signs_of_life_outlast_a_pause_of_the_database() -> None:
    calls: list[int] = []
    again = threading.Event()

    def beat() -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("the database system is starting up")
        again.set()
        return True

    with pulse.beating(beat, every=0.001):
        assert again.wait(20)


@contextmanager
def row_locked(job: Job) -> Iterator[None]:
    """As by a worker that stores."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM core_job WHERE id = %s FOR NO KEY UPDATE", [job.pk])
        yield
    finally:
        other.close()


@pytest.mark.django_db(transaction=True)
def test_the_sweep_passes_over_a_job_that_is_being_stored(rung: list[UUID]) -> None:
    storing, lost = make("storing"), make("lost")
    for job in (storing, lost):
        jobs.job_claim(job.pk)
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    with row_locked(storing):
        assert jobs.sweep()["taken_back"] == 1

    lost.refresh_from_db()
    assert lost.state == "queued"
    assert jobs.sweep()["taken_back"] == 1


@pytest.mark.django_db
def test_a_job_given_up_says_why_in_the_language_of_who_started_it(rung: list[UUID]) -> None:
    person = UserFactory(language="zh-hans")
    job = jobs.job_create(kind="test", key="k", title="A job", actor=Actor.user(person))
    jobs.job_claim(job.pk)
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5), attempts=jobs.MAX_ATTEMPTS)

    jobs.sweep()

    job.refresh_from_db()
    assert "管理员" in job.error


@pytest.mark.django_db
def test_many_that_wait_are_rung_again_some_at_a_time_and_no_kind_behind_another(
    rung: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RINGS_A_SWEEP", 2)
    monkeypatch.setitem(jobs._rings, "other", rung.append)
    many = [make(str(number)) for number in range(3)]
    other = jobs.job_create(kind="other", key="other", title="t", actor=Actor.system("test"))
    for age, job in enumerate([other, *many]):
        Job.objects.filter(pk=job.pk).update(rung_at=timezone.now() - timedelta(minutes=5 + age))

    assert jobs.sweep()["rung_again"] == 3
    assert set(rung) == {other.pk, many[2].pk, many[1].pk}
    assert jobs.sweep()["rung_again"] == 1
    assert rung[-1] == many[0].pk
