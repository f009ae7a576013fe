"""Whether antigens reported beside a DNA typing contradict it (domain notes 2.3: typing conflict)."""

from collections.abc import Sequence
from itertools import permutations, product

from hla.antigens import AntigenTree
from hla.resolved import Resolved

Pair = tuple[Resolved, Resolved]


def excludes(dna: Sequence[Pair], serology: Pair, tree: AntigenTree) -> bool:
    """Whether no alternative of the DNA typing can have the antigens, each value one of them.

    An antigen that was not reported says nothing: serology sees less than DNA does.
    """
    reported = [value for value in serology if not value.unknown]
    return not any(agrees(expressed(pair), reported, tree) for pair in dna)


def expressed(pair: Pair) -> list[Resolved]:
    """The values that count: a null allele counts as the one beside it."""
    first, second = pair
    if first.null and second.null:
        return []
    return [second if first.null else first, first if second.null else second]


def agrees(values: Sequence[Resolved], reported: Sequence[Resolved], tree: AntigenTree) -> bool:
    """Whether each antigen reported can be given to a value of its own."""
    return any(
        all(may_have(value, antigen, tree) for value, antigen in zip(chosen, reported, strict=True))
        for chosen in permutations(values, len(reported))
    )


def may_have(value: Resolved, antigen: Resolved, tree: AntigenTree) -> bool:
    """Whether a DNA value may be an allele with the antigen.

    By the antigens of the alleles named, not by P groups: a rare allele of the same P group known only by the broad
    (B*40:55, in B*40:01P) does not make B*40:01 a B61.
    """
    return value.unknown or any(
        tree.match(one, other, "split") for one, other in product(value.antigens, antigen.antigens)
    )
