"""Celery: takes an id, opens a service, nothing else."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from matching import services


@shared_task(name="matching.search", acks_late=True)
def search(job_id: str) -> None:
    services.run_execute(job_id=UUID(job_id))
