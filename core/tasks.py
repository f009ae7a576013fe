"""Celery: opens a service, nothing else."""

from celery import shared_task

from core import hook_sending, jobs, mails


@shared_task(name="core.sweep_jobs")
def sweep_jobs() -> None:
    jobs.sweep()


@shared_task(name="core.send_mails")
def send_mails() -> None:
    mails.mails_send()


@shared_task(name="core.send_hooks")
def send_hooks() -> None:
    hook_sending.deliveries_send()
