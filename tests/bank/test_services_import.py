"""units_import: checked first, then all or nothing; the same file again changes nothing."""

from __future__ import annotations

import datetime as dt
import gzip
from typing import Any

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank import services, services_import
from bank.imports.report import ImportReport
from bank.models import Bank, CordBloodUnit, HlaTyping, ImportBatch, Measurement
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, User
from hla.mac import EMPTY_MAC
from tests.factories.bank import BankFactory, UnitFactory

pytestmark = pytest.mark.django_db

HEADER = "unit_no,din,collected_on,abo,rh,volume_ml,tnc_e7,cd34_e6,A_1,A_2,B_1,B_2,DRB1_1,DRB1_2\n"
ROW_1 = "U1,G123498654321H,2020-01-02,A,pos,24,130,4,A*11:01,A*24:02,B*40:01,B*46:XX,DRB1*09:01,DRB1*15:01\n"
ROW_2 = "U2,A999914123458J,2020-01-03,O,neg,23,12,0.4,A*11:01,A*11:01,B*40:01,B*13:02,DRB1*09:01,DRB1*12:02\n"
BAD = "U3,A999914123459J,2999-01-03,Q,neg,-23,12,0.4,A*XY,A*11:01,B*40:01,B*13:02,DRB1*09:01,DRB1*12:02\n"
GOOD_FILE = HEADER + ROW_1 + ROW_2
BAD_FILE = GOOD_FILE + BAD
SYSTEM = Actor.system("test")


def run(text: str | bytes, **options: Any) -> ImportReport:
    data = text.encode() if isinstance(text, str) else text
    given = {
        "actor": SYSTEM,
        "mac": EMPTY_MAC,
        "today": dt.date(2026, 3, 1),
        "declaration": "released before",
    }
    options = given | options
    return services_import.units_import(data=data, file_name="units.csv", **options)


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.rows, report.imported, report.unchanged, report.failed, report.held


def test_a_good_file_is_written_whole() -> None:
    report = run(GOOD_FILE)

    assert counts(report) == (2, 2, 0, 0, 1)
    unit = CordBloodUnit.objects.get(unit_no="U1")
    assert (unit.din, unit.abo, unit.rh, unit.tnc_e7, unit.status) == (
        "G123498654321",
        "A",
        "+",
        130,
        "LISTED",
    )
    assert (unit.hla_b_1, unit.hla_b_2, unit.hla_c_1) == ("B*40:01", "B*46:XX", "")
    assert {"A*24:02", "A*24", "A24", "B*46", "DR9"} <= set(unit.hla_tags)
    assert unit.import_batch_id == report.batch_id
    assert unit.import_line == 2
    assert unit.bank.code == services_import.DEFAULT_BANK_CODE
    typing = HlaTyping.objects.get(unit=unit)
    assert typing.is_current
    assert typing.canonical_gl == "A*11:01+A*24:02^B*40:01+B*46:XX^DRB1*09:01+DRB1*15:01"
    assert typing.loci["A"] == ["A*11:01", "A*24:02"]
    assert typing.nomenclature == "built-in"
    assert set(Measurement.objects.filter(unit=unit).values_list("analyte", "value")) == {
        ("volume", 24.0), ("tnc", 130.0), ("cd34", 4.0),
    }  # fmt: skip


def test_an_implausible_unit_waits_in_quarantine() -> None:
    run(GOOD_FILE)

    unit = CordBloodUnit.objects.get(unit_no="U2")
    assert (unit.status, unit.held_for_confirmation, unit.status_when_confirmed) == (
        "QUARANTINE",
        True,
        "LISTED",
    )
    assert "12" in unit.reasons_to_confirm[0]
    assert unit not in CordBloodUnit.objects.searchable()


def test_one_audit_entry_for_the_batch_with_the_digest_of_its_rows() -> None:
    report = run(GOOD_FILE)

    batch = ImportBatch.objects.get(pk=report.batch_id)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_type, entry.target_key) == (
        "units.import",
        "bank.ImportBatch",
        str(batch.pk),
    )
    assert (entry.batch_rows, entry.batch_sha256) == (2, batch.rows_sha256)


def test_nothing_is_written_where_the_audit_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr("core.audit.record", fail)

    with pytest.raises(RuntimeError):
        run(GOOD_FILE)
    assert not CordBloodUnit.objects.exists()
    assert not Bank.objects.exists()


