"""A sign of life from a thread beside the work: a long stage in compiled code cannot stop to give one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error, connection

log = logging.getLogger("qidai.jobs")

PARTING_SECONDS = 5.0  # for a beat that is under way when the work ends


@contextmanager
def beating(beat: Callable[[], bool], *, every: float) -> Iterator[None]:
    """Call `beat` every so many seconds, the first time after that long, until it says False or the block ends.

    It runs in a thread with a connection of its own, so that neither a lock nor a transaction of the work holds it
    up. A database that is away is no reason to stop: it may come back before the lease is over.
    """
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(beat, every, over), name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PARTING_SECONDS)


def _beat(beat: Callable[[], bool], every: float, over: threading.Event) -> None:
    try:
        while not over.wait(every):
            try:
                if not beat():
                    return
            except Error as error:
                log.warning("a sign of life could not be written: %s", error)
                connection.close()  # broken: the next beat makes a new one
    finally:
        connection.close()
