"""Typings by the numbers of their texts, and how the alleles of a table fit each text, as the kernel wants it."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.prediction.fits import LocusFit, Pair, locus_fit
from hla.prediction.table import HaplotypeTable

Array = NDArray[Any]

MAX_KEPT: Final = 200_000  # texts of a locus whose fit is kept


@dataclass(frozen=True)
class Layout:
    """All texts known so far; never changed.

    bits: uint8, the bits of all texts one after another, those of a locus from starts[locus]. list_starts: int64
    (loci, most texts), where the pairs of a genotype list begin in `lists`, -1 for other texts. sure: per locus
    bool (texts,), those that leave one genotype. fits: per locus the same text by text.
    """

    starts: Array
    bits: Array
    list_starts: Array
    lists: Array
    sure: tuple[Array, ...]
    fits: tuple[list[LocusFit], ...]

    @classmethod
    def of(cls, known: Sequence[list[LocusFit]]) -> "Layout":
        list_starts = np.full((len(known), max(1, *map(len, known))), -1, dtype=np.int64)
        lists: list[Array] = []
        size = 0
        for place, fits in enumerate(known):
            for number, fit in enumerate(fits):
                if fit.pairs is not None:
                    list_starts[place, number] = size
                    lists.append(fit.pairs.ravel())
                    size += fit.pairs.size
        lengths = [sum(len(fit.bits) for fit in fits) for fits in known]
        return cls(
            np.cumsum([0, *lengths[:-1]], dtype=np.int64),
            np.concatenate([np.zeros(0, np.uint8), *(fit.bits for fits in known for fit in fits)]),
            list_starts,
            np.concatenate([np.zeros(0, np.bool_), *lists]),
            tuple(np.array([fit.certain is not None for fit in fits], dtype=np.bool_) for fits in known),
            tuple(known),
        )

    def everywhere_sure(self, typings: Array) -> Array:
        """Who has one genotype by the typing itself: bool (n,). typings: int64 (n, loci), numbers of the texts."""
        found = np.ones(len(typings), dtype=np.bool_)
        for sure, column in zip(self.sure, typings.T, strict=True):
            found &= sure[column]
        return found


class KnownFits:
    """Numbers the texts of each locus as they are met, and remembers how the alleles of the table fit them.

    Several threads may ask at once: numbers are good for the layout that came with them.
    """

    def __init__(self, table: HaplotypeTable) -> None:
        self.table = table
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._numbers: list[dict[Pair, int]] = [{} for _ in self.table.loci]
        self._fits: list[list[LocusFit]] = [[] for _ in self.table.loci]
        self._layout: Layout | None = None

    def __len__(self) -> int:
        return max(map(len, self._fits))

    def read(self, people: Sequence[tuple[Pair, ...]]) -> tuple[Array, Layout]:
        """Number of each person's text at each locus, int64 (n, loci), and what they mean. Raises TypingError."""
        with self._lock:
            try:
                found = self._looked_up(people)
            except KeyError:
                self._meet(people)
                found = self._looked_up(people)
            if self._layout is None:
                self._layout = Layout.of(self._fits)
            return found, self._layout

    def _looked_up(self, people: Sequence[tuple[Pair, ...]]) -> Array:
        columns = zip(*people, strict=True) if people else [()] * len(self._numbers)
        known = zip(self._numbers, columns, strict=True)
        return np.array([list(map(numbers.__getitem__, texts)) for numbers, texts in known], dtype=np.int64).T

    def _meet(self, people: Sequence[tuple[Pair, ...]]) -> None:
        """Number the texts that are new; begin anew when there are too many."""
        if len(self) + len(people) > MAX_KEPT:
            self._forget()
        for one in people:
            for place, (locus, pair) in enumerate(zip(self.table.loci, one, strict=True)):
                if pair not in self._numbers[place]:
                    fit = locus_fit(self.table, locus, *pair)
                    self._layout = None
                    self._fits[place].append(fit)
                    self._numbers[place][pair] = len(self._fits[place]) - 1
