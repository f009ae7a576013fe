"""Compiled loops of pair probabilities. Plain arrays in and out; the method is explained in combine.py."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled
from hla.prediction.kernels import mixed

Array = NDArray[Any]
Word = Any  # a number of 64 bits, as Numba sees it

FREE = np.int64(-1)
MAX_PARTIALS = 1024  # sub-genotypes of ten alleles
LAST_OF_FIRST_WORD = 2  # slots A, B, C are in the first word of a key, DRB1 and DQB1 in the second
_MASK = np.uint64(0xFFFF)
_ZERO = np.uint64(0)


@compiled
def found_slot(keys: Array, first: Word, second: Word) -> Word:
    """Where a key stands, or the free place where it would."""
    mask = np.uint64(keys.shape[0] - 1)
    slot = mixed(np.uint64(first), np.uint64(second), _ZERO) & mask
    while keys[slot, 0] != FREE and (keys[slot, 0] != first or keys[slot, 1] != second):
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@compiled
def rehashed(keys: Array, values: Array) -> tuple[Array, Array]:
    """The same entries in a table of twice the size."""
    larger = np.full((2 * keys.shape[0], 2), FREE, dtype=np.int64)
    moved = np.zeros(2 * keys.shape[0], dtype=values.dtype)
    for at in range(keys.shape[0]):
        if keys[at, 0] != FREE:
            slot = found_slot(larger, keys[at, 0], keys[at, 1])
            larger[slot, 0], larger[slot, 1] = keys[at, 0], keys[at, 1]
            moved[slot] = values[at]
    return larger, moved


@compiled
def state_at(row: Array, slot: Word, second: int) -> Word:
    """One state of a genotype."""
    place = 2 * slot + second
    return np.int64((row[place // 4] >> np.uint64(16 * (place % 4))) & _MASK)


@compiled
def local_pairs(row: Array, slots: Array, local: Array, pairs: Array) -> None:
    """A genotype in the patient's own numbering (0: an allele that he cannot have): pairs int64 (slots, 2)."""
    for at in range(slots.shape[0]):
        slot = slots[at]
        low = local[slot, state_at(row, slot, 0)]
        high = local[slot, state_at(row, slot, 1)]
        pairs[slot, 0], pairs[slot, 1] = min(low, high), max(low, high)


@compiled
def sub_genotypes(
    pairs: Array, slots: Array, radices: Array, counts: Array, upto: int, partials: Array, drops: Array
) -> int:
    """All sub-genotypes that leave out at most `upto` alleles: their keys in partials, what each leaves out in drops.

    Code of a locus: 0 nothing of it, 1 + 2i + o the allele i alone (o = 1: as second copy), then pairs.
    """
    n = 1
    partials[0, 0] = partials[0, 1] = 0
    drops[0] = 0
    for at in range(slots.shape[0]):
        slot = slots[at]
        low, high = pairs[slot, 0], pairs[slot, 1]
        alone_1 = 2 * low - 1 if low else 0
        alone_2 = (2 * high if high == low else 2 * high - 1) if high else 0
        both = 2 * counts[slot] + 1 + high * (high - 1) // 2 + low - 1 if low else 0
        word = 0 if slot <= LAST_OF_FIRST_WORD else 1
        radix = radices[slot]
        before = n
        for one in range(before):
            left = drops[one]
            if left + 1 <= upto:
                if alone_1:
                    partials[n, 0], partials[n, 1] = partials[one, 0], partials[one, 1]
                    partials[n, word] += alone_1 * radix
                    drops[n] = left + 1
                    n += 1
                if alone_2:
                    partials[n, 0], partials[n, 1] = partials[one, 0], partials[one, 1]
                    partials[n, word] += alone_2 * radix
                    drops[n] = left + 1
                    n += 1
            if left + 2 <= upto:
                partials[n, 0], partials[n, 1] = partials[one, 0], partials[one, 1]
                drops[n] = left + 2
                n += 1
            if both:
                partials[one, word] += both * radix
            else:
                drops[one] = upto + 1
        kept = 0
        for one in range(n):
            if drops[one] <= upto:
                partials[kept, 0], partials[kept, 1] = partials[one, 0], partials[one, 1]
                drops[kept] = drops[one]
                kept += 1
        n = kept
        if n == 0:
            return 0
    return n


