"""Writes of hospitals and patients: one transaction each, row lock, guard, change, audit entry last."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.populations import canonical_populations
from core.typings import TypingInput, typing_digest
from hospitals import choices, ends
from hospitals.codes import patient_code
from hospitals.data import HospitalData, IdentityData, PatientData, WeightData
from hospitals.guards import guard_event_day, guard_patient_data, guard_qualification, guard_weight
from hospitals.models import Hospital, Patient, PatientHlaTyping, PatientIdentity, PatientWeight
from hospitals.services_duplicates import confirm_other_person
from hospitals.services_people import membership_add, membership_remove
from hospitals.typing_rows import checked, confirmed_conflicts, mark_discrepancy, sample_facts, typing_row
from hospitals.writing import locked, locked_active, record, touch

__all__ = ["membership_add", "membership_remove"]  # beside what is written here
_CODE_ATTEMPTS = 5


# --- hospitals ------------------------------------------------------------------------------------


@transaction.atomic
def hospital_create(*, data: HospitalData, by: Actor) -> Hospital:
    guard_qualification(data.qualified_from, data.qualified_until)
    try:
        with transaction.atomic():
            hospital: Hospital = Hospital.objects.create(**asdict(data))
    except IntegrityError:
        raise _code_taken(data.code) from None
    audit.record(
        actor=by, action="hospital.created", target=hospital, after=asdict(data), hospital_id=hospital.pk
    )
    return hospital


@transaction.atomic
def hospital_update(*, hospital_id: UUID, data: HospitalData, version: int, by: Actor) -> Hospital:
    """`version` is the one the person saw: a change made in the meantime is never overwritten."""
    guard_qualification(data.qualified_from, data.qualified_until)
    hospital: Hospital = Hospital.objects.select_for_update(no_key=True).get(pk=hospital_id)
    if hospital.version != version:
        raise Conflict(
            "hospital_changed",
            _("Somebody else changed this hospital in the meantime. Look at the new values and try again."),
        )
    before, after = _changes(hospital, asdict(data))
    if not after:
        return hospital
    _assign(hospital, {**after, "version": version + 1})
    try:
        with transaction.atomic():
            hospital.save(update_fields=[*after, "version", "updated_at"])
    except IntegrityError:
        raise _code_taken(data.code) from None
    audit.record(
        actor=by,
        action="hospital.updated",
        target=hospital,
        before=before,
        after=after,
        hospital_id=hospital.pk,
    )
    return hospital


def _code_taken(code: str) -> InvalidInput:
    message = _("Another hospital has the code %(code)s.")
    return InvalidInput("hospital_code_taken", message, field="code", params={"code": code})


# --- patients -------------------------------------------------------------------------------------


@transaction.atomic
def patient_create(
    *,
    hospital_id: UUID,
    data: PatientData,
    by: Actor,
    weight: WeightData | None = None,
    typing: TypingInput | None = None,
    identity: IdentityData | None = None,
    patient_id: UUID | None = None,
    code: str | None = None,
    confirmed: Collection[str] = (),
) -> Patient:
    """A new patient with all that is known at once; nothing is saved when any part is refused.

    `patient_id` comes from the form, so that a form sent twice meets `patient_exists` instead of making two.
    `code` is drawn unless demonstration data bring their own. `confirmed`: codes of the typing conflicts that
    the person looked at; Conflict `typing_conflict_unconfirmed` if the typing has another one. So for other patients
    of the hospital that may be the same person: Conflict `possible_duplicate_unconfirmed`.
    """
    hospital = Hospital.objects.select_for_update(no_key=True).get(pk=hospital_id)
    if not hospital.active:
        raise Conflict("hospital_inactive", _("This hospital may not enter new patients: it is not active."))
    guard_patient_data(data)
    values = _stored(data)
    patient = Patient.objects.create(
        id=_new_id(patient_id, by),
        code=code or _free_code(),
        hospital=hospital,
        created_by_id=by.person_id,
        **values,
    )
    after: dict[str, Any] = {"code": patient.code, **values}
    if weight is not None:
        after["weight_kg"] = _add_weight(patient, weight, by).weight_kg
    if typing is not None and not typing.is_empty:
        row = _replace_typing(patient, typing, by, confirmed)
        after |= {"typing": row.canonical_gl, **sample_facts(row), **confirmed_conflicts(row)}
    if identity is not None and not identity.is_empty:
        PatientIdentity.objects.create(patient=patient, updated_by_id=by.person_id, **asdict(identity))
        after["identity"] = _filled(identity)
    record(patient, "patient.created", by, after=after)
    return patient


@transaction.atomic
def patient_update(*, patient_id: UUID, data: PatientData, version: int, by: Actor) -> Patient:
    """`version` is the one the person saw: a change made in the meantime is never overwritten."""
    patient = locked_active(patient_id)
    if patient.version != version:
        raise Conflict(
            "patient_changed",
            _("Somebody else changed this patient in the meantime. Look at the new values and try again."),
        )
    guard_patient_data(data)
    before, after = _changes(patient, _stored(data))
    if not after:
        return patient
    _assign(patient, after)
    touch(patient, *after)
    record(patient, "patient.updated", by, before=before, after=after)
    return patient


@transaction.atomic
def patient_weight_record(*, patient_id: UUID, weight: WeightData, by: Actor) -> PatientWeight:
    patient = locked_active(patient_id)
    before = {"weight_kg": patient.weight_kg}
    row = _add_weight(patient, weight, by)
    after = {"weight_kg": row.weight_kg, "measured_on": row.measured_on}
    record(patient, "patient.weight_recorded", by, before=before, after=after)
    return row


@transaction.atomic
def patient_typing_record(
    *, patient_id: UUID, typing: TypingInput, by: Actor, confirmed: Collection[str] = ()
) -> PatientHlaTyping:
    """Puts a new typing in force; the former one stays in the history. `confirmed` as in `patient_create`.

    Where it contradicts that of another sample, the patient has an open discrepancy. While one is open, Conflict: what
    contradicts another report is settled with a reason, not typed over.
    """
    patient = locked_active(patient_id)
    if patient.typing_discrepancy:
        message = _("Typings of two samples contradict one another: settle which is right first.")
        raise Conflict("typing_discrepancy", message)
    former = patient.typings.filter(is_current=True).first()
    row = _replace_typing(patient, typing, by, confirmed)
    after: dict[str, Any] = {"typing": row.canonical_gl, "release": row.nomenclature, "source": row.source}
    if mark_discrepancy(patient):
        after["discrepancy"] = True
    touch(patient, "typing_discrepancy")
    record(
        patient,
        "patient.typing_recorded",
        by,
        before={"typing": former.canonical_gl} if former else None,
        after=after | sample_facts(row) | confirmed_conflicts(row),
    )
    return row


@transaction.atomic
def patient_deactivate(
    *, patient_id: UUID, reason: str, note: str = "", on: datetime.date | None = None, by: Actor
) -> Patient:
    """on: the day of the event, where it is known; watches and reservations end by sweeps of their apps."""
    patient = locked(patient_id)
    if reason not in dict(choices.CHOSEN_REASONS):
        raise InvalidInput("inactive_reason_missing", _("Choose why."), field="reason")
    if not patient.is_active:
        raise Conflict("patient_inactive", _("This patient is inactive already."))
    guard_event_day(on, patient.birth_date)
    patient.state = choices.PatientState.INACTIVE
    patient.inactive_reason = reason
    patient.deactivated_at = timezone.now()
    patient.ended_on = on
    touch(patient, "state", "inactive_reason", "deactivated_at", "ended_on")
    after = {"inactive_reason": reason} | ({"ended_on": on} if on else {})
    record(patient, "patient.deactivated", by, after=after, reason=note)
    ends.changed(patient)
    return patient


@transaction.atomic
def patient_reactivate(*, patient_id: UUID, by: Actor) -> Patient:
    patient = locked(patient_id)
    if patient.is_active:
        raise Conflict("patient_active", _("This patient is active already."))
    if patient.merged_into_id is not None:
        message = _("This record was merged into another one: the bank can undo that.")
        raise Conflict("patient_merged", message)
    before = {"inactive_reason": patient.inactive_reason, "ended_on": patient.ended_on}
    patient.state = choices.PatientState.ACTIVE
    patient.inactive_reason = ""
    patient.deactivated_at = patient.ended_on = None
    touch(patient, "state", "inactive_reason", "deactivated_at", "ended_on")
    record(patient, "patient.reactivated", by, before=before)
    ends.changed(patient)
    return patient


@transaction.atomic
def patient_identity_view(*, patient_id: UUID, by: Actor) -> PatientIdentity | None:
    """The identity, for showing it once. The look is on record before anybody sees a letter of it."""
    patient = Patient.objects.get(pk=patient_id)
    identity = PatientIdentity.objects.filter(patient=patient).first()
    record(patient, "patient.identity_viewed", by)
    return identity


@transaction.atomic
def patient_identity_update(*, patient_id: UUID, identity: IdentityData, by: Actor) -> PatientIdentity:
    """The audit entry names the changed fields, never their content."""
    patient = locked_active(patient_id)
    row = PatientIdentity.objects.filter(patient=patient).first() or PatientIdentity(patient=patient)
    _before, after = _changes(row, asdict(identity))
    _assign(row, asdict(identity))
    row.updated_by_id = by.person_id
    row.updated_at = timezone.now()
    row.save()
    record(patient, "patient.identity_updated", by, after={"fields": sorted(after)})
    return row


# --- parts of them ----------------------------------------------------------------------------------


def _new_id(wanted: UUID | None, by: Actor) -> UUID:
    """The id that the form proposes, if it is free; somebody else's id tells nothing and is not used."""
    if wanted is None:
        return uuid4()
    taken = Patient.objects.filter(pk=wanted).values_list("created_by_id", flat=True).first()
    if taken is not None and taken == by.person_id:
        raise Conflict("patient_exists", _("This patient was saved already."))
    return uuid4() if Patient.objects.filter(pk=wanted).exists() else wanted


