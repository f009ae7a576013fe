"""The distinct typings of one locus as plain arrays that a file can hold and processes can share.

A LocusTable grows; this one is finished. Ids of P groups mean something only for one nomenclature object, so that here
they have numbers of their own, and their names beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.antigens import AntigenRule, AntigenSet
from hla.nomenclature import ANY_GROUP, AntigenOption
from hla.resolve import Resolver
from hla.table import ENDLESS, AntigenPairs, Bools, LocusTable, Relations, TableView, TypingArrays

Array = NDArray[Any]

SHORT: Final = 65_536  # so many P groups can be numbered with 16 bits
MOST: Final = np.iinfo(np.int32).max  # places in a column
FIRST_SET: Final = 2  # the sets of all P groups and of none come before


class NotReadable(ValueError):
    """A table was written with a nomenclature that this one is not."""


@dataclass(frozen=True)
class FrozenTable:
    """t typings with n alternatives in all, s sets of P groups with m members in all, p distinct P groups.

    columns: the arrays of COLUMNS by name. groups: int64 (p,), the nomenclature's id of each P group. antigens: the
    distinct antigen sets by id. sizes: int32 (s,), members of each set.
    """

    locus: str
    resolver: Resolver
    columns: Mapping[str, Array]
    groups: NDArray[np.int64]
    antigens: tuple[AntigenSet, ...]
    sizes: NDArray[np.int32]
    pairs: AntigenPairs
    _relations: Relations = field(repr=False)

    @classmethod
    def of(cls, table: LocusTable) -> FrozenTable:
        """What a table holds now."""
        arrays = table.arrays()
        options = arrays.option_groups[arrays.option_groups != ANY_GROUP]
        groups = np.unique(np.concatenate([arrays.members, options]))
        if len(arrays.members) > MOST:
            raise ValueError(
                f"The sets of {table.locus} have {len(arrays.members)} members; {MOST} have room."
            )
        numbers = np.searchsorted(groups, arrays.option_groups)
        columns = {
            "starts": np.append(arrays.typings, len(arrays.shapes)),
            "shapes": arrays.shapes,
            "first": arrays.first,
            "second": arrays.second,
            "shared": arrays.shared,
            "antigen_pairs": arrays.antigen_pairs,
            "begins": np.append(arrays.starts, len(arrays.members)),
            "members": np.searchsorted(groups, arrays.members),
            "pair_shapes": arrays.pair_shapes,
            "pair_classes": arrays.pair_classes,
            "class_options": arrays.class_options,
            "class_starts": arrays.class_starts,
            "option_groups": np.where(arrays.option_groups == ANY_GROUP, ANY_GROUP, numbers),
            "option_antigens": arrays.option_antigens,
        }
        kinds = {**COLUMNS, "members": np.uint16 if len(groups) <= SHORT else np.uint32}
        small = {name: values.astype(kinds[name]) for name, values in columns.items()}
        from hla.scoring_kernels import gaps, postings

        starts, steps = gaps(*postings(small["members"].astype(np.int32), small["begins"], len(groups)))
        return cls._made(
            table.locus,
            table.resolver,
            {**small, "in_starts": starts, "in_gaps": steps},
            groups,
            table.antigens,
        )

    @classmethod
    def read(
        cls, locus: str, resolver: Resolver, columns: Mapping[str, Array], header: Mapping[str, Any]
    ) -> FrozenTable:
        """From what `columns` and `header` were. Raises NotReadable if the nomenclature does not know a P group."""
        groups = np.array([_group(resolver, locus, name) for name in header["groups"]], dtype=np.int64)
        antigens = [frozenset(names) for names in header["antigens"]]
        return cls._made(locus, resolver, columns, groups, antigens)

    @classmethod
    def _made(
        cls,
        locus: str,
        resolver: Resolver,
        columns: Mapping[str, Array],
        groups: NDArray[np.int64],
        antigens: Sequence[AntigenSet],
    ) -> FrozenTable:
        sizes = np.concatenate([[ENDLESS, 0], np.diff(columns["begins"])]).astype(np.int32)
        numbers = columns["option_groups"]
        named = numbers != ANY_GROUP
        ids = np.full(len(numbers), ANY_GROUP, dtype=np.int64)
        ids[named] = groups[numbers[named]]
        pairs = AntigenPairs(
            pair_shapes=columns["pair_shapes"],
            pair_classes=columns["pair_classes"].astype(np.int64),
            class_options=columns["class_options"].astype(np.int64),
            class_starts=columns["class_starts"].astype(np.int64),
            option_groups=ids,
            option_antigens=columns["option_antigens"].astype(np.int64),
        )
        relations = Relations(resolver.nomenclature.trees[locus])
        return cls(locus, resolver, columns, groups, tuple(antigens), sizes, pairs, relations)

    def __len__(self) -> int:
        return len(self.columns["starts"]) - 1

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The number that each P group has here, by the nomenclature's id."""
        return {int(group): number for number, group in enumerate(self.groups)}

    @property
    def header(self) -> dict[str, Any]:
        """What belongs to the columns: names of the P groups and antigens, as JSON."""
        name = self.resolver.nomenclature.p_name
        return {
            "groups": [name(self.locus, int(group)) for group in self.groups],
            "antigens": [sorted(antigens) for antigens in self.antigens],
        }

    def related(self, option: AntigenOption, rule: AntigenRule) -> Bools:
        """As Relations.related."""
        return self._relations.related(option, self.pairs, self.antigens, rule)

    def arranged(self, places: Array) -> FrozenTable:
        """A table of these typings in this order, some perhaps more than once; sets and antigens stay as they are."""
        alternatives, starts = _spread(self.columns["starts"], places)
        moved = {name: self.columns[name][alternatives] for name in ALTERNATIVES}
        whole = {**self.columns, **moved, "starts": np.append(starts, len(alternatives)).astype(np.int32)}
        return replace(self, columns=whole)

    def taken(self, codes: Array) -> TableView:
        """Some of the typings, in this order, laid out for hla.scoring."""
        columns = self.columns
        alternatives, typings = _spread(columns["starts"], codes)
        places = {
            name: columns[name][alternatives].astype(np.int64) for name in ("first", "second", "shared")
        }
        sets = np.unique(np.concatenate(list(places.values())))
        sets = sets[sets >= FIRST_SET]
        where, starts = _spread(columns["begins"], sets - FIRST_SET)
        members = self.groups[columns["members"][where]]
        sums = np.add.reduceat(members, starts) if len(members) else members
        renumbered = {
            name: np.where(ids < FIRST_SET, ids, FIRST_SET + np.searchsorted(sets, ids))
            for name, ids in places.items()
        }
        arrays = TypingArrays(
            **vars(self.pairs),
            typings=typings,
            shapes=columns["shapes"][alternatives],
            **renumbered,
            sizes=np.concatenate([[ENDLESS, 0], self.sizes[sets]]).astype(np.int64),
            sums=np.concatenate([[0, 0], sums]).astype(np.int64),
            members=members,
            starts=starts,
            antigen_pairs=columns["antigen_pairs"][alternatives].astype(np.int64),
        )
        return TableView(self.locus, self.resolver, arrays, self.antigens, self._relations)


