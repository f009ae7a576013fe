"""The set of genotypes that the two values of a locus denote (domain notes 2.3)."""

from dataclasses import dataclass
from enum import IntEnum

from hla.nomenclature import AntigenOptions, PGroups
from hla.resolved import Resolved


class Shape(IntEnum):
    """How the two positions of a genotype depend on each other."""

    PAIR = 0  # any member of `first` with any member of `second`
    HOMOZYGOUS = 1  # one member of `first`, twice: a null allele stands beside it
    NONE = 2  # nothing is expressed: two null alleles
    UNTYPED = 3  # nothing is known


@dataclass(frozen=True, slots=True)
class Genotypes:
    """All genotypes of a locus: pairs of P groups and, beside them, of antigen options. None = anything."""

    shape: Shape
    first: PGroups | None = None
    second: PGroups | None = None
    first_antigens: AntigenOptions | None = None
    second_antigens: AntigenOptions | None = None


def genotypes_of(first: Resolved, second: Resolved) -> Genotypes:
    """The genotypes of two values.

    A null allele beside another value is that value twice; beside an unknown one it is one unknown type
    twice. Two null alleles express nothing.
    """
    if first.unknown and second.unknown:
        return Genotypes(Shape.UNTYPED)
    if first.null and second.null:
        return Genotypes(Shape.NONE)
    if first.null or second.null:
        value = second if first.null else first
        groups, antigens = position_sets(value)
        return Genotypes(Shape.HOMOZYGOUS, groups, groups, antigens, antigens)
    one, one_antigens = position_sets(first)
    two, two_antigens = position_sets(second)
    return Genotypes(Shape.PAIR, one, two, one_antigens, two_antigens)


def position_sets(value: Resolved) -> tuple[PGroups | None, AntigenOptions | None]:
    """P groups and antigen options of one value, None if it may be anything."""
    return (None, None) if value.unknown else (value.p_groups, value.options)
