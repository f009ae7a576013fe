"""Import with preview: check, show everything, confirm; nothing is written before."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bank import file_readers, presenters_import, services_files, uploads
from bank.models import CordBloodUnit, ImportBatch, PlausibilityLimits
from core.models import User
from core.roles import Role
from tests.factories.bank import BankFactory, ImportBatchFactory
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db

ADDRESS = "/units/import/"
GOOD = b"unit_no,tnc_e7,cd34_e6,A_1,B_1,DRB1_1\nU1,130,4,A*11:01,B*40:01,DRB1*09:01\n"
MIXED = GOOD + b"U2,-1,4,A*11:01,B*40:01,DRB1*09:01\n<script>,130,4,A*11:01,B*40:01,DRB1*09:01\n"


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "imports"


def upload(client: Any, data: bytes, name: str = "units.csv", **fields: str) -> Any:
    """The page of the file, which is so small that it is checked at once."""
    return client.post(ADDRESS, {"file": SimpleUploadedFile(name, data), **fields}, follow=True)


def at(page: Any, step: str) -> str:
    """The address of a step of the file that a page is about."""
    return f"{ADDRESS}{page.context['file'].pk}/{step}"


def test_the_form_lists_every_column(signed_in: Any, lab: User) -> None:
    text = signed_in(lab).get(ADDRESS).content.decode()

    for name in ("unit_no", "tnc_e7", "cd34_e6", "DRB1_2"):
        assert name in text


def test_check_then_confirm(signed_in: Any, lab: User, kept_files: Path) -> None:
    client = signed_in(lab)
    preview = upload(client, GOOD)

    assert "Import 1 unit" in preview.content.decode()
    assert not CordBloodUnit.objects.exists()

    response = client.post(at(preview, "confirm/"), follow=True)
    assert "1 unit was imported." in response.content.decode()
    assert CordBloodUnit.objects.get().unit_no == "U1"
    assert ImportBatch.objects.get().user == lab
    assert list(kept_files.glob("*.upload")) == []


def test_findings_are_shown_escaped_and_the_good_rows_can_be_taken(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    preview = upload(client, MIXED)
    text = preview.content.decode()

    assert "-1 is impossible" in text
    assert "&lt;script&gt;" in text.lower()
    assert "<script>,130" not in text
    assert 'name="skip_bad"' in text

    client.post(at(preview, "confirm/"), {"skip_bad": "1"})
    assert CordBloodUnit.objects.count() == 1


def test_confirming_a_file_with_errors_without_leave_shows_them_again(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)

    response = client.post(at(upload(client, MIXED), "confirm/"))

    assert response.status_code == 409
    assert "There are rows with errors" in response.content.decode()
    assert "is impossible" in response.content.decode()
    assert not CordBloodUnit.objects.exists()


def test_the_same_file_again_says_that_nothing_is_new(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    first = upload(client, GOOD)
    second = upload(client, GOOD)
    client.post(at(first, "confirm/"))

    assert "Nothing new" in upload(client, GOOD).content.decode()
    response = client.post(at(second, "confirm/"), follow=True)
    assert "Nothing new" in response.content.decode()
    assert ImportBatch.objects.count() == 1
    assert CordBloodUnit.objects.count() == 1


def test_many_findings_are_cut(signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services_files, "FINDINGS_KEPT", 1)
    monkeypatch.setattr(presenters_import, "SHOWN", 1)

    response = upload(signed_in(lab), MIXED)

    assert len(response.context["findings"]) == 1
    assert response.context["more"] == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty."),
        (b"\x00\x01\x02\xff" * 50, "not a text file"),
        ("unit_no;x\nU1;Besançon".encode("latin-1"), "neither UTF-8 nor GB18030"),
        (b"\x1f\x8b\x08\x00broken", "damaged or cut off"),
        (b"unit_no,abo\n", "no rows"),
        (b"hello", "neither a CSV"),
    ],
)
def test_a_file_that_cannot_be_read_gets_a_sentence(
    signed_in: Any, lab: User, data: bytes, words: str
) -> None:
    response = upload(signed_in(lab), data)

    assert response.status_code == 200
    assert words in response.content.decode()


def test_a_form_without_a_file_and_an_unknown_bank(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    BankFactory(code="AA")
    BankFactory(code="BB")

    assert client.post(ADDRESS).status_code == 400
    assert upload(client, GOOD, bank="ZZ").status_code == 400
    assert upload(client, GOOD, bank="BB").context["report"]["imported"] == 1
    assert "Say which bank" in upload(client, GOOD).content.decode()


def test_too_many_rows_for_the_page(signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_readers, "MAX_ROWS", 2)

    assert "import_units" in upload(signed_in(lab), MIXED).content.decode()


def test_another_person_s_file_cannot_be_confirmed(signed_in: Any, lab: User, qa: User) -> None:
    preview = upload(signed_in(lab), GOOD)

    for step in ("", "findings.csv"):
        assert signed_in(qa).get(at(preview, step)).status_code == 404
    for step in ("confirm/", "columns/", "cancel/"):
        assert signed_in(qa).post(at(preview, step)).status_code == 404
    assert not CordBloodUnit.objects.exists()


def test_a_file_that_nobody_chose(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)

    assert client.post(f"{ADDRESS}{uuid4()}/confirm/").status_code == 404
    assert client.get(f"{ADDRESS}forged/").status_code == 404


def test_files_that_nobody_confirmed_go_away_after_a_day(signed_in: Any, lab: User, kept_files: Path) -> None:
    client = signed_in(lab)
    old = upload(client, GOOD)
    path = next(kept_files.glob("*.upload"))
    yesterday = time.time() - uploads.KEPT_SECONDS - 1
    os.utime(path, (yesterday, yesterday))
    upload(client, GOOD)

    response = client.post(at(old, "confirm/"))
    assert response.status_code == 400
    assert "no longer there" in response.content.decode()
    assert "not confirmed in time" in client.get(ADDRESS).content.decode()
    assert len(list(kept_files.glob("*.upload"))) == 1


def test_imports_are_listed_and_opened(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    assert "Nothing was imported yet" in client.get("/units/imports/").content.decode()
    batch = ImportBatchFactory(invented_counts_seed=7, user=lab)

    assert "units.csv" in client.get("/units/imports/").content.decode()
    page = client.get(f"/units/imports/{batch.pk}/").content.decode()
    assert "invented (seed 7)" in page
    assert f"?batch={batch.pk}" in page


@pytest.mark.parametrize("batches", [1, 20])
def test_queries_of_the_list_of_imports(
    signed_in: Any, lab: User, django_assert_max_num_queries: Any, batches: int
) -> None:
    ImportBatchFactory.create_batch(batches)
    client = signed_in(lab)

    with django_assert_max_num_queries(9):
        client.get("/units/imports/")


LIMITS = {"tnc_e7_min": "30", "tnc_e7_max": "400", "cd34_percent_min": "0.05", "cd34_percent_max": "2"}


def test_limits_are_edited_with_a_reason(signed_in: Any, qa: User) -> None:
    client = signed_in(qa)

    assert client.get("/units/limits/").status_code == 200
    assert client.post("/units/limits/", LIMITS).status_code == 400
    assert client.post("/units/limits/", LIMITS | {"reason": "new counter"}).status_code == 302
    assert PlausibilityLimits.load().tnc_e7_min == 30


@pytest.mark.parametrize("change", [{"tnc_e7_min": "500"}, {"tnc_e7_min": "-1"}, {"tnc_e7_min": "many"}])
def test_wrong_limits_are_explained(signed_in: Any, qa: User, change: dict[str, str]) -> None:
    response = signed_in(qa).post("/units/limits/", LIMITS | change | {"reason": "slip"})

    assert response.status_code == 400
    assert response.context["form"].errors
    assert not PlausibilityLimits.objects.exists()


def test_a_hospital_cannot_import(signed_in: Any) -> None:
    user = UserFactory(roles=[Role.HOSPITAL_COORDINATOR])

    assert signed_in(user).get(ADDRESS).status_code == 403
    assert signed_in(user).get("/units/imports/").status_code == 403


CONFLICT = b"unit_no,tnc_e7,cd34_e6,A_1,A_2,A_ser_1,B_1,DRB1_1\nU1,130,4,A*11:01,,A24,B*40:01,DRB1*09:01\n"


def test_antigens_that_dna_excludes_are_said_and_keep_the_unit_off_offer(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    preview = upload(client, CONFLICT.replace(b"A*11:01,,", b"A*11:01,A*11:01,"))

    text = preview.content.decode()
    assert "The antigens A24 contradict the DNA typing A*11:01+A*11:01." in text
    client.post(at(preview, "confirm/"))
    unit = CordBloodUnit.objects.get()
    assert unit.typing_conflict
    assert [note[1] for note in unit.typings.get().notes] == ["serology_beside", "typing_conflict"]
    assert unit.typings.get().canonical_gl == "A*11:01+A*11:01^B*40:01^DRB1*09:01^A24"
    assert not CordBloodUnit.objects.searchable().exists()
    passport = client.get(f"/units/{unit.pk}/").content.decode()
    assert "typing conflict" in passport
    assert "A24" in passport


def test_what_a_blank_means_is_kept_from_check_to_confirmation(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    preview = upload(client, GOOD, blank_homozygous="on")

    client.post(at(preview, "confirm/"))
    unit = CordBloodUnit.objects.get()
    assert (unit.hla_a_1, unit.hla_a_2) == ("A*11:01", "A*11:01")
    assert ["A", "homozygous", {}] in unit.typings.get().notes