@compiled
def indexed(
    rows: Array, shares: Array, slots: Array, local: Array, radices: Array, counts: Array, upto: int
) -> tuple[Array, Array]:
    """For each sub-genotype of a patient's genotypes the share of those that hold it: a hash table."""
    keys = np.full((1024, 2), FREE, dtype=np.int64)
    values = np.zeros(1024, dtype=np.float64)
    pairs = np.zeros((5, 2), dtype=np.int64)
    partials = np.zeros((4 * MAX_PARTIALS, 2), dtype=np.int64)
    drops = np.zeros(4 * MAX_PARTIALS, dtype=np.int64)
    used = 0
    for row in range(rows.shape[0]):
        local_pairs(rows[row], slots, local, pairs)
        n = sub_genotypes(pairs, slots, radices, counts, upto, partials, drops)
        while 2 * (used + n) > keys.shape[0]:  # before: a full table would be searched without end
            keys, values = rehashed(keys, values)
        for one in range(n):
            slot = found_slot(keys, partials[one, 0], partials[one, 1])
            if keys[slot, 0] == FREE:
                keys[slot, 0], keys[slot, 1] = partials[one, 0], partials[one, 1]
                used += 1
            values[slot] += shares[row]
    return keys, values


@compiled
def mismatch_shares(
    pairs: Array,
    slots: Array,
    radices: Array,
    counts: Array,
    upto: int,
    keys: Array,
    values: Array,
    binomials: Array,
    partials: Array,
    drops: Array,
    found: Array,
) -> None:
    """Share of the patient's genotypes with 0, 1, … upto mismatches to one genotype, into found (upto + 1,)."""
    found[:] = 0.0
    n = sub_genotypes(pairs, slots, radices, counts, upto, partials, drops)
    for one in range(n):
        slot = found_slot(keys, partials[one, 0], partials[one, 1])
        if keys[slot, 0] != FREE:
            found[drops[one]] += values[slot]
    alleles = 2 * slots.shape[0]
    for more in range(1, upto + 1):
        for fewer in range(more):
            found[more] -= found[fewer] * binomials[alleles - fewer, more - fewer]
        found[more] = max(found[more], 0.0)


@compiled
def least_mismatches(pairs: Array, slots: Array) -> int:
    """The fewest mismatches that a genotype can have with any of the patient's."""
    found = 0
    for at in range(slots.shape[0]):
        slot = slots[at]
        found += int(pairs[slot, 0] == 0) + int(pairs[slot, 1] == 0)
    return found


@compiled
def memo_key(pairs: Array, slots: Array, counts: Array) -> tuple[Word, Word]:
    """A genotype in the patient's numbering as two words."""
    first, second = np.int64(0), np.int64(0)
    for at in range(slots.shape[0]):
        slot = slots[at]
        low, high = pairs[slot, 0], pairs[slot, 1]
        size = (
            (counts[slot] + 1) * (counts[slot] + 2) // 2
        )  # fewer than the codes of `radices`: never too large
        code = high * (high + 1) // 2 + low
        if slot <= LAST_OF_FIRST_WORD:
            first = first * size + code
        else:
            second = second * size + code
    return first, second


@compiled
def locus_shares(
    rows: Array,
    shares: Array,
    starts: Array,
    slots: Array,
    local: Array,
    table_starts: Array,
    counts: Array,
    table: Array,
) -> Array:
    """Per locus P(2), P(1) matches of each person: float64 (n, slots, 2). table: the same of each patient's pair."""
    people = starts.shape[0] - 1
    result = np.zeros((people, slots.shape[0], 2), dtype=np.float64)
    for person in range(people):
        for row in range(starts[person], starts[person + 1]):
            share = shares[row]
            for at in range(slots.shape[0]):
                slot = slots[at]
                low = local[slot, state_at(rows[row], slot, 0)]
                high = local[slot, state_at(rows[row], slot, 1)]
                if low > high:
                    low, high = high, low
                if high == 0:
                    continue
                place = table_starts[slot] + low * (counts[slot] + 1) + high
                result[person, at, 0] += share * table[place, 0]
                result[person, at, 1] += share * table[place, 1]
    return result


@compiled
def matches_at(one: Array, other: Array, slot: Word) -> Word:
    """Matches of two genotypes at a locus: the better of direct and cross; what is not expressed matches nothing."""
    a, b = state_at(one, slot, 0), state_at(one, slot, 1)
    c, d = state_at(other, slot, 0), state_at(other, slot, 1)
    direct = int(a == c and a != 0) + int(b == d and b != 0)
    cross = int(a == d and a != 0) + int(b == c and b != 0)
    return max(direct, cross)


@compiled
def joint_counts(
    rows: Array, shares: Array, others: Array, other_shares: Array, class_slots: Array, class_sizes: Array
) -> Array:
    """Whole distribution of mismatches of one pair of persons by trying all pairs of genotypes: (classes, 11)."""
    result = np.zeros((class_sizes.shape[0], 11), dtype=np.float64)
    matches = np.zeros(5, dtype=np.int64)
    for x in range(rows.shape[0]):
        for y in range(others.shape[0]):
            weight = shares[x] * other_shares[y]
            for slot in range(5):
                matches[slot] = matches_at(rows[x], others[y], slot)
            for one in range(class_sizes.shape[0]):
                found = 0
                for at in range(class_sizes[one]):
                    found += matches[class_slots[one, at]]
                result[one, 2 * class_sizes[one] - found] += weight
    return result
