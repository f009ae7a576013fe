"""The distinct typings of one locus in an inventory, laid out for scoring a patient against all at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from hla.antigens import AntigenRule, AntigenSet, AntigenTree
from hla.genotypes import Genotypes, Shape, genotypes_of
from hla.nomenclature import ANY_GROUP, AntigenOption, AntigenOptions, PGroups
from hla.resolve import Resolver

ANYTHING: Final = 0  # id of the set of all P groups
NOTHING: Final = 1  # id of the empty set
ENDLESS: Final = 1 << 30  # size of the set of all P groups: larger than any that matters

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AntigenPairs:
    """The distinct antigen pairs of a table as arrays: g pairs, o antigen options in c classes.

    pair_shapes: uint8 (g,), Shape. pair_classes: int64 (2, g). class_options, class_starts: options of all classes
    one after another, and where each class begins (c,). option_groups, option_antigens: int64 (o,), P group and id of
    the antigen set of an option.
    """

    pair_shapes: npt.NDArray[np.uint8]
    pair_classes: Ints
    class_options: Ints
    class_starts: Ints
    option_groups: Ints
    option_antigens: Ints


@dataclass(frozen=True)
class TypingArrays(AntigenPairs):
    """A table as arrays; t typings with n alternatives in all (most typings have one), s sets of P groups, m
    members of all sets.

    typings: int64 (t,), where the alternatives of each typing begin. shapes: uint8 (n,), Shape. first,
    second, shared: int64 (n,), ids of the sets at both positions and of their intersection. sizes, sums:
    int64 (s,), number and sum of the members of a set. members: int64 (m,), those of sets 2.. one after
    another; starts: int64 (s - 2,), where each begins. antigen_pairs: int64 (n,), row in pair_classes.
    """

    typings: Ints
    shapes: npt.NDArray[np.uint8]
    first: Ints
    second: Ints
    shared: Ints
    sizes: Ints
    sums: Ints
    members: Ints
    starts: Ints
    antigen_pairs: Ints

    def reduced(self, values: npt.NDArray[Any], choose: np.ufunc) -> npt.NDArray[Any]:
        """Per typing the smallest or largest (np.minimum, np.maximum) of the values of its alternatives."""
        return values if len(self.typings) == len(values) else choose.reduceat(values, self.typings)

    def flags(self, bits: dict[int, int], anything: int) -> Ints:
        """Per set, the OR of `bits` over its members: int64 (s,). anything: value for the set of all."""
        result = np.zeros(len(self.sizes), dtype=np.int64)
        result[ANYTHING] = anything
        if len(self.members):
            lookup = np.zeros(max(int(self.members.max()), max(bits, default=0)) + 1, dtype=np.int64)
            lookup[list(bits)] = list(bits.values())
            result[2:] = np.bitwise_or.reduceat(lookup[self.members], self.starts)
        return result


class Relations:
    """Which antigen sets of a table match which, asked again and again; answers are kept."""

    def __init__(self, tree: AntigenTree) -> None:
        self._tree = tree
        self._known: dict[tuple[AntigenRule, AntigenSet], Bools] = {}

    def related(
        self, option: AntigenOption, pairs: AntigenPairs, antigens: Sequence[AntigenSet], rule: AntigenRule
    ) -> Bools:
        """Whether an allele with `option` matches one with each option of the table: bool (o,).

        At antigen level, alleles of one P group match, and those with related antigens. antigens: the table's, which
        only grow.
        """
        group, mine = option
        found: Bools = self._matching(mine, antigens, rule)[pairs.option_antigens]
        return found if group == ANY_GROUP else found | (pairs.option_groups == group)

    def _matching(self, mine: AntigenSet, antigens: Sequence[AntigenSet], rule: AntigenRule) -> Bools:
        key = (rule, mine)
        known = self._known.get(key)
        if known is None or len(known) < len(antigens):
            known = np.array([self._tree.match(mine, other, rule) for other in antigens], dtype=np.bool_)
            self._known[key] = known
        return known


class Options(Protocol):
    """The antigen options of typings of one locus."""

    @property
    def locus(self) -> str: ...
    @property
    def resolver(self) -> Resolver: ...
    def related(self, option: AntigenOption, rule: AntigenRule) -> Bools: ...


class Scorable(Options, Protocol):
    """Typings of one locus that a patient can be scored against."""

    def arrays(self) -> TypingArrays: ...


@dataclass(frozen=True)
class TableView:
    """Some typings of one locus that stay as they are, whatever becomes of the table that they are from (Scorable)."""

    locus: str
    resolver: Resolver
    content: TypingArrays
    antigens: Sequence[AntigenSet]
    relations: Relations

    def arrays(self) -> TypingArrays:
        return self.content

    def related(self, option: AntigenOption, rule: AntigenRule) -> Bools:
        """As Relations.related."""
        return self.relations.related(option, self.content, self.antigens, rule)


class LocusTable:
    """Distinct typings of one locus; code i stands for pairs[i], code 0 for ("", "") = untyped.

    Codes never change: `extend` only adds. Not for writing from two threads at once.
    """

    def __init__(self, locus: str, resolver: Resolver) -> None:
        self.locus = locus
        self.resolver = resolver
        self.pairs: list[tuple[str, str]] = []
        self._codes: dict[tuple[str, str], int] = {}
        self._starts: list[int] = []
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._sets: dict[PGroups | None, int] = {None: ANYTHING, frozenset(): NOTHING}
        self._shared: dict[tuple[PGroups | None, PGroups | None], int] = {}
        self._antigens: dict[AntigenSet, int] = {}
        self._options: dict[AntigenOption, int] = {}
        self._classes: dict[AntigenOptions, int] = {}
        self._antigen_pairs: dict[tuple[int, int, int], int] = {}
        self._relations = Relations(resolver.nomenclature.trees[locus])
        self._arrays: TypingArrays | None = None
        self.extend([("", "")])

    @classmethod
    def build(cls, locus: str, pairs: Iterable[tuple[str, str]], resolver: Resolver) -> "LocusTable":
        """Table of the distinct ones among `pairs`, in the order of their first appearance."""
        table = cls(locus, resolver)
        table.extend(pairs)
        return table

    def __len__(self) -> int:
        return len(self.pairs)

    def extend(self, pairs: Iterable[tuple[str, str]]) -> npt.NDArray[np.int32]:
        """Add the pairs that are new and return the code of each: int32 (len(pairs),).

        Raises TypingError for a pair that cannot be read; those before it have been added.
        """
        codes = self._codes
        return np.fromiter((codes[pair] if pair in codes else self._add(pair) for pair in pairs), np.int32)

    def _add(self, pair: tuple[str, str]) -> int:
        """Add one pair and return its code."""
        alternatives = self.resolver.pairs(self.locus, *pair)
        self._starts.append(len(self._rows))
        for first, second in alternatives:
            self._rows.append(self._row(genotypes_of(first, second)))
        self.pairs.append(pair)
        self._codes[pair] = len(self.pairs) - 1
        self._arrays = None
        return len(self.pairs) - 1

    def _row(self, found: Genotypes) -> tuple[int, int, int, int, int]:
        """One alternative as numbers."""
        return (
            found.shape,
            self._set_id(found, found.first),
            self._set_id(found, found.second),
            self._shared_id(found),
            self._antigen_pair(found),
        )

    def _set_id(self, found: Genotypes, groups: PGroups | None) -> int:
        if found.shape is Shape.NONE:
            return NOTHING
        return self._sets.setdefault(groups, len(self._sets))

    def _shared_id(self, found: Genotypes) -> int:
        """Id of the P groups that both positions may be."""
        if found.shape is Shape.NONE:
            return NOTHING
        key = (found.first, found.second)
        if key not in self._shared:
            self._shared[key] = self._sets.setdefault(intersection(*key), len(self._sets))
        return self._shared[key]

    def _antigen_pair(self, found: Genotypes) -> int:
        """Id of the distinct (shape, antigen class, antigen class)."""
        if found.shape in (Shape.NONE, Shape.UNTYPED):
            key = (int(found.shape), 0, 0)
        else:
            classes = sorted((self._class_id(found.first_antigens), self._class_id(found.second_antigens)))
            key = (int(found.shape), classes[0], classes[1])
        return self._antigen_pairs.setdefault(key, len(self._antigen_pairs))

    def _class_id(self, options: AntigenOptions | None) -> int:
        """Id of a distinct set of antigen options."""
        if options is None:
            options = self.resolver.nomenclature.all_options(self.locus)
        known = self._classes.get(options)
        if known is None:
            known = self._classes[options] = len(self._classes)
            for option in options:
                self._options.setdefault(option, len(self._options))
                self._antigens.setdefault(option[1], len(self._antigens))
        return known

    def arrays(self) -> TypingArrays:
        """The table as arrays; made once after each change."""
        if self._arrays is None:
            self._arrays = self._layout()
        return self._arrays

    def _layout(self) -> TypingArrays:
        columns = np.array(self._rows, dtype=np.int64).T
        shapes, first, second, shared, antigen_pairs = columns
        sets = [groups for groups in self._sets if groups]
        members, starts = flattened([sorted(groups) for groups in sets])
        sizes = np.array([ENDLESS, 0, *map(len, sets)], dtype=np.int64)
        sums = np.array([0, 0, *map(sum, sets)], dtype=np.int64)
        pairs = np.array(list(self._antigen_pairs), dtype=np.int64).T
        class_options, class_starts = flattened(
            [[self._options[option] for option in options] for options in self._classes]
        )
        return TypingArrays(
            typings=np.array(self._starts, dtype=np.int64),
            shapes=shapes.astype(np.uint8),
            first=np.ascontiguousarray(first),
            second=np.ascontiguousarray(second),
            shared=np.ascontiguousarray(shared),
            sizes=sizes,
            sums=sums,
            members=members,
            starts=starts,
            antigen_pairs=np.ascontiguousarray(antigen_pairs),
            pair_shapes=pairs[0].astype(np.uint8),
            pair_classes=np.ascontiguousarray(pairs[1:]),
            class_options=class_options,
            class_starts=class_starts,
            option_groups=np.array([group for group, _ in self._options], dtype=np.int64),
            option_antigens=np.array([self._antigens[one] for _, one in self._options], dtype=np.int64),
        )

    def view(self) -> TableView:
        """The table as it is now."""
        return TableView(self.locus, self.resolver, self.arrays(), self.antigens, self._relations)

    @property
    def antigens(self) -> list[AntigenSet]:
        """The distinct antigen sets, by id."""
        return list(self._antigens)

    def related(self, option: AntigenOption, rule: AntigenRule) -> Bools:
        """As Relations.related."""
        return self._relations.related(option, self.arrays(), self.antigens, rule)


def intersection(one: PGroups | None, other: PGroups | None) -> PGroups | None:
    """Members of both, None standing for everything."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def flattened(rows: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Rows one after another, and where each begins; no row may be empty."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    flat = np.fromiter((value for row in rows for value in row), dtype=np.int64, count=int(lengths.sum()))
    return flat, np.cumsum(lengths) - lengths
