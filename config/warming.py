"""A new worker process makes ready what its first search would otherwise wait for."""

from __future__ import annotations

import gc
import logging
import threading

from billiard import current_process
from django.db import connection

# A search makes some hundred thousand objects, and what a process keeps are millions: looking for garbage among them
# at every 700th took a quarter of a search.
COLLECT_AFTER = (100_000, 50, 50)

log = logging.getLogger("qidai.worker")


def in_pool() -> bool:
    """Whether this process was forked by a worker (a worker of one process, as in tests, is not)."""
    return bool(current_process().daemon)


def start() -> None:
    """In a thread: a process that is not up within seconds is killed (worker_proc_alive_timeout).

    A search that comes meanwhile does not wait for it. It does the same, and where the snapshot is being built it
    waits for the one builder of this host, telling so.
    """
    gc.set_threshold(*COLLECT_AFTER)
    threading.Thread(target=warm, name="warming", daemon=True).start()


def warm() -> None:
    """Reference data, inventory and the table of those whose population is not known."""
    from matching import inventory, predictions

    try:
        inventory.warm()
        predictions.warm()
    except Exception as error:  # a search would try again, and say what it lacks
        log.warning("this process could not be made ready beforehand: %s", error)
    finally:
        connection.close()
        gc.freeze()
