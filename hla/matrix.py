"""All patients against all units: matches per locus of every pair, written as fast as a disk takes them.

Rows are `patient;unit;A_min;A_max;…`, patients in their order and for each all units in theirs. A block of rows, all
of one patient, differs from the next patient's only in the id and the digits: they are put into a template. As
every count is one digit, the place of each block in the file is known before anything is counted, so that
processes write side by side (measured: docs/validation.md).
"""

import gzip
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Final, Protocol

import numpy as np
import numpy.typing as npt

from hla.matching import LocusTable, score_locus
from hla.people import People
from hla.resolve import Resolver
from hla.typing import LocusTyping

WORD: Final = 4  # bytes of ";0;2"
BLOCK_ROWS: Final = 200_000  # pairs that one task counts, at least
ALONE_BELOW: Final = 1_000_000  # pairs that are not worth another process
COMPRESSION: Final = 3

# ";min;max" as one number, by min and max: uint32 (3, 3)
WORDS: Final = np.array(
    [[np.frombuffer(f";{low};{high}".encode(), np.uint32)[0] for high in range(3)] for low in range(3)]
)

Progress = Callable[[int], None]


class MatrixError(RuntimeError):
    """More than the machine can do: a process was killed, or the persons have too many genotypes."""


class Rows(Protocol):
    """What is written: rows of all units, patient by patient."""

    patients: People
    units: People

    @property
    def pairs(self) -> int: ...

    def header(self) -> bytes: ...

    def block(self, patient: int) -> bytearray:
        """The rows of one patient. Good until the next call."""
        ...


@dataclass
class Matrix:
    """Patients, units and what counting them needs.

    tables: by locus the distinct typings of the units; unit_codes: code of each unit, int64 (units,).
    """

    patients: People
    units: People
    tables: dict[str, LocusTable]
    unit_codes: dict[str, npt.NDArray[np.int64]]
    _words: dict[LocusTyping, npt.NDArray[np.uint32]] = field(default_factory=dict)
    _template: "Template | None" = None

    @classmethod
    def of(cls, patients: People, units: People, resolver: Resolver) -> "Matrix":
        """Both read at the same loci with the same resolver."""
        tables, codes = {}, {}
        for locus, column in units.columns.items():
            table = tables[locus] = LocusTable(locus, resolver)
            of_typing = table.extend((typing.first, typing.second) for typing in column.typings)
            codes[locus] = of_typing.astype(np.int64)[np.array(column.codes, dtype=np.int64)]
            table.arrays()  # once, before other processes begin
        return cls(patients, units, tables, codes)

    @property
    def pairs(self) -> int:
        return len(self.patients) * len(self.units)

    def header(self) -> bytes:
        columns = [f"{locus}_{end}" for locus in self.tables for end in ("min", "max")]
        return (";".join(["patient", "unit", *columns]) + "\n").encode()

    def words(self, patient: int, locus: str) -> npt.NDArray[np.uint32]:
        """Text of the counts of a patient against each distinct typing of the units; kept."""
        column = self.patients.columns[locus]
        typing = column.typings[column.codes[patient]]
        found = self._words.get(typing)
        if found is None:
            scores = score_locus(typing, self.tables[locus])
            found = self._words[typing] = WORDS[scores.match_min, scores.match_max]
        return found

    def block(self, patient: int) -> bytearray:
        """The rows of one patient. Good until the next call."""
        name = self.patients.ids[patient].encode()
        if self._template is None or self._template.width != len(name):
            self._template = Template.of(len(name), self.units.ids, len(self.tables))
        counts = np.empty((len(self.units), len(self.tables)), dtype=np.uint32)
        for place, locus in enumerate(self.tables):
            counts[:, place] = self.words(patient, locus).take(self.unit_codes[locus])
        return self._template.filled(name, counts)

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Bytes before each patient's block, the header not counted: int64 (patients,)."""
        names = np.array([len(name.encode()) for name in self.patients.ids], dtype=np.int64)
        rest = sum(len(name.encode()) + WORD * len(self.tables) + 2 for name in self.units.ids)
        sizes = names * len(self.units) + rest
        return np.cumsum(sizes) - sizes


@dataclass
class Template:
    """Rows of all units for patients whose id has `width` bytes, and windows on the places that change."""

    width: int
    rows: bytearray
    names: npt.NDArray[np.void]
    name_places: npt.NDArray[np.int64]
    counts: npt.NDArray[np.void]
    count_places: npt.NDArray[np.int64]

    @classmethod
    def of(cls, width: int, units: Sequence[str], loci: int) -> "Template":
        """units: at least one id; loci: at least one."""
        texts = [b"?" * width + b";" + name.encode() + b";0;0" * loci + b"\n" for name in units]
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        rows = bytearray(b"".join(texts))
        at_counts = starts + lengths - 1 - WORD * loci
        return cls(width, rows, window(rows, width), starts, window(rows, WORD * loci), at_counts)

    def filled(self, name: bytes, counts: npt.NDArray[np.uint32]) -> bytearray:
        """The rows of a patient. counts: uint32 (units, loci)."""
        self.names[self.name_places] = np.void(name)
        self.counts[self.count_places] = counts.view(self.counts.dtype)[:, 0]
        return self.rows


