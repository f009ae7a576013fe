"""One patient against all distinct typings of a locus: counts of matches and their direction.

Definitions: domain notes 2.3. A count is taken over all genotypes of both typings, so every question here is
"is there a choice a, b of the patient and c, d of the unit such that …". Overlaps answer questions about
equality. Questions about inequality are list colourings of a graph of at most four vertices: a patient
position with four or more P groups can always be chosen last (it has at most three neighbours) and drops out;
the others are tried one by one; for fixed a and b a unit position is free unless it lies within {a, b}.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from hla.antigen_scoring import Counts, antigen_counts
from hla.antigens import AntigenRule
from hla.directions import Direction, direction_of
from hla.genotypes import Genotypes, Shape, genotypes_of
from hla.nomenclature import PGroups
from hla.table import NOTHING, Bools, Ints, Scorable, TypingArrays, intersection
from hla.typing import LocusTyping

FREE: Final = -1  # a patient position with so many P groups that it never gets in the way
DROPPED_FROM: Final = 4
IN_FIRST, IN_SECOND, IN_BOTH = 1, 2, 4
FIRST_OPTION_BIT: Final = 8

# Loci whose antigens are their P groups: every DPB1 allele mismatch is called an antigen mismatch (2.3).
ALLELE_IS_ANTIGEN: Final = frozenset({"DPB1"})


@dataclass(frozen=True)
class LocusScores:
    """Scores of n typings: int8 arrays (n,), each 0-2.

    match_*: positions matched at allele level; antigen_*: at antigen level; gvh_*: distinct expressed types of
    the patient absent in the unit; hvg_*: of the unit absent in the patient. *_min and *_max are the smallest
    and largest over all genotypes of both typings.
    """

    match_min: Counts
    match_max: Counts
    antigen_min: Counts
    antigen_max: Counts
    gvh_min: Counts
    gvh_max: Counts
    hvg_min: Counts
    hvg_max: Counts

    def at(self, code: int) -> "LocusCounts":
        """The scores of one typing."""
        return LocusCounts(*(int(getattr(self, name)[code]) for name in COUNT_NAMES))


@dataclass(frozen=True, slots=True)
class LocusCounts:
    """LocusScores of one typing."""

    match_min: int
    match_max: int
    antigen_min: int
    antigen_max: int
    gvh_min: int
    gvh_max: int
    hvg_min: int
    hvg_max: int

    @property
    def direction(self) -> Direction:
        return direction_of(self.gvh_min, self.gvh_max, self.hvg_min, self.hvg_max)


COUNT_NAMES: Final = tuple(LocusCounts.__dataclass_fields__)


def score_locus(patient: LocusTyping, table: Scorable, *, antigen_rule: AntigenRule = "split") -> LocusScores:
    """Score one patient against every typing of `table`, in the order of its codes.

    Raises TypingError if the patient's texts cannot be read with the table's nomenclature, ValueError if the
    loci differ. O(members of the table's sets + typings).
    """
    if patient.locus != table.locus:
        raise ValueError(f"A typing of {patient.locus} cannot be scored against a table of {table.locus}.")
    arrays = table.arrays()
    pairs = table.resolver.pairs(table.locus, patient.first, patient.second)
    counts: dict[str, Counts] = {}
    for first, second in pairs:
        for name, values in counts_of(genotypes_of(first, second), table, arrays, antigen_rule).items():
            choose = np.minimum if name.endswith("_min") else np.maximum
            found = arrays.reduced(values, choose)
            counts[name] = choose(counts[name], found) if name in counts else found
    return LocusScores(**counts)


def counts_of(mine: Genotypes, table: Scorable, arrays: TypingArrays, rule: AntigenRule) -> dict[str, Counts]:
    """All counts of one alternative of the patient against every alternative of the table."""
    counts = allele_counts(mine, arrays)
    if table.locus in ALLELE_IS_ANTIGEN:
        low, high = counts["match_min"], counts["match_max"]
    else:
        low, high = antigen_counts(mine, table, arrays, rule)
    return {**counts, "antigen_min": low, "antigen_max": high}


def allele_counts(mine: Genotypes, arrays: TypingArrays) -> dict[str, Counts]:
    """Match and direction counts at allele level."""
    if mine.shape is Shape.NONE:
        counts = against_nothing(arrays)
    else:
        counts = AlleleScorer(mine, arrays).counts()
        blank_units(counts, mine, arrays.shapes == Shape.NONE)
    unknown = arrays.shapes == Shape.UNTYPED
    if mine.shape is Shape.UNTYPED:
        unknown = np.ones_like(unknown)
    counts["match_min"][unknown] = 0
    counts["match_max"][unknown] = 2
    return {name: values.astype(np.int8) for name, values in counts.items()}


def against_nothing(arrays: TypingArrays) -> dict[str, Ints]:
    """Counts of a patient who expresses nothing: no match, every type of the unit is absent in him."""
    zero = np.zeros(len(arrays.shapes), dtype=np.int64)
    single = arrays.shapes == Shape.HOMOZYGOUS
    alike = arrays.sizes[arrays.shared] > 0
    one_type = (arrays.sizes[arrays.first] == 1) & (arrays.sizes[arrays.second] == 1) & alike
    low = np.where(single | alike, 1, 2)
    high = np.where(single | one_type, 1, 2)
    nothing = arrays.shapes == Shape.NONE
    low[nothing] = high[nothing] = 0
    return {
        "match_min": zero,
        "match_max": zero.copy(),
        "gvh_min": zero.copy(),
        "gvh_max": zero.copy(),
        "hvg_min": low,
        "hvg_max": high,
    }


def blank_units(counts: dict[str, Ints], mine: Genotypes, nothing: Bools) -> None:
    """Set the counts of units that express nothing: every type of the patient is absent in them."""
    alike = mine.shape is Shape.HOMOZYGOUS or intersection(mine.first, mine.second) != frozenset()
    one_type = mine.shape is Shape.HOMOZYGOUS or (
        mine.first is not None and mine.first == mine.second and len(mine.first) == 1
    )
    for name in ("match_min", "match_max", "hvg_min", "hvg_max"):
        counts[name][nothing] = 0
    counts["gvh_min"][nothing] = 1 if alike else 2
    counts["gvh_max"][nothing] = 1 if one_type else 2


class AlleleScorer:
    """Counts for one patient who expresses something; a, b are his types, c, d the unit's."""

    def __init__(self, mine: Genotypes, arrays: TypingArrays) -> None:
        self.arrays = arrays
        self.homozygous = mine.shape is Shape.HOMOZYGOUS
        self.unit_homozygous = arrays.shapes == Shape.HOMOZYGOUS
        self.both = intersection(mine.first, mine.second)
        self.first_options = options(mine.first)
        self.second_options = options(mine.second)
        self.resolved = all(is_single(groups) for groups in (mine.first, mine.second))
        self._read_sets(mine)

    def _read_sets(self, mine: Genotypes) -> None:
        """What each set of the table has in common with the patient's, in one pass over its members."""
        parts = ((mine.first, IN_FIRST), (mine.second, IN_SECOND), (self.both, IN_BOTH))
        listed = sorted({*self.first_options, *self.second_options} - {FREE})
        self.bit_of = {group: FIRST_OPTION_BIT << place for place, group in enumerate(listed)}
        bits: dict[int, int] = {}
        for groups, bit in parts:
            for group in groups or ():
                bits[group] = bits.get(group, 0) | bit
        for group, bit in self.bit_of.items():
            bits[group] = bits.get(group, 0) | bit
        everywhere = sum(bit for groups, bit in parts if groups is None)
        everything = everywhere | sum(self.bit_of.values()) | IN_FIRST | IN_SECOND
        if self.both != frozenset():
            everything |= IN_BOTH
        self.flags = self.arrays.flags(bits, everything) | everywhere
        self.flags[NOTHING] = 0

    def at(self, sets: Ints, bit: int) -> Bools:
        """Whether the set at each typing has a member with `bit`."""
        found: Bools = (self.flags[sets] & bit) != 0
        return found

    def counts(self) -> dict[str, Ints]:
        match_max = self.match_max()
        disjoint, gvh_max, hvg_max = self.inequalities()
        certain = self.resolved & (match_max == 2) & self.unit_resolved()
        match_min = np.where(disjoint, 0, np.where(certain, 2, 1))
        return {
            "match_min": match_min,
            "match_max": match_max,
            "gvh_min": self.gvh_min(),
            "gvh_max": gvh_max,
            "hvg_min": self.hvg_min(),
            "hvg_max": hvg_max,
        }

    def unit_resolved(self) -> Bools:
        sizes = self.arrays.sizes
        resolved: Bools = (sizes[self.arrays.first] == 1) & (sizes[self.arrays.second] == 1)
        return resolved

    def overlaps(self) -> tuple[Bools, Bools, Bools]:
        """Whether direct or cross gives two matches, and whether there is any match."""
        first_a, first_b = self.at(self.arrays.first, IN_FIRST), self.at(self.arrays.first, IN_SECOND)
        second_a, second_b = self.at(self.arrays.second, IN_FIRST), self.at(self.arrays.second, IN_SECOND)
        two = (first_a & second_b) | (first_b & second_a)
        return two, first_a | first_b | second_a | second_b, self.at(self.arrays.first, IN_BOTH)

    def match_max(self) -> Ints:
        """Largest number of matches: the better of direct and cross."""
        two, any_one, in_both = self.overlaps()
        two = np.where(self.unit_homozygous, in_both, two)
        if self.homozygous:  # a = b = c = d needs a type that both positions of the unit may be
            two = self.at(self.arrays.shared, IN_FIRST)
        return np.where(two, 2, any_one.astype(np.int64))

    def gvh_min(self) -> Ints:
        """0 if all types of the patient may be in the unit; 1 if one may, or if he may have only one."""
        two, any_one, in_both = self.overlaps()
        if self.homozygous:
            return np.where(any_one, 0, 1)
        all_in = np.where(self.unit_homozygous, in_both, two | in_both | self.at(self.arrays.second, IN_BOTH))
        one_type = self.both != frozenset()
        return np.where(all_in, 0, np.where(any_one | one_type, 1, 2))

    def hvg_min(self) -> Ints:
        """0 if all types of the unit may be in the patient; 1 if one may, or if it may have only one."""
        two, any_one, _ = self.overlaps()
        one_type = self.arrays.sizes[self.arrays.shared] > 0
        all_in = self.at(self.arrays.shared, IN_FIRST | IN_SECOND)
        if not self.homozygous:
            all_in |= two & ~self.unit_homozygous
        low = np.where(all_in, 0, np.where(any_one | one_type, 1, 2))
        return np.where(self.unit_homozygous, np.where(any_one, 0, 1), low)

    def choices(self) -> Iterator[tuple[int, int]]:
        """Every pair of types that the patient may have, as far as it matters."""
        if self.homozygous:
            return iter([(option, option) for option in self.first_options])
        return iter(product(self.first_options, self.second_options))

    def left(self, sets: Ints, a: int, b: int) -> tuple[Ints, Ints]:
        """How many members of each typing's set are neither a nor b, and their sum."""
        flags, left, total = self.flags[sets], self.arrays.sizes[sets], self.arrays.sums[sets]
        for group in {a, b} - {FREE}:
            has = (flags & self.bit_of[group]) != 0
            left = left - has
            total = total - has * group
        return left, total

    def inequalities(self) -> tuple[Bools, Ints, Ints]:
        """Whether no match is possible, and the largest gvh and hvg."""
        count = len(self.arrays.shapes)
        disjoint, gvh_one, gvh_two, hvg_one, hvg_two = np.zeros((5, count), dtype=np.bool_)
        for a, b in self.choices():
            left_c, sum_c = self.left(self.arrays.first, a, b)
            left_d, sum_d = self.left(self.arrays.second, a, b)
            free_c, free_d = left_c > 0, left_d > 0
            disjoint |= free_c & free_d
            hvg_one |= free_c | free_d
            forced_equal = (left_c == 1) & (left_d == 1) & (sum_c == sum_d)
            hvg_two |= free_c & free_d & ~forced_equal
            if not self.homozygous and (a != b or a == FREE):
                gvh_two |= free_c & free_d
        for option in {*self.first_options, *self.second_options}:
            left_c, _ = self.left(self.arrays.first, option, option)
            left_d, _ = self.left(self.arrays.second, option, option)
            gvh_one |= (left_c > 0) & (left_d > 0)
        hvg_two &= ~self.unit_homozygous
        return disjoint, added(gvh_one, gvh_two), added(hvg_one, hvg_two)


def added(one: Bools, two: Bools) -> Ints:
    """0, 1 or 2, where `two` holds only if `one` does."""
    return one.astype(np.int64) + two


def options(groups: PGroups | None) -> list[int]:
    """The P groups to try at a patient position."""
    if groups is None or len(groups) >= DROPPED_FROM:
        return [FREE]
    return sorted(groups)


def is_single(groups: PGroups | None) -> bool:
    return groups is not None and len(groups) == 1
