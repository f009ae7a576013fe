"""Whether two typings can be of one person, or of a mother and her child, who share a value at each locus."""

from collections.abc import Iterable
from itertools import product

from hla.errors import Note
from hla.locus_typing import LocusTyping, pairs_of
from hla.nomenclature import two_fields
from hla.resolve import Resolved, Resolver


def may_share(mother: LocusTyping, child: LocusTyping, resolver: Resolver) -> bool:
    """Whether some genotype of the one and some of the other have a value in common; True where a value is unknown.

    Raises TypingError for a text that the release does not know, ValueError if the loci differ.
    """
    if mother.locus != child.locus:
        raise ValueError(f"A typing of {mother.locus} cannot be compared with one of {child.locus}.")
    ones, others = ([value for pair in pairs_of(one, resolver) for value in pair] for one in (mother, child))
    return any(may_be_inherited(one, other) for one, other in product(ones, others))


def may_be_inherited(mothers: Resolved, childs: Resolved) -> bool:
    """Whether a value of a child may be that value of its mother.

    By P group, antigens by what they may be; null alleles, which no count of matches sees, by name.
    """
    if mothers.unknown or childs.unknown:
        return True
    return not mothers.p_groups.isdisjoint(childs.p_groups) or bool(_nulls(mothers) & _nulls(childs))


def may_agree(one: LocusTyping, other: LocusTyping, resolver: Resolver) -> bool:
    """Whether some genotype of the one may be some genotype of the other: two reports of one person's locus.

    At whatever resolution: values agree by P group, antigens by what they may be. True where either is untyped, and
    for a value that is unknown. Raises as may_share.
    """
    if one.locus != other.locus:
        raise ValueError(f"A typing of {one.locus} cannot be compared with one of {other.locus}.")
    if one.untyped or other.untyped:
        return True
    return any(
        (may_be_inherited(a, c) and may_be_inherited(b, d))
        or (may_be_inherited(a, d) and may_be_inherited(b, c))
        for a, b in pairs_of(one, resolver)
        for c, d in pairs_of(other, resolver)
    )


def _nulls(value: Resolved) -> set[str]:
    """Null alleles that a value names, certain or possible, by two fields."""
    certain = value.text.split("/") if value.null else ()
    return {two_fields(name) for name in (*certain, *value.null_possible)}


def differences(
    mother: Iterable[LocusTyping], child: Iterable[LocusTyping], resolver: Resolver
) -> list[tuple[str, Note]]:
    """Loci, in the mother's order, at which both are typed and share no value: probably a swapped sample."""
    children = {typing.locus: typing for typing in child if not typing.untyped}
    return [
        (typing.locus, Note("mother_differs", mother=typing.gl(), unit=children[typing.locus].gl()))
        for typing in mother
        if typing.locus in children and not may_share(typing, children[typing.locus], resolver)
    ]
