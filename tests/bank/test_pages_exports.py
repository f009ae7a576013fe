"""Pages of the inventory files: made at once where small, watched where large, downloaded by those who may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from bank import services_exchange
from bank.models import InventoryExport
from core.models import AuditEntry, Job, User
from core.roles import Role
from tests.factories.bank import BankFactory, InventoryExportFactory, UnitFactory
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db

ADDRESS = "/units/exports/"
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path, abroad_declared: None) -> None:
    settings.MEDIA_ROOT = tmp_path


def ask(client: Any, **fields: object) -> Any:
    given = {"bank": BankFactory().pk, "counts": "e8", "since": "", "issuing_organisation": "6939"}
    return client.post(ADDRESS, given | fields)


def test_a_small_file_is_made_at_once_and_downloaded(signed_in: Any, qa: User) -> None:
    client = signed_in(qa)
    UnitFactory(unit_no="U1")
    assert "No file was made yet" in client.get(ADDRESS).content.decode()

    response = ask(client)
    export = InventoryExport.objects.get()

    assert response.url == f"{ADDRESS}{export.pk}/"
    page = client.get(response.url).content.decode()
    assert "TNC in 10⁸" in page
    assert export.sha256 in page
    file = client.get(f"{response.url}file/")
    assert file["Content-Type"] == "application/xml"
    assert export.file_name in file["Content-Disposition"]
    assert b"<ID>U1</ID>" in b"".join(file)
    assert f"{ADDRESS}{export.pk}/" in client.get(ADDRESS).content.decode()
    assert "issuing_organisation" not in client.get(ADDRESS).content.decode()  # the bank has it now


def test_a_diff_follows_a_file_of_the_list(signed_in: Any, qa: User) -> None:
    client = signed_in(qa)
    UnitFactory()
    ask(client)
    full = InventoryExport.objects.get()
    UnitFactory(unit_no="NEW")

    assert "DIFF: changes since FULL of" in client.get(ADDRESS).content.decode()
    response = ask(client, since=full.pk, counts="")

    diff = InventoryExport.objects.get(mode="DIFF")
    assert (diff.since, diff.written, diff.counts) == (full, 1, "e8")
    assert str(full) in client.get(response.url).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"counts": ""}, "Choose in what the counts are to be written."),
        ({"issuing_organisation": ""}, "Enter the issuing organisation number"),
        ({"issuing_organisation": "12"}, "greater than or equal to 1000"),
        ({"since": "00000000-0000-0000-0000-000000000001"}, "Select a valid choice"),
        ({"bank": ""}, "required"),
    ],
)
def test_what_is_missing_is_said(signed_in: Any, qa: User, fields: dict[str, str], words: str) -> None:
    response = ask(signed_in(qa), **fields)

    assert response.status_code == 400
    assert words in response.content.decode()
    assert not InventoryExport.objects.exists()


def test_a_large_file_is_watched(signed_in: Any, qa: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(qa)
    UnitFactory()
    monkeypatch.setattr(services_exchange, "SMALL", 0)

    response = ask(client)
    export = InventoryExport.objects.get()

    assert "Waiting for a free worker" in client.get(response.url).content.decode()
    assert "hx-get" in client.get(response.url, **HTMX).content.decode()
    assert "waiting" in client.get(ADDRESS).content.decode()
    assert ask(client).status_code == 400  # one at a time
    services_exchange.export_execute(job_id=export.job_id)
    assert client.get(response.url, **HTMX)["HX-Refresh"] == "true"
    assert "Download" in client.get(response.url).content.decode()
    file = client.get(f"{ADDRESS}{export.pk}/file/")
    assert b"".join(file.streaming_content).startswith(b"<?xml")
    entry = AuditEntry.objects.get(action="inventory_export.fetch")  # who took it away
    assert (entry.actor_id, entry.target_key) == (str(qa.pk), str(export.pk))


def test_one_that_failed_says_why(signed_in: Any, qa: User) -> None:
    export = InventoryExportFactory(snapshot_time=None, sha256="")
    Job.objects.filter(pk=export.job_id).update(state="failed", error="The disk is full.")

    assert "The disk is full." in signed_in(qa).get(f"{ADDRESS}{export.pk}/").content.decode()


def test_a_file_that_is_gone_is_said_to_be(signed_in: Any, qa: User) -> None:
    response = signed_in(qa).get(f"{ADDRESS}{InventoryExportFactory().pk}/file/")

    assert response.status_code == 400
    assert "not there" in response.content.decode()


def test_hospitals_and_the_laboratory_have_no_such_pages(signed_in: Any, lab: User) -> None:
    hospital = UserFactory(roles=[Role.HOSPITAL_COORDINATOR])

    for user in (lab, hospital):
        assert signed_in(user).get(ADDRESS).status_code == 403
    assert "/units/exports/" not in signed_in(lab).get("/units/").content.decode()


@pytest.mark.parametrize("exports", [1, 20])
def test_queries_of_the_list(
    signed_in: Any, qa: User, django_assert_max_num_queries: Any, exports: int
) -> None:
    InventoryExportFactory.create_batch(exports)
    client = signed_in(qa)

    with django_assert_max_num_queries(12):
        client.get(ADDRESS)


def test_in_chinese(signed_in: Any, qa: User) -> None:
    qa.language = "zh-hans"
    qa.save()
    with translation.override("zh-hans"):
        page = signed_in(qa).get(ADDRESS, HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()

    assert "库存文件" in page
