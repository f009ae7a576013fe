"""Work in threads of its own, each with its own connection to the database."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection, transaction


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


def while_in_transaction(work: Callable[[], object], then: Callable[[], object]) -> None:
    """`then` begins after `work` was done and before it is committed, on another connection; both come to their end."""
    done, asked = threading.Event(), threading.Event()

    def writing() -> None:
        with transaction.atomic():
            work()
            done.set()
            asked.wait(5)
            wait_for_a_lock()

    thread = started(writing)
    assert done.wait(5)
    other = started(lambda: (asked.set(), then()))
    thread.join(20)
    other.join(20)


def wait_for_a_lock() -> None:
    """Until another connection waits for what this transaction holds, or for a second: then nobody does."""
    for _ in range(100):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
