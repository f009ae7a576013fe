"""Synthetic sets of any size, made of a real one by recombination: for tests under load, not for patients.

A new haplotype joins the A~C~B block of one haplotype with the DRB1~DQB1 block of another; with a small chance
one locus is drawn apart. The haplotypes of the source keep most of the frequency; the new ones share the rest by
the square root of what free recombination would give them: so the tail is long, but as flat as estimated sets
have it, and each locus keeps about the frequencies of its alleles.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hla.frequencies.errors import FrequencyError
from hla.frequencies.sets import MAX_HAPLOTYPES, HaplotypeSet, Row

BLOCKS: Final = (("A", "B", "C"), ("DRB1", "DQB1"))
RECOMBINED: Final = 0.3  # of the frequency
APART: Final = 0.02  # chance that one locus is drawn apart; grows when nothing new comes any more
FEW: Final = 4  # up to so many times `size`, all possible haplotypes are written down

Codes = NDArray[np.uint16]
Shares = NDArray[np.float64]


def recombine(source: HaplotypeSet, size: int, *, seed: int) -> HaplotypeSet:
    """A set of exactly `size` distinct haplotypes of the alleles of `source`; the same for the same seed.

    Up to the size of the source they are drawn from it. Raises FrequencyError (demand) if its alleles do not
    give as many, ValueError for a size below 1.
    """
    if size < 1:
        raise ValueError("A set has at least one haplotype.")
    limit = min(math.prod(len(source.alleles[locus]) for locus in source.loci), MAX_HAPLOTYPES)
    if size > limit:
        raise FrequencyError("demand", size=size, limit=limit)
    rng = np.random.default_rng(seed)
    if size <= len(source):
        kept = rng.choice(len(source), size, replace=False, p=source.frequencies)
        return _made(source, source.codes[kept], source.frequencies[kept], size, seed)
    new = _new(source, size - len(source), rng)
    weights = _weights(source, new)
    codes = np.concatenate([source.codes, new])
    shares = np.concatenate(
        [source.frequencies * (1 - RECOMBINED), weights * (RECOMBINED / math.fsum(weights))]
    )
    return _made(source, codes, shares, size, seed)


def _made(source: HaplotypeSet, codes: Codes, shares: Shares, size: int, seed: int) -> HaplotypeSet:
    columns = [[source.alleles[locus][code] for code in codes[:, at]] for at, locus in enumerate(source.loci)]
    rows: list[Row] = list(zip(zip(*columns, strict=True), shares.tolist(), strict=True))
    return HaplotypeSet.of(
        rows,
        name=f"{source.name} (synthetic, {size} haplotypes, seed {seed})",
        population=source.population,
        loci=source.loci,
        release=source.release,
        resolution=source.resolution,
    )


def _new(source: HaplotypeSet, count: int, rng: np.random.Generator) -> Codes:
    """Haplotypes that the source does not have, all different, in the order in which they were drawn."""
    sizes = [len(source.alleles[locus]) for locus in source.loci]
    if math.prod(sizes) <= FEW * (len(source) + count):
        whole = np.indices(sizes, np.uint16).reshape(len(sizes), -1).T
        candidates = _distinct(source.codes, whole)
        weights = _weights(source, candidates)
        return candidates[rng.choice(len(candidates), count, replace=False, p=weights / math.fsum(weights))]
    found = np.empty((0, len(sizes)), np.uint16)
    apart = APART
    while len(found) < count:
        drawn = _drawn(source, 2 * count, apart, rng)
        before, found = len(found), _distinct(source.codes, np.concatenate([found, drawn]))
        if len(found) - before < count // 10 + 1:
            apart = min(2 * apart, 1.0)
    return found[:count]


def _drawn(source: HaplotypeSet, count: int, apart: float, rng: np.random.Generator) -> Codes:
    """Two blocks of independent haplotypes; in a share `apart` of them one allele of a locus, any one alike."""
    drawn = np.empty((count, len(source.loci)), np.uint16)
    for block in _blocks(source):
        parents = rng.choice(len(source), count, p=source.frequencies)
        drawn[:, block] = source.codes[parents][:, block]
    loci = rng.integers(len(source.loci), size=count)
    for at, locus in enumerate(source.loci):
        changed = np.flatnonzero((loci == at) & (rng.random(count) < apart))
        drawn[changed, at] = rng.integers(len(source.alleles[locus]), size=len(changed))
    return drawn


def _blocks(source: HaplotypeSet) -> list[list[int]]:
    """Columns of each block, of those loci that the source has."""
    columns = [[source.loci.index(locus) for locus in block if locus in source.loci] for block in BLOCKS]
    return [block for block in columns if block]


def _distinct(known: Codes, drawn: Codes) -> Codes:
    """Those drawn that are not known, each once, in their order."""
    _, first = np.unique(np.concatenate([known, drawn]), axis=0, return_index=True)
    new = np.sort(first[first >= len(known)]) - len(known)
    return drawn[new]


def _weights(source: HaplotypeSet, codes: Codes) -> Shares:
    """Roots of the frequencies by free recombination: of blocks, and in a share APART of single loci; above 0."""
    alone = np.ones(len(codes))
    for at, locus in enumerate(source.loci):
        shares = np.bincount(source.codes[:, at], source.frequencies, len(source.alleles[locus]))
        alone *= shares[codes[:, at]]
    together = np.ones(len(codes))
    for block in _blocks(source):
        together *= _block_shares(source, codes, block)
    return np.sqrt((1 - APART) * together + APART * alone)


def _block_shares(source: HaplotypeSet, codes: Codes, block: list[int]) -> Shares:
    """Frequency in the source of the block that each haplotype has; 0 for one that the source does not have."""
    both = np.concatenate([source.codes[:, block], codes[:, block]])
    _, number = np.unique(both, axis=0, return_inverse=True)
    number = number.reshape(-1)
    shares = np.bincount(number[: len(source)], source.frequencies, int(number.max()) + 1)
    found: Shares = shares[number[len(source) :]].astype(np.float64)
    return found
