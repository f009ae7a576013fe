"""The page of a patient and its forms as a person meets them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import AuditEntry, User
from hospitals.models import Hospital, Patient, PatientIdentity
from tests.factories.hospitals import (
    GL,
    PatientFactory,
    PatientIdentityFactory,
)
from tests.hospitals.pages import page, text_of

# --- page, edit, typing, weight, state ---


def test_page_shows_typing_dose_and_history(sign_in: Any, typed_patient: Patient, coordinator: User) -> None:
    text = text_of(sign_in(coordinator).get(page(typed_patient)))

    assert typed_patient.code in text
    assert "A*11:01" in text
    assert "<b>&gt; 62</b>" in text  # 5 ×10⁷/kg × 12.4 kg, as proposed for a disease that is not malignant


def test_page_without_typing_and_weight_says_what_is_missing(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    text = text_of(sign_in(coordinator).get(page(PatientFactory(hospital=hospital, weight_kg=None))))

    assert "Not typed yet" in text
    assert "Without a weight" in text


@pytest.mark.parametrize(
    ("born", "age"), [(-30, "unborn"), (10, "10 days"), (300, "9 months"), (800, "2 years")]
)
def test_page_tells_the_age(born: int, age: str, sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    patient = PatientFactory(
        hospital=hospital, birth_date=timezone.localdate() - datetime.timedelta(days=born)
    )

    assert age in text_of(sign_in(coordinator).get(page(patient)))


def test_edit_saves(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client = sign_in(coordinator)
    client.get(page(patient, "patient-edit"))

    client.post(
        page(patient, "patient-edit"),
        {"sex": "M", "birth_date": "2024-03-01", "urgency": "urgent", "version": patient.version},
    )

    saved = Patient.objects.get()
    assert (saved.sex, saved.urgency, saved.diagnosis) == ("M", "urgent", "")


def test_the_population_is_edited_and_shown(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client, form = sign_in(coordinator), {"sex": "F", "birth_date": "2024-03-01", "urgency": "routine"}

    refused = client.post(
        page(patient, "patient-edit"), {**form, "populations": "HAN+UIG", "version": patient.version}
    )
    client.post(
        page(patient, "patient-edit"), {**form, "populations": "uig:1+han:3", "version": patient.version}
    )

    assert "Population 1, “HAN”, has no share." in text_of(refused)
    assert 'value="HAN+UIG"' in text_of(refused)
    assert Patient.objects.get().populations == "HAN:0.75+UIG:0.25"
    assert "HAN 75 % + UIG 25 %" in text_of(client.get(page(patient)))
    assert 'value="HAN:0.75+UIG:0.25"' in text_of(client.get(page(patient, "patient-edit")))


@pytest.mark.parametrize("version", ["0", "", "x", "²", "9" * 5000], ids=lambda text: text[:9])
def test_edit_of_a_stale_page_is_refused_and_keeps_what_was_typed(
    version: str, sign_in: Any, patient: Patient, coordinator: User
) -> None:
    form = {"sex": "M", "birth_date": "2024-03-01", "urgency": "urgent", "version": version}

    response = sign_in(coordinator).post(page(patient, "patient-edit"), form)

    assert "in the meantime" in text_of(response)
    assert Patient.objects.get().sex == "F"


def test_edit_asks_about_an_unusual_stage(sign_in: Any, patient: Patient, coordinator: User) -> None:
    form = {"sex": "F", "birth_date": "2024-03-01", "urgency": "routine", "diagnosis": "mld", "stage": "cr1"}

    response = sign_in(coordinator).post(page(patient, "patient-edit"), {**form, "version": patient.version})

    assert [doubt.code for doubt in response.context["doubts"]] == ["stage_of_diagnosis"]


def test_typing_form_starts_with_the_typing_in_force(
    sign_in: Any, typed_patient: Patient, coordinator: User
) -> None:
    text = text_of(sign_in(coordinator).get(page(typed_patient, "patient-typing")))

    assert 'value="A*11:01"' in text


def test_new_typing_is_saved(sign_in: Any, typed_patient: Patient, coordinator: User) -> None:
    client = sign_in(coordinator)
    form = {"hla_A_1": "A*02:01", "hla_A_2": "A*24:02", "source": "own_lab"}

    asked = client.post(page(typed_patient, "patient-typing"), form)
    client.post(page(typed_patient, "patient-typing"), {**form, "confirmed": "not_searchable"})

    assert [doubt.code for doubt in asked.context["doubts"]] == ["not_searchable"]
    assert typed_patient.typings.get(is_current=True).canonical_gl == "A*02:01+A*24:02"
    assert typed_patient.typings.count() == 2


def test_conflict_of_a_new_typing_is_asked_about_and_on_record(
    sign_in: Any, typed_patient: Patient, coordinator: User
) -> None:
    client = sign_in(coordinator)
    url, form = page(typed_patient, "patient-typing"), {"hla_A_1": "A*02:01", "hla_A_2": "A*24:02"}
    told = [doubt.code for doubt in client.post(url, {**form, "gl": "A1+A24"}).context["doubts"]]

    other = client.post(url, {**form, "gl": "A3+A11", "confirmed": " ".join(told)})
    client.post(url, {**form, "gl": "A1+A24", "confirmed": " ".join(told)})

    assert len(other.context["doubts"]) == 2
    assert typed_patient.typings.get(is_current=True).canonical_gl == "A*02:01+A*24:02^A1+A24"
    conflict = {"code": told[1], "antigens": "A1+A24", "dna": "A*02:01+A*24:02"}
    assert AuditEntry.objects.latest("pk").after["confirmed_conflicts"] == [conflict]


@pytest.mark.parametrize("form", [{}, {"hla_A_1": "UUUU"}, {"hla_A_1": "A*xx"}])
def test_typing_that_says_nothing_is_refused(
    form: dict[str, str], sign_in: Any, typed_patient: Patient, coordinator: User
) -> None:
    response = sign_in(coordinator).post(
        page(typed_patient, "patient-typing"), {**form, "confirmed": "not_searchable"}
    )

    assert response.status_code == 200
    assert response.context["typing"].errors
    assert typed_patient.typings.count() == 1


def test_further_loci_unfold_when_something_is_in_them(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    client = sign_in(coordinator)

    folded = client.get(page(patient, "patient-typing"))
    unfolded = client.post(page(patient, "patient-typing"), {"hla_DRB3_1": "DRB3*xx"})

    assert folded.context["typing"].folded_open is False
    assert unfolded.context["typing"].folded_open is True


def test_weight_is_saved_or_refused_or_asked_about(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client, url, today = (
        sign_in(coordinator),
        page(patient, "patient-weight"),
        timezone.localdate().isoformat(),
    )

    refused = client.post(url, {"weight_kg": "300", "measured_on": today})
    asked = client.post(url, {"weight_kg": "90", "measured_on": today})
    client.post(url, {"weight_kg": "13.5", "measured_on": today})

    assert "id_weight_kg_error" in text_of(refused)
    assert "It is right" in text_of(asked)
    assert str(Patient.objects.get().weight_kg) == "13.50"


def test_patient_made_inactive_and_active_again(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client = sign_in(coordinator)

    nothing = client.post(page(patient, "patient-deactivate"), {"reason": ""})
    client.post(page(patient, "patient-deactivate"), {"reason": "died", "on": "2026-05-01"})
    gone = text_of(client.get(page(patient)))
    client.post(page(patient, "patient-reactivate"))

    assert "id_reason_error" in text_of(nothing)
    assert "Reactivate" in gone
    assert Patient.objects.get().is_active


def test_state_that_somebody_changed_before_is_a_clear_page(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    response = sign_in(coordinator).post(page(patient, "patient-reactivate"))

    assert response.status_code == 409
    assert "active already" in text_of(response)


@pytest.mark.parametrize(
    "name", ["patient-edit", "patient-typing", "patient-weight", "patient-identity-edit"]
)
def test_forms_of_an_inactive_patient_are_refused_with_a_reason(
    name: str, sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    gone = PatientFactory(
        hospital=hospital, state="inactive", inactive_reason="moved", deactivated_at=timezone.now()
    )
    form = {
        "sex": "F",
        "birth_date": "2024-03-01",
        "urgency": "routine",
        "version": 1,
        "gl": GL,
        "name": "x",
        "weight_kg": "12",
        "measured_on": "2026-01-01",
    }

    response = sign_in(coordinator).post(page(gone, name), form)

    assert response.status_code == 200
    assert "reactivate before you change" in text_of(response)


# --- identity ---


def test_identity_is_not_on_the_page_until_asked_for(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    PatientIdentityFactory(patient=patient, name="Invented Name")
    client = sign_in(coordinator)

    closed = text_of(client.get(page(patient)))
    opened = client.post(page(patient, "patient-identity"))

    assert "Invented Name" not in closed
    assert "Invented Name" in text_of(opened)
    assert "no-store" in opened["Cache-Control"]
    assert (
        AuditEntry.objects.filter(action="patient.identity_viewed", actor_id=str(coordinator.pk)).count() == 1
    )


def test_identity_form_opens_filled_and_saves(sign_in: Any, patient: Patient, coordinator: User) -> None:
    PatientIdentityFactory(patient=patient, name="Invented Name")
    client = sign_in(coordinator)

    opened = text_of(client.post(page(patient, "patient-identity-edit"), {"open": "1"}))
    client.post(page(patient, "patient-identity-edit"), {"name": "New Name"})

    assert 'value="Invented Name"' in opened
    assert PatientIdentity.objects.get().name == "New Name"


def test_too_long_identity_is_refused(sign_in: Any, patient: Patient, coordinator: User) -> None:
    response = sign_in(coordinator).post(page(patient, "patient-identity-edit"), {"name": "x" * 200})

    assert "id_name_error" in text_of(response)
    assert not PatientIdentity.objects.exists()


def test_physician_sees_identity_but_edits_nothing(sign_in: Any, patient: Patient, physician: User) -> None:
    client = sign_in(physician)

    assert client.post(page(patient, "patient-identity")).status_code == 200
    assert client.post(page(patient, "patient-identity-edit"), {"name": "x"}).status_code == 403
    assert "No identity was entered" in text_of(client.post(page(patient, "patient-identity")))


def test_bank_sees_the_patient_never_the_identity(
    sign_in: Any, patient: Patient, bank_coordinator: User
) -> None:
    PatientIdentityFactory(patient=patient, name="Invented Name")
    client = sign_in(bank_coordinator)

    assert "Show identity" not in text_of(client.get(page(patient)))
    assert client.post(page(patient, "patient-identity")).status_code == 403
    assert not PatientIdentity.objects.visible_to(bank_coordinator).exists()


# --- live check ---


def check(client: Client, **form: str) -> str:
    return text_of(client.post(reverse("hospitals:typing-check"), form))


def test_live_check_tells_how_it_is_read(sign_in: Any, coordinator: User) -> None:
    client = sign_in(coordinator)

    assert "A*02:01 + ?" in check(client, locus="A", hla_A_1="02:01")
    assert "A*02:01 + A*02:01" in check(client, locus="A", hla_A_1="02:01", blank_homozygous="on")
    assert "field-errors" in check(client, locus="A", hla_A_1="A*xx")
    assert check(client, locus="A").strip() == ""
    assert check(client, locus="nothing", hla_A_1="A*02:01").strip() == ""
