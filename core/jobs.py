"""Jobs: rows that people can watch, claimed by exactly one worker, lost by none.

The row is the truth, the broker only rings. A worker claims by conditional update and holds a token;
whatever it stores, it stores in a transaction that first proves the token is still its own (`guard`).
`carry_out` claims, gives signs of life from a thread beside the work, and ends the job whatever happens. A worker
that dies stops its heartbeat; the beat's `sweep` hands the job to another one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import audit, pulse
from core.audit import Actor
from core.errors import Conflict, DomainError
from core.models import STAGE_LENGTH, Job, User

log = logging.getLogger("qidai.jobs")
Ring = Callable[[UUID], None]
Done = TypeVar("Done")
_rings: dict[str, Ring] = {}

MAX_ATTEMPTS = 5
TELL_EVERY_SECONDS = 0.25  # a row of progress costs a commit; people do not read faster
BEATS_A_LEASE = 5  # so that a few may be missed
RINGS_A_SWEEP = 50  # of a kind
OutOfTime = SoftTimeLimitExceeded  # raised in the midst of the work when it took longer than its task may

_OUT_OF_TIME = _(
    "This took longer than it may and was stopped. Start it again; if it is stopped again, tell the administrator."
)
_WORKER_LOST = _("The work was started several times and its worker died each time. Tell the administrator.")


class JobLost(Exception):
    """Another worker has this job now, or it was cancelled: store nothing."""


class JobCancelled(JobLost):
    """Somebody pressed cancel."""


def ends_the_work(error: Exception) -> bool:
    """Whether a stage that the work could do without must not swallow this: all of the work is over."""
    return isinstance(error, JobLost | OutOfTime) or database_is_away(error)


def database_is_away(error: Exception) -> bool:
    """Lost connections have these types, and now and then the bare type of all errors of the database."""
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def register_kind(kind: str, ring: Ring) -> None:
    """How to tell a worker that a job of this kind waits."""
    _rings[kind] = ring


def ring(job: Job) -> None:
    """Ring once the row is visible to the worker. A lost ring is repeated by the sweep."""
    transaction.on_commit(lambda: _ring_now(job.kind, job.pk))


def _ring_now(kind: str, job_id: UUID) -> None:
    try:
        _rings[kind](job_id)
    except Exception:  # the broker is away: the row is safe, the sweep rings again
        log.warning("could not ring for job %s", job_id, exc_info=True)


@transaction.atomic
def job_create(*, kind: str, key: str, title: str, actor: Actor, hospital_id: UUID | None = None) -> Job:
    """A new waiting job, rung after commit. The same key gives the row that is already there."""
    if kind not in _rings:
        raise ValueError(f"unknown kind of job: {kind}")
    job, created = Job.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "title": title[:200],
            "hospital_id": hospital_id,
            "actor_id": actor.id,
            "actor_label": actor.label[:200],
            "language": (translation.get_language() or "")[:10],
        },
    )
    if created:
        ring(job)
    return job


@dataclass(frozen=True)
class Claim:
    """The right of one worker to finish one job."""

    job_id: UUID
    token: UUID
    attempt: int

    def progress(self, stage: str, share: float, **counts: int) -> None:
        """Say how far the work is; also the heartbeat. Raises JobLost when the job is no longer ours."""
        changed = self._mine().update(
            stage=stage[:STAGE_LENGTH],
            share=min(max(share, 0.0), 1.0),
            counts=counts,
            heartbeat_at=timezone.now(),
        )
        if not changed:
            self._lost()

    @contextmanager
    def guard(self) -> Iterator[Job]:
        """A transaction that holds the job row: what is written inside is written by the owner of the job."""
        with transaction.atomic():
            job = self._mine().select_for_update(no_key=True).first()
            if job is None:
                self._lost()
            yield job

    def succeed(self, result: dict[str, Any] | None = None) -> None:
        self._end(state=Job.State.DONE, share=1.0, result=result or {})

    def fail(self, error: DomainError | str, *, code: str = "failed") -> None:
        """End with a reason that a person can read."""
        code = error.code if isinstance(error, DomainError) else code
        self._end(state=Job.State.FAILED, error_code=code, error=str(error))

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Signs of life from a thread beside the work, which may be silent for as long as its task may last.

        They stop when the job is ours no longer; the work learns that from its next `progress` or `guard`.
        """
        with pulse.beating(self._beat, every=settings.JOB_LEASE_SECONDS / BEATS_A_LEASE):
            yield

    def _beat(self) -> bool:
        return bool(self._mine().update(heartbeat_at=timezone.now()))

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job_id, state=Job.State.RUNNING, claim_token=self.token)

    def _end(self, **fields: Any) -> None:
        if not self._mine().update(ended_at=timezone.now(), **fields):
            self._lost()

    def _lost(self) -> None:
        state = Job.objects.filter(pk=self.job_id).values_list("state", flat=True).first()
        raise JobCancelled() if state == Job.State.CANCELLED else JobLost()


