"""How well two positions match, and how sure that is.

Grades follow the WMDA framework (Bochtler 2011, BMT 46:338) as Atlas words them, best first. Of two DNA typings
that share no P group but an antigen the grade is that of the antigen, and the confidence says `mismatch`.
"""

from typing import Final, Literal, get_args

from hla.antigens import AntigenTree, Relation
from hla.nomenclature import SUFFIXES
from hla.resolve import Resolved, Resolver
from hla.text import Kind

Grade = Literal[
    "gDNA",
    "cDNA",
    "protein",
    "G",
    "P",
    "associated",
    "split",
    "broad",
    "expressed-versus-null",
    "mismatch",
]
Confidence = Literal["definite", "exact", "potential", "mismatch"]

GRADE_ORDER: Final[tuple[Grade, ...]] = get_args(Grade)  # best first
BY_FIELDS: Final[dict[int, Grade]] = {4: "gDNA", 3: "cDNA", 2: "protein"}


def serological_grade(tree: AntigenTree, relation: Relation, one: str, other: str) -> Grade:
    """Grade of two antigens that match: the level at which they are the same.

    SI1 `associated`: the same associated antigen, or one and the antigen that it belongs to; SI2 `split`: the
    same split (or an antigen without splits); SI3 `broad`: the same broad, or a broad and its split.
    """
    if relation is Relation.EQUAL:
        return tree.level(one)
    if relation is Relation.ASSOCIATED:
        return "associated"
    return "split" if relation is Relation.SIBLINGS else "broad"


def molecular_grade(mine: Resolved, theirs: Resolved, resolver: Resolver, *, certain: bool) -> Grade:
    """Grade of two positions that share a P group.

    Two names: by the fields that both give and have in common. Else G if it is certain that the G group is the
    same, or, of a potential match, if it may be; P otherwise.
    """
    if (
        certain
        and mine.kind is theirs.kind is Kind.ALLELE
        and (found := BY_FIELDS.get(common_fields(mine, theirs)))
    ):
        return found
    if mine.text == theirs.text and mine.kind is Kind.G_GROUP:
        return "G"
    ones, others = (resolver.details(value.locus, value.text).g_groups for value in (mine, theirs))
    same = len(ones | others) == 1 if certain else bool(ones & others)
    return "G" if same else "P"


def common_fields(mine: Resolved, theirs: Resolved) -> int:
    """Number of leading fields that two names share."""
    ones, others = (value.text.split("*")[1].rstrip(SUFFIXES).split(":") for value in (mine, theirs))
    pairs = zip(ones, others, strict=False)
    return next((at for at, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(ones), len(others)))


def certainty(mine: Resolved, theirs: Resolved, resolver: Resolver) -> Confidence:
    """Confidence of a certain match: `definite` between two complete alleles, else `exact`."""
    single = all(resolver.details(value.locus, value.text).single for value in (mine, theirs))
    return "definite" if single else "exact"
