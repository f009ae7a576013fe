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
from hla.prediction.fits import LocusFit, Pair
from hla.prediction.imputed import Basis, Imputed, Part, genotype_rows, joined
from hla.prediction.layout import KnownFits, Layout
from hla.prediction.relax import relaxed
from hla.prediction.table import HaplotypeTable
from hla.typing import Typing

Array = NDArray[Any]
Answer = tuple[Array, Array, Array, Array, Array]

LOST_AT_MOST: Final = 1e-3  # of a person's probability, where a typing is too open to write all of it out
EXACT_PAIRS: Final = 400_000  # pairs of haplotypes up to which everything is written out
WORTH_A_THREAD: Final = 16  # persons
MOSTLY_DISTINCT: Final = (
    0.9  # share of distinct typings from which putting the equal ones together saves nothing
)
# Answers about one person at some loci, and no more than so many genotypes in them: 64 MB.
ONES_KEPT: Final = 50_000
ROWS_KEPT: Final = 1_000_000
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
    _parts: dict[tuple[str, ...], "Imputer"] = field(default_factory=dict, repr=False)
    _known: KnownFits = field(init=False, repr=False)
    _ones: dict[tuple[Pair, ...], Part | None] = field(default_factory=dict, repr=False)
    _fitting: dict[tuple[Pair, ...], bool] = field(default_factory=dict, repr=False)
    _rows: int = 0  # genotypes that are kept in _ones

    def __post_init__(self) -> None:
        self._known = KnownFits(self.table)

    def impute(self, typings: Sequence[Typing]) -> Imputed:
        """Genotypes of each typing. Raises TypingError for one that the nomenclature cannot read."""
        return self.impute_pairs([_texts(one, self.table.loci) for one in typings])

    def impute_pairs(self, people: Sequence[tuple[Pair, ...]]) -> Imputed:
        """As `impute`, of the two canonical texts of each of the table's loci. Of many equal ones one is imputed."""
        distinct = list(dict.fromkeys(people))
        if len(distinct) > MOSTLY_DISTINCT * len(people) and (whole := self._all_by_set(people)) is not None:
            return whole
        parts = {
            one: part or relaxed(self, one)
            for part, one in zip(self.explained(distinct), distinct, strict=True)
        }
        return joined(self.table, [parts[one] for one in people])

    def _all_by_set(self, people: Sequence[tuple[Pair, ...]]) -> Imputed | None:
        """The kernel's answer as it is, where it explains everybody and one thread is enough: the usual case."""
        if len(people) >= 2 * WORTH_A_THREAD and self._threads() > 1:
            return None
        typings, laid = self._known.read(people)
        if laid.everywhere_sure(typings).any():
            return None
        rows, shares, starts, masses, lost = self._haplotype_pairs(typings, laid)
        if not (masses > 0).all():
            return None
        basis = np.full(len(people), Basis.SET, dtype=np.uint8)
        return Imputed(self.table, rows, shares, starts, lost, basis, ((),) * len(people))

    def explained(self, people: Sequence[tuple[Pair, ...]], *, by_set: bool = False) -> list[Part | None]:
        """Genotypes of each person by the haplotypes of the table, None where no two of them explain the typing.

        Where too many do, nothing can be said: Basis.NONE. A typing that leaves one genotype explains itself, unless
        `by_set`.
        """
        typings, laid = self._known.read(people)
        found: list[Part | None] = [None] * len(people)
        sure = laid.everywhere_sure(typings) & (not by_set)
        for at in np.flatnonzero(sure).tolist():
            fits = zip(laid.fits, typings[at].tolist(), strict=True)
            found[at] = self._certain([of_locus[number] for of_locus, number in fits])
        for chosen, answer in self._answers(typings, np.flatnonzero(~sure), laid):
            rows, shares, starts, masses, lost = answer
            begins, missing, places = starts.tolist(), lost.tolist(), chosen.tolist()
            for place in np.flatnonzero(masses > 0).tolist():
                part = slice(begins[place], begins[place + 1])
                found[places[place]] = Part(rows[part], shares[part], missing[place], Basis.SET)
            for place in np.flatnonzero(masses == kernels.TOO_OPEN).tolist():
                found[places[place]] = Part()
        return found

    def explained_one(self, pairs: tuple[Pair, ...]) -> Part | None:
        """As `explained`, of one person; kept, since people who differ elsewhere are alike at some loci."""
        kept = self._ones
        if pairs in kept:
            return kept[pairs]
        found = self.explained([pairs])[0]
        rows = 0 if found is None else len(found.shares)
        if len(self._ones) >= ONES_KEPT or self._rows + rows > ROWS_KEPT:
            self._ones, self._rows = {}, 0  # not cleared: another thread may be reading it
        self._ones[pairs] = found
        self._rows += rows
        return found

    def fits(self, pairs: tuple[Pair, ...]) -> bool:
        """Whether two haplotypes of the table explain a typing, which may also be certain by itself; kept."""
        known = self._fitting.get(pairs)
        if known is None:
            known = self.explained([pairs], by_set=True)[0] is not None
            if len(self._fitting) >= ONES_KEPT:
                self._fitting = {}
            self._fitting[pairs] = known
        return known

    def part(self, loci: tuple[str, ...]) -> "Imputer":
        """The same with fewer loci, and less to be left out since five such may be put together; kept."""
        if loci not in self._parts:
            self._parts[loci] = Imputer(self.table.only(loci), self.bound / 8, self.exact_pairs, self.threads)
        return self._parts[loci]

    def _certain(self, fits: list[LocusFit]) -> Part:
        """The one genotype that the typing itself leaves."""
        pairs = [fit.certain for fit in fits if fit.certain is not None]
        return Part(genotype_rows([pairs], self.table.slots), np.ones(1), 0.0, Basis.TYPING)

    def _threads(self) -> int:
        return self.threads or os.cpu_count() or 1

    def _answers(self, typings: Array, rest: Array, laid: Layout) -> list[tuple[Array, Answer]]:
        """The kernel's answers for the persons at these places, each of some; its loops let go of Python's lock."""
        threads = min(self._threads(), len(rest) // WORTH_A_THREAD)
        if threads < 2:
            return [(rest, self._haplotype_pairs(typings[rest], laid))]
        portions = [rest[first::threads] for first in range(threads)]
        self.table.postings  # noqa: B018 - once, before the threads
        with ThreadPoolExecutor(threads) as pool:
            answers = pool.map(lambda portion: self._haplotype_pairs(typings[portion], laid), portions)
            return list(zip(portions, answers, strict=True))

    def _haplotype_pairs(self, typings: Array, laid: Layout) -> Answer:
        """The kernel's answer for persons given by the numbers of their texts."""
        table = self.table
        starts, found = table.postings
        answer: Answer = kernels.impute_all(
            table.codes,
            table.frequencies,
            starts,
            found,
            table.sizes,
            table.states,
            table.slots,
            laid.starts,
            laid.bits,
            laid.list_starts,
            laid.lists,
            np.ascontiguousarray(typings),
            self.bound,
            self.exact_pairs,
        )
        return answer
