"""What beat and workers do for new units, at once, and what came of it."""

from __future__ import annotations

from typing import Any

from core.models import Job
from matching.models import NewUnitFinding, SearchRun
from matching.services import (
    new_units_execute,
    night_execute,
    night_start,
    run_execute,
    run_repeat,
    units_follow,
)
from matching.services.nights import Night
from tests.factories.match_list import searched_run
from tests.factories.matching import ACTOR, ListedUnitFactory, noted, typed_patient


def follow() -> Job | None:
    """The beat's task, and a worker that does what it queued."""
    job = units_follow()
    while job is not None:
        new_units_execute(job_id=job.pk)
        job.refresh_from_db()
        queued = Job.objects.filter(kind="new_units", state="queued").first()
        if queued is None:
            return job
        job = queued
    return None


def waiting_search() -> Night:
    """A night asked for by hand, and a worker that starts its searches."""
    night = night_execute(job_id=night_start(actor=ACTOR).pk)
    assert night is not None
    return night


def night() -> Night:
    """A night, and a worker that does all that it started."""
    ended = waiting_search()
    for job in Job.objects.filter(kind="research", state=Job.State.QUEUED):
        run_execute(job_id=job.pk)
    return ended


def of_request(run: SearchRun) -> list[SearchRun]:
    return list(SearchRun.objects.filter(request=run.request_id).order_by("run_no"))


def changed_inventory() -> None:
    """Something happened to a unit that no list holds."""
    noted(ListedUnitFactory(gl="A*01:01^B*08:01^DRB1*03:01"))


def found() -> set[tuple[Any, Any]]:
    return set(NewUnitFinding.objects.values_list("request_id", "unit_id"))


def repeated(run: SearchRun) -> SearchRun:
    again = run_repeat(request_id=run.request_id, actor=ACTOR)
    run_execute(job_id=again.job_id)
    again.refresh_from_db()
    return again


def searched(**values: Any) -> SearchRun:
    return searched_run(typed_patient(**values))


def failed(run: SearchRun) -> None:
    Job.objects.filter(pk=run.job_id).update(state="failed", ended_at=run.created_at)
