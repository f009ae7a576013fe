"""The searchable inventory in memory: columns, distinct typings per locus, and what they were made from.

A snapshot is a value: `apply` gives a new one. Its checksum depends on nothing but the inventory, so that a
snapshot that followed the ledger and one built afresh are equal byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from hla.errors import TypingError
from hla.loci import SEARCH_LOCI
from hla.mac import MacTable
from hla.matching import LocusTable
from hla.resolve import Resolver
from matching.engine.columns import (
    CATEGORIES,
    NUMBERS,
    Columns,
    Pair,
    UnitRow,
    as_ids,
    encode,
    id_keys,
    merged,
)


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
class Dictionary:
    """The distinct typings of one locus, resolved.

    table: may hold more than this snapshot has; snapshots that follow one another share it and only add.
    places: int32, row of the table for each code of the snapshot; 0 (untyped) also for what cannot be read.
    unreadable: bool, codes that this nomenclature or MAC table cannot read (a name that it does not know).
    """

    table: LocusTable
    places: NDArray[np.int32]
    unreadable: NDArray[np.bool_]

    @classmethod
    def of(cls, table: LocusTable, pairs: Sequence[Pair]) -> Dictionary:
        try:
            return cls(table, table.extend(pairs), np.zeros(len(pairs), dtype=np.bool_))
        except TypingError:  # inventory and reference data do not agree: find out where, one by one
            places = [_place(table, pair) for pair in pairs]
            return cls(
                table,
                np.array([place or 0 for place in places], dtype=np.int32),
                np.array([place is None for place in places], dtype=np.bool_),
            )


def _place(table: LocusTable, pair: Pair) -> int | None:
    try:
        return int(table.extend([pair])[0])
    except TypingError:
        return None


@dataclass(frozen=True)
class Snapshot:
    """An inventory of n units that can be searched. Not to be changed: `apply` returns another one."""

    columns: Columns
    origin: Origin
    resolver: Resolver

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def dictionaries(self) -> dict[str, Dictionary]:
        """Per locus the distinct typings, resolved. Made at first use."""
        return {
            locus: Dictionary.of(LocusTable(locus, self.resolver), self.columns.pairs[locus])
            for locus in SEARCH_LOCI
        }

    @cached_property
    def checksum(self) -> str:
        """Digest (128 bits, hexadecimal) of the inventory; equal for equal units, however they came in."""
        digest = hashlib.blake2b(digest_size=16)
        for _, values in arrays(self.columns):
            digest.update(np.ascontiguousarray(values).data)
        digest.update(repr([*self.columns.pairs.items(), *self.columns.vocabulary.items()]).encode())
        return digest.hexdigest()

    def apply(
        self,
        *,
        changed: Iterable[UnitRow],
        withdrawn: Iterable[bytes],
        ledger_number: int,
        ledger_mark: str = "",
    ) -> Snapshot:
        """This inventory after changes: `changed` units are new or replace theirs, `withdrawn` ids go.

        An unknown id in `withdrawn` is no error (it was never listed); an id in both is changed. O(n).
        """
        new = encode(changed)
        touched = np.concatenate([id_keys(new.unit_ids), id_keys(as_ids(withdrawn))])
        keep = ~np.isin(id_keys(self.columns.unit_ids), touched)
        origin = replace(self.origin, ledger_number=ledger_number, ledger_mark=ledger_mark)
        if not len(new) and keep.all():
            return self._moved_to(origin)
        columns = merged(self.columns, keep, new)
        following = Snapshot(columns, origin, self.resolver)
        if "dictionaries" in self.__dict__:  # resolving is the dear part: only what is new is resolved
            following.__dict__["dictionaries"] = {
                locus: Dictionary.of(known.table, columns.pairs[locus])
                for locus, known in self.dictionaries.items()
            }
        return following

    def _moved_to(self, origin: Origin) -> Snapshot:
        """The same inventory at a later number; what was computed stays."""
        following = Snapshot(self.columns, origin, self.resolver)
        for name in ("dictionaries", "checksum"):
            if name in self.__dict__:
                following.__dict__[name] = self.__dict__[name]
        return following

    def find(self, unit_id: bytes) -> int | None:
        """Position of a unit, None if it is not in the inventory."""
        keys = id_keys(self.columns.unit_ids)
        key = id_keys(as_ids([unit_id]))
        place = int(np.searchsorted(keys, key)[0])
        return place if place < len(keys) and keys[place] == key[0] else None


def arrays(columns: Columns) -> list[tuple[str, NDArray[np.generic]]]:
    """All columns by name, in the one order that file and checksum use."""
    return [
        ("unit_ids", columns.unit_ids),
        *((f"codes.{locus}", columns.codes[locus]) for locus in SEARCH_LOCI),
        *((f"categories.{name}", columns.categories[name]) for name in CATEGORIES),
        *((f"numbers.{name}", columns.numbers[name]) for name in NUMBERS),
    ]


def build(
    rows: Iterable[UnitRow], *, resolver: Resolver, ledger_number: int, ledger_mark: str = ""
) -> Snapshot:
    """Snapshot of all rows (read once, any order). `ledger_number`: last change that the rows hold."""
    origin = Origin.of(resolver, ledger_number=ledger_number, ledger_mark=ledger_mark)
    return Snapshot(encode(rows), origin, resolver)
