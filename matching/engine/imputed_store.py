"""Genotypes of typings that were imputed before, in files of this host: a search then only combines.

One folder per haplotype table (sets, weights, nomenclature); in it segments, each a column file over some typings in
order of their digests. States of alleles are numbered by each process as it goes, therefore a segment holds what its
numbers stand for. Nothing here is a source of truth: what is missing, damaged or too large is imputed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.errors import TypingError
from hla.loci import SEARCH_LOCI
from hla.prediction.fits import Pair
from hla.prediction.imputed import SLOTS, Basis, Imputed, Part, joined, states_of
from hla.prediction.states import StateKey
from hla.prediction.table import HaplotypeTable
from matching.engine import column_file

Array = NDArray[Any]
FileKey = str | list[str]  # name of an allele that stands for itself; or, alone in a list, of a P group

MAGIC = b"QIDAIIM2"
DIGEST_BYTES = 16
# Of one typing; what is more open is not kept: imputing it again costs less than its place.
MAX_GENOTYPES = 4_000
MAX_SEGMENTS = 8  # of small ones; more are put together
MAX_SEGMENT_BYTES = 100_000_000  # from here on a segment stays as it is
UNSEEN = 255  # beside the values of Basis
RELAXED = [  # by the mask of a file
    tuple(locus for slot, locus in enumerate(SEARCH_LOCI) if mask >> slot & 1)
    for mask in range(1 << len(SEARCH_LOCI))
]


def typing_digest(pairs: Sequence[Pair]) -> bytes:
    """Of the two texts of each locus of a table: 16 bytes."""
    text = "\0".join(value for pair in pairs for value in pair)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True)
class Segment:
    """One mapped file. digests: V16 sorted; states: per slot, the number here of each number in the file."""

    path: Path
    digests: Array
    columns: dict[str, Array]
    states: tuple[Array, ...]

    @classmethod
    def of(cls, path: Path, table: HaplotypeTable) -> Segment:
        """Raises FileUnusable."""
        header, columns = column_file.read(path, MAGIC)
        keys = header["keys"]
        states = tuple(
            np.array(
                [0, *(table.space.code(locus, read_key(table, locus, key)) for key in keys[locus])],
                dtype=np.uint16,
            )
            for locus in SEARCH_LOCI
        )
        return cls(path, columns["digests"].view(f"V{DIGEST_BYTES}").ravel(), columns, states)

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def size(self) -> int:
        """Bytes of its columns."""
        return sum(column.nbytes for column in self.columns.values())

    @cached_property
    def words(self) -> Array:
        """The digests as two numbers each, in their order: uint64 (n, 2)."""
        return as_words(self.digests)

    def places(self, asked: Array) -> Array:
        """Where each digest stands, -1 for those that do not: int64 (n,).

        Looked for by their first words, since numbers are found ten times as fast. Of two digests that had the same
        one the second would not be found, and its typing imputed again.
        """
        words = as_words(asked)
        found = np.minimum(np.searchsorted(self.words[:, 0], words[:, 0]), len(self) - 1)
        return np.where((self.words[found] == words).all(axis=1), found, -1)

    def parts(self, places: Sequence[int]) -> list[Part]:
        """Genotypes of some typings, numbered as this process does; none of one that was too open to keep.

        All are read and renumbered together: one by one takes ten times as long.
        """
        columns, at = self.columns, np.asarray(places, dtype=np.int64)
        begins, ends = columns["starts"][at], columns["starts"][at + 1]
        own = np.concatenate([[0], np.cumsum(ends - begins)])
        chosen = np.arange(own[-1]) + np.repeat(begins - own[:-1], ends - begins)
        states = states_of(columns["rows"][chosen])
        for slot, numbers in enumerate(self.states):
            first, second = numbers[states[:, slot, 0]], numbers[states[:, slot, 1]]
            states[:, slot, 0], states[:, slot, 1] = np.minimum(first, second), np.maximum(first, second)
        rows, shares = states.reshape(-1, SLOTS).view(np.uint64), columns["shares"][chosen]
        return [
            Part(rows[begin:end], shares[begin:end], lost, Basis(basis), RELAXED[mask])
            for begin, end, lost, basis, mask in zip(
                own[:-1].tolist(),
                own[1:].tolist(),
                *(columns[name][at].tolist() for name in ("lost", "basis", "relaxed")),
                strict=True,
            )
        ]


def as_words(digests: Array) -> Array:
    """Digests as numbers that are in the order of the bytes: uint64 (n, 2)."""
    return np.asfortranarray(np.ascontiguousarray(digests).view(">u8").reshape(-1, 2).astype(np.uint64))


@dataclass
class ImputedStore:
    """What is kept for one haplotype table. Safe with several processes: files appear whole and are never changed."""

    folder: Path
    table: HaplotypeTable
    _segments: dict[str, Segment] = field(default_factory=dict)

    def segments(self) -> list[Segment]:
        """The usable files of the folder; a damaged one is removed, one that cannot be read now is left alone."""
        names = sorted(path.name for path in self.folder.glob("*.imputed"))
        for gone in self._segments.keys() - set(names):
            del self._segments[gone]
        for name in names:
            if name not in self._segments:
                try:
                    self._segments[name] = Segment.of(self.folder / name, self.table)
                except column_file.FileUnreadable:
                    continue
                except column_file.FileUnusable:
                    remove(self.folder / name)
        return list(self._segments.values())

    def find(self, digests: Sequence[bytes]) -> list[Part | None]:
        """The genotypes of each typing, None for those that are not kept."""
        found: list[Part | None] = [None] * len(digests)
        asked = np.frombuffer(b"".join(digests), dtype=f"V{DIGEST_BYTES}")
        for segment in self.segments() if digests else ():
            places = segment.places(asked).tolist()
            here = [at for at, place in enumerate(places) if place >= 0 and found[at] is None]
            for at, part in zip(here, segment.parts([places[at] for at in here]), strict=True):
                found[at] = None if left_out(part) else part
        return found

    def bases(self, digests: Sequence[bytes]) -> Array:
        """What the genotypes of each typing rest on (Basis), UNSEEN of one that was never added: uint8 (n,)."""
        asked = np.frombuffer(b"".join(digests), dtype=f"V{DIGEST_BYTES}")
        found = np.full(len(digests), UNSEEN, dtype=np.uint8)
        for segment in self.segments() if digests else ():
            places = segment.places(asked)
            there = places >= 0
            found[there] = segment.columns["basis"][places[there]]
        return found

    def add(self, digests: Sequence[bytes], found: Imputed) -> None:
        """Keep the genotypes of typings, each by its digest."""
        order = sorted(range(len(digests)), key=lambda at: digests[at])
        parts = [found.part(at) for at in order]
        if parts:
            self._write([digests[at] for at in order], parts)
        small = [segment for segment in self.segments() if segment.size < MAX_SEGMENT_BYTES]
        if len(small) > MAX_SEGMENTS:
            self._compact(sorted(small, key=lambda segment: segment.size)[: max(2, MAX_SEGMENTS)])

    def _write(self, digests: Sequence[bytes], parts: Sequence[Part]) -> None:
        whole = joined(self.table, [kept_part(part) for part in parts])
        keys, rows = renumbered(whole)
        masks = [sum(1 << SEARCH_LOCI.index(locus) for locus in loci) for loci in whole.relaxed]
        column_file.write(
            self._path(digests),
            MAGIC,
            {"keys": keys},
            [
                ("digests", np.frombuffer(b"".join(digests), dtype=np.uint8)),
                ("starts", whole.starts),
                ("rows", rows),
                ("shares", whole.shares),
                ("lost", whole.lost),
                ("basis", whole.basis),
                ("relaxed", np.array(masks, dtype=np.uint8)),
            ],
        )

    def _path(self, digests: Sequence[bytes]) -> Path:
        name = hashlib.blake2b(b"".join(digests), digest_size=12).hexdigest()
        return self.folder / f"{name}.imputed"

    def _compact(self, segments: list[Segment]) -> None:
        """One file for several small ones. Another process that still reads an old one keeps its mapping."""
        parts: dict[bytes, Part] = {}
        for segment in segments:
            digests = [bytes(digest) for digest in segment.digests.tolist()]
            for digest, part in zip(digests, segment.parts(range(len(digests))), strict=True):
                parts.setdefault(digest, part)
        ordered = sorted(parts)
        self._write(ordered, [parts[digest] for digest in ordered])
        for segment in segments:
            if segment.path != self._path(ordered):
                remove(segment.path)


def remove(path: Path) -> None:
    """What cannot be removed is removed another time."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def kept_part(part: Part) -> Part:
    """What of a typing's genotypes is kept, apart from what it was made with."""
    if len(part.shares) > MAX_GENOTYPES:
        return bare(part)
    return replace(part, rows=part.rows.copy(), shares=part.shares.copy())


