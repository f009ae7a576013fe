"""The typing of a patient on a second sample: entered beside the one in force, compared, settled if they differ."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.typings import TypingInput
from hospitals.confirmation import (
    are_comparable,
    contradictions,
    doubt_text,
    is_doubtful,
    of_other_sample,
    states_sample,
)
from hospitals.models import Patient, PatientHlaTyping
from hospitals.typing_rows import (
    checked,
    confirmed_conflicts,
    guard_sample,
    mark_discrepancy,
    sample_facts,
    typing_row,
)
from hospitals.writing import locked_active, record, touch

MAX_REASON_LENGTH = 400


@dataclass(frozen=True, kw_only=True)
class SampleData:
    """Which sample was typed: one of the two at least."""

    sampled_on: datetime.date | None = None
    sample: str = ""


@transaction.atomic
def patient_typing_confirm(
    *,
    patient_id: UUID,
    typing: TypingInput,
    by: Actor,
    first: SampleData | None = None,
    confirmed: Collection[str] = (),
) -> PatientHlaTyping:
    """Enter the typing of another sample. The one in force stays; where they contradict one another the patient has an
    open discrepancy.

    first: the sample of the typing in force, where it is not stated yet. Raises Conflict without a typing in force,
    and InvalidInput if the sample is not stated or is the same.
    """
    patient = locked_active(patient_id)
    current = patient.typings.filter(is_current=True).first()
    if current is None:
        raise Conflict("typing_missing", _("There is no typing to confirm: enter the first one."))
    if first is not None and not states_sample(current):
        _state_sample(current, first)
    row = _second(patient, current, typing, by, confirmed)
    found = mark_discrepancy(patient)
    touch(patient, "typing_discrepancy")
    after: dict[str, Any] = {
        "typing": row.canonical_gl,
        "release": row.nomenclature,
        "contradicts": _loci_against(current, row),
    }
    after |= {"first_sample": current.sample_text, "discrepancy": found}
    record(patient, "patient.typing_second", by, after=after | sample_facts(row) | confirmed_conflicts(row))
    return row


def _second(
    patient: Patient, current: PatientHlaTyping, typing: TypingInput, by: Actor, confirmed: Collection[str]
) -> PatientHlaTyping:
    read = checked(typing, confirmed)
    if not (typing.sample.strip() or typing.sampled_on):
        message = _("State the second sample: the day it was drawn, its label, or both.")
        raise InvalidInput("sample_missing", message, field="sampled_on")
    if not states_sample(current):
        message = _(
            "State the sample of the typing in force too: without it nobody knows that this is another."
        )
        raise InvalidInput("first_sample_missing", message, field="first_sampled_on")
    row = typing_row(patient, typing, read, by, is_current=False)
    if not are_comparable(row, current):  # the row goes with the transaction
        message = _("State both samples alike: the day of both, or the label of both.")
        raise InvalidInput("samples_not_comparable", message, field="sampled_on")
    if is_doubtful(row, current):
        raise InvalidInput("sample_same", doubt_text(row), field="sample")
    if not of_other_sample(row, current):
        message = _("This is the sample of the typing in force. A second one is drawn independently of it.")
        raise InvalidInput("sample_same", message, field="sample")
    return row


def _state_sample(row: PatientHlaTyping, data: SampleData) -> None:
    given = TypingInput(typed_on=row.typed_on, sampled_on=data.sampled_on, sample=data.sample)
    try:
        guard_sample(given)
    except InvalidInput as error:
        raise InvalidInput(error.code, error.message, field="first_sampled_on") from None
    row.sampled_on, row.sample = data.sampled_on, data.sample.strip()
    row.save(update_fields=["sampled_on", "sample"])


def _loci_against(current: PatientHlaTyping, row: PatientHlaTyping) -> list[str]:
    return [locus for found in contradictions(current, [row]) for locus in found.loci]


@transaction.atomic
def patient_typing_settle(*, patient_id: UUID, typing_id: UUID, reason: str, by: Actor) -> PatientHlaTyping:
    """Say which of the typings that contradict one another is right: it is in force, those against it are set aside.

    Nothing is deleted. Raises Conflict if no discrepancy is open, InvalidInput without a reason.
    """
    patient = locked_active(patient_id)
    if not reason.strip():
        raise InvalidInput("reason_missing", _("Give a reason."), field="reason")
    if not patient.typing_discrepancy:
        raise Conflict("no_discrepancy", _("No typings of this patient contradict one another."))
    rows = list(patient.typings.filter(set_aside_at__isnull=True))
    current = next(row for row in rows if row.is_current)
    chosen = next((row for row in _in_question(current, rows) if row.pk == typing_id), None)
    if chosen is None:
        raise InvalidInput("typing_unknown", _("Choose one of the typings in question."), field="typing")
    against = [found.row for found in contradictions(chosen, rows)]
    _put_in_force(patient, chosen)
    _set_aside(against, reason.strip()[:MAX_REASON_LENGTH], by)
    mark_discrepancy(patient)
    touch(patient, "typing_discrepancy")
    record(
        patient,
        "patient.typing_settled",
        by,
        before={"typing": current.canonical_gl},
        after={"typing": chosen.canonical_gl, "set_aside": [str(row.pk) for row in against]},
        reason=reason.strip()[:MAX_REASON_LENGTH],
    )
    return chosen


def _in_question(current: PatientHlaTyping, rows: list[PatientHlaTyping]) -> list[PatientHlaTyping]:
    return [current, *(found.row for found in contradictions(current, rows))]


def _put_in_force(patient: Patient, chosen: PatientHlaTyping) -> None:
    if chosen.is_current:
        return
    patient.typings.filter(is_current=True).update(is_current=False)
    chosen.is_current = True
    chosen.save(update_fields=["is_current"])


def _set_aside(rows: list[PatientHlaTyping], reason: str, by: Actor) -> None:
    PatientHlaTyping.objects.filter(pk__in=[row.pk for row in rows]).update(
        is_current=False, set_aside_at=timezone.now(), set_aside_by=by.person_id, set_aside_reason=reason
    )


def sample_of(values: dict[str, Any]) -> SampleData | None:
    """Of a form's or the API's values; None where nothing is stated."""
    data = SampleData(sampled_on=values.get("sampled_on"), sample=values.get("sample", "") or "")
    return data if data.sampled_on or data.sample.strip() else None
