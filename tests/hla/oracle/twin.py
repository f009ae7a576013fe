"""Random typings of mixed resolution over the real release, scored by the kernel and by its slow twin."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cached_property

from hla.evidence import LocusEvidence, explain_locus
from hla.loci import ABSENT_LOCI, LOCI
from hla.matching import LocusCounts, LocusTable, score_locus
from hla.resolve import Resolver
from hla.text import Kind
from hla.typing import LocusTyping, read_gl
from scripts.validate_hla import RealData
from tests.hla.oracle.enumeration import Enumeration
from tests.hla.oracle.expansions import SEROLOGY_LOCI, Expansions
from tests.hla.oracle.pyard_build import codes
from tests.hla.oracle.serology import Serology
from tests.hla.reference import compare_texts

FAMILIES = (
    3  # first fields that the typings of one batch are drawn from, so that they often have types in common
)
CODES_KEPT = 300
EXPLAINED = 4  # every so many pairs are also explained


@dataclass
class Tally:
    """What was compared. kinds: how often each kind of value; differences: pairs on which the two disagree."""

    pairs: int = 0
    explained: int = 0
    enumerated: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[int, int]] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.pairs += other.pairs
        self.explained += other.explained
        self.enumerated += other.enumerated
        self.kinds += other.kinds
        self.outcomes += other.outcomes
        self.differences += other.differences


class Typings:
    """Random typings of one locus."""

    def __init__(self, source: Source, locus: str, seed: str) -> None:
        self.source, self.locus, self.chance = source, locus, random.Random(seed)
        families = sorted({name.split(":")[0] for name in source.names(locus)})
        chosen = set(self.chance.sample(families, min(FAMILIES, len(families))))
        names = [name for name in source.names(locus) if name.split(":")[0] in chosen]
        nulls = [name for name in names if name.endswith("N")]
        # a handful of alleles that come again, their families' nulls, and all the rest
        self.common = self.chance.sample(names, min(6, len(names)))
        self.nulls = nulls or [name for name in source.names(locus) if name.endswith("N")]
        self.alleles = names
        self.expressed = [name for name in names if not name.endswith("N")]
        self.codes = [code for family in sorted(chosen) for code in source.fitting[locus].get(family, [])]

    def typing(self) -> LocusTyping:
        """A pair, a homozygous, half-typed or untyped locus, or a genotype list."""
        dice = self.chance.random()
        if dice < 0.03:
            return LocusTyping(self.locus, "", "", "untyped")
        if dice < 0.1:
            return self.read(self.value())
        if dice < 0.2:
            value = self.value()
            return self.read(f"{value}+{value}")
        if dice < 0.3:
            pairs = [f"{self.value()}+{self.value()}" for _ in range(self.chance.randint(2, 3))]
            return self.read("|".join(pairs))
        return self.read(f"{self.value()}+{self.value()}")

    def read(self, text: str) -> LocusTyping:
        data = self.source.data
        reading = read_gl(text, data.resolver)
        if reading.errors:
            raise AssertionError(f"{text}: {reading.errors[0]}")
        return reading.typing.locus(self.locus)

    def value(self) -> str:
        """The text of one value."""
        dice = self.chance.random()
        if dice < 0.08:
            return f"{self.locus}*{self.chance.choice(self.nulls)}" if self.nulls else self.name()
        if dice < 0.16 and self.expressed:  # a family of nulls alone is refused
            return f"{self.locus}*{self.chance.choice(self.expressed).split(':')[0]}:XX"
        if dice < 0.26 and self.codes:
            return self.chance.choice(self.codes)
        if dice < 0.38:
            return "/".join(self.name() for _ in range(self.chance.randint(2, 5)))
        if dice < 0.48 and self.locus in SEROLOGY_LOCI and (antigens := self.antigens()):
            return self.chance.choice(antigens)
        if dice < 0.49 and self.locus in ABSENT_LOCI:
            return f"{self.locus}*NNNN"
        return self.name()

    def name(self) -> str:
        """An expressed allele in full or by two or three fields, its G group or its P group."""
        name = self.chance.choice(self.common if self.chance.random() < 0.7 else self.alleles)
        groups = [group for group in self.source.groups[self.locus].get(name, []) if group]
        if groups and not name.endswith("N") and self.chance.random() < 0.3:
            return f"{self.locus}*{self.chance.choice(groups)}"
        suffix = name[-1] if name[-1].isalpha() else ""
        parts = name.removesuffix(suffix).split(":")
        depth = self.chance.choice((2, 2, 3, 4))
        short = ":".join(parts[:depth])
        known = self.source.serology.suffixes[self.locus][short]
        return f"{self.locus}*{short if depth < len(parts) and known != {'N'} else name}"

    def antigens(self) -> list[str]:
        """Antigens of the alleles of this batch, and those above and below them, that the WHO lists."""
        serology = self.source.serology
        relations = serology.of_locus(self.locus)
        found = set().union(*(serology.assigned[self.locus][name] for name in self.common))
        related = set().union(*(relations.related(antigen) for antigen in found))
        listed = related & set(serology.antigens(self.locus))
        return [Expansions.called(self.locus) + antigen for antigen in sorted(listed)]


class Source:
    """What typings are drawn from, read by the oracles' own readers."""

    def __init__(self, data: RealData) -> None:
        self.data = data
        self.folder = data.folder / "imgt" / "3580"
        self.serology = Serology(self.folder)
        self.enumeration = Enumeration(self.folder, self.serology)

    def names(self, locus: str) -> list[str]:
        return list(self.serology.columns[locus])

    @cached_property
    def groups(self) -> dict[str, dict[str, list[str]]]:
        """Per locus and allele the names of its G and P group, "" for none."""
        found: dict[str, dict[str, list[str]]] = {locus: {} for locus in LOCI}
        for sort in "gp":
            text = (self.folder / "wmda" / f"hla_nom_{sort}.txt").read_text(encoding="utf-8")
            for row in (line.split(";") for line in text.splitlines() if not line.startswith("#")):
                for name in row[1].split("/") if row[0][:-1] in found else ():
                    found[row[0][:-1]].setdefault(name, []).append(row[2])
        return found

    @cached_property
    def fitting(self) -> dict[str, dict[str, list[str]]]:
        """Per locus and family codes all of whose members are names that the release has, other than null."""
        found: dict[str, dict[str, list[str]]] = {locus: {} for locus in LOCI}
        chosen = random.Random(1).sample(sorted(codes(self.data.folder)), CODES_KEPT)
        for locus in LOCI:
            known = self.serology.suffixes[locus]
            expressed = {name for name, suffixes in known.items() if suffixes != {"N"}}
            for family in {name.split(":")[0] for name in expressed}:
                for code, subtypes in chosen:
                    parts = [part if ":" in part else f"{family}:{part}" for part in subtypes.split("/")]
                    if parts[0].startswith(f"{family}:") and expressed.issuperset(parts):
                        found[locus].setdefault(family, []).append(f"{locus}*{family}:{code}")
        return found


