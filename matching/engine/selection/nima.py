"""Non-inherited maternal antigens (NIMA): a patient's type that the unit lacks but its mother carried.

Of the mother's two values at a locus the child inherited one and did not inherit the other. A mismatch of the patient
that equals the other is a NIMA match (Rocha 2012, PMC3826155; van Rood 2009): A and B by antigen, DRB1 by P group
(matching.md 4.4 R15). Inherited is what may be one P group (hla.kinship); antigens are compared as 2.3 says, but one
that is only the broad of the other may be another split of it. Where mother, phase or types are open it cannot be told.

A value may be hundreds of alleles, so nothing is enumerated: what each may be is compared with the patient's types,
one bit each, and both answers, a match and none, are asked for by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import product
from operator import and_, or_
from typing import Final, NamedTuple

from hla.antigens import AntigenRule, AntigenSet, AntigenTree, Relation
from hla.kinship import may_be_inherited
from hla.nomenclature import ANY_GROUP, AntigenOption
from hla.resolve import Resolved

LOCI: Final = ("A", "B", "DRB1")
BY_P_GROUP: Final = frozenset({"DRB1"})
REASONS: Final = ("mother_excluded", "phase", "typing", "mother_untyped")  # the first of several is told
MOST_ALTERNATIVES: Final = 64  # of patient, unit and mother together; more are not worked through

Pair = tuple[Resolved, Resolved]
Genotypes = Sequence[Pair]  # the alternatives of a typing (Resolver.pairs)
Told = tuple[int | None, str]  # None: cannot be told, and why


class Seen(NamedTuple):
    """Which of the patient's types one allele certainly and possibly is, a bit each."""

    certain: int
    possible: int


def nima_matches(by_locus: Iterable[Told]) -> Told:
    """How many of the patient's types that the unit lacks are non-inherited maternal; and, for None, why not told.

    A locus that is open beside one that has such a match does not undo it: the number is then the least. A mother
    excluded at one locus is no mother at the others.
    """
    told = list(by_locus)
    total = sum(found or 0 for found, _why in told)
    why = {reason for found, reason in told if found is None}
    if why and (not total or "mother_excluded" in why):
        return None, next(reason for reason in REASONS if reason in why)
    return total, ""


class NimaAt:
    """The patient at one locus beside any unit and mother.

    Thousands of units share their values: what each may be beside the patient's types is found once.
    """

    def __init__(self, locus: str, patient: Genotypes, tree: AntigenTree, rule: AntigenRule) -> None:
        self.is_open = any(value.unknown for pair in patient for value in pair)
        self._beside = [] if self.is_open else [_Patient(locus, pair, tree, rule) for pair in patient]

    def told(self, unit: Genotypes, mother: Genotypes) -> Told:
        """1 if one of the patient's types is a NIMA match at this locus, 0 if none is.

        why: mother_excluded (she shares no value with the child: samples may be swapped), phase (it depends on which
        value she gave), typing (on what a typing leaves open), mother_untyped.
        """
        if self.is_open or any(value.unknown for pair in unit for value in pair):
            return None, "typing"
        if len(self._beside) * len(unit) * len(mother) > MOST_ALTERNATIVES:
            return None, "typing"
        if any(value.unknown for pair in mother for value in pair):
            lacks_nothing = all(one.lacks_nothing(pair) for one, pair in product(self._beside, unit))
            return (0, "") if lacks_nothing else (None, "mother_untyped")
        found = [answer for one in self._beside for pair in unit for answer in one.answers(pair, mother)]
        answers = frozenset[int]().union(*found)
        if not answers:
            return None, "mother_excluded"
        if len(answers) == 1:
            return next(iter(answers)), ""
        return None, "typing" if any(len(one) > 1 for one in found) else "phase"


