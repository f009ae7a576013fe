"""A typing as it was given, into a row: checked, read, and its sample with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit import Actor
from core.errors import InvalidInput
from core.typings import Interpretation, TypingInput, conflict_code, guard_typing, interpret, typing_digest
from hospitals import choices
from hospitals.confirmation import contradictions
from hospitals.guards import guard_conflicts
from hospitals.models import Patient, PatientHlaTyping

MAX_SAMPLE_LENGTH = 60


def checked(given: TypingInput, confirmed: Collection[str]) -> Interpretation:
    """Read and guarded; `confirmed`: codes of the typing conflicts that a person looked at."""
    read = interpret(given)
    guard_typing(read)
    guard_conflicts(read, confirmed)
    guard_sample(given)
    return read


def guard_sample(given: TypingInput) -> None:
    """Raises InvalidInput for a day that lies ahead, or after the report on the sample."""
    if len(given.sample.strip()) > MAX_SAMPLE_LENGTH:
        raise InvalidInput("sample_too_long", _("The label of the sample is too long."), field="sample")
    if given.sampled_on is None:
        return
    if given.sampled_on > timezone.localdate():
        raise InvalidInput(
            "sampled_in_future", _("The day on which the sample was drawn lies ahead."), field="sampled_on"
        )
    if given.typed_on is not None and given.typed_on < given.sampled_on:
        raise InvalidInput("typed_before_sample", _("The report is older than the sample."), field="typed_on")


def typing_row(
    patient: Patient, given: TypingInput, read: Interpretation, by: Actor, *, is_current: bool
) -> PatientHlaTyping:
    """Writes the row; nothing else is touched."""
    gl = read.typing().gl()
    row: PatientHlaTyping = PatientHlaTyping.objects.create(
        patient=patient,
        is_current=is_current,
        loci={locus: list(pair) for locus, pair in read.typed.items()},
        canonical={name: [locus.first, locus.second] for name, locus in read.loci.items()},
        canonical_gl=gl,
        digest=typing_digest(gl),
        notes=read.notes(),
        nomenclature=read.release,
        mac_version=read.mac_version,
        blank_rule=given.blank,
        source=given.source or choices.TypingSource.REPORT,
        laboratory=given.laboratory,
        typed_on=given.typed_on,
        sampled_on=given.sampled_on,
        sample=given.sample.strip(),
        entered_by_id=by.person_id,
    )
    return row


def mark_discrepancy(patient: Patient) -> bool:
    """Whether another sample contradicts the typing in force, as it stands on the patient; the caller saves it."""
    rows = list(patient.typings.all())
    current = next((row for row in rows if row.is_current), None)
    patient.typing_discrepancy = current is not None and bool(contradictions(current, rows))
    return patient.typing_discrepancy


def sample_facts(row: PatientHlaTyping) -> dict[str, Any]:
    """For the audit entry: the sample, where one is stated."""
    return {"sample": row.sample, "sampled_on": row.sampled_on} if row.sample_text else {}


def confirmed_conflicts(row: PatientHlaTyping) -> dict[str, Any]:
    """For the audit entry of a typing: the conflicts that were confirmed with it; nothing without one."""
    found = [
        {"code": conflict_code(locus, values), "antigens": values["text"], "dna": values["dna"]}
        for locus, values in row.conflicts
    ]
    return {"confirmed_conflicts": found} if found else {}
