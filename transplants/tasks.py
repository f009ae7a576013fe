"""Celery: opens a service, nothing else."""

from __future__ import annotations

import logging

from celery import shared_task

log = logging.getLogger("qidai.reservations")


@shared_task(name="transplants.sweep_reservations")
def sweep_reservations() -> None:
    from transplants.services_sweep import enquiries_sweep, incidents_sweep, orders_sweep, reservations_sweep

    reservations_sweep()
    orders_sweep()
    enquiries_sweep()
    incidents_sweep()


@shared_task(name="transplants.sweep_follow_up")
def sweep_follow_up() -> None:
    from transplants.services_reminders import follow_up_sweep

    follow_up_sweep()


def ring_sweep() -> None:
    """After a unit became free. The row is the truth: where the broker is away, the beat rings within the minute."""
    try:
        sweep_reservations.delay()
    except Exception:
        log.warning("could not ring for reservations", exc_info=True)
