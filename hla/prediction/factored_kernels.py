"""Compiled loops of pair probabilities for many genotypes: class I and class II of a sub-genotype apart.

A sub-genotype is one of the class I loci (s) and one of the class II loci (t), each with the number of alleles that
it leaves out. Of a patient, the share of his genotypes that hold both is W(t, s). The genotypes of units are taken by
their class II part: for it, the sums of W over its t are laid out by s, so that each class I part that occurs with
it only adds up what stands at its own s: 22 places at three loci, instead of 56 looks into a hash table.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled
from hla.prediction.combine_kernels import (
    FREE,
    LAST_OF_FIRST_WORD,
    MAX_PARTIALS,
    found_slot,
    least_mismatches,
    local_pairs,
    memo_key,
    rehashed,
    state_at,
    sub_genotypes,
)
from hla.prediction.kernels import EMPTY, WORDS, grown, grown_line, mixed

Array = NDArray[Any]
Word = Any  # a number of 64 bits, as Numba sees it

_ZERO = np.uint64(0)
_LOWER = np.uint64(0xFFFFFFFF)  # of the second word: slot C
_UPPER = np.uint64(0xFFFFFFFF00000000)  # slot DRB1


@compiled
def numbered(
    keys: Array, numbers: Array, used: int, first: Word, second: Word
) -> tuple[Array, Array, int, Word]:
    """Number of a key, the next free one if it is new: the table (grown if need be), how many it has, the number."""
    slot = found_slot(keys, first, second)
    if keys[slot, 0] != FREE:
        return keys, numbers, used, numbers[slot]
    keys[slot, 0], keys[slot, 1] = first, second
    numbers[slot] = used
    if 2 * (used + 1) > keys.shape[0]:
        keys, numbers = rehashed(keys, numbers)
    return keys, numbers, used + 1, np.int64(used)


@compiled
def part_index(
    rows: Array, slots: Array, local: Array, radices: Array, counts: Array, upto: int
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The parts at `slots` of a patient's genotypes, and their sub-genotypes.

    part: int64 (rows,), which distinct part each genotype has. starts, subs: of each part its sub-genotypes. keys,
    numbers: the hash table that numbers them; drops: alleles that each leaves out.
    """
    keys = np.full((64, 2), FREE, dtype=np.int64)
    numbers = np.zeros(64, dtype=np.int64)
    part_keys = np.full((64, 2), FREE, dtype=np.int64)
    part_numbers = np.zeros(64, dtype=np.int64)
    drops_of = np.zeros(64, dtype=np.int64)
    starts = np.zeros(64, dtype=np.int64)
    subs = np.zeros(64, dtype=np.int64)
    part = np.zeros(rows.shape[0], dtype=np.int64)
    pairs = np.zeros((5, 2), dtype=np.int64)
    partials = np.zeros((4 * MAX_PARTIALS, 2), dtype=np.int64)
    drops = np.zeros(4 * MAX_PARTIALS, dtype=np.int64)
    used, parts, end = 0, 0, 0
    for row in range(rows.shape[0]):
        local_pairs(rows[row], slots, local, pairs)
        first, second = memo_key(pairs, slots, counts)
        before = parts
        part_keys, part_numbers, parts, found = numbered(part_keys, part_numbers, parts, first, second)
        part[row] = found
        if parts == before:
            continue
        n = sub_genotypes(pairs, slots, radices, counts, upto, partials, drops)
        if end + n > subs.shape[0]:
            subs = grown_line(subs, end + n)
        if parts + 1 > starts.shape[0]:
            starts = grown_line(starts, parts + 1)
        for one in range(n):
            keys, numbers, used, sub = numbered(keys, numbers, used, partials[one, 0], partials[one, 1])
            if used > drops_of.shape[0]:
                drops_of = grown_line(drops_of, used)
            drops_of[sub] = drops[one]
            subs[end] = sub
            end += 1
        starts[parts] = end
    return part, starts[: parts + 1].copy(), subs[:end].copy(), keys, numbers, drops_of[:used].copy()


