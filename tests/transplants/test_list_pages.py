"""The pages on which a list of earlier transplants is taken over: chosen, checked, mapped, confirmed, found again."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bank import services_files
from bank.models import ImportFile
from core.models import User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory
from tests.transplants.lists import GOOD, csv_of, row
from transplants.models import Outcome, Transplant, TransplantBatch

pytestmark = pytest.mark.django_db

ADDRESS = "/outcomes/import/"
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    HospitalFactory(code="H001")


@pytest.fixture
def qa() -> User:
    return UserFactory(roles=[Role.QA])


@pytest.fixture
def client_of(client: Any) -> Any:
    def sign_in(user: User) -> Any:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


def sent(data: bytes, **more: str) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("list.csv", data), **more}


def test_a_list_is_checked_confirmed_and_named_among_those_taken_over(client_of: Any, qa: User) -> None:
    client = client_of(qa)
    page = client.get(ADDRESS).content.decode()
    assert "neutrophils neutrophils_on neutrophils_days" in page

    checked = client.post(ADDRESS, sent(csv_of(GOOD), name="Old register"))

    page = client.get(checked.url).content.decode()
    assert "Take over 1 transplant" in page
    assert not Transplant.objects.exists()
    client.post(f"{checked.url}confirm/")
    assert Outcome.objects.get().is_dead is True
    assert "Taken over" in client.get(checked.url).content.decode()
    assert "Old register" in client.get(ADDRESS).content.decode()
    client.post(f"{checked.url}confirm/")
    assert TransplantBatch.objects.count() == Transplant.objects.count() == 1

    again = client.post(ADDRESS, sent(csv_of(GOOD)))
    page = client.get(again.url).content.decode()
    assert "This very file was taken over before" in page
    assert "Every row of this list is taken over already" in page


def test_rows_with_errors_are_left_out_only_if_somebody_says_so(client_of: Any, qa: User) -> None:
    client = client_of(qa)
    data = csv_of(row(), row(patient="P-2", unit_1="", status="1"))
    address = client.post(ADDRESS, sent(data)).url

    page = client.get(address).content.decode()
    assert "“1” is not one of: alive, dead, lost." in page
    findings = b"".join(client.get(f"{address}findings.csv").streaming_content).decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(findings)))["column"] == "status"
    refused = client.post(f"{address}confirm/")
    assert refused.status_code == 409
    assert not Transplant.objects.exists()
    client.post(f"{address}confirm/", {"skip_bad": "on"})

    assert Transplant.objects.get().registry_code == "P-1"


def test_columns_of_other_names_are_asked_for_with_a_proposal(client_of: Any, qa: User) -> None:
    client = client_of(qa)
    data = csv_of({"移植日期": "2015-04-10", "患者编号": "A1", "移植类型": "单份", "诊断": "aml", "生存状态": "失访",
                   "随访月数": "14.5", "Shoe size": "42"})  # fmt: skip
    address = client.post(ADDRESS, sent(data, hospital="H001", own="yes")).url

    page = client.get(address).content.decode()
    assert "What the columns mean" in page
    twice = {f"column_{place}": "patient" for place in range(7)}
    assert "Two columns of the file mean" in client.post(f"{address}columns/", twice).content.decode()
    proposed = ["infused_on", "patient", "graft_type", "diagnosis", "status", "followed_months", ""]
    client.post(f"{address}columns/", {f"column_{place}": name for place, name in enumerate(proposed)})
    page = client.get(address).content.decode()
    assert "Left out of the file" in page
    client.post(f"{address}confirm/")

    assert Outcome.objects.get().days_followed == 14.5 * 30.4375


def test_a_large_list_goes_by_job_and_can_be_stopped(
    client_of: Any, qa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services_files, "SMALL_BYTES", -1)
    client = client_of(qa)
    address = client.post(ADDRESS, sent(csv_of(GOOD))).url
    assert "Waiting for a free worker" in client.get(address).content.decode()
    assert f'hx-get="{address}"' in client.get(address, **HTMX).content.decode()
    services_files.file_execute(job_id=ImportFile.objects.get().job_id)
    assert client.get(address, **HTMX)["HX-Refresh"] == "true"
    client.post(f"{address}confirm/")

    client.post(f"{address}cancel/")

    assert "Stopped. Nothing of this file is written." in client.get(address).content.decode()
    assert not Transplant.objects.exists()
    client.post(f"{address}columns/")  # check it again
    services_files.file_execute(job_id=ImportFile.objects.get().job_id)
    assert "Take over 1 transplant" in client.get(address).content.decode()


def test_a_file_too_large_is_refused_before_it_is_read(
    client_of: Any, qa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transplants.forms_outcome_import.MAX_FILE_BYTES", 10)

    answer = client_of(qa).post(ADDRESS, sent(csv_of(GOOD)))

    assert answer.status_code == 400
    assert not ImportFile.objects.exists()


def test_a_file_of_units_is_no_list_and_a_list_no_file_of_units(client_of: Any, qa: User) -> None:
    """Whoever may do both opens each at its own address only."""
    client = client_of(qa)
    address = client.post(ADDRESS, sent(csv_of(GOOD))).url
    key = ImportFile.objects.get().pk

    assert client.get(f"/units/import/{key}/").status_code == 404
    assert client.post(f"/units/import/{key}/confirm/").status_code == 404
    units = client.post("/units/import/", {"file": SimpleUploadedFile("u.csv", b"unit_no\nU1\n")})
    assert client.get(units.url.replace("/units/import/", ADDRESS)).status_code == 404
    assert client.get(address).status_code == 200


def test_nobody_but_its_owner_sees_a_list(client_of: Any, qa: User) -> None:
    address = client_of(qa).post(ADDRESS, sent(csv_of(GOOD))).url

    other = client_of(UserFactory(roles=[Role.MEDICAL_DIRECTOR]))

    assert other.get(address).status_code == 404
    assert other.get(f"{address}findings.csv").status_code == 404
    assert other.post(f"{address}confirm/").status_code == 404
    assert not Transplant.objects.exists()


def test_a_laboratory_imports_units_and_no_transplants(client_of: Any) -> None:
    client = client_of(UserFactory(roles=[Role.LAB]))

    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, sent(csv_of(GOOD))).status_code == 403


def test_an_administrator_finds_the_page_in_the_navigation_and_others_on_the_list(
    client_of: Any, qa: User
) -> None:
    assert f'href="{ADDRESS}"' in client_of(qa).get("/transplants/").content.decode()
    home = client_of(UserFactory(roles=[Role.ADMIN])).get("/hospitals/").content.decode()

    assert f'href="{ADDRESS}"' in home
