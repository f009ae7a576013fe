"""Product codes, products of units, GRIDs, codes of banks: each rule, and what the database promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from bank import services_codes
from bank.choices import DonorType, Source
from bank.models import Bank, CordBloodUnit, ProductCode
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry
from tests.factories.bank import BankFactory, UnitFactory
from tests.parallel import all_at_once

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
GRID = "6939DKM001392612726"
TABLE = "code,description,class\nS9991,Made-up cord,HPC\nS9992,Made-up marrow,HPC\n"


def load(text: str | bytes, version: str = "1", **options: Any) -> services_codes.ProductReport:
    data = text.encode() if isinstance(text, str) else text
    return services_codes.product_codes_load(data=data, version=version, actor=SYSTEM, **options)


def counts(report: services_codes.ProductReport) -> tuple[int, int, int]:
    return report.new, report.changed, report.unchanged


# --- the table -----------------------------------------------------------------------------------


def test_a_table_comes_in_once_and_keeps_its_version() -> None:
    first, again = load(TABLE, "7.50"), load(TABLE, "7.51")

    assert [counts(report) for report in (first, again)] == [(2, 0, 0), (0, 0, 2)]
    assert set(ProductCode.objects.values_list("code", "version")) == {("S9991", "7.50"), ("S9992", "7.50")}
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after, entry.batch_rows) == (
        "product_codes.load", {"version": "7.50", "new": 2, "changed": 0}, 2,
    )  # fmt: skip


def test_another_wording_takes_its_place_and_what_is_left_out_stays() -> None:
    load(TABLE, "1")

    report = load("Description;Code;ignored\nMade-up cord, washed;S9991;x\n", "2")

    assert counts(report) == (0, 1, 0)
    assert list(ProductCode.objects.values_list("code", "description", "version")) == [
        ("S9991", "Made-up cord, washed", "2"),
        ("S9992", "Made-up marrow", "1"),
    ]
    assert str(ProductCode.objects.get(code="S9991")) == "S9991 · Made-up cord, washed"


def test_a_dry_run_writes_nothing() -> None:
    report = load(TABLE, dry_run=True)

    assert (counts(report), report.rows) == ((2, 0, 0), 2)
    assert not ProductCode.objects.exists()
    assert not AuditEntry.objects.exists()


def test_all_errors_come_at_once_and_nothing_is_written() -> None:
    long = "x" * 501
    report = load(f"code,description\nS9991,good\ns9992,small\nS9993,\nS9991,twice\nS9994,{long}\n\n")

    assert [(finding.line, finding.column, finding.code) for finding in report.findings] == [
        (3, "code", "product_code_form"),
        (4, "description", "description_needed"),
        (5, "code", "code_twice"),
        (6, "description", "text_too_long"),
    ]
    assert "line 2" in report.findings[2].text
    assert not ProductCode.objects.exists()


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b"", ["file_empty"]),
        (b"\0\1", ["file_binary"]),
        (b"\x1f\x8bcut", ["file_broken_gzip"]),
        (b"name,words\n", ["column_missing", "column_missing"]),
        (b"code,description\n", ["file_no_rows"]),
        (b'code,description\nS9991,"open\n', ["csv_broken"]),
    ],
)
def test_a_file_that_is_no_table_is_refused(data: bytes, codes: list[str]) -> None:
    report = load(data)

    assert [finding.code for finding in report.findings] == codes
    assert all(finding.text for finding in report.findings)


def test_too_large_a_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bank.imports.products.MAX_FILE_BYTES", 10)
    assert [finding.code for finding in load(TABLE).findings] == ["file_too_large"]
    monkeypatch.undo()
    monkeypatch.setattr("bank.imports.products.MAX_ROWS", 1)
    assert [finding.code for finding in load(TABLE).findings] == ["too_many_rows"]


@pytest.mark.parametrize("version", ["", "  ", "v" * 41])
def test_a_table_needs_a_version(version: str) -> None:
    with pytest.raises(InvalidInput, match="version"):
        load(TABLE, version)


def test_the_command_loads_and_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(TABLE)
    bad.write_text("code,description\nS9,x\n")

    call_command("load_product_codes", good, "--as", "1", "--dry-run")
    call_command("load_product_codes", good, "--as", "1")
    with pytest.raises(SystemExit):
        call_command("load_product_codes", bad, "--as", "2")
    with pytest.raises(CommandError, match="No such file"):
        call_command("load_product_codes", tmp_path / "none.csv", "--as", "2")
    with pytest.raises(CommandError, match="version"):
        call_command("load_product_codes", good, "--as", " ")

    said = capsys.readouterr()
    assert "2 new, 0 changed, 0 unchanged. Dry run: nothing was written." in said.out
    assert said.out.endswith("2 new, 0 changed, 0 unchanged.\n")
    assert "line 2 code [product_code_form]" in said.err
    assert "1 errors; nothing was written." in said.err


# --- products of units -----------------------------------------------------------------------------


def test_a_product_code_is_recorded_as_scanned_or_typed_and_taken_back() -> None:
    unit = UnitFactory()
    load(TABLE.replace("S9991", "S9999"))
    record = services_codes.unit_product_record

    for text, code in (("=<S9999A0a", "S9999A0a"), ("S9999A0a", "S9999A0a"), ("", "")):
        record(unit_id=unit.pk, product_code=text, actor=SYSTEM, reason="label")
        unit.refresh_from_db()
        assert unit.product_code == code
    assert AuditEntry.objects.filter(action="unit.product").count() == 2


@pytest.mark.parametrize(
    ("text", "code"), [("S9999", "product_form"), ("S9993000", "product_unknown"), ("=%51", "product_form")]
)
def test_only_codes_of_the_loaded_table_are_taken(text: str, code: str) -> None:
    unit = UnitFactory()
    load(TABLE)

    with pytest.raises(InvalidInput) as caught:
        services_codes.unit_product_record(unit_id=unit.pk, product_code=text, actor=SYSTEM, reason="x")

    assert (caught.value.code, caught.value.field) == (code, "product_code")


def test_without_a_table_the_form_of_a_code_is_enough_and_a_partners_unit_stays() -> None:
    own, other = UnitFactory(), UnitFactory(source=Source.PARTNER)
    record = services_codes.unit_product_record

    assert (
        record(unit_id=own.pk, product_code="S9993000", actor=SYSTEM, reason="x").product.code == "S9993000"
    )
    with pytest.raises(Conflict, match="partner"):
        record(unit_id=other.pk, product_code="S9993000", actor=SYSTEM, reason="x")


# --- GRID ----------------------------------------------------------------------------------------


def test_an_adult_donor_gets_its_grid_once() -> None:
    donor = UnitFactory(donor_type=DonorType.ADULT, source=Source.PARTNER)

    for text in ("6939 DKM0 0139 2612 726", "&:" + GRID):
        unit = services_codes.unit_grid_record(unit_id=donor.pk, text=text, actor=SYSTEM)

    assert unit.grid == GRID
    assert AuditEntry.objects.filter(action="unit.grid").count() == 1
    assert CordBloodUnit.objects.all().by_number("&:" + GRID) == donor


def test_cord_blood_has_no_grid() -> None:
    unit = UnitFactory()

    with pytest.raises(Conflict, match="names an adult donor") as caught:
        services_codes.unit_grid_record(unit_id=unit.pk, text=GRID, actor=SYSTEM)

    assert caught.value.code == "grid_cord"
    for donor_type, grid in ((DonorType.CORD, GRID), (DonorType.ADULT, "123")):
        with pytest.raises(IntegrityError, match="unit_grid_of_adult_donor"), transaction.atomic():
            UnitFactory(donor_type=donor_type, grid=grid)


def test_a_wrong_or_taken_grid_is_refused() -> None:
    UnitFactory(donor_type=DonorType.ADULT, grid=GRID)
    donor = UnitFactory(donor_type=DonorType.ADULT)

    for text, code in (("6939DKM001392612727", "grid_check_wrong"), (GRID, "grid_taken")):
        with pytest.raises(DomainError) as caught:
            services_codes.unit_grid_record(unit_id=donor.pk, text=text, actor=SYSTEM)
        assert caught.value.code == code
        assert caught.value.field == "grid"


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_two_donors_at_once_do_not_get_the_same_grid() -> None:
    donors = UnitFactory.create_batch(4, donor_type=DonorType.ADULT)

    outcomes = all_at_once(
        [
            lambda pk=donor.pk: services_codes.unit_grid_record(unit_id=pk, text=GRID, actor=SYSTEM)
            for donor in donors
        ]
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 3 + ["CordBloodUnit"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_the_same_table_four_times_at_once_comes_in_once() -> None:
    outcomes = all_at_once([lambda: load(TABLE)] * 4)

    assert sorted(counts(report) for report in outcomes) == [(0, 0, 2)] * 3 + [(2, 0, 0)]
    assert AuditEntry.objects.count() == 1


# --- codes of a bank -------------------------------------------------------------------------------


def change(bank: Bank, **values: Any) -> Bank:
    return services_codes.bank_codes_change(bank_id=bank.pk, values=values, actor=SYSTEM, reason="registered")


def test_the_codes_of_a_bank_are_changed_and_make_those_of_its_units() -> None:
    bank = BankFactory()
    values = {
        "country": "de",
        "issuing_organisation": 6939,
        "emdis_hub": "de",
        "tissue_establishment_code": "00a234",
    }

    change(bank, **values)
    change(bank, **values)

    unit = UnitFactory(bank=Bank.objects.get(), din="G123498654321", unit_no="U1", product_code="S9999000")
    assert unit.cbu_id == "DEU1"
    assert str(unit.sec) == "SEC: DE00A234G123498654321 A00S999900000000000"
    assert CordBloodUnit.objects.all().by_number("deu1") == unit
    assert CordBloodUnit.objects.all().by_number(unit.sec.scanned) == unit
    assert AuditEntry.objects.filter(action="bank.codes").count() == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"country": "D1"}, "country_form"),
        ({"issuing_organisation": 999}, "ion_form"),
        ({"emdis_hub": "D"}, "cbu_hub"),
        ({"country": "DE", "tissue_establishment_code": "12345"}, "establishment_form"),
        ({"tissue_establishment_code": "123456"}, "country_needed"),
    ],
)
def test_codes_of_a_bank_that_cannot_be(values: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        change(BankFactory(), **values)

    assert caught.value.code == code
    assert caught.value.field in services_codes.BANK_CODES


def test_an_unknown_bank_and_a_form_that_the_database_refuses() -> None:
    with pytest.raises(InvalidInput, match="no such bank"):
        change(Bank())
    with pytest.raises(IntegrityError, match="bank_establishment_form"), transaction.atomic():
        Bank.objects.create(code="X", tissue_establishment_code="abc")


def test_a_unit_without_the_parts_has_neither_code() -> None:
    unit = UnitFactory(bank=BankFactory(emdis_hub="CN"), unit_no="1" * 16)

    assert (unit.cbu_id, unit.sec, unit.product) == ("", None, None)
    assert UnitFactory(donor_type=DonorType.ADULT).cbu_id == ""
