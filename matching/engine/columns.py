"""Rows of units turned into columns: what a snapshot is made of."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI

Array = NDArray[Any]
Pair = tuple[str, str]
Code = TypeVar("Code", bound=Hashable)

UNTYPED: Final[Pair] = ("", "")
UNKNOWN: Final = -1
# Texts of few different values, and the type of their codes.
CATEGORIES: Final[Mapping[str, type[np.integer[Any]]]] = {
    "status": np.uint8,
    "abo": np.uint8,
    "rh": np.uint8,
    "bank": np.uint16,
    "populations": np.int32,
    "donor_type": np.uint8,
}
NUMBERS: Final[Mapping[str, type[np.integer[Any]]]] = {
    "tnc_e4": np.int32,
    "cd34_e3": np.int32,
    "year": np.int16,
    "flags": np.uint8,
}
CORD: Final = "cord"  # the donor type of units that name none: of all that there were once
GONE: Final = 255  # status of a row that is no longer in the inventory
INVENTED_COUNTS, SYNTHETIC = 1, 2  # flags


class UnitRow(NamedTuple):
    """One unit of the inventory.

    unit_id: the 16 bytes of its UUID.
    typing: canonical (first, second) texts in the order of `hla.loci.SEARCH_LOCI`; ("", "") is untyped.
    tnc_e4: total nucleated cells in 10⁴ (thousandths of `tnc_e7`), -1 unknown.
    cd34_e3: CD34+ cells in 10³ (thousandths of `cd34_e6`), -1 unknown.
    year: of collection, -1 unknown. status, abo, rh, bank, populations: the caller's codes, any text.
    flags: INVENTED_COUNTS, SYNTHETIC. donor_type: CORD or another; of what is no cord blood unit no cells are known.
    """

    unit_id: bytes
    typing: tuple[Pair, ...]
    tnc_e4: int
    cd34_e3: int
    year: int
    status: str
    abo: str
    rh: str
    bank: str = ""
    populations: str = ""
    flags: int = 0
    donor_type: str = CORD


def digest_of(row: UnitRow) -> int:
    """BLAKE2b-256 of all values of a unit as a number; the sum over an inventory is its checksum.

    Cord blood goes without saying, so that the checksums of searches of before still hold.
    """
    texts = [text for pair in row.typing for text in pair]
    text = "\x1f".join([*texts, *map(str, row[2 : -1 if row.donor_type == CORD else None])])
    return int.from_bytes(hashlib.blake2b(row.unit_id + text.encode(), digest_size=32).digest(), "little")


@dataclass(frozen=True)
class Block:
    """n units as columns of equal length, in any order.

    unit_ids: uint8 (n, 16). codes: per locus int32 (n,), number of the typing in its book, 0 = untyped. categories: per
    name the codes of its texts (n,). numbers: per name (n,), -1 = unknown.
    """

    unit_ids: NDArray[np.uint8]
    codes: Mapping[str, NDArray[np.int32]]
    categories: Mapping[str, Array]
    numbers: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.unit_ids)

    def taken(self, places: Array) -> Block:
        """Some of the units, in this order."""
        return Block(
            self.unit_ids[places],
            {name: values[places] for name, values in self.codes.items()},
            {name: values[places] for name, values in self.categories.items()},
            {name: values[places] for name, values in self.numbers.items()},
        )

    def joined(self, other: Block) -> Block:
        """These units and others."""
        return Block(
            np.concatenate([self.unit_ids, other.unit_ids]),
            {name: np.concatenate([values, other.codes[name]]) for name, values in self.codes.items()},
            {
                name: np.concatenate([values, other.categories[name]])
                for name, values in self.categories.items()
            },
            {name: np.concatenate([values, other.numbers[name]]) for name, values in self.numbers.items()},
        )

    @classmethod
    def of(cls, columns: Mapping[str, Array]) -> Block:
        """From columns by name, as `named` gives them."""
        return cls(
            columns["unit_ids"],
            {locus: columns[f"codes.{locus}"] for locus in SEARCH_LOCI},
            {name: columns[f"categories.{name}"] for name in CATEGORIES},
            {name: columns[f"numbers.{name}"] for name in NUMBERS},
        )

    def named(self) -> list[tuple[str, Array]]:
        return [
            ("unit_ids", self.unit_ids),
            *((f"codes.{locus}", self.codes[locus]) for locus in SEARCH_LOCI),
            *((f"categories.{name}", self.categories[name]) for name in CATEGORIES),
            *((f"numbers.{name}", self.numbers[name]) for name in NUMBERS),
        ]


def id_keys(unit_ids: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Ids (n, 16) as sortable keys (n,), in the order of PostgreSQL's uuid type.

    NumPy strips zero bytes at the end of such a key; all have 16 bytes, so that two ids never fall together.
    """
    return np.ascontiguousarray(unit_ids).view("S16").reshape(-1)


