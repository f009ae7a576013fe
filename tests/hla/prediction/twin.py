"""Slow, readable twin of match prediction: writes out every pair of haplotypes and every pair of genotypes.

Shares with hla.* only the resolving of a text to its P groups and nulls (an oracle of its own tests that). Straight
from domain notes 2.3 and 6; plain Python, nothing is left out, nothing is looked up in a hash of parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from hla.errors import TypingError
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolved, Resolver
from hla.typing import Typing

CLASSES = {6: ("A", "B", "DRB1"), 8: ("A", "B", "C", "DRB1"), 10: ("A", "B", "C", "DRB1", "DQB1")}
BLOCKS = (("A", "B", "C"), ("DRB1", "DQB1"))
MAX_LISTED = 2_000
STEPS = ("BLOCKS", "LOCI", "LISTED")  # each weaker than the one before

State = int | str | None  # a P group; a null or unread allele by its name; None: not expressed
Pair = tuple[State, State]
Genotype = tuple[Pair, ...]  # a pair per locus, sorted
Shares = dict[Genotype, float]


@dataclass(frozen=True)
class Allele:
    """What the name of an allele in a set says."""

    name: str
    groups: frozenset[int]
    nulls: frozenset[str]

    def may_be(self, value: Resolved, resolver: Resolver) -> bool:
        if value.unknown:
            return True
        if self.nulls:
            return bool(self.nulls & complete_nulls(value, resolver))
        return len(self.groups) == 1 and self.groups <= value.p_groups

    def state(self, nulls: str) -> State:
        if self.nulls:
            return self.name if nulls == "as-named" else None
        return min(self.groups) if len(self.groups) == 1 else self.name


def read(locus: str, name: str, resolver: Resolver) -> Allele:
    """An allele of a set; one that cannot be read fits only what is unknown."""
    try:
        value = resolver.position(locus, name.removesuffix("g"))
    except TypingError:
        return Allele(name, frozenset(), frozenset())
    if value.null:
        return Allele(value.text, frozenset(), complete_nulls(value, resolver))
    return Allele(name, value.p_groups, frozenset())


def complete_nulls(value: Resolved, resolver: Resolver) -> frozenset[str]:
    """The null alleles that a value may be, by their complete names."""
    if value.null:
        return frozenset(f"{value.locus}*{name}" for name in resolver.alleles(value.locus, value.text))
    return frozenset(value.null_possible)


def ordered(one: State, other: State) -> Pair:
    """A genotype of a locus: what is not expressed takes its partner's type; the order means nothing."""
    first, second = (one if one is not None else other), (other if other is not None else one)
    return (
        (first, second)
        if (str(type(first)), str(first)) <= (str(type(second)), str(second))
        else (second, first)
    )


