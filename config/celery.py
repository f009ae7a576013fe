"""Celery: tasks take ids, rows are the truth, the broker is a doorbell (docs/adr/0007).

Three queues, and one of each host for its own files. *interactive*: somebody waits for it. *batch*: long work that
nobody watches. *maintenance*: moments of housekeeping, above all the sweep of lost jobs; so both sorts of worker listen
to it, and no long work may go there. One worker listens to interactive, another with fewer processes and lower priority
to batch (config/supervisor.py, docker-compose.yml): a search in the browser never stands behind a batch.
"""

import logging
import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import celeryd_after_setup, worker_init, worker_process_init
from django.conf import settings
from kombu import Queue

from config import warming

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

IMPUTE_EVERY_SECONDS = 60.0
FOLLOW_EVERY_SECONDS = 60.0
MAIL_EVERY_SECONDS = 60.0
HOOKS_EVERY_SECONDS = 60.0
RESERVATIONS_EVERY_SECONDS = 60.0
DUPLICATES_EVERY_SECONDS = 300.0
FOLLOW_UP_EVERY_SECONDS = 1800.0
PRUNE_EVERY_SECONDS = 1800.0
NIGHT_WITHIN_SECONDS = 6 * 3600  # a worker or beat that starts in the morning does not search for the night
SWEEP_LIMIT_SECONDS = 60
CONNECT_SECONDS = 5.0  # to a broker on a host that does not answer; without it minutes
INTERACTIVE, BATCH, MAINTENANCE = "interactive", "batch", "maintenance"

log = logging.getLogger("qidai.worker")


def limits(seconds: float) -> dict[str, float]:
    """Soft: an exception in the midst of the work. Hard: the process is killed, and the sweep hands its job on."""
    return {"soft_time_limit": seconds, "time_limit": 1.2 * seconds}


LONGEST = limits(settings.JOB_LIMIT_SECONDS)

