"""Which alleles of a haplotype set a typing allows at a locus."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.prediction.states import NOTHING
from hla.prediction.table import HaplotypeTable
from hla.resolve import Resolved, Resolver
from hla.typing import LocusTyping

Array = NDArray[Any]
Pair = tuple[str, str]

FIRST: Final = 1
SECOND: Final = 2
MAX_VALUES_KEPT: Final = 20_000
MAX_PAIRS_LISTED: Final = 2_000  # genotypes of one locus that are written out where no haplotype helps


@dataclass(frozen=True)
class LocusFit:
    """A typing of a locus against the alleles of a set.

    bits: uint8 (alleles,), FIRST where the first value allows the allele, SECOND where the second does. pairs: None,
    or, for a genotype list, bool (alleles, alleles), which two alleles are one of its genotypes. certain: the
    two states that the typing leaves, None if it leaves more.
    """

    bits: Array
    pairs: Array | None
    certain: tuple[int, int] | None


def locus_fit(table: HaplotypeTable, locus: str, first: str, second: str) -> LocusFit:
    """How the alleles of a set fit a typing. Raises TypingError if it cannot be read."""
    alternatives = table.resolver.pairs(locus, first, second)
    known = [(_value_fit(table, locus, one), _value_fit(table, locus, other)) for one, other in alternatives]
    certain = _certain([(one[1], other[1]) for one, other in known])
    masks = [(one[0], other[0]) for one, other in known]
    if len(masks) == 1:
        one, other = masks[0]
        return LocusFit(one.view(np.uint8) | (other.view(np.uint8) << 1), None, certain)
    pairs = np.zeros((len(table.alleles[locus]),) * 2, dtype=np.bool_)
    for one, other in masks:
        crossed = np.outer(one, other)
        pairs |= crossed | crossed.T
    bits = np.where(pairs.any(axis=1), np.uint8(FIRST | SECOND), np.uint8(0))
    return LocusFit(bits, pairs, certain)


def _value_fit(table: HaplotypeTable, locus: str, value: Resolved) -> tuple[Array, int | None]:
    """Alleles that a value allows, and the one state that it leaves; kept."""
    key = (locus, value.text)
    found = table.value_fits.get(key)
    if found is None:
        if len(table.value_fits) >= MAX_VALUES_KEPT:
            table.value_fits.clear()
        found = _allowed(table, locus, value), _only_state(table, locus, value)
        table.value_fits[key] = found
    return found


def _allowed(table: HaplotypeTable, locus: str, value: Resolved) -> Array:
    """bool (alleles,): whether each allele may be this value."""
    if value.unknown:
        return np.ones(len(table.alleles[locus]), dtype=np.bool_)
    found = np.zeros(len(table.alleles[locus]), dtype=np.bool_)
    groups = value.p_groups
    found[[place for group, place in table.group_places[locus].items() if group in groups]] = True
    found[_known_nulls(table, locus, value)] = True
    return found


def _known_nulls(table: HaplotypeTable, locus: str, value: Resolved) -> list[int]:
    """Places of the null alleles of a set that a value may be."""
    places = table.null_places[locus]
    if not places:
        return []
    nulls = nulls_of(table.resolver, value)
    return [place for place in places if not nulls.isdisjoint(table.alleles[locus][place].nulls)]


def nulls_of(resolver: Resolver, value: Resolved) -> frozenset[str]:
    """Complete names (without locus) of the null alleles that a value may be."""
    if not value.null:
        return frozenset(name.partition("*")[2] for name in value.null_possible)
    bare = value.text.partition("*")[2]
    return frozenset(resolver.alleles(value.locus, value.text) or (bare,))


def _certain(alternatives: list[tuple[int | None, int | None]]) -> tuple[int, int] | None:
    """The one pair of states that is left."""
    found = set()
    for one, other in alternatives:
        if one is None or other is None:
            return None
        found.add(_reduced(one, other))
    return found.pop() if len(found) == 1 else None


def _only_state(table: HaplotypeTable, locus: str, value: Resolved) -> int | None:
    """The one state that a value leaves, None if there are several.

    A null allele that a group or list sets aside is one of them where the set has it.
    """
    known = {table.alleles[locus][place].name for place in _known_nulls(table, locus, value)}
    if not value.null:
        if value.unknown or len(value.p_groups) != 1 or known:
            return None
        return table.space.code(locus, next(iter(value.p_groups)))
    if table.nulls == "absent":
        return NOTHING
    return table.space.code(locus, (known or {value.text}).pop()) if len(known) < 2 else None


def _reduced(one: int, other: int) -> tuple[int, int]:
    """Two states as a genotype: one that is not expressed takes its partner's."""
    one, other = one or other, other or one
    return (one, other) if one <= other else (other, one)


def written_out(table: HaplotypeTable, typing: LocusTyping) -> dict[tuple[int, int], float] | None:
    """Genotypes of a locus that the typing leaves though no two alleles of the set do, with weights that sum to 1.

    table: of this locus alone. A value that the set has alleles for is these, by their frequencies; of any other all
    P groups count alike. None if that leaves too many.
    """
    found: dict[tuple[int, int], float] = {}
    alternatives = table.resolver.pairs(typing.locus, typing.first, typing.second)
    for pair in alternatives:
        one, other = (_options(table, typing.locus, value) for value in pair)
        if one is None or other is None or len(one) * len(other) > MAX_PAIRS_LISTED:
            return None
        for state, weight in one:
            for partner, share in other:
                genotype = _reduced(state, partner)
                found[genotype] = found.get(genotype, 0.0) + weight * share / len(alternatives)
    return found


def _options(table: HaplotypeTable, locus: str, value: Resolved) -> list[tuple[int, float]] | None:
    """States that a value may be, with weights that sum to 1."""
    allowed = _allowed(table, locus, value)
    if allowed.any():
        shares = np.bincount(table.codes[:, 0], weights=table.frequencies, minlength=len(allowed)) * allowed
        weights = shares / shares.sum()
        return [(int(table.states[0, code]), float(weights[code])) for code in np.flatnonzero(allowed)]
    if value.null:
        return [(NOTHING if table.nulls == "absent" else table.space.code(locus, value.text), 1.0)]
    if len(value.p_groups) > MAX_PAIRS_LISTED:
        return None
    return [(table.space.code(locus, group), 1 / len(value.p_groups)) for group in sorted(value.p_groups)]