@dataclass
class Twin:
    """A set of haplotypes over some loci: (names, frequency), and how it is read."""

    loci: tuple[str, ...]
    haplotypes: Sequence[tuple[tuple[str, ...], float]]
    resolver: Resolver
    nulls: str = "absent"
    _alleles: dict[tuple[str, str], Allele] = field(default_factory=dict)
    _nulls: dict[str, list[Allele]] = field(default_factory=dict)

    def alternatives(self, typing: Typing, locus: str) -> list[tuple[Resolved, Resolved]]:
        """The pairs of values that a typing leaves open."""
        found = typing.locus(locus)
        position = self.resolver.position
        return [
            (position(locus, first), position(locus, second))
            for first, second in zip(found.first.split("|"), found.second.split("|"), strict=True)
        ]

    def allele(self, locus: str, name: str) -> Allele:
        if (locus, name) not in self._alleles:
            self._alleles[locus, name] = read(locus, name, self.resolver)
        return self._alleles[locus, name]

    def nulls_at(self, locus: str) -> list[Allele]:
        """The null alleles that the set has at a locus."""
        if locus not in self._nulls:
            column = self.loci.index(locus)
            alleles = {self.allele(locus, names[column]) for names, _ in self.haplotypes}
            self._nulls[locus] = [allele for allele in alleles if allele.nulls]
        return self._nulls[locus]

    def certain(self, typing: Typing, locus: str) -> Pair | None:
        """The one genotype that a typing leaves at a locus, None if it leaves several."""
        found = set()
        for values in self.alternatives(typing, locus):
            states: list[State] = []
            for value in values:
                known = {one.name for one in self.nulls_at(locus) if one.may_be(value, self.resolver)}
                if value.null and self.nulls == "absent":
                    states.append(None)
                elif value.null and len(known) < 2:
                    states.append(min(known or {value.text}))
                elif value.null or value.unknown or len(value.p_groups) != 1 or known:
                    return None
                else:
                    states.append(min(value.p_groups))
            found.add(ordered(states[0], states[1]))
        return found.pop() if len(found) == 1 else None

    def explained(self, typing: Typing, loci: Sequence[str], *, by_set: bool = False) -> Shares:
        """Genotypes at some loci and their shares, empty if no two haplotypes explain the typing there.

        A typing that leaves one genotype explains itself, unless `by_set`.
        """
        if not loci:
            return {}
        certain = [self.certain(typing, locus) for locus in loci]
        if None not in certain and not by_set:
            return {tuple(pair for pair in certain if pair is not None): 1.0}
        columns = [self.loci.index(locus) for locus in loci]
        compatible = [Compatible(self, typing, locus) for locus in loci]
        rows = [
            ([names[column] for column in columns], frequency)
            for names, frequency in self.haplotypes
            if all(one.fits(names[column]) for one, column in zip(compatible, columns, strict=True))
        ]
        found: Counter[Genotype] = Counter()
        for at, (one, f1) in enumerate(rows):
            for after, (other, f2) in enumerate(rows[at:]):
                if all(pair(a, b) for pair, a, b in zip(compatible, one, other, strict=True)):
                    genotype = tuple(
                        pair.genotype(a, b) for pair, a, b in zip(compatible, one, other, strict=True)
                    )
                    found[genotype] += f1 * f2 * (2 if after else 1)
        total = sum(found.values())
        return {genotype: share / total for genotype, share in found.items()}

    def options(self, locus: str, value: Resolved) -> dict[State, float]:
        """What a value may be: alleles of the set by their frequencies; if it has none of them, all alike."""
        found: Counter[State] = Counter()
        column = self.loci.index(locus)
        for names, frequency in self.haplotypes:
            allele = self.allele(locus, names[column])
            if allele.may_be(value, self.resolver):
                found[allele.state(self.nulls)] += frequency
        total = sum(found.values())
        if found:
            return {state: frequency / total for state, frequency in found.items()}
        if value.null:
            return {value.text if self.nulls == "as-named" else None: 1.0}
        return {group: 1 / len(value.p_groups) for group in value.p_groups}

    def listed(self, typing: Typing, locus: str) -> Shares:
        """Genotypes that a typing leaves at a locus where no two alleles of the set explain it."""
        found: Counter[Genotype] = Counter()
        alternatives = self.alternatives(typing, locus)
        for first, second in alternatives:
            one, other = self.options(locus, first), self.options(locus, second)
            if len(one) * len(other) > MAX_LISTED:
                return {}
            for (a, share), (b, more) in product(one.items(), other.items()):
                found[(ordered(a, b),)] += share * more / len(alternatives)
        return dict(found)

    def impute(self, typing: Typing) -> tuple[Shares, str]:
        """Genotypes at the loci of the set, and what they rest on: the name of a Basis."""
        if all(self.certain(typing, locus) is not None for locus in self.loci):
            return self.explained(typing, self.loci), "TYPING"
        if found := self.explained(typing, self.loci):
            return found, "SET"
        alone = {locus: self.explained(typing, [locus], by_set=True) for locus in self.loci}
        known = tuple(locus for locus in self.loci if alone[locus])
        parts = [((locus,), self.listed(typing, locus)) for locus in self.loci if locus not in known]
        steps = ["LISTED" for _ in parts]
        if parts and (found := self.explained(typing, known)):
            parts.append((known, found))
        else:
            for block in BLOCKS:
                loci = tuple(locus for locus in known if locus in block)
                found = self.explained(typing, loci)
                parts += [(loci, found)] if found else [((locus,), alone[locus]) for locus in loci]
                steps.append("BLOCKS" if found or not loci else "LOCI")
        if not all(shares for _, shares in parts):
            return {}, "NONE"
        return independent(parts, self.loci), max(steps, key=STEPS.index)