def bare(part: Part) -> Part:
    """What is kept of a typing that is too open: that it was imputed, and what its genotypes rest on."""
    return Part(lost=part.lost, basis=part.basis, relaxed=part.relaxed)


def left_out(part: Part) -> bool:
    return not len(part.shares) and part.basis is not Basis.NONE


def written_key(table: HaplotypeTable, locus: str, key: StateKey) -> FileKey:
    """What a state stands for, as files say it: a P group by its name, since the built-in nomenclature numbers them
    as it meets them, so that a number means something else in another process."""
    return key if isinstance(key, str) else [table.resolver.nomenclature.p_name(locus, key)]


def read_key(table: HaplotypeTable, locus: str, key: FileKey) -> StateKey:
    """Raises FileUnusable."""
    if isinstance(key, str):
        return key
    try:
        (group,) = table.resolver.position(locus, key[0]).p_groups
    except (TypingError, ValueError) as error:
        raise column_file.FileUnusable(f"{key[0]} is no P group") from error
    return group


def renumbered(found: Imputed) -> tuple[dict[str, list[FileKey]], Array]:
    """What the numbers 1, 2, … of each locus stand for, and the rows in them."""
    keys: dict[str, list[FileKey]] = {locus: [] for locus in SEARCH_LOCI}
    rows = states_of(found.rows.copy())
    for slot, locus in enumerate(SEARCH_LOCI):
        own = np.setdiff1d(rows[:, slot], [0])
        numbers = np.zeros(max(found.table.space.size(locus), 1), dtype=np.uint16)
        numbers[own] = np.arange(1, len(own) + 1)
        known = found.table.space.keys(locus)
        keys[locus] = [written_key(found.table, locus, known[state]) for state in own.tolist()]
        rows[:, slot] = numbers[rows[:, slot]]
    return keys, rows.reshape(len(rows), SLOTS).view(np.uint64)
