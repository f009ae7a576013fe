"""Pages of a patient's antibodies: the card of the patient, a new serum with its preview, a serum, its withdrawal."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from core.models import User
from hospitals.antibody_forms import MAX_ROWS, ROWS
from hospitals.models import AntibodySerum, Hospital, Patient
from tests.factories.hospitals import AntibodyBeadFactory, AntibodySerumFactory, HospitalFactory, member_of
from tests.hospitals.pages import page, text_of

EXPORT = "Bead;Allele Specificity;Raw;Normal\n1;A*24:03;90;80\n2;B*15:01;100,4;90\n3;B*15:01;70;60\n"


def values(**changes: Any) -> dict[str, Any]:
    return {
        "sampled_on": "2026-05-01",
        "method": "single_antigen",
        "classes": "both",
        "serum_id": str(uuid4()),
        **changes,
    }


def serum_page(serum: AntibodySerum, name: str = "serum-detail") -> str:
    return reverse(f"hospitals:{name}", args=[serum.pk])


# --- the patient's page ---


def test_a_patient_who_was_never_tested(sign_in: Any, patient: Patient, coordinator: User) -> None:
    text = text_of(sign_in(coordinator).get(page(patient)))

    assert "No serum was tested" in text
    assert "not tested" in text


def test_a_patient_in_whom_none_were_found(sign_in: Any, patient: Patient, coordinator: User) -> None:
    AntibodySerumFactory(patient=patient, sampled_on=timezone.localdate())

    text = text_of(sign_in(coordinator).get(page(patient)))

    assert "No antibodies were found" in text
    assert "none found" in text
    assert "not tested" not in text


@pytest.mark.parametrize(("days", "told"), [(180, False), (181, True)])
def test_an_old_serum_is_told(
    days: int, told: bool, sign_in: Any, patient: Patient, coordinator: User
) -> None:
    AntibodySerumFactory(patient=patient, sampled_on=timezone.localdate() - datetime.timedelta(days=days))

    text = text_of(sign_in(coordinator).get(page(patient)))

    assert (f"last serum {days} days old" in text) is told


def test_specificities_stand_by_locus_with_newest_and_peak(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    for day, mfi in ((1, 9000), (2, 1234)):
        row = AntibodySerumFactory(patient=patient, sampled_on=datetime.date(2026, 5, day))
        AntibodyBeadFactory(serum=row, written="DQA1*05:01, DQB1*02:01", mfi=mfi)
        AntibodyBeadFactory(serum=row, written="A24", mfi=None)

    text = text_of(sign_in(coordinator).get(page(patient)))

    assert "HLA-DQA1 + DQB1" in text
    assert "DQA1*05:01~<wbr>DQB1*02:01" in text
    assert "1,234" in text
    assert "9,000" in text
    assert "positive" in text


def test_many_specificities_show_the_strongest_first_and_all_below(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    row = AntibodySerumFactory(patient=patient)
    for number in range(1, 12):
        AntibodyBeadFactory(serum=row, written=f"B*40:{number:02d}", mfi=number)

    response = sign_in(coordinator).get(page(patient))

    (strongest,) = response.context["strongest_antibodies"]
    assert [bead.mfi_peak for bead in strongest.beads] == list(range(11, 1, -1))
    assert "All 11 specificities" in text_of(response)


def test_withdrawn_sera_are_listed_and_do_not_count(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    row = AntibodySerumFactory(patient=patient, withdrawn_at=timezone.now(), withdrawn_reason="wrong")

    text = text_of(sign_in(coordinator).get(page(patient)))

    assert serum_page(row) in text
    assert "withdrawn" in text
    assert "No serum was tested" in text


@pytest.mark.parametrize("sera", [1, 20])
def test_the_page_costs_the_same_queries_for_any_number_of_sera(
    sera: int, sign_in: Any, patient: Patient, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(sera):
        AntibodyBeadFactory(serum__patient=patient)
    client = sign_in(coordinator)

    client.get(page(patient))  # what a process asks once and keeps
    with django_assert_max_num_queries(33):
        client.get(page(patient))


def test_the_bank_sees_and_may_not_write(
    sign_in: Any, patient: Patient, bank_coordinator: User, physician: User
) -> None:
    row = AntibodyBeadFactory(serum__patient=patient).serum

    for person in (bank_coordinator, physician):
        client = sign_in(person)
        assert "New serum" not in text_of(client.get(page(patient)))
        assert "Withdraw this serum" not in text_of(client.get(serum_page(row)))
        assert client.get(page(patient, "serum-create")).status_code == 403


# --- a new serum ---


def test_an_export_is_shown_first_and_saved_on_confirmation(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    client = sign_in(coordinator)
    posted = values(text=EXPORT, laboratory="HLA laboratory")

    preview = client.post(page(patient, "serum-create"), posted)
    written_before = AntibodySerum.objects.count()
    hidden = preview.context["form"].hidden()
    saved = client.post(
        page(patient, "serum-create"),
        {**hidden, "text": preview.context["form"].cleaned_data["text"], "save": "1"},
    )

    row = AntibodySerum.objects.get()
    assert written_before == 0
    assert "several times" in text_of(preview)
    assert saved.url == serum_page(row)
    assert (row.laboratory, str(row.pk)) == ("HLA laboratory", posted["serum_id"])
    assert {bead.text: bead.mfi for bead in row.beads.all()} == {"A*24:03": 80, "B*15:01": 90}


def test_another_column_may_be_chosen(sign_in: Any, patient: Patient, coordinator: User) -> None:
    sign_in(coordinator).post(page(patient, "serum-create"), values(text=EXPORT, mfi_column="Raw", save="1"))

    assert {bead.text: bead.mfi for bead in AntibodySerum.objects.get().beads.all()} == {
        "A*24:03": 90,
        "B*15:01": 100,
    }


def test_an_uploaded_file_is_read_and_can_be_corrected_where_it_is_shown(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    client = sign_in(coordinator)
    good = SimpleUploadedFile("x.csv", ("特异性;MFI\nA24;5\n").encode("gb18030"))
    bad = SimpleUploadedFile("x.csv", EXPORT.replace("A*24:03", "A*24:3").encode())

    read = client.post(page(patient, "serum-create"), values(file=good))
    refused = client.post(page(patient, "serum-create"), values(file=bad))

    assert [bead.mfi for bead in read.context["beads"]] == [5]
    assert "特异性;MFI" in text_of(read)
    assert "Line 2: A*24:3" in text_of(refused)
    assert "1;A*24:3;90;80" in text_of(refused)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x00\x01", "not a text file"),
        (b"Besan\xe7on;1", "neither UTF-8 nor GB18030"),
        (b"A24 5\n" * 200_000, "larger than 1 MB"),
        (b"", "Enter what was found"),
    ],
)
def test_a_file_that_is_none_is_refused(
    content: bytes, told: str, sign_in: Any, patient: Patient, coordinator: User
) -> None:
    file = SimpleUploadedFile("x.csv", content)

    response = sign_in(coordinator).post(page(patient, "serum-create"), values(file=file))

    assert told in text_of(response)


def test_what_is_typed_by_hand_is_saved(sign_in: Any, patient: Patient, coordinator: User) -> None:
    rows = {"specificity_1": "A24", "mfi_1": "12000", "specificity_8": "DR53", "mfi_8": "positive"}

    sign_in(coordinator).post(page(patient, "serum-create"), values(**rows, save="1"))

    found = {bead.text: bead.mfi for bead in AntibodySerum.objects.get().beads.all()}
    assert found == {"A24": 12000, "DR53": None}


def test_errors_stand_beside_what_was_typed_and_it_is_kept(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    rows = {"specificity_1": "A*24:9", "mfi_1": "5", "specificity_2": "B7", "mfi_2": "-1", "mfi_3": "7"}

    response = sign_in(coordinator).post(page(patient, "serum-create"), values(**rows, save="1"))

    errors = response.context["form"].errors
    assert set(errors) == {"specificity_1", "mfi_2", "specificity_3"}
    assert 'value="A*24:9"' in text_of(response)
    assert not AntibodySerum.objects.exists()


def test_too_many_by_hand_are_told_above_the_form(
    sign_in: Any, patient: Patient, coordinator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hospitals.choices.MAX_BEADS", 1)

    response = sign_in(coordinator).post(
        page(patient, "serum-create"), values(specificity_1="A24, A2", mfi_1="5", save="1")
    )

    assert response.context["form"].has_error("__all__", "too_many_beads")


def test_more_rows_keep_what_was_typed(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client = sign_in(coordinator)

    def asked(rows: str) -> Any:
        posted = values(rows=rows, specificity_1="A24", note="n", more="1")
        return client.post(page(patient, "serum-create"), posted).context["form"]

    form = asked(str(ROWS))
    assert (form.row_count, form["specificity_1"].value(), form["note"].value()) == (2 * ROWS, "A24", "n")
    assert [asked(rows).row_count for rows in ("9999999", "x", "")] == [MAX_ROWS, ROWS, ROWS]


def test_going_back_from_the_preview_keeps_everything(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    text = text_of(
        sign_in(coordinator).post(page(patient, "serum-create"), values(text=EXPORT, note="n", edit="1"))
    )

    assert "1;A*24:03;90;80" in text
    assert 'value="2026-05-01"' in text


def test_none_found_is_saved(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client = sign_in(coordinator)

    preview = client.post(page(patient, "serum-create"), values(none_found="on"))
    client.post(page(patient, "serum-create"), {**preview.context["form"].hidden(), "save": "1"})

    assert "No antibodies found" in text_of(preview)
    assert AntibodySerum.objects.get().beads.count() == 0


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({}, "none_found", "serum_empty"),
        ({"none_found": "on", "text": "A24 5"}, "none_found", "serum_contradicts_itself"),
        ({"text": "A24 5", "specificity_1": "A2", "mfi_1": "5"}, "text", "both"),
        ({"none_found": "on", "sampled_on": "2999-01-01"}, "sampled_on", "sampled_in_future"),
        ({"none_found": "on", "tested_on": "2026-04-30"}, "tested_on", "tested_on_impossible"),
        ({"none_found": "on", "sampled_on": ""}, "sampled_on", "required"),
        ({"none_found": "on", "method": ""}, "method", "required"),
        ({"none_found": "on", "classes": ""}, "classes", "classes_missing"),
        ({"text": "A24 5\nDR4 7", "classes": "I"}, "classes", "classes_contradict"),
        ({"text": "A24 neg\nDR4 neg", "classes": "II"}, "classes", "classes_contradict"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    changes: dict[str, str], field: str, code: str, sign_in: Any, patient: Patient, coordinator: User
) -> None:
    response = sign_in(coordinator).post(page(patient, "serum-create"), values(**changes, save="1"))

    assert response.context["form"].has_error(field, code)
    assert not AntibodySerum.objects.exists()


def test_the_days_are_checked_with_the_lines(sign_in: Any, patient: Patient, coordinator: User) -> None:
    client = sign_in(coordinator)

    pasted = client.post(page(patient, "serum-create"), values(sampled_on="2999-01-01", text="A24 x"))
    typed = client.post(page(patient, "serum-create"), values(sampled_on="", specificity_1="A24", mfi_1="x"))

    assert pasted.context["form"].has_error("sampled_on", "sampled_in_future")
    assert pasted.context["form"].text_errors
    assert set(typed.context["form"].errors) == {"sampled_on", "mfi_1"}


def test_a_text_and_a_file_are_not_both_taken(sign_in: Any, patient: Patient, coordinator: User) -> None:
    posted = values(text="A24 5", file=SimpleUploadedFile("x.csv", b"A2 5"))

    response = sign_in(coordinator).post(page(patient, "serum-create"), posted)

    assert response.context["form"].has_error("file", "both")


def test_antibodies_against_the_patients_own_hla_astonish(
    sign_in: Any, typed_patient: Patient, coordinator: User
) -> None:
    client = sign_in(coordinator)

    strong, weak, other = (
        client.post(page(typed_patient, "serum-create"), values(text=text))
        for text in ("A24 1000\nDR53 positive", "A24 999", "A2 20000")
    )

    assert strong.context["own"] == ["A24"]
    assert "Is this the serum of this patient?" in text_of(strong)
    assert weak.context["own"] == other.context["own"] == []


def test_a_form_sent_twice_shows_what_the_first_one_saved(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    client, posted = sign_in(coordinator), values(none_found="on", save="1")

    first, second = (client.post(page(patient, "serum-create"), posted) for _ in range(2))

    assert first.url == second.url
    assert AntibodySerum.objects.count() == 1


def test_an_inactive_patient_is_refused_with_the_reason(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    Patient.objects.update(state="inactive", inactive_reason="moved", deactivated_at=timezone.now())

    response = sign_in(coordinator).post(page(patient, "serum-create"), values(none_found="on", save="1"))

    assert "reactivate" in text_of(response)


# --- a serum ---


def test_a_serum_shows_what_was_found(sign_in: Any, patient: Patient, coordinator: User) -> None:
    bead = AntibodyBeadFactory(serum__patient=patient, written="HLA-A24", mfi=4321)
    empty = AntibodySerumFactory(patient=patient)
    client = sign_in(coordinator)

    text = text_of(client.get(serum_page(bead.serum)))

    assert "HLA-A24" in text
    assert "4,321" in text
    assert "found none" in text_of(client.get(serum_page(empty)))


def test_a_serum_is_withdrawn_with_a_reason(sign_in: Any, patient: Patient, coordinator: User) -> None:
    row, client = AntibodySerumFactory(patient=patient), sign_in(coordinator)

    refused = client.post(serum_page(row, "serum-withdraw"), {"reason": ""})
    done = client.post(serum_page(row, "serum-withdraw"), {"reason": "wrong tube"})
    again = client.post(serum_page(row, "serum-withdraw"), {"reason": "again"})

    assert refused.context["form"].has_error("reason", "required")
    assert done.url == page(patient)
    assert "withdrawn already" in text_of(again)
    assert "wrong tube" in text_of(client.get(serum_page(row)))
    assert "Serum withdrawn" in text_of(client.get(page(patient)))


def test_another_hospitals_serum_does_not_exist(sign_in: Any, hospital: Hospital, patient: Patient) -> None:
    row = AntibodySerumFactory(patient=patient)
    client = sign_in(member_of(HospitalFactory()))

    assert client.get(serum_page(row)).status_code == 404
    assert client.post(serum_page(row, "serum-withdraw"), {"reason": "x"}).status_code == 404
    assert client.get(page(patient, "serum-create")).status_code == 404


def test_pages_speak_chinese(sign_in: Any, patient: Patient, coordinator: User) -> None:
    AntibodyBeadFactory(serum__patient=patient)
    client = sign_in(coordinator, "zh-hans")

    assert "HLA 抗体" in text_of(client.get(page(patient)))
    assert "新血清" in text_of(client.get(page(patient, "serum-create")))
