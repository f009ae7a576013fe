"""Relations between serological antigens: broad, split, associated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal, get_args

AntigenRule = Literal["split", "broad"]
AntigenLevel = Literal["associated", "split", "broad"]
AntigenSet = frozenset[str]

ANTIGEN_RULES: Final[tuple[AntigenRule, ...]] = get_args(AntigenRule)


class Relation(StrEnum):
    """How two antigens stand to each other; the first five are matches under the rule `split`."""

    EQUAL = "equal"
    BROAD = "broad"  # the first is the broad of the second, by any number of steps
    SPLIT = "split"  # the first is a split of the second
    ASSOCIATED = "associated"  # one is an associated antigen of the other
    SIBLINGS = "siblings"  # two associated antigens of one parent
    SAME_BROAD = "same_broad"  # two splits of one broad (SD2): a mismatch unless the rule is `broad`
    DIFFERENT = "different"  # SD3


MATCHES: Final = frozenset(
    {Relation.EQUAL, Relation.BROAD, Relation.SPLIT, Relation.ASSOCIATED, Relation.SIBLINGS}
)
ORDER: Final = {relation: rank for rank, relation in enumerate(Relation)}


@dataclass(frozen=True)
class AntigenTree:
    """Broad and associated antigens of one locus; antigens are written without prefix ("2", "2403").

    parents: antigen -> its broad or, for an associated antigen, the antigen it is associated with.
    associated: the antigens whose parent is of the second sort. Source: rel_ser_ser.txt.
    """

    parents: Mapping[str, str]
    associated: frozenset[str]

    def lineage(self, antigen: str) -> tuple[str, ...]:
        """The antigen and its ancestors, nearest first (3901, 39, 16)."""
        line = [antigen]
        while (parent := self.parents.get(line[-1])) is not None:
            line.append(parent)
        return tuple(line)

    @cached_property
    def _closest(self) -> dict[tuple[AntigenSet, AntigenSet], tuple[Relation, str, str]]:
        return {}

    def level(self, antigen: str) -> AntigenLevel:
        """Level of an antigen: a broad has splits; one with neither broad nor splits stands among the splits."""
        if antigen in self.associated:
            return "associated"
        return "broad" if antigen in self.broads else "split"

    def in_line(self, one: str, other: str) -> bool:
        """Whether two antigens are equal or one stands above the other, by any number of steps."""
        return one in self.lineage(other) or other in self.lineage(one)

    @cached_property
    def broads(self) -> frozenset[str]:
        """The antigens that have splits."""
        return frozenset(parent for child, parent in self.parents.items() if child not in self.associated)

    def is_associated(self, antigen: str, parent: str) -> bool:
        """Whether `antigen` is an associated antigen of `parent` itself."""
        return antigen in self.associated and self.parents[antigen] == parent

    def relation(self, one: str, other: str) -> Relation:
        """Relation of two antigens (2.3 of the domain notes; SI1, SI2, SI3, SD2, SD3)."""
        if one == other:
            return Relation.EQUAL
        if other in self.lineage(one):
            return Relation.ASSOCIATED if self.is_associated(one, other) else Relation.SPLIT
        if one in self.lineage(other):
            return Relation.ASSOCIATED if self.is_associated(other, one) else Relation.BROAD
        if {one, other} <= self.associated and self.parents[one] == self.parents[other]:
            return Relation.SIBLINGS
        same_root = self.lineage(one)[-1] == self.lineage(other)[-1]
        return Relation.SAME_BROAD if same_root else Relation.DIFFERENT

    def best(self, ones: AntigenSet, others: AntigenSet) -> tuple[Relation, str, str]:
        """Closest relation between two sets of antigens, neither empty, with the two antigens; kept."""
        known = self._closest.get((ones, others))
        if known is None:
            pairs = (
                (self.relation(one, other), one, other) for one in sorted(ones) for other in sorted(others)
            )
            known = self._closest[ones, others] = min(pairs, key=lambda item: ORDER[item[0]])
        return known

    def match(self, ones: AntigenSet, others: AntigenSet, rule: AntigenRule) -> bool:
        """Whether an allele with antigens `ones` and one with `others` match at antigen level."""
        return is_antigen_match(self.best(ones, others)[0], rule)


def is_antigen_match(relation: Relation, rule: AntigenRule) -> bool:
    """Whether a relation counts as a match under a bank's rule."""
    return relation in MATCHES or (rule == "broad" and relation is Relation.SAME_BROAD)


def antigen_tree(splits: Mapping[str, Iterable[str]], associated: Mapping[str, Iterable[str]]) -> AntigenTree:
    """Tree from broad -> splits and antigen -> associated antigens."""
    parents = {
        child: parent for table in (splits, associated) for parent, row in table.items() for child in row
    }
    return AntigenTree(parents, frozenset(child for row in associated.values() for child in row))
