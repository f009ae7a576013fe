"""Typings that no two haplotypes of a set explain: the linkage between loci is given up step by step.

A locus at which no two alleles of the set fit is taken out: there the genotypes that the typing leaves count, by the
frequency of those alleles that the set has, else alike. What two haplotypes still do not explain is taken as class I
and class II by themselves, and if need be as single loci. The result says which step was needed: it is an estimate,
but never none at all while there is anything to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.prediction.fits import Pair, written_out
from hla.prediction.imputed import Basis, Part, genotype_rows
from hla.prediction.table import BLOCKS
from hla.typing import parse_pair

if TYPE_CHECKING:
    from hla.prediction.impute import Imputer

Array = NDArray[Any]

# Of a product: from here on its least likely genotypes are left out, within the bound.
MANY_ROWS: Final = 200_000
TOO_MANY_ROWS: Final = 4_000_000
ROUNDING: Final = 1e-9


def relaxed(imputer: Imputer, pairs: tuple[Pair, ...]) -> Part:
    """Genotypes of a person whom the imputer's table does not explain as a whole."""
    loci = imputer.table.loci
    typed = dict(zip(loci, pairs, strict=True))
    known = tuple(locus for locus in loci if _has(imputer, locus, typed[locus]))
    factors = [_listed(imputer, locus, typed[locus]) for locus in loci if locus not in known]
    if factors and known and (whole := _explained(imputer, known, typed)) is not None:
        factors.append(whole)
    else:
        blocks = (tuple(locus for locus in known if locus in block) for block in BLOCKS)
        factors += [part for block in blocks if block for part in _block(imputer, block, typed)]
    if any(part.basis is Basis.NONE for part in factors):
        return Part(relaxed=_loci(factors))
    return _product(factors, imputer.bound)


def _has(imputer: Imputer, locus: str, pair: Pair) -> bool:
    """Whether two alleles of the set fit a typing of one locus; a certain one may be of alleles that it lacks."""
    return imputer.part((locus,)).fits((pair,))


def _explained(imputer: Imputer, loci: tuple[str, ...], typed: dict[str, Pair]) -> Part | None:
    """Genotypes at some loci, in the slots of the whole; None where no two haplotypes explain them."""
    return imputer.part(loci).explained_one(tuple(typed[locus] for locus in loci))


def _block(imputer: Imputer, loci: tuple[str, ...], typed: dict[str, Pair]) -> list[Part]:
    """Independent factors of the genotypes at the loci of a block, each of which is explained by itself."""
    found = _explained(imputer, loci, typed)
    if found is not None:
        return [_weaker(found, Basis.BLOCKS)]
    alone = [(locus, _explained(imputer, (locus,), typed)) for locus in loci]
    return [_weaker(part, Basis.LOCI, (locus,)) for locus, part in alone if part is not None]


def _weaker(part: Part, basis: Basis, relaxed_loci: tuple[str, ...] = ()) -> Part:
    """An estimate on a weaker basis; none at all stays none."""
    return part if part.basis is Basis.NONE else replace(part, basis=basis, relaxed=relaxed_loci)


def _listed(imputer: Imputer, locus: str, pair: Pair) -> Part:
    """A locus at which no two alleles of the set fit: the genotypes that the typing leaves."""
    table = imputer.part((locus,)).table
    found = written_out(table, parse_pair(locus, *pair, table.resolver))
    if not found:
        return Part(relaxed=(locus,))
    rows = genotype_rows([[one] for one in found], table.slots)
    return Part(rows, np.array(list(found.values())), 0.0, Basis.LISTED, (locus,))


def _loci(factors: list[Part]) -> tuple[str, ...]:
    """All relaxed loci, in their usual order."""
    return tuple(locus for locus in SEARCH_LOCI if any(locus in part.relaxed for part in factors))


def _product(factors: list[Part], bound: float) -> Part:
    """Genotypes of independent parts; where they are very many the least likely are left out, within the bound."""
    step = bound / (4 * len(factors))  # the factors themselves lack at most 5/8 of it (Imputer.part)
    relaxed_loci = _loci(factors)
    rows, shares = factors[0].rows, factors[0].shares
    for part in factors[1:]:
        one, other = pairs_to_keep(shares, part.shares, step)
        if one is None or other is None:
            return Part(relaxed=relaxed_loci)
        rows, shares = rows[one] | part.rows[other], shares[one] * part.shares[other]
    lost = max(0.0, 1.0 - float(shares.sum()))
    if max(part.lost for part in factors) == 0.0 and lost < ROUNDING:
        lost = 0.0
    return Part(rows, shares, lost, max(part.basis for part in factors), relaxed_loci)


def pairs_to_keep(shares: Array, others: Array, step: float) -> tuple[Array | None, Array | None]:
    """Places in both lists of the pairs whose product is kept: all, or, of very many, the likeliest.

    What is left out has at most `step` of their share. None, None if even then there are too many.
    """
    if len(shares) * len(others) <= MANY_ROWS:
        return np.repeat(np.arange(len(shares)), len(others)), np.tile(np.arange(len(others)), len(shares))
    order, ranked = np.argsort(-shares, kind="stable"), np.argsort(-others, kind="stable")
    falling, sums = others[ranked], np.concatenate([[0.0], np.cumsum(others[ranked])])
    wanted = shares.sum() * others.sum() * (1.0 - step)
    threshold = float(shares[order[0]] * falling[0])
    while True:
        threshold /= 2.0
        counts = np.searchsorted(-falling, -threshold / shares[order], side="right")
        if counts.sum() > TOO_MANY_ROWS:
            return None, None
        kept = float((shares[order] * sums[counts]).sum())
        everything = counts.sum() == len(shares) * len(others)  # rounding may leave it below `wanted`
        if kept >= wanted or everything:
            break
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(order, counts), ranked[np.arange(counts.sum()) - starts]


def likeliest(rows: Array, shares: Array, step: float) -> tuple[Array, Array]:
    """The likeliest genotypes; what is left out has at most `step` of their share."""
    order = np.argsort(-shares, kind="stable")
    sums = np.cumsum(shares[order])
    kept = order[: int(np.searchsorted(sums, sums[-1] * (1.0 - step))) + 1]
    return rows[kept], shares[kept]