app = Celery("qidai")
app.conf.update(
    broker_url=settings.REDIS_URL,
    result_backend=None,  # results are rows
    task_ignore_result=True,
    # a message is acknowledged when its task is over, and a process takes the next one only then
    task_acks_late=True,
    task_reject_on_worker_lost=False,  # the sweep hands on the job; a message that kills would kill for ever
    worker_prefetch_multiplier=1,
    # what a process has gathered in its life is given back from time to time
    worker_max_tasks_per_child=1000,
    worker_max_memory_per_child=settings.WORKER_MEMORY_MB * 1_000_000 // 1024,  # KiB
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker outlives any pause of the broker
    # kombu sweeps unacknowledged messages every interval × throttle seconds (10 × 10 by default).
    broker_transport_options={
        "visibility_timeout": round(1.5 * LONGEST["time_limit"]),  # longer than any task
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_keepalive": True,
    },
    task_default_queue=INTERACTIVE,
    task_queues=[Queue(INTERACTIVE), Queue(BATCH), Queue(MAINTENANCE)],
    task_routes={
        "matching.reread": {"queue": BATCH},
        "matching.impute": {"queue": BATCH},
        "matching.replay": {"queue": BATCH},
        "matching.planning": {"queue": BATCH},
        "matching.search_waiting": {"queue": MAINTENANCE},
        "matching.night": {"queue": BATCH},
        "matching.new_units": {"queue": BATCH},
        "matching.follow_units": {"queue": MAINTENANCE},
        "matching.sweep_watches": {"queue": MAINTENANCE},
        "matching.prune_evaluations": {"queue": MAINTENANCE},
        "bank.inventory_export": {"queue": BATCH},
        "bank.import_file": {"queue": BATCH},
        "core.sweep_jobs": {"queue": MAINTENANCE},
        "transplants.sweep_reservations": {"queue": MAINTENANCE},
        "transplants.sweep_follow_up": {"queue": MAINTENANCE},
        "hospitals.sweep_duplicates": {"queue": MAINTENANCE},
        # A mail server or another system may be slow: 50 of a round, up to 20 s and 10 s each, are no moments. In
        # maintenance they would take the process that somebody's search waits for; so what is urgent may stand behind
        # a batch here, unless a process of batches is free.
        "core.send_mails": {"queue": BATCH},
        "core.send_hooks": {"queue": BATCH},
    },
    task_soft_time_limit=LONGEST["soft_time_limit"],
    task_time_limit=LONGEST["time_limit"],
    task_annotations={
        "matching.search": limits(settings.SEARCH_LIMIT_SECONDS),
        "core.sweep_jobs": limits(SWEEP_LIMIT_SECONDS),
        "transplants.sweep_reservations": limits(5 * SWEEP_LIMIT_SECONDS),
    },
    worker_hijack_root_logger=False,
    timezone=settings.TIME_ZONE,
    beat_cron_starting_deadline=NIGHT_WITHIN_SECONDS,
    # One beat for the whole installation, on whichever host: two would ring everything twice.
    beat_schedule={
        # jobs of dead workers and rings that an emptied broker lost
        "sweep-jobs": {
            "task": "core.sweep_jobs",
            "schedule": float(settings.JOB_SWEEP_SECONDS),
            "options": {"expires": float(settings.JOB_SWEEP_SECONDS)},
        },
        # units that entered or changed are imputed; nothing is done while nothing changed
        "impute-inventory": {
            "task": "matching.impute",
            "schedule": IMPUTE_EVERY_SECONDS,
            "options": {"expires": IMPUTE_EVERY_SECONDS},
        },
        # all waiting patients; only queues a job, which starts the searches, all in the queue of batches
        "search-waiting": {
            "task": "matching.search_waiting",
            "schedule": crontab(hour=settings.NIGHT_HOUR, minute=0),
            "options": {"expires": NIGHT_WITHIN_SECONDS},
        },
        # units that came on offer; only looks and queues a job, therefore not behind the batches
        "follow-units": {
            "task": "matching.follow_units",
            "schedule": FOLLOW_EVERY_SECONDS,
            "options": {"expires": FOLLOW_EVERY_SECONDS},
        },
        # watches of patients who are transplanted, moved or dead
        "sweep-watches": {
            "task": "matching.sweep_watches",
            "schedule": FOLLOW_EVERY_SECONDS,
            "options": {"expires": FOLLOW_EVERY_SECONDS},
        },
        # rows of judged lists that hold no more
        "prune-evaluations": {
            "task": "matching.prune_evaluations",
            "schedule": PRUNE_EVERY_SECONDS,
            "options": {"expires": PRUNE_EVERY_SECONDS},
        },
        # reservations that end, or pass to the next in line
        "sweep-reservations": {
            "task": "transplants.sweep_reservations",
            "schedule": RESERVATIONS_EVERY_SECONDS,
            "options": {"expires": RESERVATIONS_EVERY_SECONDS},
        },
        # forms of follow-up that are overdue; nothing is done while everybody was reminded
        "sweep-follow-up": {
            "task": "transplants.sweep_follow_up",
            "schedule": FOLLOW_UP_EVERY_SECONDS,
            "options": {"expires": FOLLOW_UP_EVERY_SECONDS},
        },
        # records of two hospitals that may be of one patient: the bank alone is told
        "sweep-duplicates": {
            "task": "hospitals.sweep_duplicates",
            "schedule": DUPLICATES_EVERY_SECONDS,
            "options": {"expires": DUPLICATES_EVERY_SECONDS},
        },
        # e-mails that are due: collected ones, further attempts, those of dead workers
        "send-mails": {
            "task": "core.send_mails",
            "schedule": MAIL_EVERY_SECONDS,
            "options": {"expires": MAIL_EVERY_SECONDS},
        },
        # the same for other systems
        "send-hooks": {
            "task": "core.send_hooks",
            "schedule": HOOKS_EVERY_SECONDS,
            "options": {"expires": HOOKS_EVERY_SECONDS},
        },
    },
)
app.autodiscover_tasks()


@worker_init.connect(dispatch_uid="qidai.compile")
def compile_before_forking(**_: Any) -> None:
    """All processes of a worker share the compiled loops: made once a machine, some 30 s."""
    from matching.engine.ready import compile_loops

    try:
        compile_loops()
    except Exception:  # a search would try again, and say that it has no probabilities
        log.exception("the loops of the search could not be compiled")


@celeryd_after_setup.connect(dispatch_uid="qidai.host")
def hear_own_host(instance: Any, **_: Any) -> None:
    """The worker of long work also hears the queue of its host, whose file of the inventory it makes anew."""
    from matching.tasks import host_queue

    queues = instance.app.amqp.queues
    if BATCH in queues.consume_from:
        queues.select_add(host_queue())


@worker_process_init.connect(dispatch_uid="qidai.warm")
def warm_each_process(**_: Any) -> None:
    """Each process that somebody waits for gets ready before, also one that replaces another."""
    if INTERACTIVE in app.amqp.queues.consume_from and warming.in_pool():
        warming.start()
