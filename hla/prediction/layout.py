"""Typings by the numbers of their texts, and how the alleles of a table fit each text, as the kernel wants it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.prediction.fits import LocusFit, Pair, locus_fit
from hla.prediction.table import HaplotypeTable

Array = NDArray[Any]

MAX_KEPT: Final = 100_000  # texts of a locus whose fit is kept
FIRST_ROOM: Final = 256  # texts of a locus; doubled when it is full


@dataclass
class Layout:
    """All texts known so far, with room for more; what stands there never changes.

    bits: uint8, the bits of all texts one after another, those of a locus from starts[locus], where there is room for
    `room` texts. list_starts: int64 (loci, room), where the pairs of a genotype list begin in `lists`, -1 for other
    texts. sure: bool (loci, room), texts that leave one genotype. fits: per locus the same text by text.
    """

    starts: Array
    bits: Array
    list_starts: Array
    lists: Array
    sure: Array
    fits: tuple[list[LocusFit], ...]
    room: int

    @classmethod
    def of(cls, known: Sequence[list[LocusFit]], sizes: Sequence[int], room: int) -> "Layout":
        starts = np.cumsum([0, *(room * size for size in sizes[:-1])], dtype=np.int64)
        found = cls(
            starts,
            np.zeros(room * sum(sizes), dtype=np.uint8),
            np.full((len(sizes), room), -1, dtype=np.int64),
            np.zeros(0, dtype=np.bool_),
            np.zeros((len(sizes), room), dtype=np.bool_),
            tuple([] for _ in sizes),
            room,
        )
        for place, fits in enumerate(known):
            for fit in fits:
                found.add(place, fit)
        return found

    def add(self, place: int, fit: LocusFit) -> None:
        """One more text of the locus at `place`; there must be room."""
        number, size = len(self.fits[place]), len(fit.bits)
        at = int(self.starts[place]) + number * size
        self.bits[at : at + size] = fit.bits
        self.sure[place, number] = fit.certain is not None
        if fit.pairs is not None:
            self.list_starts[place, number] = len(self.lists)
            self.lists = np.concatenate([self.lists, fit.pairs.ravel()])
        self.fits[place].append(fit)

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
        self._layout = Layout.of([[] for _ in self.table.loci], self.table.sizes.tolist(), FIRST_ROOM)

    def __len__(self) -> int:
        return max(map(len, self._numbers))

    def read(self, people: Sequence[tuple[Pair, ...]]) -> tuple[Array, Layout]:
        """Number of each person's text at each locus, int64 (n, loci), and what they mean. Raises TypingError."""
        with self._lock:
            try:
                found = self._looked_up(people)
            except KeyError:
                self._meet(people)
                found = self._looked_up(people)
            return found, replace(self._layout)

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
                    number = len(self._numbers[place])
                    if number == self._layout.room:
                        sizes = self.table.sizes.tolist()
                        self._layout = Layout.of(self._layout.fits, sizes, 2 * number)
                    self._layout.add(place, fit)
                    self._numbers[place][pair] = number
