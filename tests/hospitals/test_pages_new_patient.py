"""A new patient as a coordinator enters it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone, translation

from core.errors import Conflict
from core.models import User
from core.roles import Role
from hospitals.guards import latest_birth_date
from hospitals.models import Hospital, Patient
from tests.factories.core import UserFactory
from tests.factories.hospitals import (
    GL,
    HospitalFactory,
)
from tests.hospitals.pages import GRID, NEW, page, text_of, values

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


CONFLICT = "The antigens A1+A24 contradict the DNA typing A*11:01+A*24:02."


def test_serology_that_the_dna_excludes_is_asked_about_saved_and_flagged(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    client = sign_in(coordinator)
    form = values(hospital, gl="A1+A24")

    asked = client.post(NEW, form)
    codes = [doubt.code for doubt in asked.context["doubts"]]
    assert [code[: len(code) - 10] for code in codes] == ["typing_conflict_A_"]
    assert CONFLICT in text_of(asked)
    assert not Patient.objects.exists()

    client.post(NEW, {**form, "confirmed": codes[0]})
    patient = Patient.objects.get()
    assert patient.current_typing.canonical_gl.endswith("^A1+A24")
    shown = text_of(client.get(page(patient)))
    assert "Typing conflict." in shown
    assert CONFLICT in shown
    answer = client.get(f"/api/v1/patients/{patient.pk}/").json()
    assert answer["typing"]["conflicts"] == [{"locus": "A", "text": CONFLICT}]


@pytest.mark.parametrize("changes", [{"gl": "A3+A11"}, {"hla_A_2": "A*33:03"}], ids=str)
def test_one_conflict_confirmed_is_no_other_one_confirmed(
    changes: dict[str, str], sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    client = sign_in(coordinator)
    form = values(hospital, gl="A1+A24")
    first = client.post(NEW, form).context["doubts"]

    asked = client.post(NEW, {**form, **changes, "confirmed": first[0].code})

    assert len(asked.context["doubts"]) == 1
    assert asked.context["doubts"][0].code != first[0].code
    assert not Patient.objects.exists()


def test_serology_that_agrees_is_kept_without_a_word_of_warning(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    client = sign_in(coordinator)

    client.post(NEW, values(hospital, gl="A11+A24"))

    patient = Patient.objects.get()
    shown = text_of(client.get(page(patient)))
    assert patient.current_typing.conflicts == []
    assert "Typing conflict." not in shown
    assert "A11+A24 is reported beside the DNA typing" in shown


def test_old_names_are_taken_with_an_amber_remark(
    sign_in: Any, hospital: Hospital, coordinator: User
) -> None:
    client = sign_in(coordinator)

    client.post(NEW, values(hospital, hla_A_1="A*1101"))

    patient = Patient.objects.get()
    assert patient.current_typing.canonical["A"] == ["A*11:01", "A*24:02"]
    shown = text_of(client.get(page(patient)))
    assert (
        '<li class="warning"><span class="tag warn">check</span> HLA-A: A*1101 is a name of before 2010'
        in shown
    )
