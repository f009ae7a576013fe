"""Two typings of one unit beside one another, locus by locus; and a result as it waits for a second person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from bank.choices import Subject
from bank.models import HlaTyping
from core import reference
from core.typings import Interpretation, TypingInput
from hla.kinship import may_agree
from hla.loci import LOCI
from hla.locus_typing import LocusTyping, pairs_of
from hla.resolve import Resolved, Resolver
from hla.typing import read_gl

Loci = Mapping[str, LocusTyping]
UNKNOWN = 10_000  # more than any locus has P groups


class Agreement(StrEnum):
    """Of a locus, as the second typing stands to the first. The first three can be one person's."""

    AGREES = "agrees"
    MORE = "more"  # the second leaves less open
    LESS = "less"
    DIFFERS = "differs"
    NOT_TYPED = "not_typed"  # the second says nothing of it
    NOT_LISTED = "not_listed"  # the first says nothing of it


@dataclass(frozen=True)
class LocusCompared:
    locus: str
    listed: LocusTyping | None
    found: LocusTyping | None
    agreement: Agreement


@dataclass(frozen=True)
class Reported:
    """A typing as it was entered and read, before a second person has seen it. typed_on: ISO."""

    loci: dict[str, list[str]]
    gl: str
    notes: list[Any]
    nomenclature: str
    mac_version: str
    laboratory: str
    typed_on: str

    @classmethod
    def of(cls, given: TypingInput, read: Interpretation) -> Reported:
        day = given.typed_on.isoformat() if given.typed_on else ""
        return cls(
            {locus: list(pair) for locus, pair in read.typed.items()},
            read.typing().gl(),
            read.notes(),
            read.release,
            read.mac_version,
            given.laboratory.strip()[:120],
            day,
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reported:
        return cls(**data)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def day(self) -> dt.date | None:
        return dt.date.fromisoformat(self.typed_on) if self.typed_on else None


def in_force(unit_id: UUID) -> HlaTyping | None:
    """The typing of the unit itself that a search reads."""
    rows = HlaTyping.objects.filter(unit=unit_id, subject=Subject.UNIT, is_current=True)
    found: HlaTyping | None = rows.first()
    return found


def loci_of(gl: str) -> dict[str, LocusTyping]:
    """Of a stored canonical GL text, as the reference data in use read it."""
    return dict(read_gl(gl, reference.resolver()).typing.loci)


def differing(known: Loci, given: Loci, resolver: Resolver | None = None) -> list[str]:
    """Loci, in the order of the second, at which two typings cannot be of one person."""
    reader = resolver or reference.resolver()
    return [locus for locus in given if locus in known and not may_agree(given[locus], known[locus], reader)]


def compared(listed: Loci, found: Loci) -> list[LocusCompared]:
    """Every locus that either names, in the usual order."""
    resolver = reference.resolver()
    names = [locus for locus in LOCI if is_typed(listed.get(locus)) or is_typed(found.get(locus))]
    return [_compared(locus, listed.get(locus), found.get(locus), resolver) for locus in names]


def _compared(
    locus: str, listed: LocusTyping | None, found: LocusTyping | None, resolver: Resolver
) -> LocusCompared:
    if found is None or found.untyped:
        return LocusCompared(locus, listed, None, Agreement.NOT_TYPED)
    if listed is None or listed.untyped:
        return LocusCompared(locus, None, found, Agreement.NOT_LISTED)
    if not may_agree(found, listed, resolver):
        return LocusCompared(locus, listed, found, Agreement.DIFFERS)
    here, there = left_open(listed, resolver), left_open(found, resolver)
    more_or_less = Agreement.MORE if there < here else Agreement.LESS
    return LocusCompared(locus, listed, found, Agreement.AGREES if here == there else more_or_less)


def is_typed(typing: LocusTyping | None) -> bool:
    return typing is not None and not typing.untyped


def half_typed(loci: Loci, names: Iterable[str]) -> list[str]:
    """Of these loci those of which a value is not known, in some genotype that is left possible."""
    return [locus for locus in names if locus not in loci or not _is_whole(loci[locus])]


def _is_whole(typing: LocusTyping) -> bool:
    return not typing.untyped and all(first and second for first, second in typing.alternatives)


def left_open(typing: LocusTyping, resolver: Resolver) -> int:
    """Pairs of P groups that a typing leaves possible."""
    return sum(_size(one) * _size(other) for one, other in pairs_of(typing, resolver))


def _size(value: Resolved) -> int:
    return UNKNOWN if value.unknown else max(len(value.p_groups), 1)
