"""Rows of units turned into columns and dictionaries: what a snapshot is made of.

Typings and texts are dictionary-coded. Dictionaries are sorted and hold only values in use, rows are
sorted by unit id: equal inventories give equal bytes, however they came about.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI

Pair = tuple[str, str]
UNTYPED: Pair = ("", "")
UNKNOWN = -1
CATEGORIES = ("status", "abo", "rh")
NUMBERS = {"tnc_e4": np.int32, "cd34_e3": np.int32, "year": np.int16}

Value = TypeVar("Value", bound=Hashable)


class UnitRow(NamedTuple):
    """One unit of the inventory.

    unit_id: the 16 bytes of its UUID.
    typing: canonical (first, second) texts in the order of `hla.loci.SEARCH_LOCI`; ("", "") is untyped.
    tnc_e4: total nucleated cells in 10⁴ (thousandths of `tnc_e7`), -1 unknown.
    cd34_e3: CD34+ cells in 10³ (thousandths of `cd34_e6`), -1 unknown.
    year: of collection, -1 unknown. status, abo, rh: the caller's codes, any text, at most 256 different.
    """

    unit_id: bytes
    typing: tuple[Pair, ...]
    tnc_e4: int
    cd34_e3: int
    year: int
    status: str
    abo: str
    rh: str


@dataclass(frozen=True)
class Columns:
    """Inventory as columns of equal length n, sorted by unit id.

    unit_ids: uint8 (n, 16). codes: per locus int32 (n,), index into `pairs` of that locus, 0 = untyped.
    categories: per name uint8 (n,), index into `vocabulary`. numbers: int32 or int16 (n,), -1 = unknown.
    """

    unit_ids: NDArray[np.uint8]
    codes: Mapping[str, NDArray[np.int32]]
    pairs: Mapping[str, tuple[Pair, ...]]
    categories: Mapping[str, NDArray[Any]]
    vocabulary: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.unit_ids)

    def row(self, index: int) -> UnitRow:
        """The unit at a position, as it was given."""
        number = {name: int(values[index]) for name, values in self.numbers.items()}
        text = {name: self.vocabulary[name][codes[index]] for name, codes in self.categories.items()}
        return UnitRow(
            unit_id=self.unit_ids[index].tobytes(),
            typing=tuple(self.pairs[locus][self.codes[locus][index]] for locus in SEARCH_LOCI),
            tnc_e4=number["tnc_e4"],
            cd34_e3=number["cd34_e3"],
            year=number["year"],
            status=text["status"],
            abo=text["abo"],
            rh=text["rh"],
        )


def id_keys(unit_ids: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Ids (n, 16) as sortable keys (n,), in the order of PostgreSQL's uuid type.

    NumPy strips zero bytes at the end of such a key; all have 16 bytes, so that two ids never fall together.
    """
    return np.ascontiguousarray(unit_ids).view("S16").reshape(-1)


def as_ids(ids: Iterable[bytes]) -> NDArray[np.uint8]:
    """Ids of 16 bytes each as uint8 (n, 16)."""
    return np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(-1, 16)


def encode(rows: Iterable[UnitRow]) -> Columns:
    """Columns of rows in any order, read once; of two rows with one id the later counts. O(n log n)."""
    ids = bytearray()
    wide = {name: array("i") for name in (*SEARCH_LOCI, *CATEGORIES, *NUMBERS)}
    pair_books: dict[str, dict[Pair, int]] = {locus: {UNTYPED: 0} for locus in SEARCH_LOCI}
    text_books: dict[str, dict[str, int]] = {name: {} for name in CATEGORIES}
    for row in rows:
        ids += row.unit_id
        for locus, pair in zip(SEARCH_LOCI, row.typing, strict=True):
            wide[locus].append(_code(pair_books[locus], pair))
        for name in CATEGORIES:
            wide[name].append(_code(text_books[name], getattr(row, name)))
        for name in NUMBERS:
            wide[name].append(getattr(row, name))
    return canonical(
        Columns(
            unit_ids=np.frombuffer(bytes(ids), dtype=np.uint8).reshape(-1, 16),
            codes={locus: np.frombuffer(wide[locus], dtype=np.int32) for locus in SEARCH_LOCI},
            pairs={locus: tuple(book) for locus, book in pair_books.items()},
            categories={name: np.array(wide[name], dtype=np.int32) for name in CATEGORIES},
            vocabulary={name: tuple(book) for name, book in text_books.items()},
            numbers={name: np.array(wide[name], dtype=kind) for name, kind in NUMBERS.items()},
        )
    )