def test_a_population_is_kept_and_the_same_file_changes_nothing() -> None:
    text = "unit_no,tnc_e7,population\nU1,130,uig:1+han:3\nU2,130,\n"

    first, second = run(text), run(text)

    assert (first.imported, second.unchanged) == (2, 2)
    found = CordBloodUnit.objects.order_by("unit_no").values_list("populations", flat=True)
    assert list(found) == ["HAN:0.75+UIG:0.25", ""]
    assert run("unit_no,tnc_e7,population\nU1,130,HAN\n").findings[0].code == "exists_differs"


def test_errors_stop_everything() -> None:
    report = run(BAD_FILE)

    assert counts(report) == (3, 2, 0, 1, 1)
    assert not report.written
    assert not CordBloodUnit.objects.exists()
    assert not ImportBatch.objects.exists()
    assert not Bank.objects.exists()
    assert {finding.line for finding in report.findings} == {4}
    assert {finding.column for finding in report.findings} == {
        "din",
        "collected_on",
        "abo",
        "volume_ml",
        "A_1",
    }


def test_skip_bad_writes_the_good_rows() -> None:
    report = run(BAD_FILE, skip_bad=True)

    assert report.written
    assert set(CordBloodUnit.objects.values_list("unit_no", flat=True)) == {"U1", "U2"}
    assert ImportBatch.objects.get().failed == 1


def test_dry_run_says_the_same_and_writes_nothing() -> None:
    dry = run(BAD_FILE, dry_run=True, skip_bad=True)

    assert not CordBloodUnit.objects.exists()
    assert dry.as_dict() == run(BAD_FILE, skip_bad=True).as_dict()


def test_the_same_file_again_changes_nothing() -> None:
    run(GOOD_FILE)
    report = run(GOOD_FILE)

    assert counts(report) == (2, 0, 2, 0, 0)
    assert not report.written
    assert CordBloodUnit.objects.count() == 2
    assert AuditEntry.objects.count() == 1


def test_the_same_file_again_after_a_unit_was_moved() -> None:
    run(GOOD_FILE)
    unit = CordBloodUnit.objects.get(unit_no="U1")
    services.unit_hold(unit_id=unit.pk, actor=SYSTEM, reason="tank alarm")

    assert counts(run(GOOD_FILE)) == (2, 0, 2, 0, 0)
    unit.refresh_from_db()
    assert unit.status == "ON_HOLD"


def test_a_longer_file_adds_what_is_new() -> None:
    run(HEADER + ROW_1)

    assert counts(run(GOOD_FILE)) == (2, 1, 1, 0, 1)


def test_a_known_number_with_other_content_is_an_error() -> None:
    run(HEADER + ROW_1)
    report = run(HEADER + ROW_1.replace(",130,", ",131,"))

    assert [(finding.column, finding.code) for finding in report.findings] == [("unit_no", "exists_differs")]
    assert CordBloodUnit.objects.get().tnc_e7 == 130


def test_a_din_of_another_unit_is_an_error() -> None:
    run(HEADER + ROW_1)
    report = run(HEADER + ROW_1.replace("U1,", "U9,"))

    assert [(finding.column, finding.code) for finding in report.findings] == [("din", "din_taken")]
    assert "U1" in report.findings[0].text


def test_doubles_within_the_file_name_the_first_line() -> None:
    report = run(HEADER + ROW_1 + ROW_1.replace("G123498654321H", "") + ROW_1.replace("U1,", "U7,"))

    assert [(finding.line, finding.code) for finding in report.findings] == [
        (3, "duplicate_in_file"),
        (4, "din_duplicate_in_file"),
    ]
    assert all("line 2" in finding.text for finding in report.findings)


def test_gzip_and_gl_with_invented_counts() -> None:
    lines = (
        b"D1%A*02:01+A*11:01^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01\nD2%A*02:XX+A*11:01^B*40:01^DRB1*09:XX\n"
    )

    report = run(gzip.compress(lines), invent_counts=7)

    assert counts(report) == (2, 2, 0, 0, 0)
    unit = CordBloodUnit.objects.get(unit_no="D1")
    assert unit.counts_invented
    assert set(unit.measurements.values_list("invented", flat=True)) == {True}
    assert ImportBatch.objects.get().invented_counts_seed == 7
    assert counts(run(lines, invent_counts=8)) == (2, 0, 2, 0, 0)


