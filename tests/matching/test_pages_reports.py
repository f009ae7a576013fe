"""Pages of match reports: ask, fetch, list, sign; and the list as a spreadsheet."""

from __future__ import annotations

import datetime
import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from bank.models import CordBloodUnit
from core.errors import NotAllowed
from core.exports import write_xlsx
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching.models import MatchReport, ReportSignature, SearchRun
from matching.services import Signing, report_sign
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import queued_run, searched_run
from tests.factories.matching import MatchRequestFactory, typed_patient
from tests.factories.reports import PDF, kept_report
from tests.matching.match_list_pages import csv_rows, detail_url, shown
from tests.matching.report_pages import text_of as pdf_text
from tests.matching.report_pages import three_units
from tests.matching.test_pages_requests import client_of, text_of


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    return three_units()


@pytest.fixture
def run(patient: Patient, units: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient, min_tnc_e7_per_kg=Decimal("2.5"))


@pytest.fixture
def physician(hospital: Hospital) -> User:
    return member_of(hospital, Role.HOSPITAL_PHYSICIAN)


def url(name: str, pk: Any, query: str = "") -> str:
    return reverse(f"matching:{name}", args=[pk]) + query


# --- the file ------------------------------------------------------------------------------------


def test_list_leads_to_its_report_with_order_and_filters(client: Client, run: SearchRun) -> None:
    page = client.get(detail_url(run, "?sort=tnc&antigen6=5&page=1"))

    assert page.context["report_url"] == url("run-report", run.pk, "?sort=tnc&antigen6=5")
    asked = text_of(client.get(page.context["report_url"]))
    assert "ordered by TNC/kg; 1 units pass its filters" in asked
    assert "Antigen class: 5/6" in asked


@pytest.mark.parametrize(
    "query", ["", "?sort=tnc", "?sort=cd34", "?sort=class_cd34", "?tnc=6", "?locus=A&locus=B"]
)
def test_page_file_csv_and_spreadsheet_have_one_order(client: Client, run: SearchRun, query: str) -> None:
    """On the file's page the units stand in the order of the table."""
    listed = shown(client, run, query)

    response = client.get(url("run-report-pdf", run.pk, query))
    table = pdf_text(response.content).between("The units in order", "Each unit")
    printed = sorted(listed, key=lambda unit_no: table.index(unit_no))
    exported = [row["unit"] for row in csv_rows(client.get(url("run-export", run.pk, query)))]
    sheet = rows_of(client.get(url("run-export-xlsx", run.pk, query)))

    assert printed == listed == exported == [row[1] for row in sheet[1:]]
    assert response["Content-Type"] == "application/pdf"
    assert f"{run.request.number}-search-1-report.pdf" in response["Content-Disposition"]


def test_file_holds_the_first_n_in_the_language_asked(client: Client, run: SearchRun, units: Any) -> None:
    response = client.get(url("run-report-pdf", run.pk, "?n=1&lang=zh-hans&sort=tnc"))

    text = pdf_text(response.content)
    assert "配型报告" in text
    assert units["four"].public_no in text
    assert units["six"].public_no not in text
    assert "1 / 3" in text


@pytest.mark.parametrize("query", ["?n=0", "?n=51", "?pairs=21", "?n=many", "?lang=xx"])
def test_what_cannot_be_printed_is_refused_with_the_cure(client: Client, run: SearchRun, query: str) -> None:
    response = client.get(url("run-report-pdf", run.pk, query), follow=True)

    assert "A report holds 1 to 50 units and at most 20 pairs, in English or Chinese." in text_of(response)
    assert not AuditEntry.objects.filter(action="report.create").exists()


def test_file_that_is_not_kept_leaves_its_digest_in_the_audit(client: Client, run: SearchRun) -> None:
    response = client.get(url("run-report-pdf", run.pk, "?n=2"))

    entry = AuditEntry.objects.get(action="report.create")
    assert entry.after["digest"] in pdf_text(response.content)
    assert entry.target_type == "matching.SearchRun"
    assert len(entry.after["units"]) == 2
    assert not MatchReport.objects.exists()


def test_search_that_has_not_finished_has_no_report(client: Client, patient: Patient) -> None:
    waiting = queued_run(patient)

    assert client.get(url("run-report", waiting.pk)).status_code == 404
    assert client.get(url("run-report-pdf", waiting.pk)).status_code == 404


# --- kept ----------------------------------------------------------------------------------------


def test_kept_report_is_fetched_again_bit_for_bit(client: Client, run: SearchRun, units: Any) -> None:
    response = client.post(url("run-report", run.pk, "?sort=tnc"), {"n": "2", "lang": "en"}, follow=True)

    report = MatchReport.objects.get()
    assert response.redirect_chain == [(url("report-detail", report.pk), 302)]
    assert [unit["unit_no"] for unit in report.units] == [units["four"].public_no, units["five"].public_no]
    assert report.order == "TNC/kg"
    first, again = (client.get(url("report-pdf", report.pk)).content for _ in range(2))
    assert first == again == bytes(report.pdf)
    assert report.digest in text_of(response)
    assert report.digest in pdf_text(first)


