"""Typings written as "02:01+24:02", and the counts of a locus in one line, for tests."""

from __future__ import annotations

from hla.evidence import LocusEvidence
from hla.matching import explain_locus
from hla.resolve import Resolver
from hla.scoring import COUNT_NAMES
from hla.typing import LocusTyping, paired


def typing(resolver: Resolver, locus: str, text: str) -> LocusTyping:
    first, second = text.split("+")
    return paired(locus, [resolver.position(locus, first), resolver.position(locus, second)], doubled=False)


def explained(resolver: Resolver, locus: str, patient: str, unit: str, **options: object) -> LocusEvidence:
    mine, theirs = typing(resolver, locus, patient), typing(resolver, locus, unit)
    return explain_locus(mine, theirs, resolver, **options)  # type: ignore[arg-type]


def written(found: object) -> str:
    values = [str(getattr(found, name)) for name in COUNT_NAMES]
    return " ".join(low + high for low, high in zip(values[::2], values[1::2], strict=True))