def window(rows: bytearray, width: int) -> npt.NDArray[np.void]:
    """Every stretch of `width` bytes, overlapping ones, to write into at once: void (bytes - width + 1,)."""
    return np.ndarray((len(rows) - width + 1,), dtype=f"V{width}", buffer=rows, strides=(1,))


def write_matrix(matrix: Rows, out: str | IO[bytes], *, processes: int, progress: Progress) -> None:
    """Write all rows to a path (gzipped if it ends in .gz) or a stream. Raises MatrixError, OSError.

    A file appears only when it is complete. progress: told how many pairs have been written.
    """
    if not isinstance(out, str):
        stream_rows(matrix, out, processes, progress, pack=False)
        return
    path = Path(out)
    if is_special(out):
        with path.open("wb") as stream:
            stream_rows(matrix, stream, processes, progress, pack=False)
        return
    with appearing(path.resolve()) as unfinished:
        if isinstance(matrix, Matrix) and path.suffix != ".gz":
            place_rows(matrix, unfinished, processes, progress)
        else:
            with unfinished.open("wb") as stream:
                stream_rows(matrix, stream, processes, progress, pack=path.suffix == ".gz")


def is_special(path: str) -> bool:
    """Whether a path is a pipe or a device, to be written to and not replaced."""
    return os.path.exists(path) and not os.path.isfile(path)


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the name `path` if all goes well and otherwise disappears."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.open("xb").close()
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def stream_rows(matrix: Rows, stream: IO[bytes], processes: int, progress: Progress, *, pack: bool) -> None:
    """Write the rows one after another."""
    head = matrix.header()
    stream.write(gzip.compress(head, mtime=0) if pack else head)
    for rows, pairs in in_order(matrix, StreamTask(pack), processes):
        stream.write(rows)
        progress(pairs)
    stream.flush()


def place_rows(matrix: Matrix, path: Path, processes: int, progress: Progress) -> None:
    """Let each process write its rows to their place in the file."""
    head = matrix.header()
    with path.open("r+b") as handle:
        handle.write(head)
    for _, pairs in in_order(matrix, PlaceTask(str(path), len(head)), processes):
        progress(pairs)


@dataclass(frozen=True)
class StreamTask:
    """Makes the rows of some patients; gzip members may follow one another in a file."""

    pack: bool

    def run(self, matrix: Rows, patients: range) -> bytes:
        rows = b"".join([bytes(matrix.block(patient)) for patient in patients])
        return gzip.compress(rows, COMPRESSION, mtime=0) if self.pack else rows


@dataclass(frozen=True)
class PlaceTask:
    """Writes the rows of some patients to their place."""

    path: str
    start: int

    def run(self, matrix: Rows, patients: range) -> bytes:
        assert isinstance(matrix, Matrix)  # the places of other rows are not known beforehand
        with open(self.path, "r+b", buffering=0) as handle:
            handle.seek(self.start + int(matrix.places[patients.start]))
            for patient in patients:
                write_all(handle, memoryview(matrix.block(patient)))
        return b""


def write_all(handle: IO[bytes], rows: memoryview) -> None:
    """Write everything: one call takes at most 2 GB."""
    while rows:
        rows = rows[handle.write(rows) :]


Task = StreamTask | PlaceTask


def chunks(matrix: Rows, processes: int) -> list[range]:
    """Patients in portions of some BLOCK_ROWS pairs, several for each process where there are enough."""
    patients = len(matrix.patients)
    size = max(1, min(BLOCK_ROWS // len(matrix.units), -(-patients // processes)))
    return [range(start, min(start + size, patients)) for start in range(0, patients, size)]


def in_order(matrix: Rows, task: Task, processes: int) -> Iterator[tuple[bytes, int]]:
    """Results of a task over all patients in their order, with the number of pairs of each."""
    portions = chunks(matrix, processes)
    if processes < 2 or len(portions) < 2 or matrix.pairs < ALONE_BELOW:
        for portion in portions:
            yield task.run(matrix, portion), len(portion) * len(matrix.units)
        return
    yield from side_by_side(matrix, task, portions, processes)


def side_by_side(
    matrix: Rows, task: Task, portions: list[range], processes: int
) -> Iterator[tuple[bytes, int]]:
    """As in_order, by several processes; only a few results wait at a time."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    waiting: deque[tuple[Future[bytes], int]] = deque()
    left = iter(portions)
    pool = ProcessPoolExecutor(processes, context, begin, (matrix,))
    try:
        for portion in left:
            waiting.append((pool.submit(run_task, task, portion), len(portion) * len(matrix.units)))
            if len(waiting) > 2 * processes:
                done, pairs = waiting.popleft()
                yield done.result(), pairs
        while waiting:
            done, pairs = waiting.popleft()
            yield done.result(), pairs
    except BrokenProcessPool:
        raise MatrixError(
            "A counting process was ended from outside, perhaps for want of memory: try --processes 1."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_held: list[Rows] = []  # in a counting process: what it counts


def begin(matrix: Rows) -> None:
    """Start of a counting process. Ctrl-C is the parent's to handle; without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _held[:] = [matrix]
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with, args=(parent.sentinel,), daemon=True).start()


def end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def run_task(task: Task, patients: range) -> bytes:
    return task.run(_held[0], patients)
