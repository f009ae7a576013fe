"""Chunks of the synthetic inventory by several processes at once, in order, a few at a time.

The processes are started afresh and have no connection to the database. Their order reaches them before Django is
set up there: what it is made of needs no Django, and the rest is imported afterwards.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import django

from bank.demo.keys import Keys
from bank.imports.origin import Origin
from hla.ciwd import CiwdTable
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver

if TYPE_CHECKING:
    from bank.demo.lines import Chunk, Writer
    from bank.demo.units import Plan

MOST_PROCESSES = 3  # more make rows faster than one connection takes them
AHEAD = 2  # chunks that wait beside those being made: memory is bounded
FEW_CHUNKS = 4  # so few are made here before another process has started


@dataclass(frozen=True)
class Order:
    """All that a process needs. nomenclature, mac: as their to_bytes wrote them."""

    plan: Plan
    keys: Keys
    origin: Origin
    nomenclature: bytes
    mac: bytes
    ciwd: CiwdTable | None

    @classmethod
    def of(cls, plan: Plan, keys: Keys, origin: Origin, resolver: Resolver) -> Order:
        nomenclature, mac = resolver.nomenclature.to_bytes(), resolver.mac.to_bytes()
        return cls(plan, keys, origin, nomenclature, mac, resolver.ciwd)

    def writer(self) -> Writer:
        from bank.demo.lines import Writer
        from bank.demo.units import Maker

        nomenclature, mac = Nomenclature.from_bytes(self.nomenclature), MacTable.from_bytes(self.mac)
        return Writer(Maker(self.plan, nomenclature, mac, self.ciwd), self.keys, self.origin)


def sensible() -> int:
    """As many processes as there are processors, within reason."""
    return min(os.cpu_count() or 1, MOST_PROCESSES)


def chunks(order: Order, processes: int) -> Generator[Chunk, None, None]:
    """All chunks in order; with one process, or where there are few, made in this one. Close it: it ends them."""
    numbers = range(order.plan.chunks)
    if processes < 2 or len(numbers) <= FEW_CHUNKS:
        yield from map(order.writer().chunk, numbers)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _start, (order,))
    waiting: deque[Future[Chunk]] = deque()
    try:
        for number in numbers:
            waiting.append(pool.submit(_chunk, number))
            if len(waiting) >= processes + AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_writer: list[Writer] = []  # of a process that makes chunks


def _start(order: Order) -> None:
    django.setup()
    _writer[:] = [order.writer()]


def _chunk(number: int) -> Chunk:
    return _writer[0].chunk(number)
