"""Kernel and twin on the same persons: how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass, field

from hla.frequencies.sets import HaplotypeSet
from hla.prediction.combine import Patient, predict
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Imputed
from hla.prediction.table import HaplotypeTable
from hla.prediction.whole import whole_distribution
from hla.typing import Typing
from tests.hla.prediction.twin import Shares, Twin
from tests.hla.prediction.twin import predict as twin_predict
from tests.hla.prediction.world import Haplotype


def made_set(loci: tuple[str, ...], haplotypes: list[Haplotype], name: str = "small") -> HaplotypeSet:
    return HaplotypeSet.of(haplotypes, name=name, population="", loci=loci)


def shares_of(imputed: Imputed, person: int = 0) -> Shares:
    """Genotypes of a person as the twin writes them."""
    rows = slice(imputed.starts[person], imputed.starts[person + 1])
    space = imputed.table.space
    found = {}
    for states, share in zip(imputed.states()[rows].tolist(), imputed.shares[rows].tolist(), strict=True):
        pairs = [
            sorted(
                (space.keys(locus)[code] if code else None for code in pair),
                key=lambda one: (str(type(one)), str(one)),
            )
            for locus, pair in zip(imputed.loci, states, strict=True)
        ]
        genotype = tuple((pair[0], pair[1]) for pair in pairs)
        assert genotype not in found
        found[genotype] = share
    return found


@dataclass
class Deviation:
    """Largest differences over all pairs compared."""

    pairs: int = 0
    shares: float = 0.0
    classes: float = 0.0
    loci: float = 0.0
    wrong: list[str] = field(default_factory=list)
    unknown: int = 0
    too_many: int = 0  # pairs left out because the twin would take too long
    most: int = 100_000
    genotypes: int = 0  # pairs of genotypes that the twin wrote out

    @property
    def largest(self) -> float:
        return max(self.shares, self.classes, self.loci)

    def add(self, other: Deviation) -> None:
        self.pairs += other.pairs
        self.unknown += other.unknown
        self.too_many += other.too_many
        self.genotypes += other.genotypes
        self.wrong += other.wrong
        self.shares = max(self.shares, other.shares)
        self.classes = max(self.classes, other.classes)
        self.loci = max(self.loci, other.loci)

    def person(self, twin: Twin, typing: Typing, imputed: Imputed, number: int) -> Shares:
        """Genotypes by the twin, compared with those of the kernel."""
        shares, basis = twin.impute(typing)
        ours = shares_of(imputed, number)
        if shares.keys() != ours.keys() or Basis(imputed.basis[number]).name != basis:
            self.wrong.append(
                f"{typing.gl()} {basis} {Basis(imputed.basis[number]).name} {len(shares)} {len(ours)}"
            )
            return shares
        self.shares = max([self.shares, *(abs(shares[one] - ours[one]) for one in shares)])
        return shares

    def pair(
        self,
        loci: tuple[str, ...],
        mine: Shares,
        theirs: Shares,
        patient: Imputed,
        units: Imputed,
        number: int,
    ) -> None:
        """Probabilities by the twin against those of the kernel, of a patient (the only one) and a unit."""
        self.pairs += 1
        found = predict(Patient.of(patient), units.taken([number]), upto=10)
        if not mine or not theirs:
            self.unknown += 1
            if not found.unknown[0]:
                self.wrong.append("a probability of nothing")
            return
        if len(mine) * len(theirs) > self.most:
            self.too_many += 1
            return
        self.genotypes += len(mine) * len(theirs)
        expected = twin_predict(mine, theirs, loci)
        if expected.classes.keys() != found.classes.keys() or expected.loci.keys() != found.loci.keys():
            self.wrong.append(f"{loci}: {list(found.classes)} {list(found.loci)}")
            return
        compared_one_by_one = whole_distribution(Patient.of(patient), units, number)
        assert compared_one_by_one is not None
        for size, shares in expected.classes.items():
            for ours in (found.classes[size][0], compared_one_by_one.classes[size]):
                differences = [abs(one - share) for one, share in zip(ours.tolist(), shares, strict=True)]
                self.classes = max(self.classes, *differences)
        for locus, three in expected.loci.items():
            ours = found.loci[locus][0].tolist()
            self.loci = max([self.loci, *(abs(one - share) for one, share in zip(ours, three, strict=True))])


def compare(
    twin: Twin,
    patient: Typing,
    units: list[Typing],
    imputer: Imputer | None = None,
    *,
    most: int = Deviation.most,
) -> Deviation:
    """A patient with each of some units. most: pairs of genotypes that the twin writes out; others are left out."""
    found = Deviation(most=most)
    if imputer is None:
        table = HaplotypeTable.of(
            made_set(twin.loci, list(twin.haplotypes)),
            twin.resolver,
            nulls=twin.nulls,  # type: ignore[arg-type]
        )
        imputer = Imputer(table)
    ours, theirs = imputer.impute([patient]), imputer.impute(units)
    mine = found.person(twin, patient, ours, 0)
    for number, unit in enumerate(units):
        shares = found.person(twin, unit, theirs, number)
        found.pair(twin.loci, mine, shares, ours, theirs, number)
    return found
