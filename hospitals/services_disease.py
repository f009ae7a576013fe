"""What is recorded of one group of diseases only."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.db import transaction

from core.audit import Actor
from hospitals.data import EnzymeData
from hospitals.guards import guard_enzyme
from hospitals.models import PatientEnzymeLevel
from hospitals.writing import locked_active, record, touch


@transaction.atomic
def patient_enzyme_record(*, patient_id: UUID, level: EnzymeData, by: Actor) -> PatientEnzymeLevel:
    """A measurement of the enzyme that a patient with an inherited metabolic disorder lacks."""
    patient = locked_active(patient_id)
    guard_enzyme(level, patient.diagnosis, patient.birth_date)
    values = asdict(level) | {"enzyme": level.enzyme.strip(), "unit": level.unit.strip()}
    row: PatientEnzymeLevel = PatientEnzymeLevel.objects.create(
        patient=patient, recorded_by_id=by.person_id, **values
    )
    touch(patient)
    record(patient, "patient.enzyme_recorded", by, after=values)
    return row
