"""DPB1 by T-cell epitopes: whether a mismatch is permissive, and if not, in which direction.

Each DPB1 allele belongs to a group of immunogenicity, 1 (most) to 3; a person has the smaller number of his
two. Equal groups are permissive; the person with the smaller number has what the other one's cells attack.
Source: IPD-IMGT/HLA tce/dpb_tce.csv (column V2); rule and its effect: domain notes 5.1, Blood 124:2596, Blood Adv
2:1773. Groups with `$` are predicted, not tested; 2a counts as 2.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import or_
from typing import Final, Literal, NamedTuple

from hla.members import split_suffix
from hla.resolve import Resolver
from hla.typing import LocusTyping

Verdict = Literal["matched", "permissive", "non-permissive-gvh", "non-permissive-hvg", "unknown"]

LOCUS: Final = "DPB1"
PREDICTED: Final = "$"
GROUPS: Final = {"1": 1, "2": 2, "2a": 2, "3": 3}  # anything else ("0", "") is no group
ENOUGH: Final = 2  # proteins of one group that a position need name: one could be the other's, two could not


class Option(NamedTuple):
    """One protein that a value may be: id of its P group, group by V2 (None: none assigned)."""

    p_group: int
    group: int | None


@dataclass(frozen=True, slots=True)
class TceValue:
    """The groups of one value.

    text: the value. v1, v2: what the release says of the alleles it may be, as written there ("2a", "3$", "0";
    "" where it says nothing), each once. groups: what V2 counts as; None among them: no group. in_silico:
    whether a group of V2 is predicted. null: not expressed, it counts as the other value.
    """

    text: str
    v1: tuple[str, ...] = ()
    v2: tuple[str, ...] = ()
    groups: frozenset[int | None] = frozenset()
    in_silico: bool = False
    null: bool = False


@dataclass(frozen=True, slots=True)
class Dpb1Match:
    """verdict: what all resolutions of both typings give, else "unknown". possible: all that they give.

    patient_groups, unit_groups: of the two values. patient_group, unit_group: the person's group, None if it is
    unknown or not the same in all resolutions. in_silico: whether a predicted group takes part.
    """

    verdict: Verdict
    possible: frozenset[Verdict]
    patient_groups: tuple[TceValue, TceValue]
    unit_groups: tuple[TceValue, TceValue]
    patient_group: int | None
    unit_group: int | None
    in_silico: bool


Groups = dict[int | None, set[tuple[int, ...]]]  # person's group -> pairs of P groups with which it comes


@dataclass(frozen=True, slots=True)
class Alternative:
    """Genotypes that two values may be: any of `first` with any of `second`, or, if `same`, one twice."""

    first: frozenset[Option]
    second: frozenset[Option]
    same: bool

    def groups(self) -> Groups:
        """Of these genotypes; more than one pair stands for many."""
        found: Groups = {}
        pairs = (
            ((one, one) for one in self.first) if self.same else product(few(self.first), few(self.second))
        )
        for one, two in pairs:
            pair = tuple(sorted((one.p_group, two.p_group)))
            found.setdefault(smaller(one.group, two.group), set()).add(pair)
        return found


class Carriers:
    """Which of a person's alternatives have a P group at the first value, which at the second: bit i is the i-th.

    With them each alternative of another person is compared with all at once: a list of genotypes against
    another takes as long as reading both, not as long as their product.
    """

    def __init__(self, found: Sequence[Alternative]) -> None:
        self.first: dict[int, int] = {}
        self.second: dict[int, int] = {}
        self.same = 0  # alternatives that are one value twice
        for place, alternative in enumerate(found):
            bit = 1 << place
            self.same |= bit if alternative.same else 0
            for carriers, options in ((self.first, alternative.first), (self.second, alternative.second)):
                for p_group in p_groups(options):
                    carriers[p_group] = carriers.get(p_group, 0) | bit

    def may_equal(self, other: Alternative) -> bool:
        """Whether one of the alternatives may be the same two P groups as `other`."""
        one, two = p_groups(other.first), p_groups(other.second)
        twice = any_of(self.both(p_group) for p_group in one & two)
        if other.same:
            return bool(twice)
        direct = any_of(self.first.get(p_group, 0) for p_group in one)
        direct &= any_of(self.second.get(p_group, 0) for p_group in two)
        cross = any_of(self.first.get(p_group, 0) for p_group in two)
        cross &= any_of(self.second.get(p_group, 0) for p_group in one)
        return bool((twice & self.same) | ((direct | cross) & ~self.same))

    def both(self, p_group: int) -> int:
        """Alternatives that may have a P group twice."""
        return self.first.get(p_group, 0) & self.second.get(p_group, 0)


def any_of(sets: Iterable[int]) -> int:
    """Union of sets that are written as bits."""
    return reduce(or_, sets, 0)


def dpb1_match(patient: LocusTyping, unit: LocusTyping, resolver: Resolver) -> Dpb1Match:
    """Compare two DPB1 typings. Raises ValueError for another locus, TypingError as Resolver.position.

    Identical P groups at both positions are `matched`. A missing value, an allele without name or without group
    makes the verdict unknown. A null allele beside an expressed one counts as that one twice.
    """
    if not patient.locus == unit.locus == LOCUS:
        raise ValueError("T-cell-epitope groups exist for DPB1 only.")
    mine, theirs = alternatives(patient, resolver), alternatives(unit, resolver)
    groups, other_groups = merged(mine), merged(theirs)
    possible = frozenset(verdicts(groups, other_groups))
    if may_match(mine, theirs):
        possible |= {"matched"}
    possible = possible or frozenset[Verdict]({"unknown"})
    patient_values, unit_values = shown(patient, resolver), shown(unit, resolver)
    return Dpb1Match(
        verdict=next(iter(possible)) if len(possible) == 1 else "unknown",
        possible=possible,
        patient_groups=patient_values,
        unit_groups=unit_values,
        patient_group=only(groups),
        unit_group=only(other_groups),
        in_silico=any(value.in_silico for value in patient_values + unit_values),
    )


def may_match(mine: list[Alternative], theirs: list[Alternative]) -> bool:
    """Whether patient and unit may have the same two P groups."""
    carriers = Carriers(theirs)
    return any(carriers.may_equal(alternative) for alternative in mine)


def merged(found: Iterable[Alternative]) -> Groups:
    """Groups over all alternatives of a person."""
    together: Groups = {}
    for alternative in found:
        for group, pairs in alternative.groups().items():
            together.setdefault(group, set()).update(pairs)
    return together


def verdicts(mine: Groups, theirs: Groups) -> Iterator[Verdict]:
    """The verdicts of all pairs of a genotype of the patient and one of the unit that differ; some come repeatedly."""
    for (group, pairs), (other, other_pairs) in product(mine.items(), theirs.items()):
        if len(pairs) > 1 or pairs != other_pairs:
            yield by_groups(group, other)


def by_groups(patient: int | None, unit: int | None) -> Verdict:
    """Verdict of two persons' groups who do not match."""
    if patient is None or unit is None:
        return "unknown"
    if patient == unit:
        return "permissive"
    return "non-permissive-hvg" if unit < patient else "non-permissive-gvh"


