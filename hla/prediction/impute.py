"""What a person's genotypes probably are, given a typing and the haplotypes of a population.

A genotype is a pair of haplotypes that explains the typing at every locus, in either order; likelihood 2·f1·f2, or f²
of a haplotype with itself (domain notes 6.1). Genotypes alike but for their phase are put together. What no pair of
haplotypes explains is relaxed step by step (relax.py), and says so.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
Answer = tuple[Array, Array, Array, Array, Array]

LOST_AT_MOST: Final = 1e-3  # of a person's probability, where a typing is too open to write all of it out
EXACT_PAIRS: Final = 400_000  # pairs of haplotypes up to which everything is written out
WORTH_A_THREAD: Final = 16  # persons
MAX_KEPT: Final = 200_000  # texts of a locus whose fit is kept


UNTYPED: Final = ("", "")


def _texts(typing: Typing, loci: Sequence[str]) -> tuple[Pair, ...]:
    """The two canonical texts of each locus."""
    found = [typing.loci.get(locus) for locus in loci]
    return tuple([(one.first, one.second) if one else UNTYPED for one in found])


@dataclass
class Imputer:
    """Imputes with one table; remembers how its alleles fit each text of a locus."""

    table: HaplotypeTable
    bound: float = LOST_AT_MOST
    exact_pairs: int = EXACT_PAIRS
    threads: int | None = None
    _fits: dict[tuple[str, str, str], LocusFit] = field(default_factory=dict, repr=False)
    _parts: dict[tuple[str, ...], "Imputer"] = field(default_factory=dict, repr=False)

    def impute(self, typings: Sequence[Typing]) -> Imputed:
        """Genotypes of each typing. Raises TypingError for one that the nomenclature cannot read."""
        return self.impute_pairs([_texts(one, self.table.loci) for one in typings])

    def impute_pairs(self, people: Sequence[tuple[Pair, ...]]) -> Imputed:
        """As `impute`, of the two canonical texts of each of the table's loci. Equal ones are imputed once."""
        distinct = list(dict.fromkeys(people))
        parts = {
            one: part or relaxed(self, one)
            for part, one in zip(self.explained(distinct), distinct, strict=True)
        }
        return joined(self.table, [parts[one] for one in people])

    def explained(self, people: Sequence[tuple[Pair, ...]], *, by_set: bool = False) -> list[Part | None]:
        """Genotypes of each person by the haplotypes of the table, None where no two of them explain the typing.

        Where too many do, nothing can be said: Basis.NONE. A typing that leaves one genotype explains itself, unless
        `by_set`.
        """
        fits = [
            [self.fit(locus, pair) for locus, pair in zip(self.table.loci, one, strict=True)]
            for one in people
        ]
        found: list[Part | None] = [None if by_set else self._certain(one) for one in fits]
        rest = [at for at, part in enumerate(found) if part is None]
        for chosen, answer in self._answers(fits, rest):
            rows, shares, starts, masses, lost = answer
            begins, missing = starts.tolist(), lost.tolist()
            for place in np.flatnonzero(masses > 0).tolist():
                part = slice(begins[place], begins[place + 1])
                found[chosen[place]] = Part(rows[part], shares[part], missing[place], Basis.SET)
            for place in np.flatnonzero(masses == kernels.TOO_OPEN).tolist():
                found[chosen[place]] = Part()
        return found

    def part(self, loci: tuple[str, ...]) -> "Imputer":
        """The same with fewer loci, and less to be left out since five such may be put together; kept."""
        if loci not in self._parts:
            self._parts[loci] = Imputer(self.table.only(loci), self.bound / 8, self.exact_pairs, self.threads)
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

    def _answers(self, fits: list[list[LocusFit]], rest: list[int]) -> list[tuple[list[int], Answer]]:
        """The kernel's answers for the persons at these places, each of some; its loops let go of Python's lock."""
        threads = min(self.threads or os.cpu_count() or 1, len(rest) // WORTH_A_THREAD)
        if threads < 2:
            return [(rest, self._haplotype_pairs([fits[at] for at in rest]))]
        portions = [rest[first::threads] for first in range(threads)]
        self.table.postings  # noqa: B018 - once, before the threads
        with ThreadPoolExecutor(threads) as pool:
            answers = pool.map(self._haplotype_pairs, [[fits[at] for at in portion] for portion in portions])
            return list(zip(portions, answers, strict=True))

    def _haplotype_pairs(self, people: list[list[LocusFit]]) -> Answer:
        """The kernel's answer for persons given by how the alleles fit them."""
        table, laid = self.table, Layout.of(people, self.table)
        starts, found = table.postings
        answer: Answer = kernels.impute_all(
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
