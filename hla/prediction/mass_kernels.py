"""Compiled loops: number and mass of the pairs of haplotypes that explain a typing, without writing them out.

Haplotypes stand in groups by what they fit (kernels.grouped), by falling frequency within each.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled

Array = NDArray[Any]


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
def sums_before(frequencies: Array) -> Array:
    """Sum of the frequencies before each place, and of all: float64 (n + 1,)."""
    sums = np.zeros(frequencies.shape[0] + 1, dtype=np.float64)
    for at in range(frequencies.shape[0]):
        sums[at + 1] = sums[at] + frequencies[at]
    return sums


@compiled
def number_of_pairs(starts: Array, pairs: Array) -> int:
    """Of haplotypes, in all compatible pairs of groups."""
    found = 0
    for at in range(pairs.shape[0]):
        one = starts[pairs[at, 0] + 1] - starts[pairs[at, 0]]
        other = starts[pairs[at, 1] + 1] - starts[pairs[at, 1]]
        found += one * (one + 1) // 2 if pairs[at, 0] == pairs[at, 1] else one * other
    return found


@compiled
def mass_of_pairs(
    frequencies: Array, sums: Array, starts: Array, pairs: Array, threshold: float
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
def allowed_pair(codes: Array, sizes: Array, typing_lists: Array, lists: Array, one: int, other: int) -> bool:
    """Whether the pair of haplotypes is an alternative of each genotype list. typing_lists: start in `lists`, or -1."""
    for locus in range(codes.shape[1]):
        start = typing_lists[locus]
        if start >= 0 and not lists[start + codes[one, locus] * sizes[locus] + codes[other, locus]]:
            return False
    return True


@compiled
def mass_of_listed(
    frequencies: Array,
    starts: Array,
    pairs: Array,
    order: Array,
    codes: Array,
    sizes: Array,
    typing_lists: Array,
    lists: Array,
    threshold: float,
) -> tuple[float, int]:
    """As `mass_of_pairs`, of those that the genotype lists allow: looked at one by one, but not kept."""
    mass, count = 0.0, 0
    for at in range(pairs.shape[0]):
        one, other = pairs[at, 0], pairs[at, 1]
        for x in range(starts[one], starts[one + 1]):
            for y in range(x if one == other else starts[other], starts[other + 1]):
                share = frequencies[x] * frequencies[y] * (1.0 if x == y else 2.0)
                if share < threshold:
                    if x == y:
                        continue
                    break
                if allowed_pair(codes, sizes, typing_lists, lists, order[x], order[y]):
                    mass += share
                    count += 1
    return mass, count