def compared(source: Source, locus: str, seed: str, patients: int, units: int) -> Tally:
    """Every one of `patients` against every one of `units` random typings of a locus, by kernel and twin."""
    made = Typings(source, locus, seed)
    mine, theirs = [made.typing() for _ in range(patients)], [made.typing() for _ in range(units)]
    tally = Tally()
    resolver = source.data.resolver
    for typing in (*mine, *theirs):
        for text in {*typing.first.split("|"), *typing.second.split("|")}:
            tally.kinds[str(resolver.position(locus, text).kind)] += 1
            tally.kinds["null"] += resolver.position(locus, text).null
        tally.kinds["genotype list"] += "|" in typing.first
        tally.kinds["homozygous"] += bool(typing.first) and typing.first == typing.second
    rule = made.chance.choice(("split", "split", "split", "broad"))
    table = LocusTable(locus, resolver)
    places = table.extend((typing.first, typing.second) for typing in theirs)
    for patient in mine:
        scores = score_locus(patient, table, antigen_rule=rule)  # type: ignore[arg-type]
        for unit, place in zip(theirs, places.tolist(), strict=True):
            check(tally, patient, unit, scores.at(place), source, rule)
    return tally


def check(
    tally: Tally, patient: LocusTyping, unit: LocusTyping, counts: LocusCounts, source: Source, rule: str
) -> None:
    """One pair."""
    resolver = source.data.resolver
    tally.pairs += 1
    tally.outcomes[counts.match_min, counts.match_max] += 1
    slow = compare_texts(
        patient.locus, (patient.first, patient.second), (unit.first, unit.second), resolver, rule
    )
    wrong = unequal(counts, asdict(slow), "twin")
    enumerated = by_alleles(patient, unit, source, rule)
    if enumerated is not None:
        tally.enumerated += 1
        wrong += unequal(counts, enumerated, "enumeration")
    if tally.pairs % EXPLAINED == 0:
        tally.explained += 1
        evidence = explain_locus(patient, unit, resolver, antigen_rule=rule, counts=counts)  # type: ignore[arg-type]
        wrong += inconsistent(evidence, resolver)
    if wrong:
        sides = [typing.gl() or "untyped" for typing in (patient, unit)]
        tally.differences.append(f"{sides[0]} ; {sides[1]} (rule {rule}): {', '.join(wrong)}")