class Compatible:
    """Whether two alleles of a locus explain a typing together, in either order; answers are kept."""

    def __init__(self, twin: Twin, typing: Typing, locus: str) -> None:
        self.twin, self.locus = twin, locus
        self.alternatives = twin.alternatives(typing, locus)
        self.known: dict[tuple[str, str], bool] = {}
        self.fitting: dict[str, bool] = {}
        self.genotypes: dict[tuple[str, str], Pair] = {}

    def may_be(self, name: str, value: Resolved) -> bool:
        return self.twin.allele(self.locus, name).may_be(value, self.twin.resolver)

    def fits(self, name: str) -> bool:
        if name not in self.fitting:
            self.fitting[name] = any(self.may_be(name, value) for pair in self.alternatives for value in pair)
        return self.fitting[name]

    def __call__(self, one: str, other: str) -> bool:
        found = self.known.get((one, other))
        if found is None:
            found = self.known[one, other] = any(
                (self.may_be(one, first) and self.may_be(other, second))
                or (self.may_be(one, second) and self.may_be(other, first))
                for first, second in self.alternatives
            )
        return found

    def genotype(self, one: str, other: str) -> Pair:
        found = self.genotypes.get((one, other))
        if found is None:
            states = [self.twin.allele(self.locus, name).state(self.twin.nulls) for name in (one, other)]
            found = self.genotypes[one, other] = ordered(states[0], states[1])
        return found


def independent(parts: Iterable[tuple[tuple[str, ...], Shares]], loci: tuple[str, ...]) -> Shares:
    """Genotypes of parts that know nothing of each other, in the order of the loci."""
    whole: list[tuple[dict[str, Pair], float]] = [({}, 1.0)]
    for places, shares in parts:
        whole = [
            ({**known, **dict(zip(places, genotype, strict=True))}, share * more)
            for known, share in whole
            for genotype, more in shares.items()
        ]
    return {tuple(known[locus] for locus in loci): share for known, share in whole}


def mismatches(one: Pair, other: Pair) -> int:
    """2 less the better of direct and cross; what is not expressed matches nothing."""
    (a, b), (c, d) = one, other
    direct = (a == c and a is not None) + (b == d and b is not None)
    cross = (a == d and a is not None) + (b == c and b is not None)
    return 2 - max(direct, cross)


@dataclass(frozen=True)
class Pairing:
    """classes: 6, 8, 10 -> P(0), P(1), … mismatches; loci: locus -> P(0), P(1), P(2)."""

    classes: dict[int, list[float]]
    loci: dict[str, list[float]]


def predict(patient: Shares, unit: Shares, loci: tuple[str, ...]) -> Pairing:
    """All pairs of genotypes; a pair weighs the product of its shares."""
    joint = joint_mismatches(patient, unit, len(loci))
    classes = {size: [0.0] * (size + 1) for size, needed in CLASSES.items() if set(needed) <= set(loci)}
    by_locus = {locus: [0.0, 0.0, 0.0] for locus in SEARCH_LOCI if locus in loci}
    for counts, share in joint.items():
        at = dict(zip(loci, counts, strict=True))
        for size, shares in classes.items():
            shares[sum(at[locus] for locus in CLASSES[size])] += share
        for locus, three in by_locus.items():
            three[at[locus]] += share
    return Pairing(classes, by_locus)


def joint_mismatches(patient: Shares, unit: Shares, width: int) -> dict[tuple[int, ...], float]:
    """Mismatches at each locus -> share of the pairs of genotypes.

    The mismatches of two genotypes are added up as digits to the base of 3, the quickest that plain Python does.
    """
    sums = [0.0] * 3**width
    places = [sorted({genotype[at] for genotype in unit}, key=str) for at in range(width)]
    rows = [
        ([place.index(pair) for place, pair in zip(places, genotype, strict=True)], share)
        for genotype, share in unit.items()
    ]
    if width == 5:
        quick = [(*at, share) for at, share in rows]
        for mine, weight in patient.items():
            a, b, c, d, e = digits(mine, places)
            for i, j, k, m, n, share in quick:
                sums[a[i] + b[j] + c[k] + d[m] + e[n]] += weight * share
    else:
        for mine, weight in patient.items():
            tables = digits(mine, places)
            for at, share in rows:
                sums[sum(table[i] for table, i in zip(tables, at, strict=True))] += weight * share
    vectors = [tuple(reversed(vector)) for vector in product(range(3), repeat=width)]
    return {vector: share for vector, share in zip(vectors, sums, strict=True) if share}


def digits(mine: Genotype, places: list[list[Pair]]) -> list[list[int]]:
    return [
        [mismatches(pair, other) * 3**at for other in place]
        for at, (pair, place) in enumerate(zip(mine, places, strict=True))
    ]
