"""The searchable inventory: a block of columns made once, what changed since, and the distinct typings of each locus.

A snapshot is a value: `apply` gives a new one, in time that depends on the changes alone. The block and the typings lie
in a file that all processes of a host map (files); the changes are small and each process has its own. The checksum
depends on nothing but the inventory: a snapshot that followed the ledger has that of one built afresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.mac import MacTable
from hla.resolve import Resolver
from matching.engine.book import Book, Heard
from matching.engine.columns import (
    CATEGORIES,
    GONE,
    NUMBERS,
    UNTYPED,
    Block,
    Gatherer,
    Numbering,
    Pair,
    Tallies,
    Tally,
    UnitRow,
    as_ids,
    id_keys,
    tallied,
)

Array = NDArray[Any]

CHECKSUM_BITS: Final = 256
SORTED_BY: Final = ("A", "B", "DRB1")  # what lies side by side in memory is looked up together


@dataclass(frozen=True)
class Origin:
    """Where a snapshot stands.

    release, nomenclature: name and checksum of the nomenclature; mac, mac_checksum: version and checksum of
    the MAC table. Together they give the typings their meaning. ledger_number: last change that is in it.
    ledger_mark: hash of that change, which tells one database from another (or from its own restored backup)
    even when the numbers agree.
    """

    release: str
    nomenclature: str
    mac: str
    mac_checksum: str
    ledger_number: int
    ledger_mark: str = ""

    @classmethod
    def of(cls, resolver: Resolver, *, ledger_number: int, ledger_mark: str = "") -> Origin:
        nomenclature = resolver.nomenclature
        return cls(
            release=nomenclature.release,
            nomenclature=nomenclature.checksum,
            mac=resolver.mac.version,
            mac_checksum=mac_checksum(resolver.mac),
            ledger_number=ledger_number,
            ledger_mark=ledger_mark,
        )

    def same_reference(self, other: Origin) -> bool:
        """Both give typings the same meaning."""
        return (self.nomenclature, self.mac_checksum) == (other.nomenclature, other.mac_checksum)


@lru_cache(maxsize=4)
def mac_checksum(table: MacTable) -> str:
    """SHA-256 (hexadecimal) of the table as it is stored."""
    return hashlib.sha256(table.to_bytes()).hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """An inventory that can be searched. Not to be changed: `apply` returns another one.

    base: b units as they were when it was built; by_id: int32 (b,), its rows in the order of their ids. status: uint8
    (b,), their codes, GONE for what has changed or left since. extra: e units that are new or have changed. Rows of the
    inventory are numbered 0 … b - 1 and b … b + e - 1. tallies: by donor type the units and the sum of their digests.
    """

    base: Block
    by_id: NDArray[np.int32]
    status: NDArray[np.uint8]
    extra: Block
    books: Mapping[str, Book]
    vocabulary: Mapping[str, tuple[str, ...]]
    tallies: Tallies
    origin: Origin
    resolver: Resolver

    def __len__(self) -> int:
        return self.units_of(self.tallies)

    def units_of(self, donor_types: Iterable[str]) -> int:
        """How many units there are of these donor types."""
        return sum(self.tallies.get(name, Tally()).units for name in donor_types)

    @property
    def checksum(self) -> str:
        """Of the inventory (256 bits, hexadecimal): equal for equal units, however they came in."""
        return self.checksum_of(self.tallies)

    def checksum_of(self, donor_types: Iterable[str]) -> str:
        """Of the units of these donor types: what else there is does not change what a search of them was made of.

        The sum of the digests of all units: changes are added and taken off.
        """
        total = sum(self.tallies.get(name, Tally()).total for name in donor_types)
        return f"{total % (1 << CHECKSUM_BITS):0{CHECKSUM_BITS // 4}x}"

    @property
    def changes(self) -> int:
        """Rows beside the base and rows of it that are gone (a changed unit is both): what a new base would save."""
        return len(self.extra) + int((self.status == GONE).sum())

    # --- units by row ---

    def rows(self, donor_types: Iterable[str] | None = None) -> NDArray[np.int64]:
        """The rows of all units, or of those of these donor types."""
        extra = len(self.base) + np.arange(len(self.extra))
        rows = np.concatenate([np.flatnonzero(self.status != GONE), extra])
        if donor_types is None:
            return rows
        names = set(donor_types)
        wanted = np.array([name in names for name in self.vocabulary["donor_type"]], dtype=np.bool_)
        return rows[wanted[self.word_codes("donor_type", rows)]]

    def row(self, index: int) -> UnitRow:
        """The unit at a row, as it was given."""
        block, place = (self.base, index) if index < len(self.base) else (self.extra, index - len(self.base))
        text = {name: self.vocabulary[name][block.categories[name][place]] for name in CATEGORIES}
        number: dict[str, Any] = {name: int(block.numbers[name][place]) for name in NUMBERS}
        return UnitRow(
            unit_id=block.unit_ids[place].tobytes(),
            typing=tuple(self.books[locus].pair(int(block.codes[locus][place])) for locus in SEARCH_LOCI),
            **text,
            **number,
        )

    def find(self, unit_id: bytes) -> int | None:
        """Row of a unit, None if it is not in the inventory."""
        later = np.flatnonzero(id_keys(self.extra.unit_ids) == id_keys(as_ids([unit_id])))
        if len(later):
            return len(self.base) + int(later[0])
        place = int(self._in_base([unit_id])[0])
        return place if place >= 0 and self.status[place] != GONE else None

    def _in_base(self, ids: Sequence[bytes]) -> NDArray[np.int64]:
        """Row of each unit in the base, -1 if it is not there: int64 (n,)."""
        if not len(self.base):
            return np.full(len(ids), -1, dtype=np.int64)
        keys, asked = id_keys(self.base.unit_ids), id_keys(as_ids(ids))
        places = np.minimum(np.searchsorted(keys, asked, sorter=self.by_id), len(keys) - 1)
        rows = self.by_id[places].astype(np.int64)
        return np.where(keys[rows] == asked, rows, -1)

    def unit_ids(self, rows: Array) -> NDArray[np.uint8]:
        """uint8 (k, 16)."""
        return self._gathered(self.base.unit_ids, self.extra.unit_ids, rows)

    def codes(self, locus: str, rows: Array) -> NDArray[np.int32]:
        """Numbers of the typings in the book of the locus: int32 (k,)."""
        return self._gathered(self.base.codes[locus], self.extra.codes[locus], rows)

    def numbers(self, name: str, rows: Array) -> Array:
        """One of NUMBERS (k,)."""
        return self._gathered(self.base.numbers[name], self.extra.numbers[name], rows)

    def words(self, name: str, rows: Array) -> list[str]:
        """One of CATEGORIES."""
        texts = self.vocabulary[name]
        return [texts[code] for code in self.word_codes(name, rows).tolist()]

    def word_codes(self, name: str, rows: Array) -> Array:
        """One of CATEGORIES (k,), as numbers of the vocabulary."""
        return self._gathered(self.base.categories[name], self.extra.categories[name], rows)

    def typings(self, rows: Array) -> list[tuple[Pair, ...]]:
        """The two texts of each unit at each locus of SEARCH_LOCI; UNTYPED where they cannot be read."""
        columns = []
        for locus in SEARCH_LOCI:
            book = self.books[locus]
            codes, places = np.unique(self.codes(locus, rows), return_inverse=True)
            known = codes.tolist()
            texts = zip(known, book.texts(known), strict=True)
            pairs = [UNTYPED if book.is_unreadable(code) else pair for code, pair in texts]
            columns.append([pairs[place] for place in places.tolist()])
        return list(zip(*columns, strict=True))

    def _gathered(self, base: Array, extra: Array, rows: Array) -> Array:
        if not len(extra):
            return np.asarray(base[rows])
        found = np.empty((len(rows), *base.shape[1:]), dtype=base.dtype)
        inside = rows < len(base)
        found[inside] = base[rows[inside]]
        found[~inside] = extra[rows[~inside] - len(base)]
        return found

    # --- changes ---

    def apply(
        self,
        *,
        changed: Iterable[UnitRow],
        withdrawn: Iterable[bytes],
        ledger_number: int,
        ledger_mark: str = "",
    ) -> Snapshot:
        """This inventory after changes: `changed` units are new or replace theirs, `withdrawn` ids go.

        An unknown id in `withdrawn` is no error (it was never listed); an id in both is changed. O(changes made since
        the base was built); one pass over the states of the base.
        """
        origin = replace(self.origin, ledger_number=ledger_number, ledger_mark=ledger_mark)
        rows = {row.unit_id: row for row in changed}
        touched = [*rows, *(set(withdrawn) - rows.keys())]
        if not touched:
            return replace(self, origin=origin)
        places = self._in_base(touched)
        gone = places[places >= 0]
        gone = gone[self.status[gone] != GONE]
        left = np.isin(id_keys(self.extra.unit_ids), id_keys(as_ids(touched)))
        taken_off = [*gone.tolist(), *(len(self.base) + np.flatnonzero(left)).tolist()]
        gatherer = self._gathered_rows(rows, dict(zip(touched, places.tolist(), strict=True)))
        status = self.status
        if len(gone):
            status = status.copy()
            status[gone] = GONE
        return replace(
            self,
            status=status,
            extra=self.extra.taken(np.flatnonzero(~left)).joined(gatherer.block()),
            books={locus: book.grown() for locus, book in self.books.items()},
            vocabulary=gatherer.vocabulary(),
            tallies=_changed(self.tallies, tallied(map(self.row, taken_off)), gatherer.tallies()),
            origin=origin,
        )

    def _gathered_rows(self, rows: Mapping[bytes, UnitRow], places: Mapping[bytes, int]) -> Gatherer:
        """Changed units as columns. A typing that the base has for the same unit keeps its code."""
        gatherer = Gatherer(self.vocabulary)
        for unit_id, row in rows.items():
            place = places[unit_id]
            known = self.row(place).typing if place >= 0 else (None,) * len(SEARCH_LOCI)
            gatherer.add(
                row,
                [
                    int(self.base.codes[locus][place]) if pair == before else self.books[locus].code(pair)
                    for locus, pair, before in zip(SEARCH_LOCI, row.typing, known, strict=True)
                ],
            )
        return gatherer


def _changed(tallies: Tallies, off: Tallies, on: Tallies) -> dict[str, Tally]:
    """Tallies after some units went and others came; what has none left is not named."""
    found = {}
    for name in (*tallies, *(one for one in on if one not in tallies)):
        units, total = tallies.get(name, Tally()).plus(on.get(name, Tally()))
        gone = off.get(name, Tally())
        if units > gone.units:
            found[name] = Tally(units - gone.units, total - gone.total)
    return found


def build(
    rows: Iterable[UnitRow],
    *,
    resolver: Resolver,
    ledger_number: int,
    ledger_mark: str = "",
    heard: Heard | None = None,
) -> Snapshot:
    """Snapshot of all rows (read once, any order, each unit once). `ledger_number`: last change that the rows hold.

    heard: called now and then while typings are resolved, which may take long; may raise to stop. Raises ValueError
    if a unit comes twice. O(n log n) and the resolving of the distinct typings.
    """
    gatherer = Gatherer()
    numbers = {locus: Numbering[Pair]({UNTYPED: 0}) for locus in SEARCH_LOCI}
    for row in rows:
        gatherer.add(row, [numbers[locus][pair] for locus, pair in zip(SEARCH_LOCI, row.typing, strict=True)])
    block = gatherer.block()
    books, codes = {}, {}
    for locus in SEARCH_LOCI:
        books[locus], codes[locus] = _book(
            locus, list(numbers.pop(locus)), block.codes[locus], resolver, heard
        )
    block = replace(block, codes=codes)
    block = block.taken(np.lexsort([codes[locus] for locus in reversed(SORTED_BY)]))
    keys = id_keys(block.unit_ids)
    by_id = np.argsort(keys, kind="stable").astype(np.int32)
    if (keys[by_id][1:] == keys[by_id][:-1]).any():
        raise ValueError("A unit came twice.")
    return Snapshot(
        base=block,
        by_id=by_id,
        status=block.categories["status"],
        extra=block.taken(np.zeros(0, dtype=np.int64)),
        books=books,
        vocabulary=gatherer.vocabulary(),
        tallies=gatherer.tallies(),
        origin=Origin.of(resolver, ledger_number=ledger_number, ledger_mark=ledger_mark),
        resolver=resolver,
    )


def _book(
    locus: str, pairs: Sequence[Pair], codes: NDArray[np.int32], resolver: Resolver, heard: Heard | None
) -> tuple[Book, NDArray[np.int32]]:
    """Typings that many units have get the low numbers: they are looked up together and stay near the processor."""
    counts = np.bincount(codes, minlength=len(pairs))
    counts[0] = len(codes) + 1  # untyped is always 0
    order = np.argsort(-counts, kind="stable")
    moved = np.empty(len(order), dtype=np.int32)
    moved[order] = np.arange(len(order), dtype=np.int32)
    # What one locus has resolved is of no use to another: the answers are let go with this resolver.
    own = Resolver(resolver.nomenclature, resolver.mac, resolver.ciwd)
    book = Book.of(locus, [pairs[place] for place in order], own, heard)
    return book.with_resolver(resolver), moved[codes]