def unequal(counts: LocusCounts, expected: dict[str, int], by: str) -> list[str]:
    found = {name: getattr(counts, name) for name in expected}
    return [f"{name} {found[name]}, {by} {value}" for name, value in expected.items() if found[name] != value]


def by_alleles(patient: LocusTyping, unit: LocusTyping, source: Source, rule: str) -> dict[str, int] | None:
    """Counts by the alleles of each value; None for genotype lists, serology, unknown and long values."""
    resolver, locus = source.data.resolver, patient.locus
    texts = [patient.first, patient.second, unit.first, unit.second]
    if any("|" in text for text in texts):
        return None
    kinds = {resolver.position(locus, text).kind for text in texts}
    if kinds & {Kind.SEROLOGY, Kind.UNKNOWN, Kind.ABSENT}:
        return None
    names = [resolver.alleles(locus, text) for text in texts]
    return source.enumeration.counts(locus, names[:2], names[2:], rule)


def inconsistent(found: LocusEvidence, resolver: Resolver) -> list[str]:
    """Where the two positions shown do not fit the counts.

    Antigen matches are not asked for where a value is serological: two antigens that do not match may still be
    the same allele, of a broad, and both counts are kept.
    """
    verdicts = [position.verdict for position in found.positions]
    sure = verdicts.count("allele")
    matched = sure + verdicts.count("potential")
    related = matched + verdicts.count("antigen")
    told = any(
        remark.code in ("other_orientation", "one_genotype")
        for position in found.positions
        for remark in position.remarks
    )
    values = [
        resolver.position(found.locus, text)
        for position in found.positions
        for whole in (position.patient, position.unit)
        for text in whole.split("|")
    ]
    apart = any(value.kind is Kind.SEROLOGY for value in values)
    confident = {"allele": {"definite", "exact"}, "potential": {"potential"}}
    wrong = {
        f"{matched} matches shown, {found.match_max} counted": matched != found.match_max,
        f"{sure} certain matches shown, {found.match_min} counted": sure > found.match_min,
        f"{related} antigen matches shown, {found.antigen_max} counted": related < found.antigen_max
        and not told,
        f"{related} antigen matches shown, only {found.antigen_max} counted": related > found.antigen_max
        and not apart,
        "confidence": any(
            position.confidence not in confident.get(position.verdict, {"mismatch"})
            for position in found.positions
        ),
    }
    return [text for text, is_wrong in wrong.items() if is_wrong]
