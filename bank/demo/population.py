"""Han Chinese HLA for synthetic people: draws from the model of hla.frequencies.demo, and DPB1 apart."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from hla.frequencies.demo import A_ALLELES, A_LEFT, BC_BLOCKS, BC_LEFT, DR_BLOCKS, DR_LEFT, NAMED, NAMED_SHARE

# Of the people drawn here, as units and patients carry it: known for most, as in a bank's records (ASSUMED).
CODE, CODE_KNOWN = "HAN", 0.9
# Percent of DPB1, ASSUMED (common in East Asia); drawn apart from the rest.
DPB1_ALLELES: dict[str, float] = {
    "05:01": 40, "02:01": 19, "04:01": 8, "13:01": 6, "02:02": 5, "03:01": 5, "17:01": 3, "14:01": 3,
    "04:02": 3, "09:01": 2, "19:01": 2, "135:01": 2, "107:01": 1, "01:01": 1,
}  # fmt: skip

LOCI = ("A", "C", "B", "DRB1", "DQB1", "DPB1")
Key = TypeVar("Key", str, tuple[str, str])


@dataclass(frozen=True)
class Haplotype:
    """Two-field names without locus prefix, by locus of LOCI."""

    alleles: dict[str, str]


class Draw(Generic[Key]):
    """Weighted draws of one table."""

    def __init__(self, weights: Mapping[Key, float]) -> None:
        self.items: list[Key] = list(weights)
        self.cumulative = list(accumulate(weights.values()))

    def one(self, rng: random.Random) -> Key:
        return rng.choices(self.items, cum_weights=self.cumulative)[0]


_CUMULATIVE = list(accumulate(share for share, _ in NAMED))
_A = Draw(A_LEFT)
_BC = Draw(BC_LEFT)
_DR = Draw(DR_LEFT)
_DP = Draw(DPB1_ALLELES)


def haplotype(rng: random.Random) -> Haplotype:
    """One haplotype: a named one with its share, else a mosaic of blocks."""
    if rng.random() < NAMED_SHARE:
        _share, (a, c, b, dr, dq) = rng.choices(NAMED, cum_weights=_CUMULATIVE)[0]
    else:
        a = _A.one(rng)
        b, c = _BC.one(rng)
        dr, dq = _DR.one(rng)
    return Haplotype(dict(zip(LOCI, (a, c, b, dr, dq, _DP.one(rng)), strict=True)))


def genotype(rng: random.Random) -> dict[str, tuple[str, str]]:
    """Two haplotypes as pairs of two-field names with locus prefix, by locus."""
    one, other = haplotype(rng), haplotype(rng)
    return {locus: (f"{locus}*{one.alleles[locus]}", f"{locus}*{other.alleles[locus]}") for locus in LOCI}


def family(locus: str, name: str) -> list[str]:
    """Two-field names of this locus in our tables that share the first field, `name` among them."""
    first = name.rpartition("*")[2].split(":")[0] + ":"
    return sorted(f"{locus}*{other}" for other in _KNOWN[locus] if other.startswith(first))


_KNOWN: dict[str, set[str]] = {
    "A": set(A_ALLELES),
    "B": {b for b, _ in BC_BLOCKS},
    "C": {c for _, c in BC_BLOCKS},
    "DRB1": {dr for dr, _ in DR_BLOCKS},
    "DQB1": {dq for _, dq in DR_BLOCKS},
    "DPB1": set(DPB1_ALLELES),
}
