"""Genotypes of persons with their shares, and what they rest on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.prediction.table import HaplotypeTable

Array = NDArray[Any]

WORDS: Final = 3  # of 64 bits in the row of a genotype
SLOTS: Final = 12  # states of 16 bits in it


class Basis(IntEnum):
    """What the genotypes of a person rest on; the larger, the weaker."""

    TYPING = 0  # one genotype is left; no frequency was needed
    SET = 1  # haplotypes of the set explain the typing
    BLOCKS = 2  # only A~C~B and DRB1~DQB1 taken by themselves do
    LOCI = 3  # only single loci do
    LISTED = 4  # at some locus not even its alleles do: the alleles of the typing count alike
    NONE = 5  # no estimate


@dataclass(frozen=True)
class Part:
    """Genotypes of one person."""

    rows: Array = field(default_factory=lambda: np.zeros((0, WORDS), dtype=np.uint64))
    shares: Array = field(default_factory=lambda: np.zeros(0))
    lost: float = 0.0
    basis: Basis = Basis.NONE
    relaxed: tuple[str, ...] = ()


def pairs_in(rows: Array) -> Array:
    """The pair of states at each slot of rows as one number: uint32 (g, 6)."""
    return np.ascontiguousarray(rows).view(np.uint32).reshape(len(rows), SLOTS // 2)


def genotype_rows(pairs: Sequence[Sequence[tuple[int, int]]], slots: Sequence[int] | Array) -> Array:
    """Rows of genotypes: each holds, in turn, the pair of states of one of these slots. uint64 (n, 3)."""
    rows = np.zeros((len(pairs), SLOTS), dtype=np.uint16)
    for at, slot in enumerate(slots):
        rows[:, 2 * slot : 2 * slot + 2] = [sorted(pair[at]) for pair in pairs]
    return rows.view(np.uint64)


def states_of(rows: Array) -> Array:
    """uint16 (g, 6, 2): the two states at each slot of genotypes, also of none; the last slot is not used."""
    return np.ascontiguousarray(rows).view(np.uint16).reshape(-1, SLOTS // 2, 2)


@dataclass(frozen=True)
class Imputed:
    """Genotypes of n persons.

    rows: uint64 (g, 3), words of the genotypes (kernels); shares: float64 (g,); person i has rows starts[i] to
    starts[i + 1], and their shares sum to 1 - lost[i]. lost: float64 (n,), share of the genotypes that were left out,
    0 where all are there; never above the bound asked for. basis: uint8 (n,), Basis. relaxed: per person the loci
    that the set explains only by themselves or not at all.
    """

    table: HaplotypeTable
    rows: Array
    shares: Array
    starts: Array
    lost: Array
    basis: Array
    relaxed: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.basis)

    @property
    def loci(self) -> tuple[str, ...]:
        return self.table.loci

    def states(self) -> Array:
        """uint16 (g, loci, 2): the two states of each genotype at each locus, the smaller first."""
        return states_of(self.rows)[:, self.table.slots]

    def of(self, person: int) -> tuple[Array, Array]:
        """Rows and shares of one person."""
        part = slice(int(self.starts[person]), int(self.starts[person + 1]))
        return self.rows[part], self.shares[part]

    def part(self, person: int) -> Part:
        """One person."""
        rows, shares = self.of(person)
        basis = Basis(int(self.basis[person]))
        return Part(rows, shares, float(self.lost[person]), basis, self.relaxed[person])

    def taken(self, persons: Sequence[int]) -> "Imputed":
        """These persons, in this order."""
        parts = [slice(int(self.starts[one]), int(self.starts[one + 1])) for one in persons]
        starts = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([part.stop - part.start for part in parts], out=starts[1:])
        at = np.asarray(persons, dtype=np.int64)
        return Imputed(
            self.table,
            np.concatenate([self.rows[part] for part in parts]) if parts else self.rows[:0],
            np.concatenate([self.shares[part] for part in parts]) if parts else self.shares[:0],
            starts,
            self.lost[at],
            self.basis[at],
            tuple(self.relaxed[one] for one in persons),
        )


def joined(table: HaplotypeTable, parts: Iterable[Part]) -> Imputed:
    """The genotypes of several persons."""
    found = list(parts)
    starts = np.zeros(len(found) + 1, dtype=np.int64)
    np.cumsum([len(one.shares) for one in found], out=starts[1:])
    return Imputed(
        table,
        np.concatenate([one.rows for one in found]) if found else np.zeros((0, WORDS), dtype=np.uint64),
        np.concatenate([one.shares for one in found]) if found else np.zeros(0),
        starts,
        np.array([one.lost for one in found], dtype=np.float64),
        np.array([one.basis for one in found], dtype=np.uint8),
        tuple(one.relaxed for one in found),
    )
