"""What is asked of inherited metabolic disorders, and the day on which a patient's story here ends."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from hospitals import services
from hospitals.data import EnzymeData
from hospitals.models import Hospital, Patient, PatientEnzymeLevel
from hospitals.services_disease import patient_enzyme_record
from tests.factories.hospitals import PatientFactory
from tests.hospitals.conftest import last_entry
from tests.hospitals.pages import page, text_of

pytestmark = pytest.mark.django_db


def level(**values: Any) -> EnzymeData:
    base = {
        "enzyme": " Arylsulfatase A ",
        "value": Decimal("3.50"),
        "unit": "nmol/h/mg",
        "measured_on": dt.date(2026, 2, 2),
        "lower_limit": Decimal("30"),
    }
    return EnzymeData(**base | values)


def test_a_level_is_recorded(patient: Patient, by: Actor) -> None:
    row = patient_enzyme_record(patient_id=patient.pk, level=level(), by=by)

    assert (row.enzyme, row.level_text, row.limit_text, row.is_low) == (
        "Arylsulfatase A",
        "3.5 nmol/h/mg",
        "30 nmol/h/mg",
        True,
    )
    assert (last_entry().action, last_entry().after["value"]) == ("patient.enzyme_recorded", "3.50")


def test_without_a_limit_nobody_knows_whether_it_is_low(patient: Patient, by: Actor) -> None:
    row = patient_enzyme_record(patient_id=patient.pk, level=level(lower_limit=None), by=by)

    assert (row.is_low, row.limit_text) == (None, "")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"enzyme": " "}, "enzyme_incomplete"),
        ({"unit": ""}, "enzyme_incomplete"),
        ({"value": Decimal(-1)}, "enzyme_out_of_range"),
        ({"value": Decimal("NaN")}, "enzyme_out_of_range"),
        ({"value": Decimal(10_000_000)}, "enzyme_out_of_range"),
        ({"lower_limit": Decimal(0)}, "enzyme_out_of_range"),
        ({"measured_on": dt.date(2100, 1, 1)}, "measured_in_future"),
        ({"measured_on": dt.date(2023, 1, 1)}, "measured_before_pregnancy"),
    ],
)
def test_what_is_no_measurement_is_refused(
    patient: Patient, by: Actor, values: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        patient_enzyme_record(patient_id=patient.pk, level=level(**values), by=by)

    assert refused.value.code == code


@pytest.mark.parametrize("diagnosis", ["aml", "", "other"])
def test_only_of_metabolic_disorders(hospital: Hospital, by: Actor, diagnosis: str) -> None:
    patient = PatientFactory(hospital=hospital, diagnosis=diagnosis)

    with pytest.raises(InvalidInput) as refused:
        patient_enzyme_record(patient_id=patient.pk, level=level(), by=by)

    assert refused.value.code == "enzyme_not_metabolic"


def test_of_an_inactive_patient_nothing_is_recorded(patient: Patient, by: Actor) -> None:
    services.patient_deactivate(patient_id=patient.pk, reason="moved", by=by)

    with pytest.raises(Conflict):
        patient_enzyme_record(patient_id=patient.pk, level=level(), by=by)


@pytest.mark.usefixtures("no_audit")
def test_nothing_is_recorded_without_the_audit_entry(patient: Patient, by: Actor) -> None:
    with pytest.raises(RuntimeError):
        patient_enzyme_record(patient_id=patient.pk, level=level(), by=by)

    assert not PatientEnzymeLevel.objects.exists()


@pytest.mark.parametrize(
    ("diagnosis", "stage", "symptomatic"),
    [
        ("mld", "symptomatic", True),
        ("mld", "presymptomatic", False),
        ("mld", "", None),
        ("aml", "symptomatic", None),
    ],
)
def test_symptomatic_or_not(diagnosis: str, stage: str, symptomatic: bool | None) -> None:
    assert PatientFactory.build(diagnosis=diagnosis, stage=stage).is_symptomatic is symptomatic


def test_the_page_records_and_shows_levels(patient: Patient, coordinator: User, sign_in: Any) -> None:
    client: Client = sign_in(coordinator, "zh-hans")
    url = page(patient, "patient-enzyme")
    given = {"enzyme": "ARSA", "value": "3.5", "unit": "nmol/h/mg", "measured_on": "2026-02-02"}
    refused = text_of(client.post(url, {**given, "measured_on": "2023-01-01"}))
    client.post(url, {**given, "lower_limit": "30"})
    shown = text_of(client.get(page(patient)))

    assert "测定日期早于妊娠" in refused
    assert "酶活性水平" in shown
    assert "3.5 nmol/h/mg" in shown
    assert "参考下限30 nmol/h/mg" in shown
    assert "<dt>症状</dt>" in shown


def test_of_other_diseases_the_page_asks_for_no_enzyme(
    hospital: Hospital, coordinator: User, sign_in: Any
) -> None:
    patient = PatientFactory(hospital=hospital, diagnosis="aml", stage="cr1")

    shown = text_of(sign_in(coordinator).get(page(patient)))

    assert 'id="enzyme"' not in shown
    assert "<dt>Stage</dt>" in shown


def test_the_api_gives_levels_and_symptoms(
    patient: Patient, coordinator: User, by: Actor, sign_in: Any
) -> None:
    patient_enzyme_record(patient_id=patient.pk, level=level(), by=by)

    found = sign_in(coordinator).get(reverse("api:patient-detail", args=[patient.pk])).json()

    assert found["symptomatic"] is False
    assert found["enzyme_levels"] == [
        {
            "enzyme": "Arylsulfatase A",
            "value": "3.500",
            "unit": "nmol/h/mg",
            "lower_limit": "30.000",
            "measured_on": "2026-02-02",
        }
    ]


# --- the end


def test_the_day_of_the_event_is_kept_and_goes_with_reactivating(patient: Patient, by: Actor) -> None:
    gone = services.patient_deactivate(patient_id=patient.pk, reason="died", on=dt.date(2026, 5, 1), by=by)
    told = last_entry().after
    back = services.patient_reactivate(patient_id=patient.pk, by=by)

    assert gone.ended_on == dt.date(2026, 5, 1)
    assert told == {"inactive_reason": "died", "ended_on": "2026-05-01"}
    assert back.ended_on is None
    assert last_entry().before["ended_on"] == "2026-05-01"


@pytest.mark.parametrize(
    ("days", "code"), [(1, "event_in_future"), (-4_000, "event_before_birth")], ids=["ahead", "before birth"]
)
def test_a_day_that_cannot_be_is_refused(patient: Patient, by: Actor, days: int, code: str) -> None:
    on = timezone.localdate() + dt.timedelta(days=days)

    with pytest.raises(InvalidInput) as refused:
        services.patient_deactivate(patient_id=patient.pk, reason="died", on=on, by=by)

    assert refused.value.code == code


@pytest.mark.parametrize("reason", ["transplanted", "moved", "died"])
def test_the_form_asks_for_the_day_of_an_event(
    patient: Patient, coordinator: User, sign_in: Any, reason: str
) -> None:
    client: Client = sign_in(coordinator)
    url = page(patient, "patient-deactivate")
    refused = text_of(client.post(url, {"reason": reason}))
    ahead = text_of(client.post(url, {"reason": reason, "on": "2100-01-01"}))
    client.post(url, {"reason": reason, "on": "2026-05-01"})

    assert "State the day." in refused
    assert "The day of the event lies ahead." in ahead
    patient.refresh_from_db()
    assert (patient.inactive_reason, patient.ended_on) == (reason, dt.date(2026, 5, 1))
    assert "2026-05-01 ·" in text_of(client.get(page(patient)))


def test_a_decision_needs_no_day(patient: Patient, coordinator: User, sign_in: Any) -> None:
    sign_in(coordinator).post(page(patient, "patient-deactivate"), {"reason": "no_longer_sought"})

    patient.refresh_from_db()
    assert not patient.is_active


def test_the_form_does_not_offer_merging(patient: Patient, coordinator: User, sign_in: Any) -> None:
    client: Client = sign_in(coordinator)

    client.post(page(patient, "patient-deactivate"), {"reason": "merged"})

    assert 'value="merged"' not in text_of(client.get(page(patient)))
    patient.refresh_from_db()
    assert patient.is_active


# --- promises of the database


def test_the_database_refuses_a_day_of_an_active_patient(patient: Patient) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.update(ended_on=dt.date(2026, 5, 1))


@pytest.mark.parametrize("change", ["value = -1", "lower_limit = 0"])
def test_the_database_refuses_a_level_that_cannot_be(patient: Patient, by: Actor, change: str) -> None:
    name, number = change.split(" = ")
    values = {"value": 1, "enzyme": "x", "unit": "x", "measured_on": dt.date(2026, 5, 1)} | {name: number}

    with pytest.raises(IntegrityError), transaction.atomic():
        PatientEnzymeLevel.objects.create(patient=patient, **values)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hospitals_patientenzymelevel SET value = 1",
        "DELETE FROM hospitals_patientmerge",
        "DELETE FROM hospitals_possibleduplicate",
    ],
)
def test_the_application_may_not_change_history(db: None, statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE qidai_app")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute(statement)
