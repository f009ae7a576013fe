"""What the tests of the patients' pages share: addresses, a filled form, the text of an answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.urls import reverse

from hospitals.models import Hospital, Patient

NEW = reverse("hospitals:patient-create")
LIST = reverse("hospitals:patient-list")
GRID = {
    "hla_A_1": "A*11:01",
    "hla_A_2": "A*24:02",
    "hla_B_1": "40:01",
    "hla_B_2": "46:01",
    "hla_DRB1_1": "DRB1*09:01",
}


def values(hospital: Hospital, **changes: Any) -> dict[str, Any]:
    base = {
        "hospital": hospital.pk,
        "patient_id": str(uuid4()),
        "sex": "F",
        "birth_date": "2024-03-01",
        "weight_kg": "12.4",
        "measured_on": "2026-01-05",
        "urgency": "routine",
        "source": "report",
        **GRID,
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def page(patient: Patient, name: str = "patient-detail") -> str:
    return reverse(f"hospitals:{name}", args=[patient.pk])


def text_of(response: Any) -> str:
    return str(response.content.decode())