@compiled
def joint_index(
    shares: Array,
    one_part: Array,
    one_starts: Array,
    one_subs: Array,
    one_drops: Array,
    two_part: Array,
    two_starts: Array,
    two_subs: Array,
    two_drops: Array,
    upto: int,
) -> tuple[Array, Array, Array]:
    """W by t: starts int64 (twos + 1,), then s and share one after another. Only what leaves out at most `upto`."""
    twos = two_drops.shape[0]
    entries = np.zeros(twos + 1, dtype=np.int64)
    for row in range(shares.shape[0]):
        one, two = one_part[row], two_part[row]
        for t in range(two_starts[two], two_starts[two + 1]):
            room = upto - two_drops[two_subs[t]]
            for s in range(one_starts[one], one_starts[one + 1]):
                if one_drops[one_subs[s]] <= room:
                    entries[two_subs[t] + 1] += 1
    entries = np.cumsum(entries)
    place = entries.copy()
    subs = np.empty(entries[twos], dtype=np.int32)
    of_row = np.empty(entries[twos], dtype=np.int32)
    for row in range(shares.shape[0]):
        one, two = one_part[row], two_part[row]
        for t in range(two_starts[two], two_starts[two + 1]):
            room = upto - two_drops[two_subs[t]]
            for s in range(one_starts[one], one_starts[one + 1]):
                if one_drops[one_subs[s]] <= room:
                    at = place[two_subs[t]]
                    subs[at], of_row[at] = one_subs[s], row
                    place[two_subs[t]] = at + 1
    found: tuple[Array, Array, Array] = summed(entries, subs, of_row, shares, one_drops.shape[0])
    return found


@compiled
def summed(
    entries: Array, subs: Array, of_row: Array, shares: Array, ones: int
) -> tuple[Array, Array, Array]:
    """The same with one entry for each t and s, its share the sum of those of its rows; subs is written over."""
    starts = np.zeros(entries.shape[0], dtype=np.int64)
    sums = np.zeros(ones, dtype=np.float64)
    seen = np.zeros(ones, dtype=np.bool_)
    end = 0
    values = np.empty(1024, dtype=np.float64)
    for t in range(entries.shape[0] - 1):
        begin = end
        for at in range(entries[t], entries[t + 1]):
            sub = subs[at]
            sums[sub] += shares[of_row[at]]
            if not seen[sub]:
                seen[sub] = True
                subs[end] = sub
                end += 1
        if end > values.shape[0]:
            values = grown_line(values, end)
        for at in range(begin, end):
            values[at] = sums[subs[at]]
            sums[subs[at]] = 0.0
            seen[subs[at]] = False
        starts[t + 1] = end
    return starts, subs[:end].copy(), values[:end].copy()


@compiled
def entered_part(
    table: Array,
    rows: Array,
    lacks: Array,
    used: int,
    at: Word,
    first: Word,
    second: Word,
    third: Word,
    slots: Array,
    local: Array,
) -> tuple[Array, Array, Array]:
    """A new part as number `used` of a table, at its free place; table, rows and lacks, grown if need be."""
    if used == lacks.shape[0]:
        rows, lacks = grown(rows, used + 1), grown_line(lacks, used + 1)
    rows[used, 0], rows[used, 1], rows[used, 2] = first, second, third
    lacks[used] = lacking(rows, used, slots, local)
    table[at] = used
    if 2 * (used + 1) > table.shape[0]:
        table = relaid(table, rows, used + 1)
    return table, rows, lacks