def test_a_form_sent_twice_keeps_one_report(client: Client, run: SearchRun) -> None:
    page = client.get(url("run-report", run.pk))
    sent = {"n": "1", "lang": "en", "report_id": str(page.context["form"]["report_id"].value())}

    first, second = (client.post(url("run-report", run.pk), sent) for _ in range(2))

    report = MatchReport.objects.get()
    assert first["Location"] == second["Location"] == url("report-detail", report.pk)
    assert sent["report_id"] in page.content.decode()


def test_the_id_of_another_searchs_report_makes_a_report_of_its_own(client: Client, run: SearchRun) -> None:
    theirs = kept_report()

    client.post(url("run-report", run.pk), {"n": "1", "lang": "en", "report_id": str(theirs.pk)})

    assert MatchReport.objects.filter(run=run).exclude(pk=theirs.pk).count() == 1


def test_a_search_keeps_so_many_reports_and_no_more(
    client: Client, run: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matching.services.reports.MOST_KEPT", 1)
    client.post(url("run-report", run.pk), {"n": "1", "lang": "en"})

    refused = client.post(url("run-report", run.pk), {"n": "1", "lang": "en"})

    assert "no more are kept" in text_of(refused)
    assert MatchReport.objects.count() == 1


def test_wrong_number_stays_in_the_form(client: Client, run: SearchRun) -> None:
    response = client.post(url("run-report", run.pk), {"n": "51", "lang": "en"})

    assert "less than or equal to 50" in text_of(response)
    assert 'value="51"' in response.content.decode()
    assert not MatchReport.objects.exists()


def test_reports_of_a_request_are_listed_with_their_signatures(
    client: Client, hospital: Hospital, physician: User, django_assert_max_num_queries: Any
) -> None:
    report = kept_report(request__patient=typed_patient(hospital=hospital))
    ReportSignature.objects.create(
        report=report,
        signer="x",
        signed_by="Dr. X",
        role="hospital_physician",
        meaning="reviewed",
        digest="0" * 64,
        pdf_sha256="0" * 64,
    )
    request = report.run.request

    with django_assert_max_num_queries(30):
        page = client.get(url("report-list", request.pk))

    assert [row["state"]["text"] for row in page.context["rows"]] == ["1 signature"]
    assert report.digest[:12] in text_of(page)
    assert "No report yet" in text_of(client.get(url("report-list", kept_draft(hospital))))


def kept_draft(hospital: Hospital) -> Any:
    return MatchRequestFactory(patient=typed_patient(hospital=hospital)).pk


@pytest.mark.parametrize("name", ["report-detail", "report-pdf"])
def test_another_hospital_sees_nothing(db: None, name: str) -> None:
    report = kept_report()
    stranger = client_of(member_of(HospitalFactory(), Role.HOSPITAL_PHYSICIAN))

    assert stranger.get(url(name, report.pk)).status_code == 404
    answer = stranger.post(url("report-sign", report.pk), {"meaning": "reviewed", "password": PASSWORD})
    assert answer.status_code == 404
    assert not ReportSignature.objects.exists()


def test_file_that_was_changed_is_told(client: Client, hospital: Hospital, physician: User) -> None:
    report = kept_report(request__patient=typed_patient(hospital=hospital), pdf_sha256="0" * 64)

    assert "its checksum differs" in text_of(client.get(url("report-detail", report.pk)))
    answer = client_of(physician).post(
        url("report-sign", report.pk), {"meaning": "reviewed", "password": PASSWORD}, follow=True
    )
    assert "The stored file is not the one that was made" in text_of(answer)


# --- signing -------------------------------------------------------------------------------------


@pytest.fixture
def report(hospital: Hospital, units: dict[str, CordBloodUnit]) -> MatchReport:
    return kept_report(
        [units["six"], units["five"], units["four"]], request__patient=typed_patient(hospital=hospital)
    )


def sign(user: User, report: MatchReport, **data: Any) -> Any:
    given = {"meaning": "reviewed", "password": PASSWORD, **data}
    return client_of(user).post(url("report-sign", report.pk), given, follow=True)


def test_a_physician_signs_with_the_password(report: MatchReport, physician: User, units: Any) -> None:
    unit_no = units["six"].public_no

    answer = sign(physician, report, meaning="chosen", chosen=[unit_no], remark="dose suffices")

    assert "The report was signed." in text_of(answer)
    signature = report.signatures.get()
    assert (signature.signer, signature.role, signature.chosen, signature.digest) == (
        str(physician.pk),
        "hospital_physician",
        [unit_no],
        report.digest,
    )
    entry = AuditEntry.objects.get(action="report.sign")
    assert (entry.after["digest"], entry.after["meaning"]) == (report.digest, "chosen")
    assert signature.pdf_sha256 == entry.after["pdf_sha256"] == report.pdf_sha256
    page = text_of(client_of(physician).get(url("report-detail", report.pk)))
    assert "I have reviewed this list and choose the units named." in page
    assert "Sign this report" not in page


def test_the_medical_director_signs_too_and_each_once(report: MatchReport, physician: User) -> None:
    director = UserFactory(roles=[Role.MEDICAL_DIRECTOR])

    sign(physician, report)
    sign(director, report)
    again = sign(physician, report)

    assert "You have signed this report already." in text_of(again)
    assert report.signatures.count() == 2


def test_a_wrong_password_signs_nothing_and_is_noted(report: MatchReport, physician: User) -> None:
    answer = sign(physician, report, password="not it at all")

    assert "This is not your password." in text_of(answer)
    assert not report.signatures.exists()
    assert AuditEntry.objects.filter(action="report.sign_refused", actor_id=str(physician.pk)).count() == 1


def test_tries_are_counted(report: MatchReport, physician: User) -> None:
    for _ in range(10):
        sign(physician, report, password="not it at all")

    assert "Too many tries" in text_of(sign(physician, report))
    refused = AuditEntry.objects.filter(action="report.sign_refused")
    assert [entry.after["reason"] for entry in refused].count("too_many_tries") == 1
    assert not report.signatures.exists()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"meaning": "chosen"}, "Choose one unit, or two for a double graft."),
        ({"meaning": "reviewed", "chosen": ["six"]}, "A mere review chooses no unit"),
        ({"meaning": "chosen", "chosen": ["six", "five", "four"]}, "Choose one unit, or two"),
        ({"meaning": "chosen", "chosen": ["other"]}, "is not one of the available choices"),
        ({"meaning": ""}, "This field is required"),
        ({"password": ""}, "Give your password"),
    ],
)
def test_a_senseless_signature_is_refused_beside_its_field(
    report: MatchReport, physician: User, units: Any, data: dict[str, Any], text: str
) -> None:
    if "chosen" in data:
        data = {
            **data,
            "chosen": [units[name].public_no if name in units else name for name in data["chosen"]],
        }

    assert text in text_of(sign(physician, report, **data))
    assert not report.signatures.exists()


