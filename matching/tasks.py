"""Celery: takes an id, opens a service, nothing else."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from matching import inventory, predictions, services


@shared_task(name="matching.warm", acks_late=True, ignore_result=True)
def warm() -> None:
    """After a start: inventory and compiled loops are there, so that the first search need not make them."""
    inventory.warm()
    predictions.warm()


@shared_task(name="matching.impute", acks_late=True, ignore_result=True)
def impute() -> None:
    """Typings that are new in the inventory are imputed, so that a search only combines."""
    services.imputation_refresh()


@shared_task(name="matching.search", acks_late=True)
def search(job_id: str) -> None:
    services.run_execute(job_id=UUID(job_id))


@shared_task(name="matching.reread", acks_late=True)
def reread(job_id: str) -> None:
    services.rereading_execute(job_id=UUID(job_id))
