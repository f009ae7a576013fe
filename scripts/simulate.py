"""People drawn from a haplotype set, and their typings as registries have them: for proofs and benchmarks.

What is reported depends only on what it leaves open: each allele behind a text would have given this text with the
same chance. (Lists: the allele and others of its family, any of them alike. XX: its family. Serology: its broadest
antigen, so that no allele is behind two.) So a correct prediction is calibrated, whichever typings are picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEROLOGY_PREFIX
from hla.prediction.fits import Pair
from hla.prediction.table import HaplotypeTable

Array = NDArray[Any]
Texts = tuple[Pair, ...]

UNTYPED: Pair = ("", "")
# Share of persons; loci left untyped; how the others are reported. The mix of real registries: 40 % two-field at five
# loci, 20 % lists or codes, 25 % only A, B, DRB1 (most of it XX or serology), 10 % without DQB1, 5 % XX throughout.
MIX: tuple[tuple[float, tuple[str, ...], str], ...] = (
    (0.40, (), "two-field"),
    (0.20, (), "lists"),
    (0.12, ("C", "DQB1"), "XX"),
    (0.08, ("C", "DQB1"), "serology"),
    (0.05, ("C", "DQB1"), "two-field"),
    (0.10, ("DQB1",), "two-field"),
    (0.05, (), "XX"),
)
ORDINARY: tuple[tuple[float, tuple[str, ...], str], ...] = (
    (0.45, (), "two-field"),
    (0.15, (), "XX"),
    (0.25, (), "lists"),
    (0.15, ("DQB1",), "two-field"),
)
HARDEST: tuple[tuple[float, tuple[str, ...], str], ...] = ((1.0, ("C", "DQB1"), "XX"),)
LONGEST_LIST = 8


@dataclass(frozen=True)
class Population:
    """Draws from one table."""

    table: HaplotypeTable

    def people(self, count: int, rng: np.random.Generator) -> Array:
        """Alleles of random persons: codes uint16 (count, loci, 2)."""
        drawn = rng.choice(len(self.table), (count, 2), p=self.table.frequencies)
        return np.stack([self.table.codes[drawn[:, 0]], self.table.codes[drawn[:, 1]]], axis=2)

    def states(self, people: Array) -> Array:
        """What they express: uint16 (count, loci, 2); of a null its partner."""
        found = np.stack(
            [self.table.states[place][people[:, place]] for place in range(len(self.table.loci))], axis=1
        )
        return np.where(found == 0, found[:, :, ::-1], found)

    def reported(self, people: Array, mix: Sequence[tuple], rng: np.random.Generator) -> list[Texts]:
        """Their typings by a mix (MIX), as Imputer.impute_pairs takes them."""
        kinds = rng.choice(len(mix), len(people), p=[share for share, _, _ in mix])
        return [
            self.typing(one, *mix[kind][1:], rng) for one, kind in zip(people.tolist(), kinds, strict=True)
        ]

    def typing(
        self, codes: list[list[int]], untyped: tuple[str, ...], sort: str, rng: np.random.Generator
    ) -> Texts:
        return tuple(
            UNTYPED if locus in untyped else self.pair(place, codes[place], sort, rng)
            for place, locus in enumerate(self.table.loci)
        )

    def pair(self, place: int, codes: list[int], sort: str, rng: np.random.Generator) -> Pair:
        texts = [
            self.listed(place, code, rng) if sort == "lists" else self.texts[sort][place][code]
            for code in codes
        ]
        return min(texts), max(texts)

    def listed(self, place: int, code: int, rng: np.random.Generator) -> str:
        """The allele among others of its family."""
        family = self.families[place][self.texts["XX"][place][code]]
        size = min(int(rng.integers(1, LONGEST_LIST + 1)), len(family))
        others = [other for other in family if other != code]
        chosen = [code, *rng.choice(others, size - 1, replace=False).tolist()] if size > 1 else [code]
        return "/".join(self.texts["two-field"][place][one] for one in sorted(chosen))

    @cached_property
    def texts(self) -> dict[str, list[list[str]]]:
        """By sort of typing, locus and allele."""
        names = [
            [allele.name.removesuffix("g") for allele in self.table.alleles[locus]]
            for locus in self.table.loci
        ]
        families = [[f"{name.partition(':')[0]}:XX" for name in row] for row in names]
        found = {"two-field": names, "XX": families}
        found["serology"] = [
            [antigen or family for antigen, family in zip(self.antigens(locus), row, strict=True)]
            for locus, row in zip(self.table.loci, families, strict=True)
        ]
        return found

    def antigens(self, locus: str) -> list[str]:
        """Broadest antigen of each allele, "" where none is known."""
        names = self.table.resolver.nomenclature
        groups = {one: names.serology(locus, one).p_groups for one in names.serology_names(locus)}
        found = []
        for allele in self.table.alleles[locus]:
            fitting = [one for one, members in groups.items() if allele.p_group in members]
            best = max(fitting, key=lambda one: (len(groups[one]), one), default="")
            found.append(best and SEROLOGY_PREFIX[locus] + best)
        return found

    @cached_property
    def families(self) -> list[dict[str, list[int]]]:
        """Alleles of each family, by locus."""
        found: list[dict[str, list[int]]] = []
        for row in self.texts["XX"]:
            families: dict[str, list[int]] = {}
            for code, family in enumerate(row):
                families.setdefault(family, []).append(code)
            found.append(families)
        return found


def family_codes(population: Population, people: Array, loci: Sequence[str] = ("A", "B", "DRB1")) -> Array:
    """Numbers of the first fields: (n, loci, 2)."""
    found = []
    for place in places_of(loci, population.table):
        _, numbers = np.unique(population.texts["XX"][place], return_inverse=True)
        found.append(numbers[people[:, place]])
    return np.stack(found, axis=1)


def broad_codes(population: Population, people: Array, loci: Sequence[str] = ("A", "B", "DRB1")) -> Array:
    """Numbers of what any typing of MIX tells: families that share an antigen, and their antigens: (n, loci, 2)."""
    found = []
    for place in places_of(loci, population.table):
        families, antigens = (population.texts[sort][place] for sort in ("XX", "serology"))
        group = {text: text for text in (*families, *antigens)}

        def root(text: str, group: dict[str, str] = group) -> str:
            while group[text] != text:
                text = group[text]
            return text

        for family, antigen in zip(families, antigens, strict=True):
            group[root(family)] = root(antigen)
        _, numbers = np.unique([root(family) for family in families], return_inverse=True)
        found.append(numbers[people[:, place]])
    return np.stack(found, axis=1)


def mismatches(patient: Array, units: Array) -> Array:
    """Mismatches at each locus of one person's states (loci, 2) with those of others (n, loci, 2): int64 (n, loci)."""
    direct = (patient[None, :, 0] == units[:, :, 0]).astype(np.int64) + (
        patient[None, :, 1] == units[:, :, 1]
    )
    cross = (patient[None, :, 0] == units[:, :, 1]).astype(np.int64) + (patient[None, :, 1] == units[:, :, 0])
    return 2 - np.maximum(direct, cross)


def places_of(loci: Sequence[str], table: HaplotypeTable) -> list[int]:
    return [table.loci.index(locus) for locus in loci]
