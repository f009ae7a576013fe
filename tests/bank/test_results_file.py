"""A laboratory's file of results: every error first, then all at once, as entered by whoever brought it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank.models import CordBloodUnit, CultureResult, ImportFile, Lot, LotUse, MarkerResult, Measurement
from bank.querysets import waiting_for
from bank.services_quality import unit_results_verify
from bank.services_results_file import ResultsReport, results_import
from bank.services_screening import result_retract
from core.audit import Actor
from core.errors import NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from tests.bank import exchange_files
from tests.bank.test_import_fuzz import GOOD, spoil, spoilt
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
TODAY = dt.date(2026, 3, 20)
ADDRESS = "/units/results/"
HEADER = "unit,test,value,time_point,measure_unit,subject,tested_on,method,instrument,kit_lot\n"
TNC = "R1,tnc,131.5,processing,e7,,2026-03-02,flow,XN-10,\n"
HBS = "R1,HBsAg,negative,,,mother,2026-03-02,ELISA,,L1\n"
HCV = "R1,anti_hcv,阴性,,,mother,2026-03-02,ELISA,,L2\n"
CULTURE = "R1,bacterial,no_growth,,,,2026-03-14,BacT,,\n"
FILE = HEADER + TNC + HBS + HCV + CULTURE


@pytest.fixture
def unit() -> CordBloodUnit:
    made: CordBloodUnit = UnitFactory(unit_no="R1", din="G123498654321", status="QUARANTINE")
    return made


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def take(text: str | bytes, actor: Actor = SYSTEM, **more: Any) -> ResultsReport:
    data = text.encode() if isinstance(text, str) else text
    return results_import(data=data, actor=actor, today=TODAY, **more)


def counts() -> tuple[int, int, int]:
    return Measurement.objects.count(), MarkerResult.objects.count(), CultureResult.objects.count()


def codes(report: ResultsReport) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.code) for one in report.findings]


def test_all_kinds_come_in_as_if_they_had_been_typed(unit: CordBloodUnit, lab: User) -> None:
    report = take(FILE, Actor.user(lab))

    assert (report.rows, report.recorded, report.unchanged, report.findings) == (4, 4, 0, [])
    measured = Measurement.objects.get()
    assert (measured.value, measured.instrument, measured.measured_on) == (
        131.5,
        "XN-10",
        dt.date(2026, 3, 2),
    )
    assert set(MarkerResult.objects.values_list("test", "result", "kit_lot", "subject")) == {
        ("hbs_ag", "negative", "L1", "mother"),
        ("anti_hcv", "negative", "L2", "mother"),
    }
    assert CultureResult.objects.get().read_on == dt.date(2026, 3, 14)
    unit.refresh_from_db()
    assert unit.tnc_e7 == 131.5
    actions = AuditEntry.objects.order_by("at").values_list("action", flat=True)
    assert list(actions) == ["unit.measurement", "unit.markers", "unit.culture"]  # a panel is one step


def test_who_brought_them_verifies_none(unit: CordBloodUnit, lab: User, qa: User) -> None:
    take(FILE, Actor.user(lab))
    ids = {row.pk for row in waiting_for(unit, qa.pk)}
    given_up: dict[str, Any] = {"unit_id": unit.pk, "results": ids, "reason": "seen"}

    assert waiting_for(unit, lab.pk) == []
    with pytest.raises(NotAllowed):
        unit_results_verify(actor=Actor.user(lab), **given_up)
    unit_results_verify(actor=Actor.user(qa), **given_up)
    assert not MarkerResult.objects.filter(verified_by=None).exists()


def test_the_same_file_again_writes_nothing(unit: CordBloodUnit) -> None:
    take(FILE)
    entries = AuditEntry.objects.count()

    report = take(FILE)

    assert (report.recorded, report.unchanged, report.written) == (0, 4, True)
    assert counts() == (1, 2, 1)
    assert AuditEntry.objects.count() == entries


def test_a_sheet_is_read_and_a_unit_by_its_din(unit: CordBloodUnit) -> None:
    sheet = exchange_files.xlsx(
        ["Unit", "Test", "Value", "time_point", "tested_on"],
        ["G1234 98 654321 H", "cd34", 4.25, "processing", dt.date(2026, 3, 2)],
    )

    assert take(sheet).recorded == 1
    assert Measurement.objects.get().value == 4.25


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("R9,tnc,1,processing,,,,,,", ("unit", "unit_unknown")),
        (",tnc,1,processing,,,,,,", ("unit", "required")),
        ("R1,nonsense,1,,,,,,,", ("test", "test_unknown")),
        ("R1,tnc,many,processing,,,,,,", ("value", "value_number")),
        ("R1,tnc,-1,processing,,,,,,", ("value", "value_number")),
        ("R1,viability,101,processing,,,,,,", ("value", "value_number")),
        ("R1,tnc,1e999,processing,,,,,,", ("value", "value_number")),
        ("R1,tnc,,processing,,,,,,", ("value", "required")),
        ("R1,tnc,1,,,,,,,", ("time_point", "time_point_needed")),
        ("R1,tnc,1,tomorrow,,,,,,", ("time_point", "choice_unknown")),
        ("R1,tnc,13,processing,e8,,,,,", ("measure_unit", "measure_unit_other")),
        ("R1,tnc,13,processing,e6,,,,,", ("measure_unit", "measure_unit_other")),
        ("R1,tnc,13,processing,,,2999-01-01,,,", ("tested_on", "date_future")),
        ("R1,tnc,13,processing,,mother,,,,", ("subject", "not_of_this")),
        ("R1,tnc,13,processing,,,,,,L1", ("kit_lot", "not_of_this")),
        ("R1,tnc,13,processing,,,,=1+1,,", ("method", "formula")),
        ("R1,tnc,13,processing,,,," + "x" * 81 + ",,", ("method", "text_long")),
        ("R1,hbs_ag,maybe,,,mother,2026-03-02,,,", ("value", "choice_unknown")),
        ("R1,hbs_ag,negative,,,,2026-03-02,,,", ("subject", "subject_needed")),
        ("R1,hbs_ag,negative,,,mother,,,,", ("tested_on", "required")),
        ("R1,hbs_ag,negative,processing,,mother,2026-03-02,,,", ("time_point", "not_of_this")),
        ("R1,bacterial,positive,,,,2026-03-02,,,", ("value", "choice_unknown")),
        ("R1,tnc,0,processing,,,,,,", ("value", "refused")),  # what only the service knows
        ("R1,tnc", ("", "cells_count")),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    unit: CordBloodUnit, row: str, found: tuple[str, str]
) -> None:
    report = take(FILE + row + "\n")
    column, code = found

    assert codes(report) == [(6, column, code)]
    assert report.findings[0].text
    assert not report.written
    assert counts() == (0, 0, 0)
    assert not AuditEntry.objects.exists()


def test_all_errors_come_at_once_and_the_good_rows_may_be_taken_alone(unit: CordBloodUnit) -> None:
    text = (
        FILE + "R9,tnc,1,processing,,,,,,\n" + TNC + "R1,tnc,0,post_thaw,,,,,,\nR1,tnc,0,processing,,,,,,\n"
    )

    assert codes(take(text)) == [
        (6, "unit", "unit_unknown"),
        (7, "test", "row_twice"),
        (9, "value", "refused"),
    ]
    report = take(text, skip_bad=True)
    assert (report.recorded, report.failed, report.written) == (5, 3, True)
    assert counts() == (2, 2, 1)


def test_a_dry_run_finds_the_same_and_leaves_nothing(unit: CordBloodUnit) -> None:
    dry = take(FILE, dry_run=True)

    assert (dry.recorded, dry.written) == (4, False)
    assert counts() == (0, 0, 0)
    unit.refresh_from_db()
    assert unit.tnc_e7 == 130


def test_a_partners_unit_is_none_of_these_and_two_banks_may_have_one_number(unit: CordBloodUnit) -> None:
    partner = BankFactory(code="P", source="partner")
    UnitFactory(bank=partner, source="partner", unit_no="P1")
    UnitFactory(bank=BankFactory(code="ZZ"), unit_no="R1")

    assert codes(take(HEADER + TNC + TNC.replace("R1", "P1"))) == [
        (2, "unit", "unit_ambiguous"),
        (3, "unit", "unit_unknown"),
    ]


def test_a_positive_marker_takes_a_unit_off_offer_at_once() -> None:
    listed = UnitFactory(unit_no="R1")

    take(HEADER + HBS.replace("negative", "positive"))

    listed.refresh_from_db()
    assert listed.status == "ON_HOLD"


def test_units_are_locked_at_once_and_people_only_at_the_end() -> None:
    """Else two files, or a file and a block, each hold what the other waits for."""
    UserFactory(roles=[Role.QA])
    for number in ("R1", "R2"):
        UnitFactory(unit_no=number)
    bad = HBS.replace("negative", "positive")
    text = HEADER + bad.replace("R1", "R2") + bad
    with CaptureQueriesContext(connection) as seen:
        take(text, dry_run=True)
    assert not [one for one in seen.captured_queries if "core_notification" in one["sql"]]

    with CaptureQueriesContext(connection) as seen:
        assert take(text).recorded == 2

    locks = [one["sql"] for one in seen.captured_queries if "FOR NO KEY UPDATE" in one["sql"]]
    units = [n for n, sql in enumerate(locks) if 'FROM "bank_cordbloodunit"' in sql]
    people = [n for n, sql in enumerate(locks) if 'FROM "core_user"' in sql]
    assert units[0] == 0
    assert re.search(r'"id" IN \(.+, .+\) ORDER BY 1 ASC', locks[0])
    assert len(people) == 1
    assert people[0] > max(units)
    assert Notification.objects.count() == 2


def test_what_was_retracted_or_superseded_is_neither_unchanged_nor_brought_back(
    unit: CordBloodUnit, lab: User, qa: User
) -> None:
    take(FILE, Actor.user(lab))
    take(HEADER + TNC.replace("131.5", "127"), Actor.user(lab))
    for kind, row in (
        ("marker", MarkerResult.objects.get(test="hbs_ag")),
        ("culture", CultureResult.objects.get()),
    ):
        result_retract(unit_id=unit.pk, kind=kind, result_id=row.pk, actor=Actor.user(qa), reason="not hers")

    report = take(FILE)

    assert codes(report) == [
        (2, "value", "was_superseded"),
        (3, "value", "was_retracted"),
        (5, "value", "was_retracted"),
    ]
    assert report.unchanged == 1
    assert counts() == (2, 2, 1)


def test_an_earlier_value_that_a_newer_day_superseded_is_unchanged(unit: CordBloodUnit) -> None:
    text = HEADER + TNC + TNC.replace("131.5", "127").replace("03-02", "03-05")
    take(text)

    assert (take(text).unchanged, Measurement.objects.count()) == (2, 2)


def test_a_lot_that_is_expired_or_blocked_needs_its_reason_in_the_file(unit: CordBloodUnit) -> None:
    Lot.objects.create(kind="test_kit", number="L1", state="blocked", blocked_reason="leaks")
    Lot.objects.create(kind="instrument", number="XN-10", state="blocked", blocked_reason="drifts")
    header = HEADER.replace("kit_lot", "kit_lot,lot_reason")
    bad = [row.strip() for row in (TNC, HBS, CULTURE.replace("BacT,,", "BacT,,L1"))]

    assert [code[1:] for code in codes(take(header + "".join(f"{row},\n" for row in bad)))] == [
        ("lot_reason", "refused")
    ] * 3
    report = take(header + "".join(f"{row},tested again\n" for row in bad))
    assert (report.recorded, report.findings) == (3, [])
    assert set(LotUse.objects.values_list("deviation", flat=True)) == {"tested again"}


def test_two_lots_of_one_number_are_a_finding_of_their_column(unit: CordBloodUnit) -> None:
    for maker in ("Acme", "Beta"):
        Lot.objects.create(kind="test_kit", number="L1", manufacturer=maker)

    assert codes(take(HEADER + HBS)) == [(2, "kit_lot", "refused")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"unit,test\nR1,tnc\n", "columns_needed"),
        (b"unit,test,value,colour\nR1,tnc,1,red\n", "column_unknown"),
        (b"unit,test,value,test\nR1,tnc,1,tnc\n", "column_twice"),
        (b"<INVENTORY><CBU><ID>1</ID></CBU></INVENTORY>", "results_form"),
        (b"R1%A*11:01\n", "results_form"),
    ],
)
def test_a_file_that_is_none_of_results(data: bytes, code: str) -> None:
    report = take(data)

    assert [one.code for one in report.findings] == [code]
    assert report.findings[0].text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([*GOOD, FILE.encode()]), spoilt)
def test_any_bytes_give_findings_or_rows(
    unit: CordBloodUnit, data: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    report = take(spoil(data, changes), dry_run=True)

    assert all(one.text for one in report.findings)
    assert counts() == (0, 0, 0)


# --- in the browser -------------------------------------------------------------------------------


def test_from_file_to_records_in_the_browser(signed_in: Any, lab: User, unit: CordBloodUnit) -> None:
    client = signed_in(lab)
    form = client.get(ADDRESS).content.decode()
    assert "somebody else verifies them" in form
    assert "kit_lot" in form

    page = client.post(ADDRESS, {"file": SimpleUploadedFile("results.csv", FILE.encode())}, follow=True)
    file = ImportFile.objects.get()
    assert "Record 4 results" in page.content.decode()
    assert counts() == (0, 0, 0)
    done = client.post(f"/units/import/{file.pk}/confirm/", follow=True)

    assert "4 results were recorded; a second person verifies them." in done.content.decode()
    assert counts() == (1, 2, 1)
    assert Measurement.objects.get().entered_by == lab
    again = client.post(ADDRESS, {"file": SimpleUploadedFile("results.csv", FILE.encode())}, follow=True)
    assert "Every result of this file is recorded already." in again.content.decode()


def test_errors_are_shown_and_can_be_taken_away(signed_in: Any, lab: User, unit: CordBloodUnit) -> None:
    client = signed_in(lab)
    data = (FILE + "R9,tnc,1,processing,,,,,,\n").encode()
    page = client.post(ADDRESS, {"file": SimpleUploadedFile("results.csv", data)}, follow=True)
    file = ImportFile.objects.get()

    assert "There is no unit “R9”." in page.content.decode()
    lines = b"".join(client.get(f"/units/import/{file.pk}/findings.csv")).decode()
    assert "6,unit,unit_unknown" in lines
    assert client.post(f"/units/import/{file.pk}/confirm/").status_code == 409
    client.post(f"/units/import/{file.pk}/confirm/", {"skip_bad": "on"})
    assert counts() == (1, 2, 1)


def test_too_large_is_refused_and_others_are_kept_out(
    signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bank.forms_files.MAX_BYTES", 10)

    answer = signed_in(lab).post(ADDRESS, {"file": SimpleUploadedFile("r.csv", b"x" * 11)})

    assert answer.status_code == 400
    assert "The file is larger than" in answer.content.decode()
    assert signed_in(UserFactory(roles=[Role.HOSPITAL_COORDINATOR])).get(ADDRESS).status_code == 403
