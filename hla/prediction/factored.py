"""Match probabilities of many genotypes at the loci of a class (combine.py), class I and class II apart."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.prediction import factored_kernels

Array = NDArray[Any]

FIRST_OF_CLASS_II: Final = 3  # slot


@dataclass(frozen=True)
class PartIndex:
    """Sub-genotypes of a patient at the class I or the class II loci: their numbers, and what each leaves out."""

    slots: Array
    keys: Array
    numbers: Array
    drops: Array


@dataclass(frozen=True)
class ClassIndex:
    """A patient's sub-genotypes at the loci of a class that leave out at most `upto` alleles.

    joint: for each of class II, its starts, those of class I that occur with it, and the share of both together.
    """

    slots: Array
    one: PartIndex
    two: PartIndex
    joint: tuple[Array, Array, Array]
    upto: int

    @classmethod
    def of(
        cls, rows: Array, shares: Array, slots: Array, local: Array, radices: Array, counts: Array, upto: int
    ) -> "ClassIndex":
        indexes, parts = [], []
        for own in (slots[slots < FIRST_OF_CLASS_II], slots[slots >= FIRST_OF_CLASS_II]):
            part, starts, subs, keys, numbers, drops = factored_kernels.part_index(
                rows, own, local, radices, counts, upto
            )
            indexes.append(PartIndex(own, keys, numbers, drops))
            parts += [part, starts, subs, drops]
        joint = factored_kernels.joint_index(shares, *parts, upto)
        return cls(slots, indexes[0], indexes[1], joint, upto)

    def holding_shares(self, units: "Parts", local: Array, radices: Array, counts: Array) -> Array:
        """N(0), …, N(upto) with each unit: float64 (n, upto + 1)."""
        numbering = (local, radices, counts, self.upto)
        one, two = self.one, self.two
        begins = units.begins_at(two.slots)
        heads = units.two_rows[begins[:-1]]
        held: Array = factored_kernels.holding_shares(
            units.people,
            self.upto,
            units.shares,
            units.persons,
            units.ones,
            units.begins[begins],
            *factored_kernels.held(units.one_rows, one.slots, *numbering, one.keys, one.numbers),
            *factored_kernels.held(heads, two.slots, *numbering, two.keys, two.numbers),
            one.drops,
            two.drops,
            *self.joint,
        )
        return held


@dataclass(frozen=True)
class Parts:
    """Genotypes of units near the patient's, ordered by their class II part: share, person, class I part of each.

    one_rows, two_rows: the distinct parts, those of class II ordered by DRB1; begins: where the genotypes of each
    begin.
    """

    people: int
    shares: Array
    persons: Array
    ones: Array
    begins: Array
    one_rows: Array
    two_rows: Array

    @classmethod
    def of(cls, rows: Array, shares: Array, starts: Array, least: Array, local: Array, upto: int) -> "Parts":
        """least: slots of the class with the fewest loci."""
        *of_each, one_rows, two_rows = factored_kernels.parted(rows, shares, starts, least, local, upto)
        order = np.lexsort([two_rows[:, 2], two_rows[:, 1]])
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        by_rank, persons, ones, begins = factored_kernels.arranged(*of_each, rank)
        return cls(len(starts) - 1, by_rank, persons, ones, begins, one_rows, two_rows[order])

    def begins_at(self, slots: Array) -> Array:
        """Where in two_rows those begin that are alike at `slots` of class II, and the end: int64."""
        if not len(self.two_rows):
            return np.zeros(1, dtype=np.int64)
        words = self.two_rows[:, 1:] if len(slots) > 1 else self.two_rows[:, 1:2]
        changes = np.any(words[1:] != words[:-1], axis=1)
        return np.concatenate([[0], np.flatnonzero(changes) + 1, [len(words)]]).astype(np.int64)


def mismatch_shares(held: Array, alleles: int, binomials: Array) -> Array:
    """P(0), P(1), … from N(0), N(1), … over so many alleles."""
    found = held.copy()
    for more in range(1, found.shape[1]):
        for fewer in range(more):
            found[:, more] -= found[:, fewer] * binomials[alleles - fewer, more - fewer]
        np.maximum(found[:, more], 0.0, out=found[:, more])
    return found