class _Patient:
    """The types that one genotype of the patient expresses, and what alleles of others are beside them."""

    def __init__(self, locus: str, pair: Pair, tree: AntigenTree, rule: AntigenRule) -> None:
        self.locus, self.tree, self.rule = locus, tree, rule
        self.values = [value for value in pair if not value.null]
        self.bit_of: dict[AntigenOption, int] = {}
        self.masks: list[int] = []  # what each value may be
        for value in self.values:
            options = self.options(value)
            for option in options:
                self.bit_of.setdefault(option, 1 << len(self.bit_of))
            self.masks.append(reduce(or_, (self.bit_of[option] for option in options)))
        self.all = reduce(or_, self.masks, 0)
        self._seen: dict[AntigenOption, Seen] = {}
        self._seen_values: dict[tuple[str, frozenset[int]], frozenset[Seen]] = {}

    def options(self, value: Resolved) -> Iterable[AntigenOption]:
        """What an expressed value may be, told apart by antigen or P group; nothing of a null allele."""
        if self.locus in BY_P_GROUP:
            return [(group, frozenset()) for group in value.p_groups]
        return value.options

    def answers(self, unit: Pair, mother: Genotypes) -> Iterator[frozenset[int]]:
        """For each way in which the child may have its value of hers: the answers possible, one or both of 0 and 1."""
        ways = [way for pair in mother for way in (pair, pair[::-1])]
        for (child, beside), (given, other) in product((unit, unit[::-1]), ways):
            if may_be_inherited(given, child):
                yield self._answers(self.inherited(child, given), self.seen(beside), self.seen(other))

    def inherited(self, child: Resolved, given: Resolved) -> frozenset[Seen]:
        """The child's value as far as it may be the mother's."""
        options = [one for one in self.options(child) if one[0] == ANY_GROUP or one[0] in given.p_groups]
        return self._seen_of(child, options)

    def seen(self, value: Resolved) -> frozenset[Seen]:
        """Each allele that a value may be; kept, by what the value is."""
        key = (value.text, value.p_groups)
        if key not in self._seen_values:
            self._seen_values[key] = self._seen_of(value, self.options(value))
        return self._seen_values[key]

    def _seen_of(self, value: Resolved, options: Iterable[AntigenOption]) -> frozenset[Seen]:
        """A null allele is nothing that the patient has."""
        same = reduce(or_, (mask for one, mask in self._masked() if _one_protein(one, value)), 0)
        found = map(self.beside, options)
        told = frozenset(Seen(certain | same, possible | same) for certain, possible in found)
        return told or frozenset({Seen(0, 0)})

    def _masked(self) -> Iterable[tuple[Resolved, int]]:
        return zip(self.values, self.masks, strict=True)

    def beside(self, option: AntigenOption) -> Seen:
        if option not in self._seen:
            self._seen[option] = self._beside(option)
        return self._seen[option]

    def _beside(self, option: AntigenOption) -> Seen:
        if self.locus in BY_P_GROUP:
            bit = self.bit_of.get(option, 0)
            return Seen(bit, bit)
        certain = possible = 0
        group, antigens = option
        for (my_group, mine), bit in self.bit_of.items():
            if group == my_group != ANY_GROUP or self._certainly(mine, antigens):
                certain, possible = certain | bit, possible | bit
            elif self.tree.match(mine, antigens, self.rule):
                possible |= bit
        return Seen(certain, possible)

    def _certainly(self, mine: AntigenSet, theirs: AntigenSet) -> bool:
        """Whether two alleles have one antigen, whatever else is found of them: a broad is not enough."""
        return all(one not in self.tree.broads and self._same(one, other) for one in mine for other in theirs)

    def _same(self, one: str, other: str) -> bool:
        relation = self.tree.relation(one, other)
        return relation in (Relation.EQUAL, Relation.ASSOCIATED, Relation.SIBLINGS)

    def _answers(
        self, child: frozenset[Seen], beside: frozenset[Seen], other: frozenset[Seen]
    ) -> frozenset[int]:
        """child: the value that was inherited; beside: the one that was not; other: what the mother did not give."""
        lacked = reduce(and_, (reduce(or_, (~one.certain for one in side)) for side in (child, beside)))
        match = self.all & lacked & reduce(or_, (one.possible for one in other))
        # None: each value of the patient is something that the unit has too, or that the mother's other is not.
        sides = (
            {tuple(bool(mask & one.possible) for mask in self.masks) for one in child},
            {tuple(bool(mask & one.possible) for mask in self.masks) for one in beside},
            {tuple(bool(mask & ~one.certain) for mask in self.masks) for one in other},
        )
        none = any(all(map(any, zip(*chosen, strict=True))) for chosen in product(*sides))
        return frozenset({1} if match else ()) | frozenset({0} if none else ())

    def lacks_nothing(self, unit: Pair) -> bool:
        """Whether the unit certainly has all types of the patient."""
        had = (reduce(and_, (one.certain for one in self.seen(value))) for value in unit)
        return not self.all & ~reduce(or_, had)


def _one_protein(one: Resolved, other: Resolved) -> bool:
    return len(one.p_groups) == 1 and one.p_groups == other.p_groups