def _free_code() -> str:
    """A code nobody has; should two draw the same of 594 million at once, the unique constraint decides."""
    for _attempt in range(_CODE_ATTEMPTS):
        code = patient_code()
        if not Patient.objects.filter(code=code).exists():
            return code
    raise Conflict("no_free_code", _("No free patient code was found. Try again."))


def _add_weight(patient: Patient, weight: WeightData, by: Actor) -> PatientWeight:
    guard_weight(weight, patient.birth_date)
    row = PatientWeight.objects.create(patient=patient, recorded_by_id=by.person_id, **asdict(weight))
    latest = patient.weights.order_by("-measured_on", "-recorded_at").first()
    patient.weight_kg = latest.weight_kg if latest else row.weight_kg
    touch(patient, "weight_kg")
    return row


def _replace_typing(
    patient: Patient, given: TypingInput, by: Actor, confirmed: Collection[str]
) -> PatientHlaTyping:
    read = checked(given, confirmed)
    confirm_other_person(patient, typing_digest(read.typing().gl()), confirmed, by)
    patient.typings.filter(is_current=True).update(is_current=False)
    return typing_row(patient, given, read, by, is_current=True)


def _changes(row: Any, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return audit.changes({name: getattr(row, name) for name in values}, values)


def _assign(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _stored(data: PatientData) -> dict[str, Any]:
    """Guarded data as the row holds them."""
    return asdict(data) | {"populations": canonical_populations(data.populations)}


def _filled(identity: IdentityData) -> list[str]:
    return sorted(name for name, value in asdict(identity).items() if value)
