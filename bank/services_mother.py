"""The typing of a unit's mother: which antigens the child did not inherit, and whether two samples were swapped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bank.choices import Subject, TypingSource
from bank.imports.typings import BadPair, TypingReader
from bank.models import CordBloodUnit, HlaTyping
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core import reference
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.hla_messages import stored_note_text, typing_error_text
from hla.errors import Note, TypingError
from hla.kinship import differences
from hla.loci import LOCI
from hla.typing import Blank, LocusTyping, Typing

Pair = tuple[str, str]


@dataclass(frozen=True)
class MotherInput:
    """What a form gives: values by locus as reported, a GL String for other loci, and where it comes from."""

    values: Mapping[str, Pair] = field(default_factory=dict)
    gl: str = ""
    blank: Blank = "unknown"
    laboratory: str = ""
    typed_on: dt.date | None = None


@dataclass(frozen=True)
class MotherReading:
    """What was understood: loci in the order of LOCI; errors with the field of a form that they belong to."""

    as_typed: Mapping[str, Pair]
    loci: Mapping[str, LocusTyping]
    errors: tuple[tuple[str, TypingError], ...]
    twice: tuple[str, ...]  # loci that stand in both, and differ
    general: tuple[Note, ...] = ()

    @property
    def gl(self) -> str:
        return Typing.of(self.loci.values()).gl()

    def notes(self) -> Iterator[tuple[str, Note | str]]:
        """(locus, remark); the locus is "" for those on the text as a whole."""
        yield from (("", note) for note in self.general)
        yield from ((locus, note) for locus, typing in self.loci.items() for note in typing.notes)


def read_mother(given: MotherInput) -> MotherReading:
    """Read values and GL String together against the reference data in use; all errors at once."""
    reader = TypingReader(reference.resolver(), given.blank)
    loci: dict[str, LocusTyping] = {}
    as_typed: dict[str, Pair] = {}
    errors: list[tuple[str, TypingError]] = []
    for locus, pair in given.values.items():
        if not any(pair):
            continue
        as_typed[locus] = pair
        read = reader.pair(locus, *pair)
        if isinstance(read, BadPair):
            errors += [(f"hla_{locus}_{position}", error) for position, error in read.errors]
        elif not read.untyped:
            loci[locus] = read
    reading = reader.gl(given.gl) if given.gl.strip() else None
    twice = []
    if reading is not None:
        errors += [("gl", error) for error in reading.errors]
        for locus, typing in reading.typing.loci.items():
            if locus in loci and loci[locus].gl() != typing.gl():
                twice.append(locus)
            loci.setdefault(locus, typing)
            as_typed.setdefault(locus, (typing.first, typing.second))
    ordered = {locus: loci[locus] for locus in LOCI if locus in loci}
    return MotherReading(
        as_typed, ordered, tuple(errors), tuple(twice), reading.notes if reading is not None else ()
    )


@transaction.atomic
def mother_typing_record(*, unit_id: UUID, given: MotherInput, actor: Actor, reason: str = "") -> HlaTyping:
    """Put a typing of the mother in force; the former one stays in the history.

    A child has one type of its mother at each locus. Where mother and unit share none, samples may have been
    swapped: Conflict `mother_differs`, unless a reason is given; then it is kept as a remark on the typing.
    Raises InvalidInput for a typing that cannot be read or says nothing.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    read = read_mother(given)
    _guard_reading(read)
    differing = mother_differences(unit, read.loci)
    if differing and not reason.strip():
        raise _differs(differing)
    reason = given_reason(reason) if reason.strip() else ""
    former = unit.typings.filter(subject=Subject.MOTHER, is_current=True)
    before = {"mother_typing": former.values_list("canonical_gl", flat=True).first()}
    former.update(is_current=False)
    row = _row(unit, given, read, differing, actor)
    row.save(force_insert=True)
    after: dict[str, Any] = {"mother_typing": row.canonical_gl}
    if differing:
        after["mother_differs"] = [locus for locus, _note in differing]
    touch_unit(unit, actor=actor, action="unit.mother_typing", before=before, after=after, reason=reason)
    return row


def mother_differences(unit: CordBloodUnit, mother: Mapping[str, LocusTyping]) -> list[tuple[str, Note]]:
    """Loci at which mother and unit share no type; [] where the unit is not typed."""
    current = unit.typings.filter(subject=Subject.UNIT, is_current=True).first()
    if current is None:
        return []
    child = TypingReader(reference.resolver()).gl(current.canonical_gl).typing
    return differences(mother.values(), child.loci.values(), reference.resolver())


def _guard_reading(read: MotherReading) -> None:
    details = [
        {"field": name, "code": error.code, "text": typing_error_text(error)} for name, error in read.errors
    ]
    text = _("The GL string says something else about HLA-%(locus)s: keep one of the two.")
    details += [
        {"field": f"hla_{locus}_1", "code": "locus_twice", "text": str(text) % {"locus": locus}}
        for locus in read.twice
    ]
    if details:
        raise InvalidInput("typing_invalid", _("The HLA typing has errors."), details=details)
    if not read.loci:
        raise InvalidInput("typing_empty", _("The typing is empty: type at least one locus."))


def _differs(differing: list[tuple[str, Note]]) -> Conflict:
    message = _(
        "Mother and unit share no type at one locus or more. Check both samples; if it is right all the same, say why."
    )
    details = [
        {
            "field": "reason",
            "code": note.code,
            "locus": locus,
            "text": stored_note_text(note.code, note.params),
        }
        for locus, note in differing
    ]
    return Conflict("mother_differs", message, field="reason", details=details)


def _row(
    unit: CordBloodUnit,
    given: MotherInput,
    read: MotherReading,
    differing: list[tuple[str, Note]],
    actor: Actor,
) -> HlaTyping:
    notes = [*differing, *read.notes()]
    return HlaTyping(
        unit=unit,
        subject=Subject.MOTHER,
        loci={locus: list(pair) for locus, pair in read.as_typed.items()},
        canonical_gl=read.gl,
        notes=[
            [locus, note.code, dict(note.params)] if isinstance(note, Note) else [locus, note, {}]
            for locus, note in notes
        ],
        nomenclature=reference.nomenclature().release,
        mac_version=reference.mac_table().version,
        source=TypingSource.LAB,
        laboratory=given.laboratory,
        typed_on=given.typed_on,
        entered_by_id=actor.person_id,
    )
