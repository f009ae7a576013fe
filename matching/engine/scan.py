"""All units of a snapshot against one patient's scores: filtered, classed, counted, and the best of them found.

The scores of distinct typings are looked up by code. The rows are shared out among a few threads: the loops let go of
Python's lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hla.jit import read_only
from hla.matching import CLASSES
from matching.engine import scan_kernels as kernels
from matching.engine.columns import CORD, GONE, Block, id_keys
from matching.engine.snapshot import Snapshot

Array = NDArray[Any]
Item = TypeVar("Item")
Result = TypeVar("Result")

LOCI: Final = ("A", "B", "DRB1", "C", "DQB1")  # in the order in which they are looked up
LATE: Final = LOCI[kernels.FIRST_LOCI :]
THREADS: Final = max(1, min(4, os.cpu_count() or 1))
SHARED_ABOVE: Final = 50_000  # rows; fewer are not worth a second thread
RANGES: Final = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # matches at a locus, at least and at most
NONE: Final = np.zeros(0, dtype=np.uint8)
_pools: dict[int, ThreadPoolExecutor] = {}


def shared_out(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Each item's result, several threads working. The pool belongs to this process: workers fork."""
    if THREADS == 1:
        return [work(item) for item in items]
    pool = _pools.get(os.getpid())
    if pool is None:
        _pools.clear()
        pool = _pools[os.getpid()] = ThreadPoolExecutor(THREADS, thread_name_prefix="search")
    return list(pool.map(work, items))


def close_pools() -> None:
    """No thread of this process is left; the next search begins anew."""
    for pool in _pools.values():
        pool.shutdown()
    _pools.clear()


def _words_of_scores() -> tuple[NDArray[np.uint8], list[tuple[int, int, int, int]]]:
    """For each packed score (hla.fast_scoring) its row in a table of words, and what each row stands for."""
    rows = [(*match, *antigen) for antigen in RANGES for match in RANGES]
    places = np.zeros(256, dtype=np.uint8)
    for place, (low, high, antigen_low, antigen_high) in enumerate(rows):
        places[low | high << 2 | antigen_low << 4 | antigen_high << 6] = place
    return places, rows


PLACES, ROWS = _words_of_scores()


@lru_cache(maxsize=16)
def words(classes: tuple[str, ...]) -> NDArray[np.uint32]:
    """What a typing with each score adds to the classes of a unit: uint32 (5, 64), by LOCI and ROWS."""
    table = np.zeros((len(LOCI), 64), dtype=np.uint32)
    for place, name in enumerate(classes):
        for locus, level in CLASSES[name]:
            for at, (low, high, antigen_low, antigen_high) in enumerate(ROWS):
                least, most = (antigen_low, antigen_high) if level == "antigen" else (low, high)
                table[LOCI.index(locus), at] += np.uint32((most | least << 4) << 8 * place)
    return table


@dataclass(frozen=True)
class Question:
    """What is asked of each unit.

    typings: per locus of LOCI the byte of each code (scan_kernels). floors: class -> fewest possible matches.
    least_tnc_e4: fewest cells, units of unknown cells pass. limit: how many of the best by the class `primary` are
    wanted. donor_types: those that are looked at, as if there were no others.
    """

    typings: Mapping[str, NDArray[np.uint8]]
    loci: Sequence[str]
    classes: Sequence[str]
    floors: Mapping[str, int]
    primary: str
    required_loci: Sequence[str]
    statuses: frozenset[str] | None
    least_tnc_e4: int
    limit: int
    donor_types: frozenset[str] = frozenset({CORD})


@dataclass
class Part:
    """A block's share of rows, and what was found in it. offset: number of its first row in the snapshot."""

    block: Block
    status: NDArray[np.uint8]
    begin: int
    end: int
    offset: int
    counters: NDArray[np.int64]
    lacking: NDArray[np.int64]
    unread: NDArray[np.int64]
    spread: NDArray[np.int64]
    found: NDArray[np.int32]
    packed: NDArray[np.uint32]

    @classmethod
    def of(cls, block: Block, status: NDArray[np.uint8], begin: int, end: int, offset: int) -> Part:
        return cls(
            block,
            status,
            begin,
            end,
            offset,
            np.zeros(kernels.COUNTERS, dtype=np.int64),
            np.zeros(len(LOCI), dtype=np.int64),
            np.zeros(len(LOCI), dtype=np.int64),
            np.zeros((kernels.CLASSES, 256), dtype=np.int64),
            np.empty(end - begin, dtype=np.int32),
            np.empty(end - begin, dtype=np.uint32),
        )


@dataclass(frozen=True)
class Scanned:
    """counters by name of scan_kernels; lacking, unread by LOCI; spread: int64 (4, 256), candidates by class and (min ·
    16 + max). rows: int64 (k,), the best candidates, best first; packed: their words."""

    counters: NDArray[np.int64]
    lacking: Mapping[str, int]
    unread: Mapping[str, int]
    spread: NDArray[np.int64]
    rows: NDArray[np.int64]
    packed: NDArray[np.uint32]