def test_gl_without_counts_waits() -> None:
    run(b"D1%A*02:01+A*11:01^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01\n")

    unit = CordBloodUnit.objects.get()
    assert (unit.tnc_e7, unit.status) == (None, "QUARANTINE")
    assert unit.held_reasons == [{"code": "tnc_missing", "params": {}}]


def test_notes_of_the_parser_are_kept() -> None:
    run(b"D1%HLA-A*02:01+A*11:01^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01\n")

    assert [[locus, code] for locus, code, _params in HlaTyping.objects.get().notes] == [["A", "normalised"]]


@pytest.mark.parametrize(
    ("known", "given", "column", "code"),
    [
        (["AA", "BB"], "", "", "bank_needed"),
        (["AA"], "ZZ", "", "bank_unknown"),
        (["AA"], "", "ZZ", "bank_unknown"),
        ([], "FAR-TOO-LONG-A-CODE", "", "bank_unknown"),
        ([], "", "=1+1", "bank_unknown"),
    ],
)
def test_whose_units_they_are_must_be_clear(known: list[str], given: str, column: str, code: str) -> None:
    for bank in known:
        BankFactory(code=bank)
    text = f"unit_no,bank\nU1,{column}\n" if column else "unit_no\nU1\n"

    report = run(text, bank_code=given)

    assert [finding.code for finding in report.findings] == [code]
    assert report.findings[0].text
    assert (report.rows, report.ok) == (0, 0)


@pytest.mark.parametrize(
    ("known", "given", "text", "expected"),
    [
        (["AA", "BB"], "BB", "unit_no\nU1\n", "BB"),
        (["AA", "BB"], "", "unit_no,bank\nU1,BB\n", "BB"),
        (["AA"], "", "unit_no\nU1\n", "AA"),
        ([], "NEW", "unit_no\nU1\n", "NEW"),
        ([], "", "unit_no,bank\nU1,NEW\n", "NEW"),
        (["AA"], "", "unit_no,bank\nU1,\n", "AA"),
    ],
)
def test_the_bank_is_told_or_read_or_the_only_one(
    known: list[str], given: str, text: str, expected: str
) -> None:
    for bank in known:
        BankFactory(code=bank)

    run(text, bank_code=given)

    assert CordBloodUnit.objects.get().bank.code == expected


def test_a_short_first_row_does_not_hide_behind_the_bank_column() -> None:
    report = run("unit_no,abo,bank\nU1\n")

    assert [finding.code for finding in report.findings] == ["cells_count"]


def test_the_same_number_may_stand_in_another_bank() -> None:
    UnitFactory(bank=BankFactory(code="AA"), unit_no="U1")
    BankFactory(code="BB")

    assert run("unit_no\nU1\n", bank_code="BB").imported == 1


def test_a_person_is_named_on_batch_and_measurements(lab: User) -> None:
    run(GOOD_FILE, actor=Actor.user(lab), declaration="")

    assert ImportBatch.objects.get().user == lab
    assert set(Measurement.objects.values_list("entered_by", flat=True)) == {lab.pk}


def test_a_race_lost_is_a_conflict_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: Any, **__: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(services_import, "write_units", lose)

    with pytest.raises(Conflict, match="same moment"):
        run(GOOD_FILE)


def test_row_limit_is_a_finding() -> None:
    assert [finding.code for finding in run(GOOD_FILE, max_rows=1).findings] == ["too_many_rows"]


def test_texts_that_a_spreadsheet_would_run_are_refused() -> None:
    report = run("unit_no,abo\n=HYPERLINK(1),A\n+U1,A\n@U2,A\n-U3,A\n")

    assert [finding.code for finding in report.findings] == ["unit_no_form"] * 4


nasty = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(st.text(alphabet='U1,;"\n\rA*0:2/X^+%é=', max_size=40), max_size=6).map(
        lambda parts: ("unit_no,A_1,A_2,tnc_e7\n" + "\n".join(parts)).encode()
    ),
    st.binary(max_size=80).map(lambda data: gzip.compress(data)[:-3]),
)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(nasty)
def test_any_bytes_give_a_report_and_dry_run_agrees(data: bytes) -> None:
    CordBloodUnit.objects.filter(unit_no="").count()  # the connection is usable

    dry = run(data, dry_run=True)
    real = run(data)

    assert all(finding.text for finding in dry.findings)
    assert dry.rows == dry.ok + dry.failed
    if real.written:  # an earlier example may have brought the same units
        assert dry.as_dict() == real.as_dict()
    elif dry.findings:
        assert dry.as_dict()["errors"] == real.as_dict()["errors"]
