"""API of a patient's antibodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import User
from hospitals.models import AntibodySerum, Patient
from tests.factories.hospitals import AntibodyBeadFactory, AntibodySerumFactory, PatientFactory

SERUM = {"sampled_on": "2026-05-01", "method": "single_antigen", "classes": "both"}


def address(patient: Patient) -> str:
    return reverse("api:patient-antibodies-list", args=[patient.pk])


def post(client: Client, patient: Patient, **body: Any) -> Any:
    return client.post(address(patient), json.dumps({**SERUM, **body}), content_type="application/json")


def test_reading_tells_what_is_known_and_each_serum(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    client = sign_in(coordinator)
    before = client.get(address(patient)).json()
    AntibodyBeadFactory(serum__patient=patient, written="DQA1*05:01, DQB1*02:01", mfi=5000)
    AntibodySerumFactory(patient=patient, withdrawn_at=timezone.now(), withdrawn_reason="wrong")

    after = client.get(address(patient)).json()

    assert before == {"tested": False, "newest_on": None, "antibodies": [], "sera": []}
    assert after["antibodies"] == [
        {
            "specificity": "DQA1*05:01~DQB1*02:01",
            "loci": ["DQA1", "DQB1"],
            "level": "heterodimer",
            "mfi_newest": 5000,
            "mfi_peak": 5000,
            "unquantified_newest": False,
            "unquantified_peak": False,
            "sampled_on": "2026-05-01",
        }
    ]
    assert {serum["withdrawn_reason"] for serum in after["sera"]} == {"", "wrong"}
    assert sorted(len(serum["beads"]) for serum in after["sera"]) == [0, 1]


@pytest.mark.parametrize("sera", [1, 20])
def test_reading_costs_the_same_queries(
    sera: int, sign_in: Any, patient: Patient, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(sera):
        AntibodyBeadFactory(serum__patient=patient)
    client = sign_in(coordinator)

    with django_assert_max_num_queries(9):
        assert len(client.get(address(patient)).json()["sera"]) == sera


def test_a_serum_is_entered(sign_in: Any, patient: Patient, coordinator: User) -> None:
    beads = [{"specificity": "HLA-A24", "mfi": 0}, {"specificity": "DR53", "mfi": None}]

    response = post(sign_in(coordinator), patient, beads=beads, laboratory="L")

    row = AntibodySerum.objects.get()
    assert (response.status_code, response.json()["id"]) == (201, str(row.pk))
    assert {bead["specificity"]: bead["mfi"] for bead in response.json()["beads"]} == {"A24": 0, "DR53": None}
    assert row.laboratory == "L"


def test_none_found_is_entered(sign_in: Any, patient: Patient, coordinator: User) -> None:
    assert post(sign_in(coordinator), patient, none_found=True).json()["beads"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "serum_empty"),
        ({"none_found": True, "beads": [{"specificity": "A24", "mfi": 1}]}, "serum_contradicts_itself"),
        ({"beads": [{"specificity": "A*24:9", "mfi": 1}]}, "beads_invalid"),
        ({"beads": [{"specificity": "A24", "mfi": -1}]}, "invalid"),
        ({"beads": [{"specificity": "A24", "mfi": 100_001}]}, "invalid"),
        ({"beads": [{"specificity": "A24"}]}, "invalid"),
        ({"beads": [{"specificity": "A24", "mfi": 1}] * 1001}, "invalid"),
        ({"none_found": True, "sampled_on": "2999-01-01"}, "sampled_in_future"),
        ({"none_found": True, "method": "guess"}, "invalid"),
    ],
)
def test_what_cannot_be_is_refused(
    body: dict[str, Any], code: str, sign_in: Any, patient: Patient, coordinator: User
) -> None:
    response = post(sign_in(coordinator), patient, **body)

    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert not AntibodySerum.objects.exists()


def test_walls(sign_in: Any, patient: Patient, coordinator: User, physician: User) -> None:
    other = PatientFactory()
    client = sign_in(coordinator)
    assert client.get(address(other)).status_code == post(client, other, none_found=True).status_code == 404
    assert client.get(f"/api/v1/patients/{'-' * 36}/antibodies/").status_code == 404

    client = sign_in(physician)
    assert client.get(address(patient)).status_code == 200
    assert post(client, patient, none_found=True).status_code == 403
