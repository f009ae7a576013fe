"""Han Chinese HLA for synthetic people: a small table of our own from published figures, and draws from it.

Published (percent): three haplotypes and the leading alleles of each locus from the Zhejiang cord blood bank
(1,734 units, NGS), one haplotype from 663 Beijing families (doi 10.46701/BG.2021012021109); see domain notes,
matching 7.2. Everything marked ASSUMED is ours: haplotypes known to be common in Han whose frequencies we do
not have, the usual partners within a block, and the rarer alleles that fill a locus to 100 %.

The model: a haplotype is a named one with its share, or a mosaic of A, a B~C block and a DRB1~DQB1 block,
drawn apart from what the named ones leave of the table's frequencies. So the two strong linkages are there,
weaker ones only in the named haplotypes. Good enough to fill pages and to exercise a search; not for
estimating match rates.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

# Of the people drawn here, as units and patients carry it: known for most, as in a bank's records (ASSUMED).
CODE, CODE_KNOWN = "HAN", 0.9
# A, C, B, DRB1, DQB1 without locus prefix; percent of haplotypes.
PUBLISHED_HAPLOTYPES: tuple[tuple[float, str], ...] = (
    (4.02, "33:03 03:02 58:01 03:01 02:01"),  # Zhejiang
    (3.11, "30:01 06:02 13:02 07:01 02:02"),  # Zhejiang
    (3.05, "02:07 01:02 46:01 09:01 03:03"),  # Zhejiang
    (1.01, "11:01 01:02 46:01 09:01 03:03"),  # Beijing
)
ASSUMED_HAPLOTYPES: tuple[tuple[float, str], ...] = (
    (0.9, "33:03 03:02 58:01 13:02 06:09"),
    (0.9, "11:01 08:01 15:02 12:02 03:01"),
    (0.7, "11:01 07:02 40:01 09:01 03:03"),
    (0.7, "11:01 07:02 40:01 08:03 06:01"),
    (0.7, "02:07 01:02 46:01 08:03 06:01"),
    (0.6, "24:02 07:02 40:01 09:01 03:03"),
    (0.6, "11:01 03:04 13:01 15:01 06:01"),
    (0.5, "11:01 03:04 13:01 12:02 03:01"),
    (0.5, "02:01 07:02 40:01 11:01 03:01"),
    (0.5, "24:02 01:02 54:01 04:05 04:01"),
    (0.5, "01:01 06:02 37:01 10:01 05:01"),
    (0.4, "01:01 06:02 57:01 07:01 03:03"),
    (0.4, "29:01 15:05 07:05 10:01 05:01"),
    (0.5, "02:03 07:02 38:02 16:02 05:02"),
    (0.4, "11:01 07:02 38:02 15:02 05:01"),
    (0.5, "24:02 12:02 52:01 15:02 06:01"),
)
# Percent of A. The first three are published, the rest ASSUMED.
A_ALLELES: dict[str, float] = {
    "11:01": 25.81, "24:02": 16.70, "02:01": 10.61,
    "02:07": 8.6, "33:03": 8.2, "30:01": 4.9, "02:06": 5.0, "02:03": 3.4, "31:01": 3.1, "26:01": 2.7,
    "01:01": 2.6, "03:01": 2.3, "11:02": 1.6, "32:01": 1.4, "29:01": 1.0, "68:01": 0.7, "24:03": 0.4,
    "24:20": 0.4, "23:01": 0.2, "02:10": 0.4,
}  # fmt: skip
# Percent of B~C blocks. B*40:01 15.97, 46:01 11.48, 58:01 7.96; C*07:02 19.03, 01:02 17.65, 03:04 10.41 are
# published; the partners and the rest ASSUMED.
BC_BLOCKS: dict[tuple[str, str], float] = {
    ("40:01", "07:02"): 11.2, ("40:01", "03:04"): 3.4, ("40:01", "15:02"): 1.4,
    ("46:01", "01:02"): 11.48, ("58:01", "03:02"): 7.96,
    ("13:02", "06:02"): 5.9, ("13:01", "03:04"): 5.2, ("15:02", "08:01"): 4.4, ("51:01", "14:02"): 4.2,
    ("51:01", "15:02"): 1.3, ("54:01", "01:02"): 3.6, ("35:01", "03:03"): 3.3, ("38:02", "07:02"): 3.3,
    ("15:01", "04:01"): 1.7, ("15:01", "03:03"): 1.8, ("40:06", "08:01"): 2.7, ("40:02", "03:04"): 1.8,
    ("48:01", "08:01"): 2.3, ("55:02", "01:02"): 1.9, ("55:02", "12:03"): 0.4, ("39:01", "07:02"): 1.8,
    ("52:01", "12:02"): 2.7, ("07:02", "07:02"): 1.9, ("44:03", "14:03"): 0.8, ("44:03", "07:01"): 1.2,
    ("44:02", "05:01"): 0.5, ("15:11", "03:03"): 1.6, ("15:18", "08:01"): 1.1, ("27:04", "12:02"): 1.3,
    ("37:01", "06:02"): 1.2, ("57:01", "06:02"): 1.2, ("50:01", "06:02"): 0.5, ("67:01", "07:02"): 0.6,
    ("56:01", "01:02"): 0.5, ("07:05", "15:05"): 0.7, ("15:27", "04:01"): 0.5, ("15:25", "04:03"): 0.4,
    ("35:05", "04:01"): 0.3, ("51:02", "15:02"): 0.8, ("08:01", "07:02"): 0.4, ("18:01", "07:04"): 0.3,
    ("59:01", "01:02"): 0.2, ("45:01", "06:02"): 0.1, ("81:01", "08:01"): 0.1,
}  # fmt: skip
# Percent of DRB1~DQB1 blocks. DRB1*09:01 17.96, 12:02 9.57, 08:03 9.54; DQB1*03:01 21.05, 03:03 19.15,
# 06:01 12.08 are published; the partners and the rest ASSUMED.
DR_BLOCKS: dict[tuple[str, str], float] = {
    ("09:01", "03:03"): 17.96, ("12:02", "03:01"): 9.57, ("08:03", "06:01"): 9.54,
    ("15:01", "06:02"): 6.8, ("15:01", "06:01"): 2.4, ("11:01", "03:01"): 6.6, ("07:01", "02:02"): 7.6,
    ("07:01", "03:03"): 0.9, ("03:01", "02:01"): 5.6, ("04:05", "04:01"): 4.4, ("12:01", "03:01"): 3.5,
    ("16:02", "05:02"): 3.1, ("14:54", "05:02"): 2.2, ("14:05", "05:03"): 1.4, ("13:02", "06:09"): 1.7,
    ("13:02", "06:04"): 1.4, ("15:02", "06:01"): 1.6, ("15:02", "05:01"): 1.1, ("04:06", "03:02"): 2.5,
    ("04:03", "03:02"): 1.7, ("01:01", "05:01"): 1.8, ("10:01", "05:01"): 1.6, ("13:12", "03:01"): 0.8,
    ("04:04", "03:02"): 0.8, ("13:01", "06:03"): 1.0, ("14:01", "05:03"): 0.5, ("04:01", "03:01"): 0.6,
    ("08:02", "04:02"): 0.4, ("11:04", "03:01"): 0.3, ("04:10", "04:02"): 0.3, ("14:03", "03:01"): 0.2,
}  # fmt: skip
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


_NAMED: list[tuple[float, tuple[str, ...]]] = [
    (share, tuple(text.split())) for share, text in (*PUBLISHED_HAPLOTYPES, *ASSUMED_HAPLOTYPES)
]
_NAMED_SHARE = sum(share for share, _ in _NAMED) / 100
_NAMED_CUMULATIVE = list(accumulate(share for share, _ in _NAMED))
LEAST_PERCENT = 0.05  # what the named haplotypes use up still occurs elsewhere


def _left(table: Mapping[Key, float], key_of: Callable[[tuple[str, ...]], Key]) -> dict[Key, float]:
    """What the named haplotypes leave of each entry; `key_of` finds the entry that a haplotype uses."""
    used: dict[Key, float] = {}
    for share, alleles in _NAMED:
        key = key_of(alleles)
        used[key] = used.get(key, 0) + share
    return {key: max(percent - used.get(key, 0), LEAST_PERCENT) for key, percent in table.items()}


_A = Draw(_left(A_ALLELES, lambda alleles: alleles[0]))
_BC = Draw(_left(BC_BLOCKS, lambda alleles: (alleles[2], alleles[1])))
_DR = Draw(_left(DR_BLOCKS, lambda alleles: (alleles[3], alleles[4])))
_DP = Draw(DPB1_ALLELES)


def haplotype(rng: random.Random) -> Haplotype:
    """One haplotype: a named one with its share, else a mosaic of blocks."""
    if rng.random() < _NAMED_SHARE:
        _share, (a, c, b, dr, dq) = rng.choices(_NAMED, cum_weights=_NAMED_CUMULATIVE)[0]
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
