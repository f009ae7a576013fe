"""Demonstration set of Han Chinese haplotypes: a small table of our own from published figures, and its model.

Published (percent): three haplotypes and the leading alleles of each locus from the Zhejiang cord blood bank
(1,734 units, NGS), one haplotype from 663 Beijing families (doi 10.46701/BG.2021012021109); see domain notes,
matching 7.2. Everything marked ASSUMED is ours: haplotypes known to be common in Han whose frequencies we do
not have, the usual partners within a block, and the rarer alleles that fill a locus to 100 %.

The model: a haplotype is a named one with its share, or a mosaic of A, a B~C block and a DRB1~DQB1 block, drawn
apart from what the named ones leave of the table's frequencies. So the two strong linkages are there, weaker
ones only in the named haplotypes. The people of the demonstration bank are drawn from the same model. Good enough
to try the program without loaded frequencies; not for estimating match rates, and not for patients.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, TypeVar

from hla.frequencies.sets import HaplotypeSet, Row
from hla.loci import SEARCH_LOCI

NAME: Final = "demo (synthetic)"
POPULATION: Final = "HAN"

# A, C, B, DRB1, DQB1 without locus prefix; percent of haplotypes.
PUBLISHED_HAPLOTYPES: Final[tuple[tuple[float, str], ...]] = (
    (4.02, "33:03 03:02 58:01 03:01 02:01"),  # Zhejiang
    (3.11, "30:01 06:02 13:02 07:01 02:02"),  # Zhejiang
    (3.05, "02:07 01:02 46:01 09:01 03:03"),  # Zhejiang
    (1.01, "11:01 01:02 46:01 09:01 03:03"),  # Beijing
)
ASSUMED_HAPLOTYPES: Final[tuple[tuple[float, str], ...]] = (
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
A_ALLELES: Final[Mapping[str, float]] = {
    "11:01": 25.81, "24:02": 16.70, "02:01": 10.61,
    "02:07": 8.6, "33:03": 8.2, "30:01": 4.9, "02:06": 5.0, "02:03": 3.4, "31:01": 3.1, "26:01": 2.7,
    "01:01": 2.6, "03:01": 2.3, "11:02": 1.6, "32:01": 1.4, "29:01": 1.0, "68:01": 0.7, "24:03": 0.4,
    "24:20": 0.4, "23:01": 0.2, "02:10": 0.4,
}  # fmt: skip
# Percent of B~C blocks. B*40:01 15.97, 46:01 11.48, 58:01 7.96; C*07:02 19.03, 01:02 17.65, 03:04 10.41 are
# published; the partners and the rest ASSUMED.
BC_BLOCKS: Final[Mapping[tuple[str, str], float]] = {
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
DR_BLOCKS: Final[Mapping[tuple[str, str], float]] = {
    ("09:01", "03:03"): 17.96, ("12:02", "03:01"): 9.57, ("08:03", "06:01"): 9.54,
    ("15:01", "06:02"): 6.8, ("15:01", "06:01"): 2.4, ("11:01", "03:01"): 6.6, ("07:01", "02:02"): 7.6,
    ("07:01", "03:03"): 0.9, ("03:01", "02:01"): 5.6, ("04:05", "04:01"): 4.4, ("12:01", "03:01"): 3.5,
    ("16:02", "05:02"): 3.1, ("14:54", "05:02"): 2.2, ("14:05", "05:03"): 1.4, ("13:02", "06:09"): 1.7,
    ("13:02", "06:04"): 1.4, ("15:02", "06:01"): 1.6, ("15:02", "05:01"): 1.1, ("04:06", "03:02"): 2.5,
    ("04:03", "03:02"): 1.7, ("01:01", "05:01"): 1.8, ("10:01", "05:01"): 1.6, ("13:12", "03:01"): 0.8,
    ("04:04", "03:02"): 0.8, ("13:01", "06:03"): 1.0, ("14:01", "05:03"): 0.5, ("04:01", "03:01"): 0.6,
    ("08:02", "04:02"): 0.4, ("11:04", "03:01"): 0.3, ("04:10", "04:02"): 0.3, ("14:03", "03:01"): 0.2,
}  # fmt: skip
LEAST_PERCENT: Final = 0.05  # what the named haplotypes use up still occurs elsewhere

Key = TypeVar("Key", str, tuple[str, str])

# Percent, and A, C, B, DRB1, DQB1.
NAMED: Final[tuple[tuple[float, tuple[str, ...]], ...]] = tuple(
    (share, tuple(text.split())) for share, text in (*PUBLISHED_HAPLOTYPES, *ASSUMED_HAPLOTYPES)
)
NAMED_SHARE: Final = sum(share for share, _ in NAMED) / 100


def _left(table: Mapping[Key, float], key_of: Callable[[tuple[str, ...]], Key]) -> dict[Key, float]:
    """What the named haplotypes leave of each entry; `key_of` finds the entry that a haplotype uses."""
    used: dict[Key, float] = {}
    for share, alleles in NAMED:
        key = key_of(alleles)
        used[key] = used.get(key, 0) + share
    return {key: max(percent - used.get(key, 0), LEAST_PERCENT) for key, percent in table.items()}


# Weights of the parts of a mosaic.
A_LEFT: Final = _left(A_ALLELES, lambda alleles: alleles[0])
BC_LEFT: Final = _left(BC_BLOCKS, lambda alleles: (alleles[2], alleles[1]))
DR_LEFT: Final = _left(DR_BLOCKS, lambda alleles: (alleles[3], alleles[4]))


@cache
def demo_set() -> HaplotypeSet:
    """The distribution that the model has, whole."""
    return HaplotypeSet.of(_rows(), name=NAME, population=POPULATION, loci=SEARCH_LOCI)


def _rows() -> list[Row]:
    rows = [(_named(a, b, c, dr, dq), share / 100) for share, (a, c, b, dr, dq) in NAMED]
    whole = sum(A_LEFT.values()) * sum(BC_LEFT.values()) * sum(DR_LEFT.values())
    left = (1 - NAMED_SHARE) / whole
    for a, of_a in A_LEFT.items():
        for (b, c), of_bc in BC_LEFT.items():
            for (dr, dq), of_dr in DR_LEFT.items():
                rows.append((_named(a, b, c, dr, dq), left * of_a * of_bc * of_dr))
    return rows


def _named(*fields: str) -> tuple[str, ...]:
    return tuple([f"{locus}*{name}" for locus, name in zip(SEARCH_LOCI, fields, strict=True)])
