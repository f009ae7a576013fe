"""Whether the typing in force was confirmed on a second sample that was drawn independently of the first.

A tube can be mixed up: only another sample shows it. Read anew whenever it is asked, by the reference data in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from core import reference
from core.errors import Conflict
from hla.kinship import may_agree
from hla.loci import LOCI
from hla.locus_typing import LocusTyping
from hla.typing import read_gl
from hospitals.models import Patient, PatientHlaTyping
from hospitals.plausibility import SEARCH_NEEDS

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Loci = Mapping[str, LocusTyping]


class Standing(StrEnum):
    """What is so of the typing in force; only the last one may go on to an order."""

    UNTYPED = "untyped"
    SAMPLE_MISSING = "sample_missing"
    DISCREPANCY = "discrepancy"
    UNCONFIRMED = "unconfirmed"
    LOCI_MISSING = "loci_missing"
    CONFIRMED = "confirmed"


WHY: dict[Standing, StrPromise] = {
    Standing.UNTYPED: _("The patient has no HLA typing."),
    Standing.SAMPLE_MISSING: _("It is not stated from which sample the typing in force is."),
    Standing.DISCREPANCY: _(
        "Typings of two samples contradict one another: somebody must settle which is right."
    ),
    Standing.UNCONFIRMED: _("No second, independently drawn sample was typed yet."),
    Standing.LOCI_MISSING: _("The second sample does not confirm all of A, B and DRB1: %(loci)s is missing."),
    Standing.CONFIRMED: _("Confirmed on a second, independently drawn sample."),
}
DOUBT = _(
    "The sample “%(label)s” is stated with two days, and one sample is drawn once: a day or a label is wrong."
)


@dataclass(frozen=True)
class Contradiction:
    """A typing of another sample that cannot be the same person's, and at which loci."""

    row: PatientHlaTyping
    loci: tuple[str, ...]


@dataclass(frozen=True)
class Confirmation:
    """standing, and what it rests on. loci: those confirmed; missing: those of A, B, DRB1 that are not.

    doubtful: typings that state the sample of the one in force, drawn on another day.
    """

    standing: Standing
    by: tuple[PatientHlaTyping, ...] = ()
    loci: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    doubtful: tuple[PatientHlaTyping, ...] = ()

    @property
    def is_confirmed(self) -> bool:
        return self.standing == Standing.CONFIRMED

    @property
    def why(self) -> str:
        """A sentence: confirmed, or what is missing; a second one where a day or a label is in doubt."""
        said = str(WHY[self.standing]) % {"loci": ", ".join(self.missing)}
        return f"{said} {doubt_text(self.doubtful[0])}" if self.doubtful else said


def states_sample(row: PatientHlaTyping) -> bool:
    return bool(row.sample or row.sampled_on)


def are_comparable(one: PatientHlaTyping, other: PatientHlaTyping) -> bool:
    """Whether both state the day, or both the label: else nobody can say whether it is one sample."""
    return bool((one.sample and other.sample) or (one.sampled_on and other.sampled_on))


def of_other_sample(one: PatientHlaTyping, other: PatientHlaTyping) -> bool:
    """Whether both state their sample and it is not the same: another label, or where one has none another day.

    A label names one tube: stated with two days it is one sample still, and a doubt (`is_doubtful`). A day that was
    mistyped must not make a second sample of the first.
    """
    if one.sample and other.sample:
        return one.sample.casefold() != other.sample.casefold()
    return _of_other_days(one, other)


def _of_other_days(one: PatientHlaTyping, other: PatientHlaTyping) -> bool:
    return bool(one.sampled_on and other.sampled_on) and one.sampled_on != other.sampled_on


def is_doubtful(one: PatientHlaTyping, other: PatientHlaTyping) -> bool:
    """Whether both state the same label and days that differ."""
    return (
        bool(one.sample and other.sample) and not of_other_sample(one, other) and _of_other_days(one, other)
    )


def doubt_text(row: PatientHlaTyping) -> str:
    return str(DOUBT) % {"label": row.sample}


def is_independent(one: PatientHlaTyping, other: PatientHlaTyping) -> bool:
    """Another sample, and not one report entered twice: another person entered it, or it is another report."""
    other_person = one.entered_by_id != other.entered_by_id
    other_report = (one.laboratory.casefold(), one.typed_on) != (other.laboratory.casefold(), other.typed_on)
    return of_other_sample(one, other) and (other_person or other_report)


def loci_of(row: PatientHlaTyping) -> Loci:
    """As the reference data in use read it."""
    return dict(read_gl(row.canonical_gl, reference.resolver()).typing.loci)


def differing_loci(one: Loci, other: Loci) -> tuple[str, ...]:
    """At which two typings cannot be of one person; a lower resolution contradicts nothing that it may be."""
    resolver = reference.resolver()
    both = [locus for locus in LOCI if locus in one and locus in other]
    return tuple(locus for locus in both if not may_agree(one[locus], other[locus], resolver))


def contradictions(
    current: PatientHlaTyping, others: Iterable[PatientHlaTyping]
) -> tuple[Contradiction, ...]:
    """Typings of other samples, not set aside, that contradict the one in force."""
    mine = loci_of(current)
    found = []
    for row in others:
        if row.pk == current.pk or row.set_aside_at is not None or not of_other_sample(row, current):
            continue
        if loci := differing_loci(mine, loci_of(row)):
            found.append(Contradiction(row, loci))
    return tuple(found)


def typing_confirmation(patient: Patient, rows: Sequence[PatientHlaTyping] | None = None) -> Confirmation:
    """Of the patient's typing in force. rows: the patient's typings, where the caller has them already."""
    found = (
        rows
        if rows is not None
        else list(patient.typings.select_related("entered_by").order_by("created_at"))
    )
    current = next((row for row in found if row.is_current), None)
    if current is None:
        return Confirmation(Standing.UNTYPED)
    if not states_sample(current):
        return Confirmation(Standing.SAMPLE_MISSING)
    doubtful = tuple(row for row in found if row.set_aside_at is None and is_doubtful(row, current))
    if against := contradictions(current, found):
        return Confirmation(Standing.DISCREPANCY, contradictions=against, doubtful=doubtful)
    rows = [row for row in found if _counts(row, current)]
    return replace(_confirmed_by(current, rows), doubtful=doubtful)


def _counts(row: PatientHlaTyping, current: PatientHlaTyping) -> bool:
    return row.set_aside_at is None and row.pk != current.pk and is_independent(row, current)


def _confirmed_by(current: PatientHlaTyping, rows: Sequence[PatientHlaTyping]) -> Confirmation:
    """rows: of other samples, which contradict nothing."""
    if not rows:
        return Confirmation(Standing.UNCONFIRMED)
    mine = _typed(loci_of(current))
    seen: set[str] = set().union(*(_typed(loci_of(row)) for row in rows))
    loci = tuple(locus for locus in LOCI if locus in mine & seen)
    missing = tuple(locus for locus in SEARCH_NEEDS if locus not in loci)
    standing = Standing.LOCI_MISSING if missing else Standing.CONFIRMED
    return Confirmation(standing, by=tuple(rows), loci=loci, missing=missing)


def _typed(loci: Loci) -> set[str]:
    return {locus for locus, typing in loci.items() if not typing.untyped}


def guard_typing_confirmed(patient: Patient) -> None:
    """For whatever must not go on without it, such as an order: Conflict that says what is missing."""
    found = typing_confirmation(patient)
    if not found.is_confirmed:
        raise Conflict(f"typing_{found.standing}", found.why, field="typing")
