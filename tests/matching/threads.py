"""Work in threads of its own, each with its own connection to the database."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection


def started(work: Callable[[], object]) -> threading.Thread:
    def closing() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=closing)
    thread.start()
    return thread


def together(*works: Callable[[], object]) -> None:
    """All begin at the same moment; returns when the last has ended."""
    barrier = threading.Barrier(len(works))

    def waiting(work: Callable[[], object]) -> Callable[[], object]:
        return lambda: (barrier.wait(10), work())

    for thread in [started(waiting(work)) for work in works]:
        thread.join(20)
