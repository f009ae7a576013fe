"""Heavily ambiguous pairs of real sets, by the kernel and by its twin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from hla.frequencies.files import read_set
from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEROLOGY_PREFIX
from hla.prediction.impute import Imputer
from hla.prediction.table import HaplotypeTable
from hla.resolve import Resolver
from hla.typing import LocusTyping, Typing, parse_pair, untyped
from scripts.validate_hla import RealData
from tests.hla.prediction.compared import Deviation, compare
from tests.hla.prediction.twin import Twin

FILES = {"CAU": "CAU.freqs.gz", "API": "hfx/HEGL_API.hfx-metadata.json"}
PAIRS = 500  # half of each set
UNITS = 5  # of a patient
FEWEST, MOST = 150, 2_500  # genotypes of a person; the twin writes out their products
REPORTED = 0.2  # share of the persons that are taken from the WMDA's file as they were reported


@dataclass
class Population:
    """Persons drawn from a real set, reported as openly as registries have them."""

    data: RealData
    name: str
    nulls: str = "absent"

    @cached_property
    def haplotypes(self) -> HaplotypeSet:
        path = self.data.folder / "frequencies" / FILES[self.name]
        return read_set(path, name=self.name, population=self.name, ignore_checksum=True)[0]

    @cached_property
    def imputer(self) -> Imputer:
        table = HaplotypeTable.of(self.haplotypes, self.data.resolver, nulls=self.nulls)  # type: ignore[arg-type]
        return Imputer(table)

    @cached_property
    def twin(self) -> Twin:
        found = self.haplotypes
        rows = [(found.names(place), float(found.frequencies[place])) for place in range(len(found))]
        return Twin(found.loci, rows, self.data.resolver, self.nulls)

    @cached_property
    def reported(self) -> list[Typing]:
        """The WMDA's patients as they were reported: families, codes, untyped loci."""
        return [reading.typing for reading in self.data.patients.values() if not reading.errors]

    def people(self, chance: random.Random) -> Iterator[Typing]:
        """Heavily ambiguous ones, without end."""
        while True:
            typing = (
                chance.choice(self.reported)
                if self.name == "CAU" and chance.random() < REPORTED
                else self.drawn(chance)
            )
            count = len(self.imputer.impute([typing]).shares)
            if FEWEST <= count <= MOST:
                yield typing

    def drawn(self, chance: random.Random) -> Typing:
        found = self.haplotypes
        one, other = (
            found.names(place) for place in chance.choices(range(len(found)), found.frequencies.tolist(), k=2)
        )
        return Typing.of(
            self.locus(locus, first, second, chance)
            for locus, first, second in zip(found.loci, one, other, strict=True)
        )

    def locus(self, locus: str, first: str, second: str, chance: random.Random) -> LocusTyping:
        resolver = self.data.resolver
        if chance.random() < (0.35 if locus in ("C", "DQB1") else 0.05):
            return untyped(locus)
        pair = [self.degraded(name, chance) for name in chance.sample([first, second], 2)]
        if chance.random() < 0.1:
            pair[1] = ""
        if chance.random() < 0.1:
            other = chance.choice(self.haplotypes.alleles[locus])
            pair = [f"{pair[0]}|{self.degraded(other, chance)}", f"{pair[1]}|{self.degraded(first, chance)}"]
        return parse_pair(locus, pair[0], pair[1], resolver)

    def degraded(self, name: str, chance: random.Random) -> str:
        """An allele of the set as a list, a family, an antigen, or, now and then, itself."""
        locus, _, fields = name.partition("*")
        family = f"{locus}*{fields.split(':')[0]}:"
        sort = chance.choices(("name", "list", "family", "antigen"), (1, 4, 4, 2))[0]
        if sort == "antigen" and (found := antigen(name, self.data.resolver)):
            return found
        if sort == "list":
            alike = [one for one in self.haplotypes.alleles[locus] if one.startswith(family) and one != name]
            return "/".join([name, *chance.sample(alike, min(len(alike), chance.randint(1, 8)))])
        return f"{family}XX" if sort in ("family", "antigen") else name


@lru_cache(maxsize=10_000)
def antigen(name: str, resolver: Resolver) -> str:
    """Serological name of an allele, "" if it may have several or none."""
    value = resolver.position(name.partition("*")[0], name)
    (found,) = value.antigens if len(value.antigens) == 1 else [frozenset[str]()]
    return f"{SEROLOGY_PREFIX[value.locus]}{next(iter(found))}" if len(found) == 1 else ""


def part(data: RealData, name: str, number: int, nulls: str = "absent") -> Deviation:
    """One patient with some units, all heavily ambiguous."""
    population = of_data(data.folder, name, nulls)
    chance = random.Random(f"full {name} {number}")
    people = population.people(chance)
    patient, *units = (next(people) for _ in range(UNITS + 1))
    return compare(population.twin, patient, units, population.imputer, most=MOST * MOST)


@lru_cache(maxsize=4)
def of_data(folder: Path, name: str, nulls: str) -> Population:
    return Population(RealData(folder), name, nulls)


def parts() -> list[tuple[str, int]]:
    """Of which set and which number: as many as give PAIRS pairs."""
    return [(name, number) for number in range(PAIRS // UNITS // len(FILES)) for name in FILES]
