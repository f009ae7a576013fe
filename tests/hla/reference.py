"""Slow, readable twin of the matcher: writes out every genotype of both typings and looks at each pair.

Shares with hla.* only the resolving of a text to its P groups and antigens (an oracle of its own tests that);
everything after that is done here by enumeration, straight from domain notes 2.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from hla.nomenclature import ANY_GROUP, AntigenOption
from hla.resolve import Resolved, Resolver

Genotype = tuple[int, ...]  # two expressed P groups, or () for a person who expresses nothing
POSITIONS = 4  # two of the patient, two of the unit: no comparison involves more distinct P groups


@dataclass(frozen=True)
class Counts:
    """As hla.matching.LocusCounts."""

    match_min: int
    match_max: int
    antigen_min: int
    antigen_max: int
    gvh_min: int
    gvh_max: int
    hvg_min: int
    hvg_max: int


Pair = tuple[Resolved, Resolved]


def compare_texts(
    locus: str, patient: tuple[str, str], unit: tuple[str, str], resolver: Resolver, rule: str = "split"
) -> Counts:
    """All counts of one locus of two typings: smallest and largest over their alternatives ("A|B" with "C|D")."""
    found = [
        compare(mine, theirs, resolver, rule)
        for mine, theirs in product(
            alternatives(locus, patient, resolver), alternatives(locus, unit, resolver)
        )
    ]
    chosen = {
        name: (min if name.endswith("_min") else max)(getattr(counts, name) for counts in found)
        for name in Counts.__dataclass_fields__
    }
    return Counts(**chosen)


def alternatives(locus: str, texts: tuple[str, str], resolver: Resolver) -> list[Pair]:
    """The pairs of values that a typing leaves open."""
    firsts, seconds = (text.split("|") for text in texts)
    return [
        (resolver.position(locus, first), resolver.position(locus, second))
        for first, second in zip(firsts, seconds, strict=True)
    ]


def compare(patient: Pair, unit: Pair, resolver: Resolver, rule: str = "split") -> Counts:
    """All counts of one locus of two pairs of values, by enumeration."""
    groups = representatives(patient, unit)
    mine, theirs = genotypes(patient, groups), genotypes(unit, groups)
    matches = [common(a, b) for a, b in product(mine, theirs)]
    gvh = [len(set(a) - set(b)) for a, b in product(mine, theirs)]
    hvg = [len(set(b) - set(a)) for a, b in product(mine, theirs)]
    untyped = is_untyped(patient) or is_untyped(unit)
    match_range = (0, 2) if untyped else (min(matches), max(matches))
    if patient[0].locus == "DPB1":
        antigen_range = match_range
    elif untyped:
        antigen_range = (0, 2)
    else:
        antigen_range = antigen_counts(patient, unit, resolver, rule)
    return Counts(*match_range, *antigen_range, min(gvh), max(gvh), min(hvg), max(hvg))


def is_untyped(values: tuple[Resolved, Resolved]) -> bool:
    return values[0].unknown and values[1].unknown


def representatives(*typings: tuple[Resolved, Resolved]) -> dict[Resolved, list[int]]:
    """Per value the P groups worth writing out.

    P groups that lie in just the same values are interchangeable, and no comparison involves more than
    POSITIONS of them, so that many of each sort are enough. Unknown values hold all P groups, also ones that
    no other value holds: negative numbers stand for those.
    """
    values = [value for typing in typings for value in typing]
    known = sorted(set().union(*(value.p_groups for value in values)))
    kept: Counter[tuple[bool, ...]] = Counter()
    chosen = []
    for group in known:
        signature = tuple(group in value.p_groups for value in values)
        kept[signature] += 1
        if kept[signature] <= POSITIONS:
            chosen.append(group)
    fresh = [-1 - number for number in range(POSITIONS)]
    return {
        value: chosen + fresh if value.unknown else [group for group in chosen if group in value.p_groups]
        for value in values
    }


def genotypes(values: tuple[Resolved, Resolved], groups: dict[Resolved, list[int]]) -> set[Genotype]:
    """Every genotype that the two values of a locus denote."""
    first, second = values
    if first.null and second.null:
        return {()}
    if first.null or second.null:
        expressed = second if first.null else first
        return {(group, group) for group in groups[expressed]}
    return {(min(a, b), max(a, b)) for a, b in product(groups[first], groups[second])}


def common(a: Genotype, b: Genotype) -> int:
    """The better of direct and cross."""
    if not a or not b:
        return 0
    direct = (a[0] == b[0]) + (a[1] == b[1])
    cross = (a[0] == b[1]) + (a[1] == b[0])
    return max(direct, cross)


def antigen_counts(
    patient: tuple[Resolved, Resolved], unit: tuple[Resolved, Resolved], resolver: Resolver, rule: str
) -> tuple[int, int]:
    """Smallest and largest number of positions matched at antigen level."""
    locus = patient[0].locus
    mine, theirs = antigen_genotypes(patient, resolver), antigen_genotypes(unit, resolver)
    relations = Relations(resolver, locus, rule)

    def related(one: AntigenOption, other: AntigenOption) -> bool:
        return one[0] == other[0] != ANY_GROUP or relations(one[1], other[1])

    found = []
    for a, b in product(mine, theirs):
        if not a or not b:
            found.append(0)
            continue
        direct = related(a[0], b[0]) + related(a[1], b[1])
        cross = related(a[0], b[1]) + related(a[1], b[0])
        found.append(max(direct, cross))
    return min(found), max(found)


def antigen_genotypes(
    values: tuple[Resolved, Resolved], resolver: Resolver
) -> list[tuple[AntigenOption, ...]]:
    """Every pair of P group and antigen assignment that the two values denote."""
    everything = resolver.nomenclature.all_options(values[0].locus)
    first, second = (everything if value.unknown else value.options for value in values)
    if values[0].null and values[1].null:
        return [()]
    if values[0].null or values[1].null:
        return [(option, option) for option in (second if values[0].null else first)]
    return list(product(first, second))


class Relations:
    """Whether alleles with these antigens match, from the parents of antigens alone."""

    def __init__(self, resolver: Resolver, locus: str, rule: str) -> None:
        tree = resolver.nomenclature.trees[locus]
        self.parents, self.associated, self.rule = tree.parents, tree.associated, rule
        self.known: dict[tuple[frozenset[str], frozenset[str]], bool] = {}

    def __call__(self, ones: frozenset[str], others: frozenset[str]) -> bool:
        key = (ones, others)
        if key not in self.known:
            self.known[key] = any(self.match(one, other) for one, other in product(ones, others))
        return self.known[key]

    def match(self, one: str, other: str) -> bool:
        """Equal, ancestor and descendant, associated with one parent; under `broad` of one root."""
        mine, theirs = self.ancestors(one), self.ancestors(other)
        if one in theirs or other in mine:
            return True
        siblings = one in self.associated and other in self.associated and mine[1] == theirs[1]
        return siblings or (self.rule == "broad" and mine[-1] == theirs[-1])

    def ancestors(self, antigen: str) -> list[str]:
        line = [antigen]
        while line[-1] in self.parents:
            line.append(self.parents[line[-1]])
        return line


def classes(loci: dict[str, Counts], levels: Iterable[tuple[str, str]]) -> tuple[int, int]:
    """Smallest and largest number of matches of a class, summed over its loci."""
    low = high = 0
    for locus, level in levels:
        counts = loci[locus]
        low += counts.antigen_min if level == "antigen" else counts.match_min
        high += counts.antigen_max if level == "antigen" else counts.match_max
    return low, high
