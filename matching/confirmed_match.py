"""What a typing of a unit anew makes of its match with a patient: what was listed beside what was found, by locus.

A result may agree with the listed typing and say more: of what was open, what it says may be a mismatch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from core import reference
from hla.antigens import AntigenRule
from hla.comparison import Comparer
from hla.loci import SEARCH_LOCI
from hla.locus_typing import LocusTyping, pairs_of
from hla.matching import CLASSES
from hla.resolve import Resolver
from hla.text import Kind

# Kinds of values that name one protein, or what no laboratory tells apart from it.
ONE_PROTEIN: Final = frozenset({Kind.G_GROUP, Kind.P_GROUP, Kind.SMALL_G})


@dataclass(frozen=True)
class Fall:
    """Of a locus, or of a class of hla.matching.CLASSES: the most matches that were possible, and those that are now.

    antigen: whether the antigens too match less, of a locus.
    """

    name: str
    before: int
    after: int
    antigen: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Change:
    """What matches less than it might have; nothing where nobody is worse off."""

    loci: tuple[Fall, ...] = ()
    classes: tuple[Fall, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.loci)

    def as_json(self) -> dict[str, Any]:
        return {name: [one.as_json() for one in getattr(self, name)] for name in ("loci", "classes")}


def match_change(patient_gl: str, listed_gl: str, found_gl: str, antigen_rule: AntigenRule) -> Change:
    """By the reference data in use. antigen_rule: of the policy. A locus that was not typed anew falls by nothing.

    Raises ValueError for a text that cannot be read: stored ones could when they were stored.
    """
    comparer = Comparer(reference.resolver(), antigen_rule=antigen_rule)
    before, after = (comparer.compare(patient_gl, unit) for unit in (listed_gl, found_gl))
    if "error" in before or "error" in after:
        raise ValueError("a stored typing cannot be read")
    loci = tuple(_of_loci(before["loci"], after["loci"]))
    classes = (Fall(name, before["classes"][name]["max"], after["classes"][name]["max"]) for name in CLASSES)
    return Change(loci, tuple(one for one in classes if one.after < one.before))


def _of_loci(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Fall]:
    for locus in SEARCH_LOCI:
        was, now = before[locus], after[locus]
        antigen = now["antigen_matches"]["max"] < was["antigen_matches"]["max"]
        if antigen or now["matches_max"] < was["matches_max"]:
            yield Fall(locus, was["matches_max"], now["matches_max"], antigen)


def alleles_count(primary: str) -> frozenset[str]:
    """Loci at which the class that orders a list counts alleles."""
    return frozenset(locus for locus, level in CLASSES[primary] if level == "allele")


def is_allele_level(typing: LocusTyping | None, resolver: Resolver | None = None) -> bool:
    """Whether both values name one protein each, in whatever genotype is left possible."""
    if typing is None or typing.untyped:
        return False
    reader = resolver or reference.resolver()
    pairs = pairs_of(typing, reader)
    each = all(
        not value.unknown
        and value.kind is not Kind.SEROLOGY
        and (value.kind in ONE_PROTEIN or len(value.p_groups) <= 1)
        for pair in pairs
        for value in pair
    )
    genotypes = {frozenset((one.p_groups, other.p_groups)) for one, other in pairs}
    return each and len(genotypes) == 1