def smaller(one: int | None, two: int | None) -> int | None:
    """The group of a person; None if one of the two has no group."""
    return None if one is None or two is None else min(one, two)


def few(options: frozenset[Option]) -> list[Option]:
    """At most ENOUGH proteins of each group."""
    kept: dict[int | None, list[Option]] = {}
    for option in sorted(options, key=lambda option: option.p_group):
        same = kept.setdefault(option.group, [])
        if len(same) < ENOUGH:
            same.append(option)
    return [option for same in kept.values() for option in same]


def p_groups(options: frozenset[Option]) -> frozenset[int]:
    return frozenset(option.p_group for option in options)


def only(groups: Groups) -> int | None:
    """The group that all genotypes agree on; None if they do not, or if nothing is known."""
    return next(iter(groups)) if len(groups) == 1 else None


def alternatives(typing: LocusTyping, resolver: Resolver) -> list[Alternative]:
    """The genotypes of a typing; none if a value is not known or nothing is expressed."""
    found = []
    for pair in typing.alternatives:
        one, two = (resolver.kept(options, text) for text in pair)
        if one is None or two is None or not one | two:
            return []
        found.append(Alternative(one or two, two or one, same=not (one and two)))
    return found


def options(resolver: Resolver, text: str) -> frozenset[Option] | None:
    """The proteins that a value may be: none for a null allele, None if nothing is known."""
    value = resolver.position(LOCUS, text)
    if value.unknown:
        return None
    if value.null:
        return frozenset()
    names = resolver.nomenclature
    found: set[Option] = set()
    for name in resolver.alleles(LOCUS, text):
        members = names.name(LOCUS, *split_suffix(name))
        group = GROUPS.get(groups_of(resolver, name)[1].rstrip(PREDICTED))
        found.update(Option(p_group, group) for p_group in (members.p_groups if members else ()))
    return frozenset(found) or frozenset(Option(p_group, None) for p_group in value.p_groups)


def groups_of(resolver: Resolver, name: str) -> tuple[str, str]:
    """V1 and V2 of an allele as written, "" where nothing is."""
    return resolver.nomenclature.tce(name) or ("", "")


def shown(typing: LocusTyping, resolver: Resolver) -> tuple[TceValue, TceValue]:
    """What the release says of the two values of a typing."""
    return resolver.kept(tce_value, typing.first), resolver.kept(tce_value, typing.second)


def tce_value(resolver: Resolver, text: str) -> TceValue:
    """What the release says of one value."""
    value = resolver.position(LOCUS, text)
    if value.unknown:
        return TceValue(text)
    names = resolver.alleles(LOCUS, text)
    v1, v2 = (tuple(sorted({groups_of(resolver, name)[column] for name in names})) for column in (0, 1))
    groups = (
        frozenset[int | None]() if value.null else frozenset(GROUPS.get(one.rstrip(PREDICTED)) for one in v2)
    )
    return TceValue(
        text, v1, v2, groups, in_silico=any(one.endswith(PREDICTED) for one in v2), null=value.null
    )
