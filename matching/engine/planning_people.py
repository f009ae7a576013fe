"""Patients and units that are made up from a haplotype frequency set: the population that a bank plans for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from hla.errors import TypingError
from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from hla.typing import parse_pair
from matching.engine.columns import UNKNOWN, UNTYPED, Pair, UnitRow

Array = NDArray[Any]

REQUIRED: Final = ("A", "B", "DRB1")
LEAST_READABLE: Final = (
    0.5  # of the set by frequency; a simulation of the rest would be of another population
)


class CannotPlan(ValueError):
    """The frequency set or the inventory does not allow a simulation; `code` is stable, `params` fill its text."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(f"{code} {params}")
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Population:
    """The haplotypes of a set that the nomenclature can read.

    loci: of SEARCH_LOCI that the set has. names: per locus the alleles. codes: uint16 (h, loci). upto: float64 (h,),
    sums of their frequencies, the last is 1. unread: names that cannot be read; unread_share: frequency of the
    haplotypes with such a name, which nobody here has.
    """

    loci: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    codes: NDArray[np.uint16]
    upto: NDArray[np.float64]
    unread: tuple[str, ...]
    unread_share: float

    @classmethod
    def of(cls, found: HaplotypeSet, resolver: Resolver) -> Population:
        """Raises CannotPlan for a set without A, B or DRB1, or one that the nomenclature mostly cannot read."""
        missing = [locus for locus in REQUIRED if locus not in found.loci]
        if missing:
            raise CannotPlan("set_lacks_loci", loci=", ".join(missing))
        unread = {
            locus: [not _readable(locus, name, resolver) for name in found.alleles[locus]]
            for locus in found.loci
        }
        bad = np.zeros(len(found), dtype=np.bool_)
        for column, locus in enumerate(found.loci):
            bad |= np.array(unread[locus])[found.codes[:, column]]
        share = float(found.frequencies[bad].sum())
        if share > 1 - LEAST_READABLE:
            raise CannotPlan("set_unreadable", percent=f"{share * 100:.0f}")
        upto = np.cumsum(found.frequencies[~bad])
        return cls(
            loci=found.loci,
            names=found.alleles,
            codes=found.codes[~bad],
            upto=upto / upto[-1],
            unread=tuple(
                name
                for locus in found.loci
                for name, is_bad in zip(found.alleles[locus], unread[locus], strict=True)
                if is_bad
            ),
            unread_share=share,
        )

    def __len__(self) -> int:
        return len(self.codes)

    def drawn(self, rng: np.random.Generator, *shape: int) -> NDArray[np.int64]:
        """Haplotypes by their frequencies, any shape; the first rows are the same however many are drawn."""
        found = np.searchsorted(self.upto, rng.random(shape), side="right")
        return np.minimum(found, len(self) - 1)

    def genotypes(self, haplotypes: Array) -> NDArray[np.uint16]:
        """uint16 (n, loci, 2) of pairs (n, 2); at each locus the smaller number first."""
        found: NDArray[np.uint16] = np.sort(self.codes[haplotypes].transpose(0, 2, 1), axis=2)
        return found

    def pair(self, place: int, first: int, second: int) -> Pair:
        """The two names at a locus, given by its place."""
        names = self.names[self.loci[place]]
        return names[first], names[second]

    def pairs(self, genotype: Sequence[Sequence[int]]) -> dict[str, Pair]:
        """The names of a genotype, (loci, 2) as `genotypes` gives it, by locus."""
        return {locus: self.pair(place, *genotype[place]) for place, locus in enumerate(self.loci)}

    def units(self, haplotypes: Array, cells_e4: Sequence[int]) -> list[UnitRow]:
        """Units of these pairs of haplotypes (n, 2), typed at every locus of the set, with these cells, all listed."""
        made = []
        for number, genotype in enumerate(self.genotypes(haplotypes).tolist()):
            pairs = self.pairs(genotype)
            typing = tuple(pairs.get(locus, UNTYPED) for locus in SEARCH_LOCI)
            cells = int(cells_e4[number])
            made.append(UnitRow(UUID(int=number).bytes, typing, cells, UNKNOWN, UNKNOWN, "LISTED", "", ""))
        return made


def _readable(locus: str, name: str, resolver: Resolver) -> bool:
    try:
        parse_pair(locus, name, name, resolver)
    except TypingError:
        return False
    return True