def id_texts(unit_ids: NDArray[np.uint8]) -> Iterator[str]:
    """Ids as str() of a UUID writes them; making a UUID of each takes five times as long."""
    for one in np.ascontiguousarray(unit_ids):
        text = one.tobytes().hex()
        yield f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def as_ids(ids: Iterable[bytes]) -> NDArray[np.uint8]:
    """Ids of 16 bytes each as uint8 (n, 16)."""
    return np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(-1, 16)


class Numbering(dict[Code, int]):
    """Values and the numbers they were given, in the order in which they came."""

    def __missing__(self, value: Code) -> int:
        number = self[value] = len(self)
        return number


class Tally(NamedTuple):
    """How many units there are, and the sum of their digests."""

    units: int = 0
    total: int = 0

    def plus(self, other: Tally) -> Tally:
        return Tally(self.units + other.units, self.total + other.total)


Tallies = Mapping[str, Tally]  # by donor type


def tallied(rows: Iterable[UnitRow]) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for row in rows:
        found[row.donor_type] = found.get(row.donor_type, Tally()).plus(Tally(1, digest_of(row)))
    return found


class Gatherer:
    """Collects rows as columns, coding texts as they come. units, totals: by donor type, rows and sum of digests."""

    def __init__(self, vocabulary: Mapping[str, Sequence[str]] | None = None) -> None:
        self.units, self.totals = Counter[str](), Counter[str]()
        self.words = {name: Numbering[str]() for name in CATEGORIES}
        for name, texts in (vocabulary or {}).items():
            for text in texts:
                _ = self.words[name][text]
        self._ids = bytearray()
        self._wide = {name: array("i") for name in (*SEARCH_LOCI, *CATEGORIES, *NUMBERS)}

    def add(self, row: UnitRow, codes: Iterable[int]) -> None:
        """One unit; codes: of its typings, in the order of SEARCH_LOCI."""
        self.units[row.donor_type] += 1
        self.totals[row.donor_type] += digest_of(row)
        self._ids += row.unit_id
        for locus, code in zip(SEARCH_LOCI, codes, strict=True):
            self._wide[locus].append(code)
        for name, words in self.words.items():
            self._wide[name].append(words[getattr(row, name)])
        for name in NUMBERS:
            self._wide[name].append(getattr(row, name))

    def block(self) -> Block:
        """What was collected. Raises ValueError for more different texts than their codes can tell apart."""
        for name, words in self.words.items():
            most = min(np.iinfo(CATEGORIES[name]).max, GONE if name == "status" else np.iinfo(np.int64).max)
            if len(words) > most:
                raise ValueError(f"{name} has {len(words)} different values; {most} can be told apart.")
        return Block(
            np.frombuffer(bytes(self._ids), dtype=np.uint8).reshape(-1, 16),
            {locus: np.array(self._wide[locus], dtype=np.int32) for locus in SEARCH_LOCI},
            {name: np.array(self._wide[name], dtype=kind) for name, kind in CATEGORIES.items()},
            {name: np.array(self._wide[name], dtype=kind) for name, kind in NUMBERS.items()},
        )

    def tallies(self) -> dict[str, Tally]:
        return {name: Tally(count, self.totals[name]) for name, count in self.units.items()}

    def vocabulary(self) -> dict[str, tuple[str, ...]]:
        return {name: tuple(words) for name, words in self.words.items()}
