"""Loci that the kernel reads, and what serology calls their antigens."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

LOCI: Final = ("A", "B", "C", "DRB1", "DRB3", "DRB4", "DRB5", "DQA1", "DQB1", "DPA1", "DPB1")
SEARCH_LOCI: Final = ("A", "B", "C", "DRB1", "DQB1")

# Loci whose gene is missing on some haplotypes, so that NNNN ("no gene") is a finding there.
ABSENT_LOCI: Final = frozenset({"DRB3", "DRB4", "DRB5"})

# Prefix of serological names, as rel_ser_ser.txt writes it.
SEROLOGY_PREFIX: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A": "A",
        "B": "B",
        "C": "Cw",
        "DRB1": "DR",
        "DRB3": "DR",
        "DRB4": "DR",
        "DRB5": "DR",
        "DQA1": "DQA",
        "DQB1": "DQ",
        "DPA1": "DPA",
        "DPB1": "DPw",
    }
)

# Spellings that people and older systems use for a locus.
LOCUS_ALIASES: Final[Mapping[str, str]] = MappingProxyType({"CW": "C"})


@lru_cache(maxsize=256)
def locus_of(name: str) -> str | None:
    """Locus that `name` stands for ("A", "HLA-A", "Cw", any case), or None."""
    bare = name.strip().upper().removeprefix("HLA").lstrip("-_ ")
    bare = LOCUS_ALIASES.get(bare, bare)
    return bare if bare in LOCI else None
