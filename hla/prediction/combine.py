"""Probability of 0, 1, 2, … mismatches between a patient and many units, whose genotypes are independent of each other.

Trying all pairs of genotypes costs their product. Instead, sub-genotypes are counted (docs/adr/0014). Let the alleles
of a genotype be told apart by locus and, of a homozygous one, by copy: then the matches of two genotypes at a locus
are the size of an intersection, and those of L loci its size s over 2L alleles. Two genotypes share C(s, 2L - d)
sub-genotypes that leave out d alleles. With N(d), the share of pairs × sub-genotypes of the unit's genotype that leave
out d alleles and that the patient's genotype holds,

    N(d) = Σ P(m) · C(2L - m, d - m)   over m = 0 … d mismatches,

so that P(0), P(1), … follow one after another. N(d) needs one look into a table per sub-genotype of the unit's: 1 for
P(0), 11 for P(1), 56 for P(2) at five loci, however many genotypes the patient has; and those with an allele that the
patient cannot have are none of them looked up. All genotypes of the units that share their class II part share the
looks for it, which leaves 22 places for each (factored_kernels.py).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from math import comb
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.prediction import combine_kernels
from hla.prediction.factored import ClassIndex, Parts, mismatch_shares
from hla.prediction.imputed import Imputed, states_of
from hla.prediction.states import StateSpace

Array = NDArray[Any]
Answer = TypeVar("Answer")

CLASS_LOCI: Final[Mapping[int, tuple[str, ...]]] = {
    6: ("A", "B", "DRB1"),
    8: ("A", "B", "C", "DRB1"),
    10: ("A", "B", "C", "DRB1", "DQB1"),
}
UPTO: Final = 2  # mismatches that are told apart unless more are asked for
ALONE_BELOW: Final = 20_000  # genotypes that are not worth another thread
BINOMIALS: Final = np.array([[comb(n, k) for k in range(11)] for n in range(11)], dtype=np.float64)


@dataclass(frozen=True)
class Predictions:
    """Match probabilities of n units with one patient.

    classes: 6, 8, 10 -> float64 (n, upto + 1), P(0), P(1), … mismatches among so many positions; a class is there
    where both sides have all its loci. loci: locus -> float64 (n, 3), P(0), P(1), P(2) mismatches. lost: float64 (n,),
    the most by which a probability may be too low because unlikely genotypes were left out. unknown: bool (n,), units
    (or all, if it is the patient) of which nothing can be said; their probabilities are NaN.
    """

    classes: Mapping[int, Array]
    loci: Mapping[str, Array]
    lost: Array
    unknown: Array


@dataclass(frozen=True)
class Patient:
    """The genotypes of a patient, numbered for comparison.

    space: what the numbers of states mean; units must share it. local: int32 (5, states), the patient's own number of
    a state at each slot, 0 for one that he cannot have. counts: int64 (5,), how many he can have. radices: int64
    (5,), weight of a locus in the key of a sub-genotype.
    """

    rows: Array
    shares: Array
    loci: tuple[str, ...]
    lost: float
    space: StateSpace
    local: Array
    counts: Array
    radices: Array
    _indexes: dict[tuple[tuple[str, ...], int], ClassIndex] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def of(cls, imputed: Imputed, person: int = 0) -> "Patient":
        """One of the persons of `imputed`. Raises ValueError where he may have more alleles than a key can hold."""
        rows, shares = imputed.of(person)
        states = states_of(rows)
        space = imputed.table.space
        local = np.zeros((len(SEARCH_LOCI), max(space.size(locus) for locus in SEARCH_LOCI)), dtype=np.int32)
        counts = np.zeros(len(SEARCH_LOCI), dtype=np.int64)
        for slot in imputed.table.slots:
            own = np.setdiff1d(states[:, slot], [0])
            local[slot, own] = np.arange(1, len(own) + 1)
            counts[slot] = len(own)
        lost = float(imputed.lost[person])
        return cls(rows, shares, imputed.loci, lost, space, local, counts, radices(counts))

    def index(self, loci: tuple[str, ...], upto: int) -> ClassIndex:
        """His sub-genotypes at these loci that leave out at most `upto` alleles; kept."""
        key = (loci, upto)
        if key not in self._indexes:
            slots = np.array([SEARCH_LOCI.index(locus) for locus in loci], dtype=np.int64)
            self._indexes[key] = ClassIndex.of(
                self.rows, self.shares, slots, self.local, self.radices, self.counts, upto
            )
        return self._indexes[key]

    def seen(self, units: Imputed) -> Array:
        """`local` for all states of the units: some may have come later. Raises ValueError for other numbers."""
        if units.table.space is not self.space:
            raise ValueError("Patient and units were imputed by different reference data: impute both anew.")
        size = max(self.space.size(locus) for locus in SEARCH_LOCI)
        lacking = max(0, size - self.local.shape[1])
        return np.pad(self.local, ((0, 0), (0, lacking)))


def radices(counts: Array) -> Array:
    """Weight of each slot in its word of a key. Raises ValueError above 62 bits (1,800 alleles at each of A, B, C)."""
    sizes = [1 + 2 * int(count) + int(count) * (int(count) + 1) // 2 for count in counts]
    found = [1, sizes[0], sizes[0] * sizes[1], 1, sizes[3]]
    if max(found[2] * sizes[2], found[4] * sizes[4]) >= 1 << 62:
        raise ValueError("Too many alleles to compare.")
    return np.array(found, dtype=np.int64)


def predict(patient: Patient, units: Imputed, *, upto: int = UPTO, threads: int | None = None) -> Predictions:
    """Probabilities of each unit. upto: the most mismatches told apart, 0 to 10; above 2 it costs much more."""
    shared = [locus for locus in SEARCH_LOCI if locus in patient.loci and locus in units.loci]
    classes = {size: loci for size, loci in CLASS_LOCI.items() if set(loci) <= set(shared)}
    tiles = split(units, threads or os.cpu_count() or 1)
    local = patient.seen(units)
    indexes = {size: patient.index(loci, min(upto, size)) for size, loci in classes.items()}
    found = _class_shares(patient, units, tiles, local, indexes)
    slots = np.array([SEARCH_LOCI.index(locus) for locus in shared], dtype=np.int64)
    table_starts, table = locus_tables(patient)
    by_locus = np.concatenate(
        in_threads(
            lambda starts: combine_kernels.locus_shares(
                units.rows, units.shares, starts, slots, local, table_starts, patient.counts, table
            ),
            tiles,
        )
    )
    unknown = (np.diff(units.starts) == 0) | (len(patient.rows) == 0)
    lost = units.lost + patient.lost
    at_loci = {locus: three(by_locus[:, at], units, patient) for at, locus in enumerate(shared)}
    for values in (*found.values(), *at_loci.values()):
        values[unknown] = np.nan
    return Predictions(found, at_loci, np.where(unknown, np.nan, lost), unknown)


def _class_shares(
    patient: Patient, units: Imputed, tiles: Sequence[Array], local: Array, indexes: Mapping[int, ClassIndex]
) -> dict[int, Array]:
    """P(0), …, P(upto) of each class that has an index."""
    if not indexes:
        return {}
    widest = max(index.upto for index in indexes.values())
    least = indexes[min(indexes)].slots

    def held(starts: Array) -> list[Array]:
        parts = Parts.of(units.rows, units.shares, starts, least, local, widest)
        return [
            index.holding_shares(parts, local, patient.radices, patient.counts) for index in indexes.values()
        ]

    by_tile = in_threads(held, tiles)
    return {
        size: mismatch_shares(np.concatenate([tile[at] for tile in by_tile]), size, BINOMIALS)
        for at, size in enumerate(indexes)
    }


def class_probabilities(patient: Patient, units: Imputed, size: int, upto: int = UPTO) -> Array:
    """P(0), …, P(upto) of one class (6, 8 or 10), whose loci both sides have: float64 (n, upto + 1)."""
    local = patient.seen(units)
    index = patient.index(CLASS_LOCI[size], upto)
    return _class_shares(patient, units, split(units, os.cpu_count() or 1), local, {size: index})[size]


def three(matched: Array, units: Imputed, patient: Patient) -> Array:
    """P(0), P(1), P(2) mismatches from P(2), P(1) matches; of what was left out nothing is known."""
    kept = (1.0 - units.lost) * (1.0 - patient.lost)
    rest = np.maximum(kept - matched.sum(axis=1), 0.0)
    return np.column_stack([matched, rest])


def locus_tables(patient: Patient) -> tuple[Array, Array]:
    """P(2) and P(1) matches of the patient with each pair of his alleles, by slot one after another: (sum, 2)."""
    states = states_of(patient.rows)
    tables: list[Array] = []
    starts = np.zeros(len(SEARCH_LOCI), dtype=np.int64)
    for slot in range(len(SEARCH_LOCI)):
        starts[slot] = sum(len(table) for table in tables)
        tables.append(
            locus_table(patient.local[slot][states[:, slot]], patient.shares, int(patient.counts[slot]))
        )
    return starts, np.concatenate(tables)


def locus_table(pairs: Array, shares: Array, count: int) -> Array:
    """P(2) and P(1) matches with each pair low, high (0: another allele) of `count` alleles: ((count + 1)², 2)."""
    size = count + 1
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    both = np.bincount(low * size + high, weights=shares, minlength=size * size).reshape(size, size)
    both[0] = 0.0
    once = np.zeros(size)
    np.add.at(once, low, shares)
    np.add.at(once, high[high != low], shares[high != low])
    once[0] = 0.0
    twice = np.diag(both).copy()
    alleles = once[:, None] + once[None, :]
    np.fill_diagonal(alleles, once + twice)
    two = np.triu(both)
    one = np.triu(alleles) - 2 * two
    return np.stack([two, np.maximum(one, 0.0)], axis=2).reshape(-1, 2)


def split(units: Imputed, threads: int) -> list[Array]:
    """Persons in stretches of about as many genotypes, each as the starts of its rows and the end of the last."""
    people, rows = len(units.starts) - 1, len(units.rows)
    if threads < 2 or rows < ALONE_BELOW:
        return [units.starts]
    wanted = [rows * part // threads for part in range(1, threads)]
    cuts = [0, *np.searchsorted(units.starts, wanted).tolist(), people]
    return [units.starts[begin : end + 1] for begin, end in pairwise(cuts) if end > begin]


def in_threads(work: Callable[[Array], Answer], tiles: Sequence[Array]) -> list[Answer]:
    """`work` of each tile; the loops let go of Python's lock."""
    if len(tiles) == 1:
        return [work(tiles[0])]
    with ThreadPoolExecutor(len(tiles)) as pool:
        return list(pool.map(work, tiles))
