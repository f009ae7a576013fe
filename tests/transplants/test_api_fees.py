"""API of fees: prices, charges, the statement as a file."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from core.models import User
from hospitals.models import Patient
from tests.factories.fees import ChargeFactory, PriceFactory
from tests.factories.hospitals import HospitalFactory

pytestmark = pytest.mark.django_db
MAY = dt.date(2026, 5, 7)


def table(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def test_api_of_charges(patient: Patient, he_lan: User, signed_in: Any) -> None:
    row = ChargeFactory(patient=patient, on=MAY)
    ChargeFactory(patient=patient, on=dt.date(2026, 6, 1), kind="unit")
    other = ChargeFactory(on=MAY)
    client, address = signed_in(he_lan), reverse("api:charge-list")

    found = client.get(address, {"month": "2026-05"}).json()["results"]
    assert [(one["reference"], one["amount"], one["patient_code"]) for one in found] == [
        (row.reference, "500.00", patient.code)
    ]
    assert len(client.get(address).json()["results"]) == 2
    assert len(client.get(address, {"kind": "unit"}).json()["results"]) == 1
    assert client.get(address, {"month": "May"}).status_code == 400
    assert client.get(reverse("api:charge-detail", args=[other.pk])).status_code == 404
    assert client.get(address, {"hospital": str(other.hospital_id)}).json()["results"] == []


def test_api_gives_the_statement_as_a_file(patient: Patient, he_lan: User, signed_in: Any) -> None:
    row, other = ChargeFactory(patient=patient, on=MAY), HospitalFactory()
    client, address = signed_in(he_lan), reverse("api:charge-statement")

    answer = client.get(address, {"hospital": str(patient.hospital_id), "month": "2026-05"})

    assert [line[5] for line in table(answer)[1:]] == [row.reference, ""]
    refused = client.get(address, {"hospital": str(other.pk), "month": "2026-05"})
    assert refused.status_code == 404


def test_api_of_prices(he_lan: User, signed_in: Any) -> None:
    PriceFactory(amount=Decimal(1))

    found = signed_in(he_lan).get(reverse("api:price-list")).json()["results"]

    assert [(one["kind"], one["amount"], one["valid_from"]) for one in found] == [
        ("reservation", "1.00", "2020-01-01")
    ]