@compiled
def parted(
    rows: Array, shares: Array, starts: Array, least: Array, local: Array, upto: int
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Genotypes of units that come near the patient's: of each its share, person and the numbers of its two parts.

    After these the distinct parts of class I and of class II, as rows with nothing in the other slots. least: slots at
    which a genotype must not have more than `upto` alleles that the patient lacks.
    """
    begin, size = starts[0], starts[starts.shape[0] - 1] - starts[0]
    of_share, of_person = np.empty(size, dtype=np.float64), np.empty(size, dtype=np.int32)
    of_one, of_two = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    one_table, one_rows, one_lacks = empty_parts()
    two_table, two_rows, two_lacks = empty_parts()
    ones, twos, n, person = 0, 0, 0, 0
    one_slots, two_slots = least[least <= LAST_OF_FIRST_WORD], least[least > LAST_OF_FIRST_WORD]
    for row in range(begin, begin + size):
        while row >= starts[person + 1]:
            person += 1
        word, last = rows[row, 1] & _UPPER, rows[row, 2]
        at = place_of(two_table, two_rows, _ZERO, word, last)
        if two_table[at] == EMPTY:
            two_table, two_rows, two_lacks = entered_part(
                two_table, two_rows, two_lacks, twos, at, _ZERO, word, last, two_slots, local
            )
            number = twos
            twos += 1
        else:
            number = two_table[at]
        lacks = two_lacks[number]
        if lacks > upto:
            continue
        of_two[n] = number
        first, word = rows[row, 0], rows[row, 1] & _LOWER
        at = place_of(one_table, one_rows, first, word, _ZERO)
        if one_table[at] == EMPTY:
            one_table, one_rows, one_lacks = entered_part(
                one_table, one_rows, one_lacks, ones, at, first, word, _ZERO, one_slots, local
            )
            number = ones
            ones += 1
        else:
            number = one_table[at]
        if lacks + one_lacks[number] > upto:
            continue
        of_share[n], of_person[n], of_one[n] = shares[row], person, number
        n += 1
    return of_share[:n], of_person[:n], of_one[:n], of_two[:n], one_rows[:ones], two_rows[:twos]


@compiled
def empty_parts() -> tuple[Array, Array, Array]:
    """A table of places in rows, the rows, and what each lacks."""
    return (
        np.full(1024, EMPTY, dtype=np.int32),
        np.empty((512, WORDS), dtype=np.uint64),
        np.empty(512, dtype=np.int64),
    )


@compiled
def place_of(table: Array, rows: Array, first: Word, second: Word, third: Word) -> Word:
    """Where in a table the number of a row stands, or the free place where it would."""
    mask = np.uint64(table.shape[0] - 1)
    slot = mixed(first, second, third) & mask
    while True:
        at = table[slot]
        if at == EMPTY or (rows[at, 0] == first and rows[at, 1] == second and rows[at, 2] == third):
            return slot
        slot = (slot + np.uint64(1)) & mask


@compiled
def relaid(table: Array, rows: Array, used: int) -> Array:
    """The same in a table of twice the size."""
    larger = np.full(2 * table.shape[0], EMPTY, dtype=np.int32)
    for at in range(used):
        larger[place_of(larger, rows, rows[at, 0], rows[at, 1], rows[at, 2])] = at
    return larger


@compiled
def lacking(rows: Array, row: int, slots: Array, local: Array) -> int:
    """Alleles of a genotype at `slots` that the patient cannot have."""
    found = 0
    for at in range(slots.shape[0]):
        for second in range(2):
            found += local[slots[at], state_at(rows[row], slots[at], second)] == 0
    return found


@compiled
def arranged(
    of_share: Array, of_person: Array, of_one: Array, of_two: Array, rank: Array
) -> tuple[Array, Array, Array, Array]:
    """Shares, persons and class I parts in the order of the ranks of their class II parts, and where each begins."""
    begins = np.zeros(rank.shape[0] + 1, dtype=np.int64)
    for at in range(of_two.shape[0]):
        begins[rank[of_two[at]] + 1] += 1
    begins = np.cumsum(begins)
    place = begins.copy()
    shares, persons, ones = np.empty_like(of_share), np.empty_like(of_person), np.empty_like(of_one)
    for at in range(of_two.shape[0]):
        to = place[rank[of_two[at]]]
        shares[to], persons[to], ones[to] = of_share[at], of_person[at], of_one[at]
        place[rank[of_two[at]]] = to + 1
    return shares, persons, ones, begins


@compiled
def held(
    rows: Array,
    slots: Array,
    local: Array,
    radices: Array,
    counts: Array,
    upto: int,
    keys: Array,
    numbers: Array,
) -> tuple[Array, Array]:
    """The patient's sub-genotypes that each part holds: starts, and their numbers."""
    starts = np.zeros(rows.shape[0] + 1, dtype=np.int64)
    subs = np.zeros(1024, dtype=np.int32)
    pairs = np.zeros((5, 2), dtype=np.int64)
    partials = np.zeros((4 * MAX_PARTIALS, 2), dtype=np.int64)
    drops = np.zeros(4 * MAX_PARTIALS, dtype=np.int64)
    end = 0
    for row in range(rows.shape[0]):
        local_pairs(rows[row], slots, local, pairs)
        if least_mismatches(pairs, slots) <= upto:
            n = sub_genotypes(pairs, slots, radices, counts, upto, partials, drops)
            if end + n > subs.shape[0]:
                subs = grown_line(subs, end + n)
            for one in range(n):
                slot = found_slot(keys, partials[one, 0], partials[one, 1])
                if keys[slot, 0] != FREE:
                    subs[end] = numbers[slot]
                    end += 1
        starts[row + 1] = end
    return starts, subs[:end].copy()


@compiled
def holding_shares(
    people: int,
    upto: int,
    shares: Array,
    persons: Array,
    ones: Array,
    begins: Array,
    one_starts: Array,
    one_subs: Array,
    two_starts: Array,
    two_subs: Array,
    one_drops: Array,
    two_drops: Array,
    joint_starts: Array,
    joint_subs: Array,
    joint_values: Array,
) -> Array:
    """N(0), …, N(upto) of each person (combine.py): float64 (people, upto + 1). begins: by class II part."""
    width = max(upto + 1, 3)
    result = np.zeros((people, width), dtype=np.float64)
    sums = np.zeros((one_drops.shape[0], width), dtype=np.float64)
    found = np.zeros(upto + 1, dtype=np.float64)
    for two in range(begins.shape[0] - 1):
        if begins[two] == begins[two + 1] or two_starts[two] == two_starts[two + 1]:
            continue
        for at in range(two_starts[two], two_starts[two + 1]):
            t = two_subs[at]
            for entry in range(joint_starts[t], joint_starts[t + 1]):
                s = joint_subs[entry]
                sums[s, one_drops[s] + two_drops[t]] += joint_values[entry]
        for at in range(begins[two], begins[two + 1]):
            one = ones[at]
            zero, first, second = (
                0.0,
                0.0,
                0.0,
            )  # the three that are nearly always asked for, kept in registers
            for sub in range(one_starts[one], one_starts[one + 1]):
                s = one_subs[sub]
                zero += sums[s, 0]
                first += sums[s, 1]
                second += sums[s, 2]
                for d in range(3, upto + 1):
                    found[d] += sums[s, d]
            result[persons[at], 0] += shares[at] * zero
            result[persons[at], 1] += shares[at] * first
            result[persons[at], 2] += shares[at] * second
            for d in range(3, upto + 1):
                result[persons[at], d] += shares[at] * found[d]
                found[d] = 0.0
        for at in range(two_starts[two], two_starts[two + 1]):
            t = two_subs[at]
            for entry in range(joint_starts[t], joint_starts[t + 1]):
                s = joint_subs[entry]
                sums[s, one_drops[s] + two_drops[t]] = 0.0
    return result[:, : upto + 1].copy()
