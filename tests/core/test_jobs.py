"""Jobs: claimed once, never lost, cancelled cleanly."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from core import jobs
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, Job
from core.querysets import JobQuerySet
from core.roles import Role
from tests.factories.core import UserFactory

SYSTEM = Actor.system("test")


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    calls: list[UUID] = []
    monkeypatch.setitem(jobs._rings, "test", calls.append)
    return calls


def make(key: str = "k") -> Job:
    return jobs.job_create(kind="test", key=key, title="A job", actor=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_create_rings_after_commit_and_once(rung: list[UUID]) -> None:
    first = make()
    second = make()

    assert first.pk == second.pk
    assert rung == [first.pk]


@pytest.mark.django_db(transaction=True)
def test_create_survives_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(job_id: UUID) -> None:
        raise ConnectionError

    monkeypatch.setitem(jobs._rings, "test", away)

    assert make().state == "queued"


@pytest.mark.django_db
def test_create_refuses_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        jobs.job_create(kind="nonsense", key="k", title="t", actor=SYSTEM)


@pytest.mark.django_db
def test_words_of_a_stage_that_are_too_long_are_cut(rung: list[UUID]) -> None:
    job = make()
    claim = jobs.job_claim(job.pk)
    assert claim is not None

    claim.progress("脐" * 80, 0.1)

    job.refresh_from_db()
    assert job.stage == "脐" * 60


@pytest.mark.django_db
def test_a_teller_writes_now_and_then_and_when_asked_to(
    rung: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock[0])
    job = make()
    claim = jobs.job_claim(job.pk)
    assert claim is not None
    tell = jobs.Teller(claim)

    def told(share: float, after: float, *, now: bool = False) -> float:
        clock[0] += after
        (tell.now if now else tell)("reading", share)
        return float(Job.objects.values_list("share", flat=True).get(pk=job.pk))

    assert told(0.1, jobs.TELL_EVERY_SECONDS / 2) == 0
    assert told(0.2, jobs.TELL_EVERY_SECONDS / 2) == 0.2
    assert told(0.3, jobs.TELL_EVERY_SECONDS / 2) == 0.2
    assert told(0.4, 0.0, now=True) == 0.4
    assert told(0.5, jobs.TELL_EVERY_SECONDS / 2) == 0.4  # the clock runs from what was told last


@pytest.mark.django_db
def test_claim_works_and_ends(rung: list[UUID]) -> None:
    job = make()

    claim = jobs.job_claim(job.pk)
    assert claim is not None
    claim.progress("reading", 1.7, units=5)
    job.refresh_from_db()
    assert (job.state, job.stage, job.share, job.counts, job.attempts) == (
        "running",
        "reading",
        1.0,
        {"units": 5},
        1,
    )
    with claim.guard() as locked:
        assert locked.pk == job.pk
    claim.succeed({"found": 3})

    job.refresh_from_db()
    assert (job.state, job.result, job.is_open) == ("done", {"found": 3}, False)
    assert jobs.job_claim(job.pk) is None
    assert jobs.job_claim(uuid4()) is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_claim_one_job_once(rung: list[UUID]) -> None:
    job, claims = make(), []
    barrier = threading.Barrier(6)

    def work() -> None:
        barrier.wait()
        claims.append(jobs.job_claim(job.pk))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(claim is not None for claim in claims) == 1


@pytest.mark.django_db
def test_fail_keeps_a_reason_for_people(rung: list[UUID]) -> None:
    job = make()
    claim = jobs.job_claim(job.pk)
    assert claim is not None

    claim.fail(InvalidInput("no_typing", "The patient has no typing."))

    job.refresh_from_db()
    assert (job.state, job.error_code, job.error) == ("failed", "no_typing", "The patient has no typing.")


@pytest.mark.django_db
def test_cancel_stops_the_worker(rung: list[UUID]) -> None:
    job = make()
    claim = jobs.job_claim(job.pk)
    assert claim is not None

    jobs.job_cancel(job=job, actor=SYSTEM)

    with pytest.raises(jobs.JobCancelled):
        claim.progress("x", 0.5)
    with pytest.raises(jobs.JobCancelled), claim.guard():
        pytest.fail("the guard must not open")
    with pytest.raises(jobs.JobCancelled):
        claim.succeed()
    assert AuditEntry.objects.filter(action="job.cancel").count() == 1
    with pytest.raises(Conflict):
        jobs.job_cancel(job=job, actor=SYSTEM)


@pytest.mark.django_db
def test_sweep_hands_on_the_job_of_a_dead_worker(rung: list[UUID]) -> None:
    job = make()
    dead = jobs.job_claim(job.pk)
    assert dead is not None
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    assert jobs.sweep() == {"taken_back": 1, "rung_again": 0}

    assert rung[-1] == job.pk
    heir = jobs.job_claim(job.pk)
    assert heir is not None
    with pytest.raises(jobs.JobLost):
        dead.succeed()
    heir.succeed()
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)


@pytest.mark.django_db
def test_a_sign_of_life_after_the_look_keeps_the_job(
    rung: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make()
    claim = jobs.job_claim(job.pk)
    assert claim is not None
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    looked = list(Job.objects.without_a_sign_of_life())
    monkeypatch.setattr(JobQuerySet, "without_a_sign_of_life", lambda rows: looked)
    claim.progress("rank", 0.5)

    assert jobs.sweep()["taken_back"] == 0

    claim.succeed()


@pytest.mark.django_db
def test_sweep_gives_up_after_many_deaths(rung: list[UUID]) -> None:
    job = make()
    jobs.job_claim(job.pk)
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5), attempts=jobs.MAX_ATTEMPTS)

    assert jobs.sweep() == {"taken_back": 0, "rung_again": 0}

    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "worker_lost")
    assert "administrator" in job.error


@pytest.mark.django_db
def test_sweep_rings_again_for_a_lost_ring_and_leaves_the_living_alone(rung: list[UUID]) -> None:
    lost, fresh, running = make("lost"), make("fresh"), make("running")
    jobs.job_claim(running.pk)
    Job.objects.filter(pk=lost.pk).update(rung_at=timezone.now() - timedelta(minutes=5))

    assert jobs.sweep() == {"taken_back": 0, "rung_again": 1}

    assert rung == [lost.pk]
    assert jobs.sweep() == {"taken_back": 0, "rung_again": 0}
    fresh.refresh_from_db()
    assert fresh.state == "queued"


@pytest.mark.django_db
def test_visible_to_own_and_own_hospital(rung: list[UUID]) -> None:
    hospital = uuid4()
    coordinator = UserFactory(roles=[Role.HOSPITAL_COORDINATOR])
    coordinator.hospital_ids = frozenset({hospital})
    mine = jobs.job_create(kind="test", key="1", title="t", actor=Actor.user(coordinator))
    ours = jobs.job_create(kind="test", key="2", title="t", actor=SYSTEM, hospital_id=hospital)
    jobs.job_create(kind="test", key="3", title="t", actor=SYSTEM, hospital_id=uuid4())

    assert set(Job.objects.visible_to(coordinator)) == {mine, ours}
    assert Job.objects.visible_to(UserFactory(roles=[Role.ADMIN])).count() == 3
    assert Job.objects.visible_to(UserFactory(roles=[Role.COLLECTION])).count() == 0
