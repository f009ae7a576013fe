"""Celery: opens a service, nothing else."""

from celery import shared_task

from core import jobs


@shared_task(name="core.sweep_jobs")
def sweep_jobs() -> None:
    jobs.sweep()