def test_a_coordinator_does_not_sign(client: Client, user: User, report: MatchReport) -> None:
    assert "Sign this report" not in text_of(client.get(url("report-detail", report.pk)))
    assert sign(user, report).status_code == 403


def test_a_physician_of_another_hospital_may_not_sign_and_it_is_noted(report: MatchReport) -> None:
    stranger = member_of(HospitalFactory(), Role.HOSPITAL_PHYSICIAN)

    with pytest.raises(NotAllowed):
        report_sign(report_id=report.pk, signing=Signing("reviewed"), password=PASSWORD, user=stranger)

    assert AuditEntry.objects.get(action="report.sign_refused").after == {"reason": "may_not_sign"}


@pytest.mark.parametrize("table", ["matching_matchreport", "matching_reportsignature"])
def test_the_application_may_neither_change_nor_delete(
    report: MatchReport, physician: User, table: str
) -> None:
    sign(physician, report)

    for statement in (f"UPDATE {table} SET digest = ''", f"DELETE FROM {table}"):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    for rows in (MatchReport.objects.all(), ReportSignature.objects.all()):
        with pytest.raises(TypeError):
            rows.update(digest="")
        with pytest.raises(TypeError):
            rows.delete()
    assert bytes(report.pdf) == PDF


# --- spreadsheet ---------------------------------------------------------------------------------


def rows_of(response: Any) -> list[list[Any]]:
    data = b"".join(response.streaming_content)
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()


def test_spreadsheet_has_the_rows_and_columns_of_the_csv(client: Client, run: SearchRun) -> None:
    sheet = rows_of(client.get(url("run-export-xlsx", run.pk)))
    lines = csv_rows(client.get(url("run-export", run.pk)))

    assert sheet[0] == list(lines[0])
    assert len(sheet) == 1 + len(lines)
    for row, line in zip(sheet[1:], lines, strict=True):
        for value, text in zip(row, line.values(), strict=True):
            if isinstance(value, float):
                assert value == pytest.approx(float(text))
            else:
                assert str(value) == text.removeprefix("'")


def test_spreadsheet_has_numbers_dates_and_no_formulas() -> None:
    file = io.BytesIO()
    rows = [["=1+1", 2.5, 3, Decimal("22.4"), datetime.date(2024, 5, 1), None, True, "+x", "http://x"]]
    write_xlsx(
        file, ["text", "tnc_e7", "n", "volume_ml", "on", "none", "yes", "plus", "url"], rows, sheet="A/B"
    )

    book = CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue()))
    assert book.sheet_names == ["AB"]
    assert book.get_sheet_by_index(0).to_python()[1] == [
        "=1+1", 2.5, 3.0, 22.4, datetime.date(2024, 5, 1), "", True, "+x", "http://x",
    ]  # fmt: skip
    sheet = zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 'ySplit="1"' in sheet
    assert "<autoFilter" in sheet
