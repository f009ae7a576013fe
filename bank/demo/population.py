"""Han Chinese HLA for synthetic people: draws from the model of hla.frequencies.demo, and DPB1 apart."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Hashable, Mapping
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
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Haplotype:
    """Two-field names without locus prefix, by locus of LOCI."""

    alleles: dict[str, str]


class Draw(Generic[Key]):
    """Weighted draws of one table."""

    def __init__(self, weights: Mapping[Key, float]) -> None:
        self.items: list[Key] = list(weights)
        self.cumulative = list(accumulate(weights.values()))
        self._last = len(self.items) - 1

    def one(self, rng: random.Random) -> Key:
        """As rng.choices, which makes a list each time."""
        return self.items[bisect_right(self.cumulative, rng.random() * self.cumulative[-1], 0, self._last)]


_NAMED = Draw({alleles: share for share, alleles in NAMED})
_A = Draw(A_LEFT)
_BC = Draw(BC_LEFT)
_DR = Draw(DR_LEFT)
_DP = Draw(DPB1_ALLELES)


def haplotype(rng: random.Random) -> Haplotype:
    """One haplotype: a named one with its share, else a mosaic of blocks."""
    if rng.random() < NAMED_SHARE:
        a, c, b, dr, dq = _NAMED.one(rng)
    else:
        a = _A.one(rng)
        b, c = _BC.one(rng)
        dr, dq = _DR.one(rng)
    return Haplotype(dict(zip(LOCI, (a, c, b, dr, dq, _DP.one(rng)), strict=True)))


def genotype(rng: random.Random) -> dict[str, tuple[str, str]]:
    """Two haplotypes as pairs of two-field names with locus prefix, by locus."""
    one, other = haplotype(rng), haplotype(rng)
    return {locus: (f"{locus}*{one.alleles[locus]}", f"{locus}*{other.alleles[locus]}") for locus in LOCI}


def family(locus: str, first: str) -> list[str]:
    """Two-field names with this first field: those of our tables and the first numbers that the WHO has given."""
    taken = NOT_EXPRESSED.get(f"{locus}*{first}", ())
    numbers = {number for number in range(1, FIRST_NUMBERS + 1) if number not in taken}
    numbers |= {int(other.partition(":")[2]) for other in OWN_NAMES[locus] if other.startswith(f"{first}:")}
    return [f"{locus}*{first}:{number:02d}" for number in sorted(numbers)]


# Of every family of our tables the second fields 1 to 12 are names of expressed alleles, but for these: withdrawn,
# of null or questionable alleles, or not yet given (WHO Nomenclature Committee).
FIRST_NUMBERS = 12
NOT_EXPRESSED: dict[str, tuple[int, ...]] = {
    "A*01": (4, 5, 11), "A*03": (3, 11), "A*23": (7, 8, 11), "A*24": (1, 9, 11, 12), "A*26": (11,), "A*29": (8,),
    "A*30": (5,), "A*32": (11,), "A*33": (2,), "A*68": (11,),
    "B*07": (1,), "B*08": (6, 8), "B*13": (5, 7), "B*37": (3,), "B*44": (1,), "B*46": (7,), "B*50": (3,),
    "B*51": (11,), "B*54": (5, 8), "B*55": (6,), "B*58": (3, 10), "B*59": (10,), "B*67": (8, 9, 10, 11, 12),
    "B*81": (4,),
    "C*01": (1,), "C*03": (1, 12), "C*04": (2, 9), "C*05": (2, 7), "C*06": (1,), "C*12": (1,), "C*14": (1, 7),
    "C*15": (1,),
    "DRB1*07": (2, 10), "DRB1*16": (6,),
}  # fmt: skip
OWN_NAMES: dict[str, set[str]] = {
    "A": set(A_ALLELES),
    "B": {b for b, _ in BC_BLOCKS},
    "C": {c for _, c in BC_BLOCKS},
    "DRB1": {dr for dr, _ in DR_BLOCKS},
    "DQB1": {dq for _, dq in DR_BLOCKS},
    "DPB1": set(DPB1_ALLELES),
}
