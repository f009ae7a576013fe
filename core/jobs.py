"""Jobs: rows that people can watch, claimed by exactly one worker, lost by none.

The row is the truth, the broker only rings. A worker claims by conditional update and holds a token;
whatever it stores, it stores in a transaction that first proves the token is still its own (`guard`).
A worker that dies stops its heartbeat; the beat's `sweep` hands the job to another one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, DomainError
from core.models import Job, User

log = logging.getLogger("qidai.jobs")
Ring = Callable[[UUID], None]
_rings: dict[str, Ring] = {}

MAX_ATTEMPTS = 5


class JobLost(Exception):
    """Another worker has this job now, or it was cancelled: store nothing."""


class JobCancelled(JobLost):
    """Somebody pressed cancel."""


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
            stage=stage, share=min(max(share, 0.0), 1.0), counts=counts, heartbeat_at=timezone.now()
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

    def fail(self, error: DomainError | str) -> None:
        """End with a reason that a person can read."""
        code = error.code if isinstance(error, DomainError) else "failed"
        self._end(state=Job.State.FAILED, error_code=code, error=str(error))

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job_id, state=Job.State.RUNNING, claim_token=self.token)

    def _end(self, **fields: Any) -> None:
        if not self._mine().update(ended_at=timezone.now(), **fields):
            self._lost()

    def _lost(self) -> None:
        state = Job.objects.filter(pk=self.job_id).values_list("state", flat=True).first()
        raise JobCancelled() if state == Job.State.CANCELLED else JobLost()


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


@contextmanager
def actors_language(job_id: UUID) -> Iterator[None]:
    """What a job stores for people is written in the language of the person who started it."""
    actor = Job.objects.filter(pk=job_id).values_list("actor_id", flat=True).first() or ""
    person = User.objects.filter(pk=actor) if _is_uuid(actor) else User.objects.none()
    with translation.override(person.values_list("language", flat=True).first() or settings.LANGUAGE_CODE):
        yield


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


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
        mine = Job.objects.filter(  # and still silent: a sign of life since the look above counts
            pk=job.pk,
            state=Job.State.RUNNING,
            claim_token=job.claim_token,
            heartbeat_at=job.heartbeat_at,
        )
        if job.attempts >= MAX_ATTEMPTS:
            mine.update(
                state=Job.State.FAILED,
                ended_at=timezone.now(),
                error_code="worker_lost",
                error=str(
                    _(
                        "The work was started several times and its worker died each time. Tell the administrator."
                    )
                ),
            )
        elif mine.update(state=Job.State.QUEUED, claim_token=None, rung_at=timezone.now()):
            _ring_now(job.kind, job.pk)
            taken += 1
    return taken


def _ring_again() -> int:
    rung = 0
    for job in Job.objects.unheard():
        if Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, rung_at=job.rung_at).update(
            rung_at=timezone.now()
        ):
            _ring_now(job.kind, job.pk)
            rung += 1
    return rung
