"""Pages of patients as a person meets them."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from core.errors import Conflict
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.guards import latest_birth_date
from hospitals.models import Hospital, Patient, PatientIdentity
from tests.factories.core import UserFactory
from tests.factories.hospitals import (
    GL,
    HospitalFactory,
    PatientFactory,
    PatientIdentityFactory,
    PatientTypingFactory,
    member_of,
)

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


# --- new patient ---


def test_new_patient_is_saved_with_typing_and_weight(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    response = sign_in(coordinator).post(NEW, values(hospital))

    patient = Patient.objects.get()
    assert response.url == page(patient)
    assert patient.current_typing.canonical["B"] == ["B*40:01", "B*46:01"]
    assert patient.weights.get().weight_kg == patient.weight_kg


def test_new_patient_by_gl_string_and_identity(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    grid = dict.fromkeys(GRID)
    form = values(hospital, **grid, gl=GL, **{"identity-name": "Invented Name"})

    sign_in(coordinator).post(NEW, form)

    patient = Patient.objects.get()
    assert patient.current_typing.canonical_gl.startswith("A*11:01+A*24:02")
    assert patient.identity.name == "Invented Name"


def test_hospital_closed_in_the_meantime_is_told(
    sign_in: Any, hospital: Hospital, coordinator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(**kwargs: Any) -> None:
        raise Conflict("hospital_inactive", "This hospital is closed now.")

    monkeypatch.setattr("hospitals.services.patient_create", closed)

    assert "This hospital is closed now." in text_of(sign_in(coordinator).post(NEW, values(hospital)))


def test_nonsense_in_the_hidden_id_does_no_harm(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    sign_in(coordinator).post(NEW, values(hospital, patient_id="nonsense"))

    assert Patient.objects.count() == 1


def test_weight_without_a_day_is_of_today(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    sign_in(coordinator).post(NEW, values(hospital, measured_on=None))

    assert Patient.objects.get().weights.get().measured_on == timezone.localdate()


def test_form_sent_twice_makes_one_patient(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    form = values(hospital)
    client = sign_in(coordinator)

    first, second = client.post(NEW, form), client.post(NEW, form)

    assert Patient.objects.count() == 1
    assert first.url == second.url


ERRORS = [
    ({"hla_A_2": "A*2:xx"}, "hla_A_2"),
    ({"hla_B_1": "A*02:01"}, "hla_B_1"),
    ({"hla_DRB1_1": "DRB1*9:"}, "hla_DRB1_1"),
    ({"gl": "A*02:01+A*24:02"}, "hla_A_1"),
    ({"gl": "nonsense"}, "gl"),
    ({"weight_kg": "0.4"}, "weight_kg"),
    ({"weight_kg": "300"}, "weight_kg"),
    ({"measured_on": "2099-01-01"}, "measured_on"),
    ({"birth_date": "2099-01-01"}, "birth_date"),
    ({"birth_date": "1800-01-01"}, "birth_date"),
    ({"birth_date": "soon"}, "birth_date"),
    ({"sex": ""}, "sex"),
    ({"diagnosis": "other"}, "diagnosis_text"),
]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("changes", "field"), ERRORS, ids=[f"{f} {next(iter(c.values()))}" for c, f in ERRORS]
)
def test_error_stands_beside_its_field_and_what_was_typed_is_kept(
    changes: dict[str, str],
    field: str,
    language: str,
    sign_in: Any,
    hospital: Hospital,
    coordinator: User,
) -> None:
    response = sign_in(coordinator, language).post(NEW, values(hospital, **changes))

    text = text_of(response)
    assert response.status_code == 200
    assert not Patient.objects.exists()
    assert f'id="id_{field}_error"' in text
    assert 'value="A*11:01"' in text
    name, typed = next(iter(changes.items()))
    assert typed == "" or typed in text, name


def test_typing_error_is_told_in_the_language_of_the_reader(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    for language in ("en", "zh-hans"):
        response = sign_in(coordinator, language).post(NEW, values(hospital, hla_A_2="A*2:xx"))

        with translation.override(language):
            wanted = str(response.context["typing"].errors["hla_A_2"][0])
        assert wanted
        assert wanted.replace("'", "&#x27;") in text_of(response)


def test_both_values_of_a_locus_are_told_at_once(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    response = sign_in(coordinator).post(NEW, values(hospital, hla_A_1="A*xx", hla_A_2="A*2:yy"))

    assert {"hla_A_1", "hla_A_2"} <= set(response.context["typing"].errors)


def test_birth_date_at_the_limit_needs_a_confirmation(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    form = values(hospital, birth_date=latest_birth_date().isoformat(), weight_kg=None)
    client = sign_in(coordinator)

    asked = client.post(NEW, form)
    assert [doubt.code for doubt in asked.context["doubts"]] == ["unborn"]
    assert not Patient.objects.exists()

    client.post(NEW, {**form, "confirmed": "unborn "})
    assert Patient.objects.get().birth_date == latest_birth_date()


def test_another_doubt_is_not_covered_by_an_old_confirmation(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    form = values(hospital, weight_kg="60", birth_date=(timezone.localdate()).isoformat(), confirmed="unborn")
    form["measured_on"] = timezone.localdate().isoformat()

    response = sign_in(coordinator).post(NEW, form)

    assert [doubt.code for doubt in response.context["doubts"]] == ["weight_for_age"]


def test_blank_means_homozygous_only_when_said(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    sign_in(coordinator).post(NEW, values(hospital, blank_homozygous="on"))

    assert Patient.objects.get().current_typing.canonical["DRB1"] == ["DRB1*09:01", "DRB1*09:01"]


def test_hospital_of_somebody_else_is_not_offered_and_not_taken(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    other = HospitalFactory()

    response = sign_in(coordinator).post(NEW, values(other))

    assert "hospital" in response.context["form"].errors
    assert other.name not in text_of(response)
    assert not Patient.objects.exists()


def test_member_of_no_hospital_is_told_what_to_do(sign_in: Any, db: None) -> None:
    response = sign_in(UserFactory(roles=[Role.HOSPITAL_COORDINATOR])).get(NEW)

    assert "no active hospital" in text_of(response)


# --- page, edit, typing, weight, state ---


def test_page_shows_typing_dose_and_history(sign_in: Any, typed_patient: Patient, coordinator: User) -> None:
    text = text_of(sign_in(coordinator).get(page(typed_patient)))

    assert typed_patient.code in text
    assert "A*11:01" in text
    assert "31.0" in text  # 2.5 ×10⁷/kg × 12.4 kg


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


@pytest.mark.parametrize("version", ["0", "", "x", "²"])
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
    client.post(page(patient, "patient-deactivate"), {"reason": "died"})
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


# --- list ---


def test_list_shows_own_active_patients(sign_in: Any, patient: Patient, coordinator: User) -> None:
    other = PatientFactory()

    text = text_of(sign_in(coordinator).get(LIST))

    assert patient.code in text
    assert other.code not in text


def test_bank_sees_all_hospitals_and_may_choose_one(
    sign_in: Any, patient: Patient, bank_coordinator: User
) -> None:
    other = PatientFactory()
    client = sign_in(bank_coordinator)

    both, one = text_of(client.get(LIST)), text_of(client.get(LIST, {"hospital": other.hospital_id}))

    assert patient.code in both
    assert other.code in both
    assert patient.code not in one


def test_member_of_two_hospitals_sees_both(sign_in: Any, hospital: Hospital) -> None:
    second = HospitalFactory()
    person = member_of(hospital)
    second.memberships.create(user=person)
    PatientFactory(hospital=hospital)
    PatientFactory(hospital=second)

    assert len(sign_in(person).get(LIST).context["page"].object_list) == 2


FILTERS = [
    ({"typing": "missing"}, 2),
    ({"typing": "typed"}, 1),
    ({"weight": "missing"}, 1),
    ({"weight": "known"}, 2),
    ({"urgency": "urgent"}, 1),
    ({"diagnosis": "malignant"}, 1),
    ({"state": "inactive"}, 0),
    ({"typing": "nonsense", "page": "99", "sort": "nonsense", "hospital": "x"}, 3),
]


@pytest.mark.parametrize(("query", "count"), FILTERS, ids=[str(q) for q, _ in FILTERS])
def test_filters(
    query: dict[str, str], count: int, sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    PatientTypingFactory(patient=PatientFactory(hospital=hospital))
    PatientFactory(hospital=hospital, weight_kg=None, diagnosis="aml", stage="cr1")
    PatientFactory(hospital=hospital, urgency="urgent")

    assert len(sign_in(coordinator).get(LIST, query).context["page"].object_list) == count


@pytest.mark.parametrize("sort", ["code", "-birth", "weight", "-weight", "typing", "diagnosis"])
def test_sorting(sort: str, sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    PatientFactory.create_batch(3, hospital=hospital)
    PatientFactory(hospital=hospital, weight_kg=None)

    response = sign_in(coordinator).get(LIST, {"sort": sort})

    rows = response.context["page"].object_list
    assert len(rows) == 4
    if "weight" in sort:
        assert rows[3].weight_kg is None
    assert f'aria-sort="{"descending" if sort.startswith("-") else "ascending"}"' in text_of(response)


def test_column_of_the_hospital_only_where_there_are_several(
    sign_in: Any, patient: Patient, coordinator: User, bank_coordinator: User
) -> None:
    own = sign_in(coordinator).get(LIST)
    several = sign_in(bank_coordinator).get(LIST, {"sort": "hospital"})

    assert "hospital" not in [column.key for column in own.context["columns"]]
    assert "hospital" in [column.key for column in several.context["columns"]]


def test_search_by_a_code_in_any_spelling(sign_in: Any, patient: Patient, coordinator: User) -> None:
    PatientFactory(hospital=patient.hospital)
    spelled = patient.code.replace("-", "").lower()

    rows = sign_in(coordinator).get(LIST, {"q": spelled}).context["page"].object_list

    assert list(rows) == [patient]


def test_empty_lists_say_what_to_do(sign_in: Any, coordinator: User, bank_coordinator: User) -> None:
    client = sign_in(coordinator)

    assert "Enter a patient" in text_of(client.get(LIST))
    assert "Show all active patients" in text_of(client.get(LIST, {"q": "P-XXX"}))
    assert "they appear here" in text_of(sign_in(bank_coordinator).get(LIST))


def test_csv_is_the_selection_of_the_page(sign_in: Any, typed_patient: Patient, coordinator: User) -> None:
    PatientFactory(hospital=typed_patient.hospital)
    PatientFactory()

    response = sign_in(coordinator).get(reverse("hospitals:patient-export"), {"typing": "typed"})

    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].lstrip("\ufeff").startswith("code,hospital,state")
    assert len(lines) == 2
    assert typed_patient.code in lines[1]
    assert "A*11:01+A*24:02" in lines[1]


@pytest.mark.parametrize("rows", [1, 20])
def test_list_costs_the_same_queries_for_any_number_of_rows(
    rows: int, sign_in: Any, hospital: Hospital, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    for patient in PatientFactory.create_batch(rows, hospital=hospital):
        PatientTypingFactory(patient=patient)
    client = sign_in(coordinator)

    with django_assert_max_num_queries(12):
        assert len(client.get(LIST).context["page"].object_list) == rows
    with django_assert_max_num_queries(9):
        response = client.get(reverse("hospitals:patient-export"))
        assert len(b"".join(response.streaming_content).splitlines()) == rows + 1


def test_page_of_a_patient_costs_a_fixed_number_of_queries(
    sign_in: Any, typed_patient: Patient, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    client = sign_in(coordinator)

    with django_assert_max_num_queries(18):
        client.get(page(typed_patient))