class Teller:
    """Progress of a job from deep inside its work: heard only as often as people can read, else nearly free."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._told = time.monotonic()

    def __call__(self, stage: str, share: float, **counts: int) -> None:
        """As Claim.progress, of which it raises JobLost."""
        if time.monotonic() - self._told >= TELL_EVERY_SECONDS:
            self.now(stage, share, **counts)

    def now(self, stage: str, share: float, **counts: int) -> None:
        """Told however short ago the last was."""
        self._claim.progress(stage, share, **counts)
        self._told = time.monotonic()


def job_claim(job_id: UUID | str) -> Claim | None:
    """Waiting → running, by one conditional update. None: somebody else has it, or it is over."""
    token, now = uuid4(), timezone.now()
    job = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    attempts = job.values_list("attempts", flat=True).first()
    if attempts is None:
        return None
    claimed = job.update(
        state=Job.State.RUNNING,
        claim_token=token,
        attempts=attempts + 1,
        started_at=now,
        heartbeat_at=now,
        stage="",
        share=0,
    )
    return Claim(UUID(str(job_id)), token, attempts + 1) if claimed else None


def carry_out(job_id: UUID | str, work: Callable[[Claim], Done], *, failed: str | Promise) -> Done | None:
    """Claim a job and do its work, once whoever calls how often. None: not ours, lost, or failed.

    The job ends with a reason for people when `work` raises: the words of a DomainError, `failed` for anything
    unforeseen. Only when the database is away does it stay claimed, and the error goes on: then the sweep hands the
    job to another worker.
    """
    claim = job_claim(job_id)
    if claim is None:
        return None
    with actors_language(claim.job_id), claim.kept_alive():
        try:
            return work(claim)
        except JobLost:
            log.info("job %s was cancelled or taken over", claim.job_id)
        except DomainError as error:
            _failed(claim, error)
        except OutOfTime:
            log.warning("job %s took longer than it may", claim.job_id)
            _failed(claim, str(_OUT_OF_TIME), "out_of_time")
        except Exception as error:
            if database_is_away(error):
                raise
            log.exception("job %s failed", claim.job_id)
            _failed(claim, str(failed))
    return None


def _failed(claim: Claim, error: DomainError | str, code: str = "failed") -> None:
    try:
        claim.fail(error, code=code)
    except JobLost:
        log.info("job %s ended elsewhere", claim.job_id)


@contextmanager
def actors_language(job_id: UUID) -> Iterator[None]:
    """What a job stores for people is written in the language of the person who started it.

    That is the one chosen for the account; of somebody who never chose, that of the page on which it was started.
    """
    job = Job.objects.filter(pk=job_id).only("actor_id", "actor_label", "language").first()
    person = Actor.job(job).person_id if job else None
    chosen = person and User.objects.filter(pk=person).values_list("language", flat=True).first()
    started_in = job.language if job and person else ""
    with translation.override(chosen or started_in or settings.LANGUAGE_CODE):
        yield


@transaction.atomic
def job_cancel(*, job: Job, actor: Actor) -> Job:
    """Stop a waiting or running job; the worker notices at its next heartbeat and stores nothing."""
    cancelled = (
        Job.objects.filter(pk=job.pk).open().update(state=Job.State.CANCELLED, ended_at=timezone.now())
    )
    if not cancelled:
        raise Conflict("job_over", _("This job has already ended; there is nothing left to cancel."))
    job.refresh_from_db()
    audit.record(actor=actor, action="job.cancel", target=job, hospital_id=job.hospital_id)
    return job


def sweep() -> dict[str, int]:
    """Hand on the jobs of dead workers; ring again for those that nobody heard. Run by the beat."""
    return {"taken_back": _take_back_lost(), "rung_again": _ring_again()}


def _take_back_lost() -> int:
    taken = 0
    for job in Job.objects.without_a_sign_of_life():
        with actors_language(job.pk):
            if _taken_back(job):
                _ring_now(job.kind, job.pk)
                taken += 1
    return taken


@transaction.atomic
def _taken_back(job: Job) -> bool:
    """Running → waiting, or → failed after too many deaths; False: it ended, or it lives.

    Still silent, for a sign of life since the look counts. A row that is locked is passed over: its worker stores
    just now, and nobody else's lost job shall wait for that.
    """
    mine = Job.objects.filter(
        pk=job.pk,
        state=Job.State.RUNNING,
        claim_token=job.claim_token,
        heartbeat_at=job.heartbeat_at,
    )
    if mine.select_for_update(no_key=True, skip_locked=True).first() is None:
        return False
    if job.attempts >= MAX_ATTEMPTS:
        mine.update(
            state=Job.State.FAILED,
            ended_at=timezone.now(),
            error_code="worker_lost",
            error=str(_WORKER_LOST),
        )
        return False
    return bool(mine.update(state=Job.State.QUEUED, claim_token=None, rung_at=timezone.now()))


def _ring_again() -> int:
    """Of each kind so many at a time: a thousand that wait behind one another must not fill the broker with rings."""
    return sum(
        _rung_again(job) for kind in _rings for job in Job.objects.unheard().filter(kind=kind)[:RINGS_A_SWEEP]
    )


def _rung_again(job: Job) -> bool:
    mine = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, rung_at=job.rung_at)
    if not mine.update(rung_at=timezone.now()):
        return False
    _ring_now(job.kind, job.pk)
    return True
