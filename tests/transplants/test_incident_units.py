"""An incident that hospital and bank share names units of other hospitals: each hospital reads of its own only."""

from __future__ import annotations

import csv
import io
from typing import Any

import pypdfium2
import pytest
from django.urls import reverse
from django.utils import timezone

from bank.models import CordBloodUnit
from core.models import User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.incidents import IncidentFactory, RecallFactory, lot_of, order_in
from tests.factories.reservations import ReservationFactory
from transplants.models import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def foreign(own: Patient) -> CordBloodUnit:
    """Sent to another hospital."""
    unit: CordBloodUnit = order_in("shipped", patient=own, unit=UnitFactory(unit_no="FOREIGN-1")).unit
    return unit


@pytest.fixture
def mine(patient: Patient) -> CordBloodUnit:
    unit: CordBloodUnit = order_in("delivered", patient=patient, unit=UnitFactory(unit_no="MINE-1")).unit
    return unit


@pytest.fixture
def shared(patient: Patient, mine: CordBloodUnit, foreign: CordBloodUnit) -> Incident:
    """Reported by one hospital; the bank recalled the lot of it since, with units of others."""
    row: Incident = IncidentFactory(
        patient=patient, units=[mine, foreign], lot=lot_of(mine, foreign, number="LOT-SECRET")
    )
    RecallFactory(incident=row, units=[mine, foreign])
    return row


def pages(client: Any, row: Incident) -> dict[str, str]:
    """All that a person can read of it, in words."""
    csv_file = client.get(f"{reverse('transplants:incident-export')}?state=all")
    with pypdfium2.PdfDocument(
        client.get(reverse("transplants:incident-form", args=[row.pk])).content
    ) as pdf:
        paper = "\n".join(page.get_textpage().get_text_bounded() for page in pdf)
    return {
        "page": client.get(reverse("transplants:incident-detail", args=[row.pk])).content.decode(),
        "list": client.get(reverse("transplants:incident-list")).content.decode(),
        "csv": b"".join(csv_file.streaming_content).decode("utf-8-sig"),
        "pdf": paper,
        "api": client.get(f"/api/v1/incidents/{row.pk}/").content.decode(),
        "api list": client.get("/api/v1/incidents/").content.decode(),
    }


@pytest.mark.parametrize("where", ["page", "list", "csv", "pdf", "api", "api list"])
def test_a_hospital_reads_of_its_own_units_only(
    he_lan: User, shared: Incident, signed_in: Any, where: str
) -> None:
    text = pages(signed_in(he_lan), shared)[where]

    assert shared.number in text
    assert "FOREIGN-1" not in text
    assert "LOT-SECRET" not in text
    assert ("MINE-1" in text) == (where not in ("list", "csv"))


def test_the_bank_reads_of_all(shared: Incident, signed_in: Any) -> None:
    found = pages(signed_in(UserFactory(roles=[Role.QA])), shared)

    for where in ("page", "pdf", "api", "api list"):
        assert "FOREIGN-1" in found[where], where
    for where in ("page", "list", "csv", "pdf"):
        assert "LOT-SECRET" in found[where], where


def test_the_count_of_units_is_of_ones_own(he_lan: User, shared: Incident, signed_in: Any) -> None:
    def counts(client: Any) -> tuple[str, int]:
        [line] = csv.DictReader(io.StringIO(pages(client, shared)["csv"]))
        listed = client.get(reverse("transplants:incident-list")).context["rows"]
        return line["units"], listed[0]["row"].unit_count

    assert counts(signed_in(he_lan)) == ("1", 1)
    assert counts(signed_in(UserFactory(roles=[Role.QA]))) == ("2", 2)


def test_a_number_of_anothers_unit_finds_nothing(he_lan: User, shared: Incident, signed_in: Any) -> None:
    """A search that answers would say that the unit is in it."""
    client = signed_in(he_lan)

    def found(text: str) -> int:
        return len(client.get(f"{reverse('transplants:incident-list')}?q={text}").context["rows"])

    assert (found("MINE-1"), found("FOREIGN-1")) == (1, 0)


def test_what_became_of_a_unit_is_told_while_one_has_it(
    he_lan: User, patient: Patient, own: Patient, signed_in: Any
) -> None:
    """Its number is known to whoever had it; that another hospital has it now is not."""
    unit = UnitFactory(unit_no="WAS-MINE")
    was = {"confirmed_by": "Shen Jia", "confirmed_at": timezone.now(), "until": timezone.localdate()}
    ReservationFactory(ended=True, patient=patient, unit=unit, **was)
    order_in("infused", patient=own, unit=unit)
    row = IncidentFactory(patient=patient, units=[unit])
    RecallFactory(incident=row, units=[unit])

    found = pages(signed_in(he_lan), row)

    for where in ("page", "pdf"):
        assert "WAS-MINE" in found[where], where
        for said in ("infused", "recalled"):
            assert said not in found[where].lower(), (where, said)


def test_it_is_told_while_one_has_it(he_lan: User, shared: Incident, signed_in: Any) -> None:
    found = pages(signed_in(he_lan), shared)

    for where in ("page", "pdf"):
        assert "Delivered" in found[where], where
        assert "recalled" in found[where].lower(), where


def test_no_unit_of_the_hospital_is_not_no_unit(
    he_lan: User, patient: Patient, foreign: CordBloodUnit, signed_in: Any
) -> None:
    row = IncidentFactory(patient=patient, units=[foreign])

    found = pages(signed_in(he_lan), row)

    for where in ("page", "pdf"):
        assert "No unit of yours is named." in found[where], where


def test_reported_twice_the_api_shows_ones_own(
    he_lan: User, patient: Patient, foreign: CordBloodUnit, signed_in: Any
) -> None:
    """The second click is answered with the incident as it is by then."""
    given = {
        "kind": "event", "title": "t", "what": "w", "happened_on": "2026-01-02", "patient": str(patient.pk),
        "incident_id": "5b0b7a0e-3b0f-4a51-9d9a-3b3b6d6f2a11",
    }  # fmt: skip
    client = signed_in(he_lan)
    assert client.post("/api/v1/incidents/", given, content_type="application/json").status_code == 201
    Incident.objects.get().units.create(unit=foreign)

    again = client.post("/api/v1/incidents/", given, content_type="application/json")

    assert (again.status_code, again.json()["units"]) == (201, [])
