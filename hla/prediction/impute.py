"""What a person's genotypes probably are, given a typing and the haplotypes of a population.

A genotype is a pair of haplotypes that explains the typing at every locus, in either order; likelihood 2·f1·f2, or f²
of a haplotype with itself (domain notes 6.1). Genotypes alike but for their phase are put together. What no pair of
haplotypes explains is relaxed step by step (relax.py), and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.prediction import kernels
from hla.prediction.fits import LocusFit, Pair, locus_fit
from hla.prediction.imputed import Basis, Imputed, Part, genotype_rows, joined
from hla.prediction.relax import relaxed
from hla.prediction.table import HaplotypeTable
from hla.typing import Typing

Array = NDArray[Any]

LOST_AT_MOST: Final = 1e-3  # of a person's probability, where a typing is too open to write all of it out
EXACT_PAIRS: Final = 400_000  # pairs of haplotypes up to which everything is written out
MAX_KEPT: Final = 200_000  # texts of a locus whose fit is kept


@dataclass
class Imputer:
    """Imputes with one table; remembers how its alleles fit each text of a locus."""

    table: HaplotypeTable
    bound: float = LOST_AT_MOST
    exact_pairs: int = EXACT_PAIRS
    _fits: dict[tuple[str, str, str], LocusFit] = field(default_factory=dict, repr=False)
    _parts: dict[tuple[str, ...], "Imputer"] = field(default_factory=dict, repr=False)

    def impute(self, typings: Sequence[Typing]) -> Imputed:
        """Genotypes of each typing. Raises TypingError for one that the nomenclature cannot read."""
        loci = self.table.loci
        return self.impute_pairs(
            [tuple((one.locus(locus).first, one.locus(locus).second) for locus in loci) for one in typings]
        )

    def impute_pairs(self, people: Sequence[tuple[Pair, ...]]) -> Imputed:
        """As `impute`, of the two canonical texts of each of the table's loci. Equal ones are imputed once."""
        distinct = list(dict.fromkeys(people))
        parts = [
            part or relaxed(self, one) for part, one in zip(self.explained(distinct), distinct, strict=True)
        ]
        found = joined(self.table, parts)
        if len(distinct) == len(people):
            return found
        places = {one: at for at, one in enumerate(distinct)}
        return found.taken([places[one] for one in people])

    def explained(self, people: Sequence[tuple[Pair, ...]], *, by_set: bool = False) -> list[Part | None]:
        """Genotypes of each person by the haplotypes of the table, None where no two of them explain the typing.

        A typing that leaves one genotype explains itself, unless `by_set`.
        """
        fits = [
            [self.fit(locus, pair) for locus, pair in zip(self.table.loci, one, strict=True)]
            for one in people
        ]
        found: list[Part | None] = [None if by_set else self._certain(one) for one in fits]
        rest = [at for at, part in enumerate(found) if part is None]
        rows, shares, starts, masses, lost = self._haplotype_pairs([fits[at] for at in rest])
        for place, at in enumerate(rest):
            if masses[place] > 0:
                part = slice(starts[place], starts[place + 1])
                found[at] = Part(rows[part], shares[part], float(lost[place]), Basis.SET)
        return found

    def part(self, loci: tuple[str, ...]) -> "Imputer":
        """The same with fewer loci, and less to be left out since five such may be put together; kept."""
        if loci not in self._parts:
            self._parts[loci] = Imputer(self.table.only(loci), self.bound / 8, self.exact_pairs)
        return self._parts[loci]

    def fit(self, locus: str, pair: Pair) -> LocusFit:
        """How the alleles of the table fit a typing of a locus; kept."""
        key = (locus, *pair)
        found = self._fits.get(key)
        if found is None:
            if len(self._fits) >= MAX_KEPT:
                self._fits.clear()
            found = self._fits[key] = locus_fit(self.table, locus, *pair)
        return found

    def _certain(self, fits: list[LocusFit]) -> Part | None:
        """The one genotype that the typing itself leaves."""
        pairs = [fit.certain for fit in fits if fit.certain is not None]
        if len(pairs) < len(fits):
            return None
        return Part(genotype_rows([pairs], self.table.slots), np.ones(1), 0.0, Basis.TYPING)

    def _haplotype_pairs(self, people: list[list[LocusFit]]) -> tuple[Array, Array, Array, Array, Array]:
        """The kernel's answer for persons given by how the alleles fit them."""
        table, laid = self.table, Layout.of(people, self.table)
        starts, found = table.postings
        answer: tuple[Array, Array, Array, Array, Array] = kernels.impute_all(
            table.codes,
            table.frequencies,
            starts,
            found,
            table.sizes,
            table.states,
            table.slots,
            laid.fit_starts,
            laid.fits,
            laid.list_starts,
            laid.lists,
            laid.typings,
            self.bound,
            self.exact_pairs,
        )
        return answer


@dataclass(frozen=True)
class Layout:
    """Typings as the kernel wants them.

    typings: int64 (n, loci), row of each person's typing at each locus. fits: uint8, the bits of all rows one after
    another, those of a locus from fit_starts[locus]. list_starts: int64 (loci, most rows), where the pairs of a
    genotype list begin in `lists`, -1 for other typings.
    """

    typings: Array
    fit_starts: Array
    fits: Array
    list_starts: Array
    lists: Array

    @classmethod
    def of(cls, people: list[list[LocusFit]], table: HaplotypeTable) -> "Layout":
        rows: list[dict[int, int]] = [{} for _ in table.loci]
        distinct: list[list[LocusFit]] = [[] for _ in table.loci]
        typings = np.empty((len(people), len(table.loci)), dtype=np.int64)
        for at, fits in enumerate(people):
            for locus, fit in enumerate(fits):
                known = rows[locus].setdefault(id(fit), len(distinct[locus]))
                if known == len(distinct[locus]):
                    distinct[locus].append(fit)
                typings[at, locus] = known
        list_starts = np.full((len(rows), max(map(len, distinct), default=0) or 1), -1, dtype=np.int64)
        lists: list[Array] = []
        size = 0
        for locus, fits in enumerate(distinct):
            for row, fit in enumerate(fits):
                if fit.pairs is not None:
                    list_starts[locus, row] = size
                    lists.append(fit.pairs.ravel())
                    size += fit.pairs.size
        lengths = [sum(len(fit.bits) for fit in fits) for fits in distinct]
        flat = [fit.bits for fits in distinct for fit in fits]
        return cls(
            typings,
            np.cumsum([0, *lengths[:-1]], dtype=np.int64),
            np.concatenate(flat) if flat else np.zeros(0, dtype=np.uint8),
            list_starts,
            np.concatenate(lists) if lists else np.zeros(0, dtype=np.bool_),
        )