def _code(book: dict[Value, int], value: Value) -> int:
    return book.setdefault(value, len(book))


def canonical(columns: Columns) -> Columns:
    """The same inventory sorted by unit id (of equal ids the last row stays), dictionaries sorted and tight."""
    keys = id_keys(columns.unit_ids)
    order = np.argsort(keys, kind="stable")
    last_of_id = np.append(keys[order][1:] != keys[order][:-1], True)[: len(order)]
    rows = order[last_of_id]
    codes, pairs = {}, {}
    for locus in SEARCH_LOCI:
        codes[locus], pairs[locus] = _tight(columns.codes[locus][rows], columns.pairs[locus], keep=(UNTYPED,))
    categories, vocabulary = {}, {}
    for name in CATEGORIES:
        codes_of_name, vocabulary[name] = _tight(columns.categories[name][rows], columns.vocabulary[name])
        if len(vocabulary[name]) > 256:
            raise ValueError(f"{name} has {len(vocabulary[name])} different values; a byte holds 256.")
        categories[name] = codes_of_name.astype(np.uint8)
    numbers = {name: values[rows] for name, values in columns.numbers.items()}
    return Columns(columns.unit_ids[rows], codes, pairs, categories, vocabulary, numbers)


def _tight(
    codes: NDArray[Any], values: Sequence[Value], keep: tuple[Value, ...] = ()
) -> tuple[NDArray[np.int32], tuple[Value, ...]]:
    """Codes over the sorted values in use; `keep` stand first, used or not."""
    used = {values[code] for code in np.unique(codes)}
    ordered = (*keep, *sorted(used.difference(keep)))
    place = {value: code for code, value in enumerate(ordered)}
    lookup = np.array([place.get(value, 0) for value in values], dtype=np.int32)
    return (lookup[codes] if len(codes) else np.zeros(0, np.int32)), ordered


def merged(old: Columns, keep: NDArray[np.bool_], new: Columns) -> Columns:
    """The kept rows of `old` and all rows of `new` as one inventory. No id may stand in both."""
    codes, pairs = {}, {}
    for locus in SEARCH_LOCI:
        codes[locus], pairs[locus] = _joined(
            old.codes[locus][keep], old.pairs[locus], new.codes[locus], new.pairs[locus]
        )
    categories, vocabulary = {}, {}
    for name in CATEGORIES:
        categories[name], vocabulary[name] = _joined(
            old.categories[name][keep], old.vocabulary[name], new.categories[name], new.vocabulary[name]
        )
    return canonical(
        Columns(
            unit_ids=np.concatenate([old.unit_ids[keep], new.unit_ids]),
            codes=codes,
            pairs=pairs,
            categories=categories,
            vocabulary=vocabulary,
            numbers={name: np.concatenate([old.numbers[name][keep], new.numbers[name]]) for name in NUMBERS},
        )
    )


def _joined(
    old_codes: NDArray[Any], old: Sequence[Value], new_codes: NDArray[Any], new: Sequence[Value]
) -> tuple[NDArray[np.int32], tuple[Value, ...]]:
    """Codes of both halves over one dictionary."""
    book = {value: code for code, value in enumerate(old)}
    lookup = np.array([_code(book, value) for value in new], dtype=np.int32)
    moved = lookup[new_codes] if len(new_codes) else np.zeros(0, np.int32)
    return np.concatenate([old_codes.astype(np.int32), moved]), tuple(book)
