"""The distinct typings of one locus in an inventory: those of the snapshot's file, and those that came since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.antigens import AntigenRule
from hla.errors import TypingError
from hla.frozen_table import COLUMNS, FrozenTable
from hla.matching import LocusScores, LocusTable, score_locus
from hla.resolve import Resolver
from hla.table import TableView
from hla.typing import LocusTyping
from matching.engine.columns import UNTYPED, Numbering, Pair

Array = NDArray[Any]
Heard = Callable[[], None]

HEARD_EVERY: Final = 5_000  # typings

NOT_TYPED: Final = 64  # marks of a typing
SEPARATOR: Final = "/"  # of the members of a list
UNREADABLE: Final = (
    128  # written by a nomenclature or MAC table that this one does not know; counts as untyped
)


class Later:
    """Typings that came after the file was made; they are only added, so that snapshots that follow one another share
    them. Not for writing from two threads at once: snapshots read the views that were taken of it."""

    def __init__(self, locus: str, resolver: Resolver) -> None:
        self.table = LocusTable(locus, resolver)
        self.pairs: list[Pair] = []
        self._places: list[int] = []  # row of the table; 0, untyped, for what cannot be read
        self._unreadable: list[bool] = []
        self._numbers: dict[Pair, int] = {}

    def number(self, pair: Pair) -> int:
        """Its number among the later ones; it is added if it is new."""
        found = self._numbers.get(pair)
        if found is None:
            found = self._numbers[pair] = len(self.pairs)
            place = place_of(self.table, pair)
            self._places.append(place or 0)
            self._unreadable.append(place is None)
            self.pairs.append(pair)
        return found

    def view(self) -> LaterView:
        """Those that there are now."""
        places = np.array(self._places, dtype=np.int64)
        return LaterView(
            self.table.view(), tuple(self.pairs), places, np.array(self._unreadable, dtype=np.bool_)
        )


@dataclass(frozen=True)
class LaterView:
    """The later typings that one snapshot knows; nothing of it changes. places: int64 (n,), rows of the table."""

    table: TableView
    pairs: tuple[Pair, ...]
    places: NDArray[np.int64]
    unreadable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pairs)


def place_of(table: LocusTable, pair: Pair) -> int | None:
    """Row of a typing in a table, which grows; None if it cannot be read."""
    try:
        return int(table.extend([pair])[0])
    except TypingError:
        return None


@dataclass(frozen=True)
class Book:
    """t typings of a file and, numbered after them, the later ones.

    table: the typings resolved, in the order of their codes. pairs: int32 (t, 2), numbers of the two texts of each.
    names: the distinct members of these texts (what stands between slashes) in UTF-8, one after another; name_ends:
    int32, where each ends. members: numbers of the members of all texts, one text after another; ends: int32, where
    each text ends. unreadable: bool (t,).
    """

    table: FrozenTable
    pairs: NDArray[np.int32]
    names: NDArray[np.uint8]
    name_ends: NDArray[np.int32]
    members: Array
    ends: NDArray[np.int32]
    unreadable: NDArray[np.bool_]
    later: LaterView
    _adding: Later = field(repr=False)

    @classmethod
    def of(cls, locus: str, pairs: Sequence[Pair], resolver: Resolver, heard: Heard | None = None) -> Book:
        """Of distinct typings; the first must be UNTYPED. heard: called now and then."""
        table = LocusTable(locus, resolver)
        places = []
        for number, pair in enumerate(pairs):
            if heard and number % HEARD_EVERY == 0:
                heard()
            places.append(place_of(table, pair))
        unreadable = np.array([place is None for place in places], dtype=np.bool_)
        numbers = Numbering[str]()
        coded = np.array([[numbers[text] for text in pair] for pair in pairs], dtype=np.int32)
        names = Numbering[str]()
        lists = [[names[name] for name in text.split(SEPARATOR)] for text in numbers]
        encoded = [name.encode() for name in names]
        size = np.uint16 if len(names) <= np.iinfo(np.uint16).max else np.uint32
        frozen = FrozenTable.of(table)
        if unreadable.any():
            frozen = frozen.arranged(np.array([place or 0 for place in places]))
        return cls(
            table=frozen,
            pairs=coded,
            names=np.frombuffer(b"".join(encoded), dtype=np.uint8),
            name_ends=np.cumsum([len(name) for name in encoded], dtype=np.int32),
            members=np.array([number for numbers in lists for number in numbers], dtype=size),
            ends=np.cumsum([len(numbers) for numbers in lists], dtype=np.int32),
            unreadable=unreadable,
            **_none_yet(locus, resolver),
        )

    def with_resolver(self, resolver: Resolver) -> Book:
        """The same typings, for one that reads with another resolver of the same nomenclature."""
        locus = self.table.locus
        return replace(self, table=replace(self.table, resolver=resolver), **_none_yet(locus, resolver))

    @classmethod
    def read(
        cls, locus: str, resolver: Resolver, columns: Mapping[str, Array], header: Mapping[str, Any]
    ) -> Book:
        """From columns by name and header, as `named` and `header` gave them. Raises NotReadable."""
        own: dict[str, Any] = {name: columns[f"{locus}.{name}"] for name in OWN_COLUMNS}
        table = {name: columns[f"{locus}.table.{name}"] for name in COLUMNS}
        return cls(FrozenTable.read(locus, resolver, table, header), **own, **_none_yet(locus, resolver))

    def named(self) -> list[tuple[str, Array]]:
        """Columns for a file; what came later is not among them."""
        locus = self.table.locus
        own = [(f"{locus}.{name}", getattr(self, name)) for name in OWN_COLUMNS]
        return [*own, *((f"{locus}.table.{name}", values) for name, values in self.table.columns.items())]

    @property
    def header(self) -> dict[str, Any]:
        return self.table.header

    def __len__(self) -> int:
        return len(self.pairs) + len(self.later)

    def pair(self, code: int) -> Pair:
        """The texts of a typing."""
        return self.texts([code])[0]

    def texts(self, codes: Sequence[int]) -> list[Pair]:
        """The texts of some typings; each value, which many of them share, is put together once."""
        known, text = len(self.pairs), cache(self._text)
        numbers = self.pairs[np.minimum(codes, known - 1).astype(np.int64)].tolist()
        return [
            (text(first), text(second)) if code < known else self.later.pairs[code - known]
            for code, (first, second) in zip(codes, numbers, strict=True)
        ]

    def _text(self, number: int) -> str:
        members = self.members[_begin(self.ends, number) : int(self.ends[number])]
        return SEPARATOR.join(self._name(member) for member in members.tolist())

    def _name(self, number: int) -> str:
        known = self._read.get(number)
        if known is None:
            text = self.names[_begin(self.name_ends, number) : int(self.name_ends[number])]
            known = self._read[number] = text.tobytes().decode()
        return known

    @cached_property
    def _read(self) -> dict[int, str]:
        """Names that were read before: some thousands at most, while lists of them have no end."""
        return {}

    def is_unreadable(self, code: int) -> bool:
        known = len(self.pairs)
        return bool(self.unreadable[code] if code < known else self.later.unreadable[code - known])

    def code(self, pair: Pair) -> int:
        """The code of a typing of a new or changed unit; it may be in the file as well, under another code.

        Only a book with the later typings knows it (`grown`).
        """
        return 0 if pair == UNTYPED else len(self.pairs) + self._adding.number(pair)

    def grown(self) -> Book:
        """This book with all that was added by `code`."""
        return (
            self if len(self.later) == len(self._adding.pairs) else replace(self, later=self._adding.view())
        )

    def marks(self) -> NDArray[np.uint8]:
        """NOT_TYPED and UNREADABLE of each typing: uint8, as many as there are."""
        later = np.where(self.later.unreadable, UNREADABLE | NOT_TYPED, 0)
        return np.concatenate([self._own_marks, later.astype(np.uint8)])

    @cached_property
    def _own_marks(self) -> NDArray[np.uint8]:
        marks = np.where(self.unreadable, UNREADABLE | NOT_TYPED, 0).astype(np.uint8)
        marks[0] = NOT_TYPED
        return marks

    @property
    def has_unreadable(self) -> bool:
        return self._own_unreadable or bool(self.later.unreadable.any())

    @cached_property
    def _own_unreadable(self) -> bool:
        return bool(self.unreadable.any())

    def packed(self, patient: LocusTyping, rule: AntigenRule, *, antigens: bool) -> NDArray[np.uint8]:
        """Matches with each typing, packed as hla.fast_scoring says. antigens: whether they count."""
        from hla.fast_scoring import packed_scores  # compiled loops: loaded only where something is searched

        known = packed_scores(patient, self.table, antigen_rule=rule, antigens=antigens)
        if not len(self.later):
            return known
        scores = score_locus(patient, self.later.table, antigen_rule=rule)
        names = ("match_min", "match_max", "antigen_min", "antigen_max")[: 4 if antigens else 2]
        parts = [getattr(scores, name).astype(np.uint8) << np.uint8(2 * at) for at, name in enumerate(names)]
        return np.concatenate([known, np.bitwise_or.reduce(parts)[self.later.places]])

    def scores(self, patient: LocusTyping, codes: Array, rule: AntigenRule) -> LocusScores:
        """All counts of some typings, in the order of `codes`."""
        known = codes < len(self.pairs)
        parts = []
        if known.any():
            parts.append((known, score_locus(patient, self.table.taken(codes[known]), antigen_rule=rule)))
        if not known.all():
            found = score_locus(patient, self.later.table, antigen_rule=rule)
            places = self.later.places[codes[~known] - len(self.pairs)]
            parts.append((~known, mapped(found, lambda values: values[places])))
        return LocusScores(
            **{
                name: _together(len(codes), [(where, getattr(one, name)) for where, one in parts])
                for name in SCORES
            }
        )


def _none_yet(locus: str, resolver: Resolver) -> dict[str, Any]:
    """No later typing, and where they will be added."""
    adding = Later(locus, resolver)
    return {"later": adding.view(), "_adding": adding}


OWN_COLUMNS: Final = ("pairs", "names", "name_ends", "members", "ends", "unreadable")
SCORES: Final = tuple(one.name for one in fields(LocusScores))


def _begin(ends: Array, number: int) -> int:
    return int(ends[number - 1]) if number else 0


def mapped(scores: LocusScores, how: Callable[[Array], Array]) -> LocusScores:
    """Each column of scores, changed."""
    return LocusScores(**{name: how(getattr(scores, name)) for name in SCORES})


def _together(count: int, parts: Sequence[tuple[Array, Array]]) -> NDArray[np.int8]:
    found = np.zeros(count, dtype=np.int8)
    for where, values in parts:
        found[where] = values
    return found
