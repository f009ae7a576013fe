"""The typing of a unit's mother: which antigens the child did not inherit, and whether two samples were swapped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Subject, TypingSource
from bank.consents import guard_mother_testing
from bank.models import CordBloodUnit, HlaTyping
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core import reference
from core.audit import Actor
from core.errors import Conflict
from core.hla_messages import stored_note_text
from core.typings import Interpretation, TypingInput, guard_typing, interpret, told_code
from hla.errors import Note
from hla.kinship import differences
from hla.typing import read_gl


@dataclass(frozen=True)
class Contradiction:
    """Something that cannot well be: of mother and unit, or of antigens and DNA of the mother."""

    locus: str
    note: Note

    @property
    def code(self) -> str:
        """Of what was shown: other values have another code, in any language the same."""
        params = self.note.params
        return told_code(str(self.note.code), self.locus, *(params[name] for name in sorted(params)))

    @property
    def text(self) -> str:
        return f"HLA-{self.locus}: {stored_note_text(self.note.code, self.note.params)}"


@transaction.atomic
def mother_typing_record(
    *, unit_id: UUID, given: TypingInput, actor: Actor, reason: str = "", confirmed: Collection[str] = ()
) -> HlaTyping:
    """Put a typing of the mother in force; the former one stays in the history.

    A child has one type of its mother at each locus. Where mother and unit share none, samples may have been
    swapped: Conflict `mother_differs` (`mother_conflict` if only her antigens and her DNA contradict one another),
    unless a reason is given and every contradiction is among `confirmed`: the codes of those that the person was
    shown, which `details` tell. Then they are kept as remarks on the typing.
    Raises InvalidInput for a typing that cannot be read or says nothing.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    guard_mother_testing(unit, given.typed_on or timezone.localdate())
    read = interpret(given)
    guard_typing(read)
    differing = mother_differences(unit, read)
    conflicts = [Contradiction(locus, note) for locus, note in read.conflicts()]
    _guard_contradictions(differing, conflicts, reason, confirmed)
    reason = given_reason(reason) if reason.strip() else ""
    former = unit.typings.filter(subject=Subject.MOTHER, is_current=True)
    before = {"mother_typing": former.values_list("canonical_gl", flat=True).first()}
    former.update(is_current=False)
    row = _row(unit, given, read, differing, actor)
    row.save(force_insert=True)
    after: dict[str, Any] = {"mother_typing": row.canonical_gl}
    if differing:
        after["mother_differs"] = [one.locus for one in differing]
    if conflicts:
        after["mother_conflict"] = [one.locus for one in conflicts]
    touch_unit(unit, actor=actor, action="unit.mother_typing", before=before, after=after, reason=reason)
    return row


def mother_differences(unit: CordBloodUnit, read: Interpretation) -> list[Contradiction]:
    """Loci at which mother and unit share no type; [] where the unit is not typed."""
    current = unit.typings.filter(subject=Subject.UNIT, is_current=True).first()
    if current is None:
        return []
    resolver = reference.resolver()
    child = read_gl(current.canonical_gl, resolver).typing
    found = differences(read.loci.values(), child.loci.values(), resolver)
    return [Contradiction(locus, note) for locus, note in found]


def _guard_contradictions(
    differing: Sequence[Contradiction],
    conflicts: Sequence[Contradiction],
    reason: str,
    confirmed: Collection[str],
) -> None:
    found = [*differing, *conflicts]
    if not found or (reason.strip() and {one.code for one in found} <= set(confirmed)):
        return
    details = [{"field": "reason", "code": one.code, "locus": one.locus, "text": one.text} for one in found]
    if differing:
        message = _(
            "Mother and unit share no type at one locus or more. Check both samples; "
            "if it is right all the same, say why."
        )
        raise Conflict("mother_differs", message, field="reason", details=details)
    message = _("Antigens and DNA typing contradict one another. Correct the typing, or say why it is right.")
    raise Conflict("mother_conflict", message, field="reason", details=details)


def _row(
    unit: CordBloodUnit,
    given: TypingInput,
    read: Interpretation,
    differing: Sequence[Contradiction],
    actor: Actor,
) -> HlaTyping:
    return HlaTyping(
        unit=unit,
        subject=Subject.MOTHER,
        loci={locus: list(pair) for locus, pair in read.typed.items()},
        canonical_gl=read.typing().gl(),
        notes=[*([one.locus, one.note.code, dict(one.note.params)] for one in differing), *read.notes()],
        nomenclature=read.release,
        mac_version=read.mac_version,
        source=TypingSource.LAB,
        laboratory=given.laboratory,
        typed_on=given.typed_on,
        entered_by_id=actor.person_id,
    )
