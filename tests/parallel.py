"""Several people at the same moment, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from core.errors import DomainError


def all_at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each got, in their order: a result, or the error of the domain that it was told of."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return work()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def at_once(work: Callable[[], Any], people: int) -> list[Any]:
    """The same by so many people."""
    return all_at_once([work] * people)
