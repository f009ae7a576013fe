"""What can be said about a frequency set: its commonest haplotypes, its alleles, how many haplotypes cover how much."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hla.frequencies.sets import HaplotypeSet

SHARES: Final = (0.5, 0.8, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A haplotype or allele. frequency: within the set; cumulative: of it and all before it."""

    rank: int
    names: tuple[str, ...]
    frequency: float
    cumulative: float


def top_haplotypes(found: HaplotypeSet, count: int) -> list[Ranked]:
    """The commonest, at most `count`."""
    sums = np.cumsum(found.frequencies[:count])
    return [
        Ranked(place + 1, found.names(place), float(found.frequencies[place]), float(total))
        for place, total in enumerate(sums)
    ]


def allele_frequencies(found: HaplotypeSet) -> Mapping[str, list[Ranked]]:
    """Per locus the alleles, commonest first, ties by name."""
    ranked = {}
    for column, locus in enumerate(found.loci):
        names = found.alleles[locus]
        sums = np.bincount(found.codes[:, column], weights=found.frequencies, minlength=len(names))
        order = np.argsort(-sums, kind="stable")
        totals = np.cumsum(sums[order])
        ranked[locus] = [
            Ranked(rank, (names[place],), float(sums[place]), float(total))
            for rank, (place, total) in enumerate(zip(order, totals, strict=True), 1)
        ]
    return ranked


def covered(found: HaplotypeSet) -> NDArray[np.float64]:
    """Share of the population, float64 0–1, that the 1, 2, … commonest haplotypes cover; ends at the coverage."""
    shares: NDArray[np.float64] = np.minimum(np.cumsum(found.frequencies), 1.0) * found.coverage
    shares[-1] = found.coverage
    return shares


def needed(found: HaplotypeSet, share: float) -> int | None:
    """How many of the commonest haplotypes cover this share of the population; None if all of them do not."""
    place = int(np.searchsorted(covered(found), share))
    return place + 1 if place < len(found) else None
