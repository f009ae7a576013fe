"""HLA-B leader: methionine or threonine at position -21, which decides what HLA-E presents.

The leader follows the first field, but for a few alleles. Source: domain notes 5.2, computed there from
IPD-IMGT/HLA 3.58.0 (residue 4 of the precursor); meaning for transplants: Petersdorf et al. 2020,
Blood 136:362. Of the alleles that break their family, those that the notes name are known here.
"""

from itertools import product
from typing import Final, Literal

from hla.nomenclature import two_fields
from hla.resolve import Resolver
from hla.text import Item, Kind, read_value
from hla.typing import LocusTyping

Leader = Literal["M", "T"]
LeaderGenotype = Literal["MM", "MT", "TT", "unknown"]

LOCUS: Final = "B"
FAMILIES: Final[dict[Leader, tuple[int, ...]]] = {
    "M": (7, 8, 14, 38, 39, 42, 48, 67, 73, 81),
    "T": (13, 15, 18, 27, 35, 37, 40, 41, *range(44, 48), *range(49, 60), 78, 82, 83),
}
EXCEPTIONS: Final[dict[Leader, tuple[str, ...]]] = {
    "M": ("13:117", "15:68", "18:206", "35:516", "35:520", "51:399", "52:90", "58:112"),
    "T": ("07:65", "07:271", "07:390", "08:276"),
}
# The families of an antigen, where it is not named like one: broads, splits and associated antigens.
SPLIT_FAMILIES: Final = {
    16: 38, 64: 14, 65: 14, 703: 7, 3901: 39, 3902: 39,
    5: 51, 12: 44, 17: 57, 21: 49, 22: 54, 60: 40, 61: 40, 62: 15, 63: 15, 70: 15, 71: 15, 72: 15, 75: 15,
    76: 15, 77: 15, 2708: 27, 4005: 40, 5102: 51, 5103: 51,
}  # fmt: skip

BY_FAMILY: Final = {family: leader for leader, families in FAMILIES.items() for family in families}
BY_ALLELE: Final = {allele: leader for leader, alleles in EXCEPTIONS.items() for allele in alleles}
NULL: Final = frozenset[Leader]()


def leader_genotype(typing: LocusTyping, resolver: Resolver) -> LeaderGenotype:
    """Leaders of the two HLA-B values: MM, MT, TT, or unknown unless all that the typing may be agree.

    A null allele counts as the one beside it. Families (XX) and antigens go by the rule of their family, G and P
    groups by the allele that names them: exceptions count where they are typed. Raises
    ValueError for another locus, TypingError as Resolver.position.
    """
    if typing.locus != LOCUS:
        raise ValueError("The leader is known for HLA-B only.")
    found: set[LeaderGenotype] = set()
    for pair in typing.alternatives:
        one, two = (resolver.kept(leaders, text) for text in pair)
        if one is None or two is None or not one | two:
            return "unknown"
        if one and two:
            found.update(ordered(*both) for both in product(one, two))
        else:
            found.update(ordered(leader, leader) for leader in one | two)
    return found.pop() if len(found) == 1 else "unknown"


def ordered(one: Leader, two: Leader) -> LeaderGenotype:
    """The genotype of two leaders."""
    if one == two:
        return "MM" if one == "M" else "TT"
    return "MT"


def leaders(resolver: Resolver, text: str) -> frozenset[Leader] | None:
    """What the leader of a value may be: NULL if it is not expressed, None if it cannot be told."""
    value = resolver.position(LOCUS, text)
    if value.unknown:
        return None
    if value.null:
        return NULL
    found: set[Leader | None] = set()
    for item in read_value(LOCUS, text):
        if not resolver.position(LOCUS, item.text).null:  # one set aside beside an expressed member
            found |= item_leaders(resolver, item)
    return frozenset(leader for leader in found if leader) if None not in found else None


def item_leaders(resolver: Resolver, item: Item) -> set[Leader | None]:
    """What the leader of one member of a value may be; None among them: it cannot be told."""
    match item.kind:
        case Kind.XX:
            return {BY_FAMILY.get(int(item.fields))}
        case Kind.SEROLOGY:
            number = int(item.fields)
            return {BY_FAMILY.get(SPLIT_FAMILIES.get(number, number))}
        case (
            Kind.G_GROUP | Kind.P_GROUP
        ):  # by the allele that names it: its rare members are not what was typed
            return {leader_of(item.fields)}
        case _:
            names = resolver.alleles(LOCUS, item.text) or unlisted(resolver, item)
            return {leader_of(name) for name in names}


def unlisted(resolver: Resolver, item: Item) -> list[str]:
    """Names behind a member for a nomenclature that lists no alleles."""
    return resolver.mac.expand(LOCUS, item.fields, item.tail) if item.kind is Kind.MAC else [item.fields]


def leader_of(name: str) -> Leader | None:
    """The leader of an allele (fields and suffix): by its own entry, else by its family; None if unknown."""
    return BY_ALLELE.get(two_fields(name)) or BY_FAMILY.get(int(name.split(":", 1)[0]))