# Names and types of the columns; what they are stands in TypingArrays. starts and begins have the end as last entry;
# members are numbers of `groups`, with 32 bits where they are many (the built-in nomenclature has 1,999 a family);
# in_starts, in_gaps: the sets that each P group is in, as hla.scoring_kernels.gaps writes them.
COLUMNS: Final[Mapping[str, type[np.generic]]] = {
    "starts": np.int32,
    "shapes": np.uint8,
    "first": np.int32,
    "second": np.int32,
    "shared": np.int32,
    "antigen_pairs": np.int32,
    "begins": np.int32,
    "members": np.uint16,
    "pair_shapes": np.uint8,
    "pair_classes": np.int32,
    "class_options": np.int32,
    "class_starts": np.int32,
    "option_groups": np.int32,
    "option_antigens": np.int32,
    "in_starts": np.int32,
    "in_gaps": np.uint16,
}


ALTERNATIVES: Final = ("shapes", "first", "second", "shared", "antigen_pairs")


def _spread(starts: Array, chosen: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of all entries of the chosen rows, one row after another, and where each begins among them."""
    begin = starts[chosen].astype(np.int64)
    lengths = starts[chosen + 1].astype(np.int64) - begin
    own = np.cumsum(lengths) - lengths
    return np.repeat(begin - own, lengths) + np.arange(int(lengths.sum())), own


def _group(resolver: Resolver, locus: str, name: str) -> int:
    group = resolver.nomenclature.p_id(locus, name)
    if group is None:
        raise NotReadable(f"{name} is no P group of {resolver.nomenclature.release}")
    return group
