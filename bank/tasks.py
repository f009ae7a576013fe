"""Celery: takes an id, opens a service, nothing else."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from bank import services_exchange, services_files


@shared_task(name="bank.inventory_export")
def inventory_export(job_id: str) -> None:
    services_exchange.export_execute(job_id=UUID(job_id))


@shared_task(name="bank.import_file")
def import_file(job_id: str) -> None:
    services_files.file_execute(job_id=UUID(job_id))
