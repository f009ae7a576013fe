"""Compiled loops of match prediction. Plain arrays in and out; what they mean is said in impute.py and combine.py.

A genotype is a row of three 64-bit words: for each of the five loci of SEARCH_LOCI, its slot, two states of 16 bits,
the smaller first. Equal words are equal genotypes, so that hashing is exact: a hash only chooses where to look.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.prediction.jit import compiled

Array = NDArray[Any]
Word = Any  # a number of 64 bits, as Numba sees it

WORDS = 3
STATES_OF_WORD = 4  # of 16 bits
MAX_LOCI = 5
EMPTY = -1
PATTERNS = 1 << (2 * MAX_LOCI)

_MIX_1 = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_3 = np.uint64(0x165667B19E3779F9)
_SHIFT = np.uint64(29)
_SHIFT_2 = np.uint64(32)
_BITS = np.uint64(16)
_MASK = np.uint64(0xFFFF)


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
def fitting(
    codes: Array,
    posting_starts: Array,
    postings: Array,
    sizes: Array,
    fit_starts: Array,
    fits: Array,
    typing: Array,
    found: Array,
    patterns: Array,
) -> int:
    """Haplotypes that fit a typing at every locus, in order of falling frequency, and their patterns.

    typing: per locus the row of `fits`. A pattern has a bit per locus for the first value and one for the second.
    Only the haplotypes of the locus that leaves fewest are looked at.
    """
    loci = codes.shape[1]
    driver, fewest = 0, codes.shape[0] + 1
    for locus in range(loci):
        at = fit_starts[locus] + typing[locus] * sizes[locus]
        count = 0
        for code in range(sizes[locus]):
            if fits[at + code]:
                count += posting_starts[locus, code + 1] - posting_starts[locus, code]
        if count < fewest:
            driver, fewest = locus, count
    n = 0
    at = fit_starts[driver] + typing[driver] * sizes[driver]
    for code in range(sizes[driver]):
        if not fits[at + code]:
            continue
        for place in range(posting_starts[driver, code], posting_starts[driver, code + 1]):
            haplotype = postings[driver, place]
            first, second = 0, 0
            for locus in range(loci):
                bits: Word = np.int64(
                    fits[fit_starts[locus] + typing[locus] * sizes[locus] + codes[haplotype, locus]]
                )
                if bits == 0:
                    first = -1
                    break
                first |= (bits & 1) << locus
                second |= (bits >> 1) << locus
            if first >= 0:
                found[n] = haplotype
                patterns[haplotype] = (first << MAX_LOCI) | second
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
def kept_mass(
    frequencies: Array, sums: Array, ones: Array, others: Array, same: bool, threshold: float
) -> tuple[float, int]:
    """Mass and number of the pairs of two pattern groups whose weight reaches `threshold`.

    ones, others: start and end of the groups in `frequencies`, which falls within each. sums: sums before each.
    """
    mass, count = 0.0, 0
    end = others[1]
    for x in range(ones[0], ones[1]):
        begin = x + 1 if same else others[0]
        while end > begin and 2.0 * frequencies[x] * frequencies[end - 1] < threshold:
            end -= 1
        if same and frequencies[x] * frequencies[x] >= threshold:
            mass += frequencies[x] * frequencies[x]
            count += 1
        if end > begin:
            mass += 2.0 * frequencies[x] * (sums[end] - sums[begin])
            count += end - begin
    return mass, count


@compiled
def mass_of_pairs(
    frequencies: Array, sums: Array, starts: Array, groups: Array, pairs: Array, threshold: float
) -> tuple[float, int]:
    """As `kept_mass`, of all compatible pairs of groups."""
    mass, count = 0.0, 0
    for at in range(pairs.shape[0]):
        one, other = pairs[at, 0], pairs[at, 1]
        found, number = kept_mass(
            frequencies,
            sums,
            starts[one : one + 2],
            starts[other : other + 2],
            one == other,
            threshold,
        )
        mass += found
        count += number
    return mass, count


@compiled
def grouped(
    found: Array, n: int, patterns: Array, frequencies: Array, full: int
) -> tuple[Array, Array, Array, Array, Array]:
    """Fitting haplotypes by pattern: order, start of each group, pattern of each, compatible pairs, frequencies."""
    counts = np.zeros(PATTERNS, dtype=np.int64)
    for at in range(n):
        counts[patterns[found[at]]] += 1
    groups = np.flatnonzero(counts)
    starts = np.zeros(len(groups) + 1, dtype=np.int64)
    place = np.zeros(PATTERNS, dtype=np.int64)
    for at in range(len(groups)):
        starts[at + 1] = starts[at] + counts[groups[at]]
        place[groups[at]] = starts[at]
    order = np.empty(n, dtype=np.int64)
    ordered = np.empty(n, dtype=np.float64)
    for at in range(n):
        haplotype = found[at]
        to = place[patterns[haplotype]]
        order[to] = haplotype
        ordered[to] = frequencies[haplotype]
        place[patterns[haplotype]] += 1
    pairs = np.empty((len(groups) * (len(groups) + 1) // 2, 2), dtype=np.int64)
    number = 0
    for one in range(len(groups)):
        for other in range(one, len(groups)):
            if compatible(groups[one], groups[other], full):
                pairs[number, 0], pairs[number, 1] = one, other
                number += 1
    return order, starts, groups, pairs[:number], ordered


@compiled
def allowed_pair(codes: Array, sizes: Array, typing_lists: Array, lists: Array, one: int, other: int) -> bool:
    """Whether the pair of haplotypes is an alternative of each genotype list. typing_lists: start in `lists`, or -1."""
    for locus in range(codes.shape[1]):
        start = typing_lists[locus]
        if start >= 0 and not lists[start + codes[one, locus] * sizes[locus] + codes[other, locus]]:
            return False
    return True


@compiled
def genotype_words(codes: Array, states: Array, slots: Array, one: int, other: int, words: Array) -> None:
    """Words of the genotype of two haplotypes; an allele that is not expressed (state 0) takes its partner's state."""
    words[0] = words[1] = words[2] = np.uint64(0)
    for locus in range(codes.shape[1]):
        low = states[locus, codes[one, locus]]
        high = states[locus, codes[other, locus]]
        if low == 0:
            low = high
        elif high == 0:
            high = low
        if low > high:
            low, high = high, low
        shift = np.uint64(32 * (slots[locus] % 2))
        words[slots[locus] // 2] |= (np.uint64(low) | (np.uint64(high) << _BITS)) << shift


@compiled
def entered(
    rows: Array, shares: Array, start: int, end: int, table: Array, words: Array, share: float
) -> int:
    """Add a share to the genotype `words` among rows start..end; returns the new end."""
    mask = np.uint64(table.shape[0] - 1)
    slot = mixed(words[0], words[1], words[2]) & mask
    while True:
        at = table[slot]
        if at == EMPTY:
            table[slot] = end
            rows[end, 0], rows[end, 1], rows[end, 2] = words[0], words[1], words[2]
            shares[end] = share
            return end + 1
        if rows[at, 0] == words[0] and rows[at, 1] == words[1] and rows[at, 2] == words[2]:
            shares[at] += share
            return end
        slot = (slot + np.uint64(1)) & mask


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

    Shapes: hla.prediction.impute. A typing that nothing explains has no rows and mass 0.
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
    words = np.zeros(WORDS, dtype=np.uint64)
    typing_lists = np.empty(loci, dtype=np.int64)
    end = 0
    for person in range(people):
        starts[person + 1] = end
        typing = typings[person]
        n = fitting(codes, posting_starts, postings, sizes, fit_starts, fits, typing, found, patterns)
        if n == 0:
            continue
        listed = False
        for locus in range(loci):
            typing_lists[locus] = list_starts[locus, typing[locus]]
            listed = listed or typing_lists[locus] >= 0
        order, group_starts, groups, pairs, ordered = grouped(found, n, patterns, frequencies, full)
        sums = np.zeros(n + 1, dtype=np.float64)
        for at in range(n):
            sums[at + 1] = sums[at] + ordered[at]
        total, count = mass_of_pairs(ordered, sums, group_starts, groups, pairs, 0.0)
        threshold = 0.0
        if count > exact_pairs and not listed:
            threshold = total / count
            kept, fewer = mass_of_pairs(ordered, sums, group_starts, groups, pairs, threshold)
            while kept < (1.0 - bound) * total:
                threshold /= 2.0
                kept, fewer = mass_of_pairs(ordered, sums, group_starts, groups, pairs, threshold)
            count = fewer
        if count == 0:
            continue
        if end + count > shares.shape[0]:
            rows, shares = grown(rows, end + count), grown_line(shares, end + count)
        size = table_size(count)
        if size > table.shape[0]:
            table = np.empty(size, dtype=np.int32)
        used = table[:size]
        used[:] = EMPTY
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
                    genotype_words(codes, states, slots, order[x], order[y], words)
                    end = entered(rows, shares, begin, end, used, words, share)
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