def parts_of(snapshot: Snapshot) -> list[Part]:
    """The rows of a snapshot in shares of about the same size."""
    count = len(snapshot.base)
    shares = THREADS if count > SHARED_ABOVE else 1
    bounds = [count * share // shares for share in range(shares + 1)]
    parts = [Part.of(snapshot.base, snapshot.status, begin, end, 0) for begin, end in pairwise(bounds)]
    if len(snapshot.extra):
        status = snapshot.extra.categories["status"]
        parts.append(Part.of(snapshot.extra, status, 0, len(snapshot.extra), count))
    return parts


def scanned(snapshot: Snapshot, question: Question) -> Scanned:
    """Ask all units. Ties of the order (class, certain matches, cells) are settled by the units' ids."""
    parts = filtered(snapshot, question)
    rows, packed = _best(snapshot, question, parts)
    return Scanned(
        counters=sum_of(part.counters for part in parts),
        lacking=dict(zip(LOCI, sum_of(part.lacking for part in parts).tolist(), strict=True)),
        unread=dict(zip(LOCI, sum_of(part.unread for part in parts).tolist(), strict=True)),
        spread=sum_of(part.spread for part in parts),
        rows=rows,
        packed=packed,
    )


def filtered(snapshot: Snapshot, question: Question) -> list[Part]:
    """All candidates, in shares as `parts_of` makes them: rows of its block in `found`, their words in `packed`."""
    parts = parts_of(snapshot)
    _all_filtered(snapshot, question, parts)
    return parts


def sum_of(arrays: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.sum(list(arrays), axis=0)
    return found


def _all_filtered(snapshot: Snapshot, question: Question, parts: Sequence[Part]) -> None:
    typings = tuple(question.typings[locus] for locus in LOCI)
    table = words(tuple(question.classes))
    names = snapshot.vocabulary["status"]
    wanted = np.zeros(256, dtype=np.bool_)
    wanted[: len(names)] = [question.statuses is None or name in question.statuses for name in names]
    wanted[GONE] = False
    kinds = _kinds(snapshot.vocabulary["donor_type"], question.donor_types)
    mixed = len(snapshot.vocabulary["donor_type"]) > 1
    floors = np.array([question.floors.get(name, 0) for name in question.classes], dtype=np.int64)
    floors = np.append(floors, np.zeros(kernels.CLASSES - len(floors), dtype=np.int64))
    slack = np.zeros(kernels.CLASSES, dtype=np.int64)
    for place, name in enumerate(question.classes):
        slack[place] = 2 * sum(locus in LATE for locus, _ in CLASSES[name])
    required = np.array([locus in question.required_loci for locus in LOCI])
    watched = np.array([locus in question.loci and snapshot.books[locus].has_unreadable for locus in LOCI])

    def work(part: Part) -> None:
        kernels.scan(
            part.begin,
            part.end,
            tuple(read_only(part.block.codes[locus]) for locus in LOCI),
            typings,
            table,
            read_only(part.status),
            wanted,
            read_only(part.block.categories["donor_type"] if mixed else NONE),
            kinds,
            _tnc(part),
            question.least_tnc_e4,
            required,
            watched,
            floors,
            slack,
            part.counters,
            part.lacking,
            part.unread,
            part.spread,
            part.found,
            part.packed,
        )
        count = int(part.counters[kernels.FOUND])
        part.found, part.packed = part.found[:count], part.packed[:count]

    shared_out(work, parts)


def _kinds(names: Sequence[str], wanted: frozenset[str]) -> NDArray[np.uint8]:
    """What each donor type of the vocabulary is to the search: uint8 (256,)."""
    kinds = np.full(256, kernels.NOT_ASKED, dtype=np.uint8)
    for code, name in enumerate(names):
        if name in wanted:
            kinds[code] = kernels.COUNTED if name == CORD else kernels.UNCOUNTED
    return kinds


def _best(
    snapshot: Snapshot, question: Question, parts: Sequence[Part]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """The best `limit` candidates: those above the rank and dose at which the limit is reached are sorted."""
    place = list(question.classes).index(question.primary)
    halves = np.arange(256)
    ranks = (halves & 15) * 16 + (halves >> 4)  # at most first, then at least
    rank, more = _cut(
        np.bincount(ranks, weights=sum_of(part.spread for part in parts)[place], minlength=256),
        question.limit,
    )
    least = 0
    if more:
        bins = np.zeros((len(parts), kernels.BINS), dtype=np.int64)
        shared_out(
            lambda at: kernels.doses(
                parts[at].found, parts[at].packed, _tnc(parts[at]), place, ranks, rank, bins[at]
            ),
            range(len(parts)),
        )
        least, _ = _cut(bins.sum(axis=0), more)

    def work(part: Part) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        kept = np.empty(len(part.found), dtype=np.int32)
        count = kernels.best(part.found, part.packed, _tnc(part), place, ranks, rank, least, kept)
        chosen = kept[:count]
        return part.found[chosen].astype(np.int64) + part.offset, part.packed[chosen]

    chosen = shared_out(work, parts)
    rows = np.concatenate([found for found, _ in chosen])
    packed = np.concatenate([found for _, found in chosen])
    own = ranks[packed >> np.uint32(8 * place) & np.uint32(255)]
    keys = id_keys(snapshot.unit_ids(rows))
    order = np.lexsort([keys, -snapshot.numbers("tnc_e4", rows).astype(np.int64), -own])[: question.limit]
    return rows[order], packed[order]


def _tnc(part: Part) -> Array:
    return read_only(part.block.numbers["tnc_e4"])


def _cut(counts: Array, wanted: int) -> tuple[int, int]:
    """The largest place such that it and those above hold as many as are wanted, and how many of its own are wanted;
    (0, 0) where all together are not more."""
    above = np.cumsum(counts[::-1])
    if above[-1] <= wanted:
        return 0, 0
    place = int(np.searchsorted(above, wanted))
    own = int(counts[len(counts) - 1 - place])
    return len(counts) - 1 - place, wanted - (int(above[place]) - own)
