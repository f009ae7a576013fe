"""Celery: opens a service, nothing else."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="hospitals.sweep_duplicates")
def sweep_duplicates() -> None:
    from hospitals.services_duplicates import duplicates_sweep

    duplicates_sweep()
