"""What every write to a patient shares: the lock, the version, the audit entry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor, Batch
from core.errors import Conflict
from hospitals.models import Patient


def locked(patient_id: UUID) -> Patient:
    patient: Patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    return patient


def locked_active(patient_id: UUID) -> Patient:
    patient = locked(patient_id)
    if not patient.is_active:
        raise Conflict(
            "patient_inactive", _("This patient is inactive: reactivate before you change anything.")
        )
    return patient


def touch(patient: Patient, *fields: str) -> None:
    """Saves `fields` with a new version; the version is what an open form compares."""
    patient.version += 1
    patient.updated_at = timezone.now()
    patient.save(update_fields=[*fields, "version", "updated_at"])


def record(
    patient: Patient,
    action: str,
    by: Actor,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    batch: Batch | None = None,
) -> None:
    audit.record(
        actor=by,
        action=action,
        target=patient,
        before=before,
        after=after,
        reason=reason,
        batch=batch,
        hospital_id=patient.hospital_id,
    )
