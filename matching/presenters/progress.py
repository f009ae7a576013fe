"""A search under way, in the words of the progress part."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from core.models import Job
from matching.choices import Stage
from matching.models import SearchRun

UNHEARD_AFTER_SECONDS = 15  # then a person should know that no worker has taken the search


def progress(run: SearchRun) -> dict[str, Any]:
    """Context of _components/progress.html, without its address."""
    job = run.job
    return {
        "state": job.state,
        "title": _title(job),
        "share": job.share,
        "stages": _stages(job),
        "counts": _counts(job),
        "started_at": job.started_at,
        "error": job.error if job.state == Job.State.FAILED else "",
    }


def _title(job: Job) -> str:
    if job.state == Job.State.QUEUED:
        return _("Waiting for a free worker")
    if job.state == Job.State.RUNNING:
        return str(Stage(job.stage).label) if job.stage in Stage.values else _("Starting")
    return {
        Job.State.DONE.value: _("Finished"),
        Job.State.FAILED.value: _("The search failed"),
        Job.State.CANCELLED.value: _("The search was cancelled"),
    }[job.state]


def _stages(job: Job) -> list[dict[str, str]]:
    """All stages in order: those behind are done; where it failed is marked."""
    # Building is told only where it is done: most searches find the inventory there.
    shown = [stage for stage in Stage if stage != Stage.BUILD or job.stage == Stage.BUILD]
    names = [stage.value for stage in shown]
    here = names.index(job.stage) if job.stage in names else -1
    if job.state == Job.State.DONE:
        here = len(names)
    at_here = {Job.State.FAILED.value: "failed", Job.State.RUNNING.value: "now"}.get(job.state, "")
    return [
        {"label": str(stage.label), "state": "done" if place < here else at_here if place == here else ""}
        for place, stage in enumerate(shown)
    ]


def _counts(job: Job) -> list[dict[str, Any]]:
    labels = {"units": _("units read"), "candidates": _("candidates")}
    return [
        {"label": labels.get(name, name), "value": f"{value:,}"}
        for name, value in job.counts.items()
        if value
    ]


def waits_long(job: Job) -> bool:
    """Whether nobody has taken the job for so long that something may be wrong."""
    waited = (timezone.now() - job.created_at).total_seconds()
    return job.state == Job.State.QUEUED and waited > UNHEARD_AFTER_SECONDS
