"""Celery: takes an id, opens a service, nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

from celery import shared_task
from django.conf import settings
from django.core.cache import cache

from core.audit import Actor
from matching import inventory, reference, services

COMPACT_EVERY_SECONDS = 600
COMPACT_WITHIN_SECONDS = 3600  # the worker of long work may be at a long one


def host_queue() -> str:
    """The queue that only workers with these files hear. Those that share a folder are one host, whatever they are
    called: two containers with one volume are."""
    path = Path(settings.VAR_DIR) / "host-id"
    if not path.exists():
        mine = path.with_name(f".host-id.{uuid4().hex}")
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.write_text(uuid4().hex)
        with suppress(FileExistsError):  # another process was first
            path.hardlink_to(mine)
        mine.unlink()
    return f"host.{path.read_text()}"


def compact_if_crowded() -> None:
    """Rung after a search, when nobody waits any more; now and then for each host."""
    if inventory.is_crowded() and cache.add(f"compact:{host_queue()}", 1, timeout=COMPACT_EVERY_SECONDS):
        compact.apply_async(queue=host_queue(), expires=COMPACT_WITHIN_SECONDS)


@shared_task(name="matching.compact")
def compact() -> None:
    """This host's file of the inventory is made anew where many changes have gathered."""
    inventory.compact(reference.resolver(look=True))


@shared_task(name="matching.impute")
def impute() -> None:
    """Typings that are new in the inventory are imputed, so that a search only combines."""
    services.imputation_refresh()


@shared_task(name="matching.search")
def search(job_id: str) -> None:
    services.run_execute(job_id=UUID(job_id))
    compact_if_crowded()


@shared_task(name="matching.reread")
def reread(job_id: str) -> None:
    services.rereading_execute(job_id=UUID(job_id))


@shared_task(name="matching.replay")
def replay(job_id: str) -> None:
    services.replay_execute(job_id=UUID(job_id))


@shared_task(name="matching.planning")
def planning(job_id: str) -> None:
    services.planning_execute(job_id=UUID(job_id))


@shared_task(name="matching.search_waiting")
def search_waiting() -> None:
    """Rung by the beat: tonight's job, once however often it rings."""
    services.night_start(actor=Actor.system("night"), key=services.tonight())


@shared_task(name="matching.night")
def night(job_id: str) -> None:
    """Every waiting patient whose list may be out of date is searched again."""
    services.night_execute(job_id=UUID(job_id))


@shared_task(name="matching.follow_units")
def follow_units() -> None:
    """Units that came on offer are compared with the waiting patients."""
    services.units_follow()


@shared_task(name="matching.new_units")
def new_units(job_id: str) -> None:
    services.new_units_execute(job_id=UUID(job_id))


@shared_task(name="matching.sweep_watches")
def sweep_watches() -> None:
    """Nobody is told of better units for a patient who is not active any more."""
    services.watches_sweep()


@shared_task(name="matching.prune_evaluations")
def prune_evaluations() -> None:
    """Rows of judgements that hold no more."""
    services.evaluations_prune()
