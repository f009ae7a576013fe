"""A death that follow-up tells of closes the patient's record; a correction of it opens nothing, but takes it back."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.audit import Actor
from hospitals import choices, ends
from hospitals.guards import guard_event_day
from hospitals.models import Patient
from hospitals.services import patient_deactivate
from hospitals.writing import locked, record, touch

# Records that tell nothing of a person any more.
_NO_PERSON = (choices.InactiveReason.MERGED, choices.InactiveReason.ENTERED_IN_ERROR)


@transaction.atomic
def patient_death_record(*, patient_id: UUID, on: dt.date, note: str, by: Actor) -> Patient:
    """The patient died on that day: an active record is closed, one that was closed otherwise says so from now on.

    Watches and reservations end by the sweeps of their apps. Said twice, it is one death. Raises InvalidInput.
    """
    patient = locked(patient_id)
    died = choices.InactiveReason.DIED
    if patient.is_active:
        return patient_deactivate(patient_id=patient_id, reason=died, note=note, on=on, by=by)
    known = patient.inactive_reason == died and patient.ended_on == on
    if known or patient.inactive_reason in _NO_PERSON:
        return patient
    guard_event_day(on, patient.birth_date)
    return _changed(patient, died, on, "patient.died", note, by)


@transaction.atomic
def patient_death_withdraw(
    *, patient_id: UUID, on: dt.date, transplanted_on: dt.date, note: str, by: Actor
) -> Patient:
    """The death on that day was reported by mistake: the record is one of a transplanted patient again.

    It stays inactive: whoever needs another unit for him makes it active. A death of another day stays.
    """
    patient = locked(patient_id)
    if patient.inactive_reason != choices.InactiveReason.DIED or patient.ended_on != on:
        return patient
    reason = choices.InactiveReason.TRANSPLANTED
    return _changed(patient, reason, transplanted_on, "patient.death_withdrawn", note, by)


def _changed(
    patient: Patient, reason: choices.InactiveReason, on: dt.date, action: str, note: str, by: Actor
) -> Patient:
    before = {"inactive_reason": patient.inactive_reason, "ended_on": patient.ended_on}
    patient.inactive_reason, patient.ended_on = reason, on
    patient.deactivated_at = timezone.now()
    touch(patient, "inactive_reason", "deactivated_at", "ended_on")
    record(patient, action, by, before=before, after={"inactive_reason": reason, "ended_on": on}, reason=note)
    ends.changed(patient)
    return patient
