"""Compiled loops of match prediction. Plain arrays in and out; what they mean is said in impute.py and combine.py.

A genotype is a row of three 64-bit words: for each of the five loci of SEARCH_LOCI, its slot, two states of 16 bits,
the smaller first. Equal words are equal genotypes, so that hashing is exact: a hash only chooses where to look.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled
from hla.prediction.mass_kernels import (
    allowed_pair,
    mass_of_listed,
    mass_of_pairs,
    number_of_pairs,
    sums_before,
)

Array = NDArray[Any]
Word = Any  # a number of 64 bits, as Numba sees it

WORDS = 3
MAX_LOCI = 5
EMPTY = -1
NO_PATTERN = 0  # a haplotype that fits has a bit at each locus
PATTERNS = 1 << (2 * MAX_LOCI)
PAIRS_AT_MOST = 4_000_000  # of haplotypes that one person's genotypes are made of: some 200 MB
TOO_OPEN = -1.0

_MIX_1 = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_3 = np.uint64(0x165667B19E3779F9)
_SHIFT = np.uint64(29)
_SHIFT_2 = np.uint64(32)
_ZERO = np.uint64(0)
_BITS = np.uint64(16)  # of a state; a slot has two
_GUARDS = np.uint64(0x8000000080000000)  # highest bits of both slots of a word
_GUARD = np.uint64(31)
_ONES = np.uint64(0x0000000100000001)


@compiled
def mixed(first: Word, second: Word, third: Word) -> Word:
    """A hash of three words."""
    found = first * _MIX_1
    found ^= found >> _SHIFT
    found = (found ^ second) * _MIX_2
    found ^= found >> _SHIFT_2
    found = (found ^ third) * _MIX_3
    return found ^ (found >> _SHIFT)


@compiled
def grown(array: Array, size: int) -> Array:
    """A copy with at least `size` rows."""
    larger = np.empty((max(size, 2 * array.shape[0]), array.shape[1]), dtype=array.dtype)
    larger[: array.shape[0]] = array
    return larger


@compiled
def grown_line(array: Array, size: int) -> Array:
    """As `grown`, of a line."""
    larger = np.empty(max(size, 2 * array.shape[0]), dtype=array.dtype)
    larger[: array.shape[0]] = array
    return larger


@compiled
def table_size(entries: int) -> int:
    """A power of two, at least twice `entries`."""
    size = 64
    while size < 2 * entries:
        size *= 2
    return size


@compiled
def fewest_first(
    posting_starts: Array,
    sizes: Array,
    fit_starts: Array,
    fits: Array,
    typing: Array,
    left: Array,
    places: Array,
    bases: Array,
) -> None:
    """Loci of a typing by how many haplotypes each leaves, into places; where their bits begin in `fits`, into bases.

    left: int64 (loci, rows), how many haplotypes each typing of a locus leaves, -1 where it was not counted yet.
    """
    for locus in range(typing.shape[0]):
        base = fit_starts[locus] + typing[locus] * sizes[locus]
        if left[locus, typing[locus]] < 0:
            count = 0
            for code in range(sizes[locus]):
                if fits[base + code]:
                    count += posting_starts[locus, code + 1] - posting_starts[locus, code]
            left[locus, typing[locus]] = count
        at = locus
        while at > 0 and left[places[at - 1], typing[places[at - 1]]] > left[locus, typing[locus]]:
            places[at], bases[at] = places[at - 1], bases[at - 1]
            at -= 1
        places[at], bases[at] = locus, base


@compiled
def fitting(
    codes: Array,
    posting_starts: Array,
    postings: Array,
    sizes: Array,
    fits: Array,
    places: Array,
    bases: Array,
    found: Array,
    patterns: Array,
) -> int:
    """Haplotypes that fit a typing at every locus, in order of falling frequency, and their patterns.

    places, bases: of fewest_first. A pattern has a bit per locus for the first value and one for the second. Only the
    haplotypes of the locus that leaves fewest are looked at.
    """
    n = 0
    driver = places[0]
    for code in range(sizes[driver]):
        bits = np.int64(fits[bases[0] + code])
        if bits == 0:
            continue
        own = ((bits & 1) << (driver + MAX_LOCI)) | ((bits >> 1) << driver)
        for place in range(posting_starts[driver, code], posting_starts[driver, code + 1]):
            haplotype = postings[driver, place]
            pattern = own
            for at in range(1, codes.shape[1]):
                locus = places[at]
                bits = np.int64(fits[bases[at] + codes[haplotype, locus]])
                if bits == 0:
                    pattern = np.int64(NO_PATTERN)
                    break
                pattern |= ((bits & 1) << (locus + MAX_LOCI)) | ((bits >> 1) << locus)
            if pattern != NO_PATTERN:
                found[n] = haplotype
                patterns[haplotype] = pattern
                n += 1
    found[:n].sort()
    return n


@compiled
def compatible(one: int, other: int, full: int) -> bool:
    """Whether two patterns explain a typing together: at each locus one its first value, the other its second."""
    low = (1 << MAX_LOCI) - 1
    first = (one >> MAX_LOCI) & (other & low)
    second = (one & low) & (other >> MAX_LOCI)
    return (first | second) == full


@compiled
def grouped(
    found: Array, n: int, patterns: Array, frequencies: Array, full: int, place: Array
) -> tuple[Array, Array, Array, Array]:
    """Fitting haplotypes by pattern: order, start of each group, compatible pairs of groups, frequencies.

    place: int64 (PATTERNS,), zeros before and after.
    """
    groups = np.empty(min(n, PATTERNS), dtype=np.int64)
    number = 0
    for at in range(n):
        pattern = patterns[found[at]]
        if place[pattern] == 0:
            groups[number] = pattern
            number += 1
        place[pattern] += 1
    groups = np.sort(groups[:number])
    starts = np.zeros(len(groups) + 1, dtype=np.int64)
    for at in range(len(groups)):
        starts[at + 1] = starts[at] + place[groups[at]]
        place[groups[at]] = starts[at]
    order = np.empty(n, dtype=np.int64)
    ordered = np.empty(n, dtype=np.float64)
    for at in range(n):
        haplotype = found[at]
        to = place[patterns[haplotype]]
        order[to] = haplotype
        ordered[to] = frequencies[haplotype]
        place[patterns[haplotype]] += 1
    for at in range(len(groups)):
        place[groups[at]] = 0
    pairs = np.empty((len(groups) * (len(groups) + 1) // 2, 2), dtype=np.int64)
    number = 0
    for one in range(len(groups)):
        for other in range(one, len(groups)):
            if compatible(groups[one], groups[other], full):
                pairs[number, 0], pairs[number, 1] = one, other
                number += 1
    return order, starts, pairs[:number], ordered


@compiled
def laid_out(codes: Array, states: Array, slots: Array, order: Array, own: Array) -> None:
    """States of the fitting haplotypes, each in the lower half of its slot: own uint64 (≥ haplotypes, WORDS)."""
    for at in range(order.shape[0]):
        own[at, 0] = own[at, 1] = own[at, 2] = _ZERO
        for locus in range(codes.shape[1]):
            state = np.uint64(states[locus, codes[order[at], locus]])
            own[at, slots[locus] // 2] |= state << np.uint64(32 * (slots[locus] % 2))


@compiled
def paired(one: Word, other: Word) -> Word:
    """A word of a genotype from those of two haplotypes: in each slot the smaller state, then the larger.

    Both slots at once, without a branch: the highest bit of a slot is free, and what it is after a subtraction says
    which state is larger. A state of 0 (not expressed) takes its partner's.
    """
    larger = ((one | _GUARDS) - other) & _GUARDS
    larger -= larger >> _GUARD  # all lower bits of the slots in which `one` is not the smaller
    high = (one & larger) | (other & ~larger)
    low = one ^ other ^ high
    absent = ~((low | _GUARDS) - _ONES) & _GUARDS
    absent -= absent >> _GUARD
    return low | (high & absent) | (high << _BITS)


@compiled
def entered(
    first: Word,
    second: Word,
    third: Word,
    share: float,
    rows: Array,
    shares: Array,
    end: int,
    table: Array,
    mask: Word,
) -> int:
    """Add a share to a genotype; returns the new end of the rows. mask: places of the table less 1."""
    place = mixed(first, second, third) & mask
    while True:
        at = table[place]
        if at == EMPTY:
            table[place] = end
            rows[end, 0], rows[end, 1], rows[end, 2] = first, second, third
            shares[end] = share
            return end + 1
        if rows[at, 0] == first and rows[at, 1] == second and rows[at, 2] == third:
            shares[at] += share
            return end
        place = (place + np.uint64(1)) & mask


@compiled
def impute_all(
    codes: Array,
    frequencies: Array,
    posting_starts: Array,
    postings: Array,
    sizes: Array,
    states: Array,
    slots: Array,
    fit_starts: Array,
    fits: Array,
    list_starts: Array,
    lists: Array,
    typings: Array,
    bound: float,
    exact_pairs: int,
) -> tuple[Array, Array, Array, Array, Array]:
    """Genotypes of many typings: rows, shares, start of each typing's rows, its mass, the share that was left out.

    Shapes: hla.prediction.impute. A typing that nothing explains has no rows and mass 0; one that leaves more pairs
    of haplotypes than can be held, even without the least likely, has no rows and mass TOO_OPEN.
    """
    people, loci = typings.shape
    full = (1 << loci) - 1
    rows = np.empty((1024, WORDS), dtype=np.uint64)
    shares = np.empty(1024, dtype=np.float64)
    starts = np.zeros(people + 1, dtype=np.int64)
    masses = np.zeros(people, dtype=np.float64)
    lost = np.zeros(people, dtype=np.float64)
    found = np.empty(codes.shape[0], dtype=np.int64)
    patterns = np.empty(codes.shape[0], dtype=np.int64)
    table = np.full(64, EMPTY, dtype=np.int32)
    scratch = np.zeros(PATTERNS, dtype=np.int64)
    own = np.empty((64, WORDS), dtype=np.uint64)
    typing_lists = np.empty(loci, dtype=np.int64)
    places, bases = np.zeros(loci, dtype=np.int64), np.zeros(loci, dtype=np.int64)
    left = np.full(list_starts.shape, -1, dtype=np.int64)
    end = 0
    for person in range(people):
        starts[person + 1] = end
        typing = typings[person]
        fewest_first(posting_starts, sizes, fit_starts, fits, typing, left, places, bases)
        n = fitting(codes, posting_starts, postings, sizes, fits, places, bases, found, patterns)
        if n == 0:
            continue
        listed = False
        for locus in range(loci):
            typing_lists[locus] = list_starts[locus, typing[locus]]
            listed = listed or typing_lists[locus] >= 0
        order, group_starts, pairs, ordered = grouped(found, n, patterns, frequencies, full, scratch)
        count = number_of_pairs(group_starts, pairs)
        total, threshold = 0.0, 0.0
        sums = sums_before(ordered) if count > exact_pairs else ordered
        if count > exact_pairs:
            if listed:
                total, count = mass_of_listed(
                    ordered, group_starts, pairs, order, codes, sizes, typing_lists, lists, threshold
                )
            else:
                total, count = mass_of_pairs(ordered, sums, group_starts, pairs, threshold)
        if count > exact_pairs:
            threshold = total / count
            while True:
                if listed:
                    kept, fewer = mass_of_listed(
                        ordered, group_starts, pairs, order, codes, sizes, typing_lists, lists, threshold
                    )
                else:
                    kept, fewer = mass_of_pairs(ordered, sums, group_starts, pairs, threshold)
                if kept >= (1.0 - bound) * total:
                    break
                threshold /= 2.0
            count = fewer
        if count > PAIRS_AT_MOST:
            masses[person] = TOO_OPEN
            continue
        if count == 0:
            continue
        if end + count > shares.shape[0]:
            rows, shares = grown(rows, end + count), grown_line(shares, end + count)
        size = table_size(count)
        if size > table.shape[0]:
            table = np.empty(size, dtype=np.int32)
        table[:size] = EMPTY
        mask = np.uint64(size - 1)
        if n > own.shape[0]:
            own = grown(own, n)
        laid_out(codes, states, slots, order, own)
        begin = end
        mass = 0.0
        for at in range(pairs.shape[0]):
            one, other = pairs[at, 0], pairs[at, 1]
            for x in range(group_starts[one], group_starts[one + 1]):
                begin_y = x if one == other else group_starts[other]
                for y in range(begin_y, group_starts[other + 1]):
                    share = ordered[x] * ordered[y] * (1.0 if order[x] == order[y] else 2.0)
                    if share < threshold:
                        if order[x] == order[y]:
                            continue
                        break
                    if listed and not allowed_pair(codes, sizes, typing_lists, lists, order[x], order[y]):
                        continue
                    end = entered(
                        paired(own[x, 0], own[y, 0]),
                        paired(own[x, 1], own[y, 1]),
                        paired(own[x, 2], own[y, 2]),
                        share,
                        rows,
                        shares,
                        end,
                        table,
                        mask,
                    )
                    mass += share
        if mass == 0.0:
            end = begin
            continue
        if threshold > 0.0:
            lost[person] = max(0.0, 1.0 - mass / total)
        masses[person] = total if threshold > 0.0 else mass
        for at in range(begin, end):
            shares[at] /= masses[person]
        starts[person + 1] = end
    return rows[:end].copy(), shares[:end].copy(), starts, masses, lost
