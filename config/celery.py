"""Celery: tasks take ids, rows are the truth, the broker is a doorbell (docs/adr/0006)."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready
from django.conf import settings
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

IMPUTE_EVERY_SECONDS = 60.0
WARM_WITHIN_SECONDS = 600  # later, a search has done it

log = logging.getLogger("qidai.worker")

app = Celery("qidai")
app.conf.update(
    broker_url=settings.REDIS_URL,
    result_backend=None,  # results are rows
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    broker_connection_retry_on_startup=True,
    # kombu sweeps unacknowledged messages every interval × throttle seconds (10 × 10 by default).
    broker_transport_options={
        "visibility_timeout": 3600,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    },
    task_default_queue="interactive",
    task_queues=[Queue("interactive"), Queue("batch"), Queue("maintenance")],
    task_time_limit=3600,
    task_soft_time_limit=3500,
    worker_hijack_root_logger=False,
    timezone=settings.TIME_ZONE,
    beat_schedule={
        # jobs of dead workers and rings that an emptied broker lost
        "sweep-jobs": {
            "task": "core.sweep_jobs",
            "schedule": float(settings.JOB_SWEEP_SECONDS),
            "options": {"queue": "maintenance", "expires": float(settings.JOB_SWEEP_SECONDS)},
        },
        # units that entered or changed are imputed; nothing is done while nothing changed
        "impute-inventory": {
            "task": "matching.impute",
            "schedule": IMPUTE_EVERY_SECONDS,
            "options": {"queue": "batch", "expires": IMPUTE_EVERY_SECONDS},
        },
    },
)
app.autodiscover_tasks()


@worker_init.connect(dispatch_uid="qidai.compile")
def compile_before_forking(**_: Any) -> None:
    """All processes of a worker share the loops of match prediction: compiled once a machine, some 20 s."""
    from hla.prediction.ready import compile_loops

    try:
        compile_loops()
    except Exception:  # a search would try again, and say that it has no probabilities
        log.exception("the loops of match prediction could not be compiled")


@worker_ready.connect(dispatch_uid="qidai.warm")
def warm_when_ready(**_: Any) -> None:
    """Each started worker asks once for what its first search needs; a task, so that nothing waits for it."""
    app.send_task("matching.warm", queue="maintenance", expires=WARM_WITHIN_SECONDS)
