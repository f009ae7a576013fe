"""Spreadsheets: the first sheet as text, days as days, formulas never computed, nothing unpacked without limit."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest

from bank.imports import files, xlsx
from bank.imports.errors import FileError
from bank.imports.report import ImportReport
from bank.models import CordBloodUnit, ImportBatch
from bank.services_import import units_import
from core.audit import Actor
from hla.mac import EMPTY_MAC
from tests.bank import exchange_files
from tests.bank.exchange_files import parts_of, zipped

pytestmark = pytest.mark.django_db

HEADER = ["unit_no", "collected_on", "tnc_e7", "cd34_e6", "A_1", "A_2", "counts_invented"]
ROW = ["U1", dt.date(2020, 5, 17), 130.5, 4, "A*11:01", "A*24:02", False]


def take_in(data: bytes, **more: Any) -> ImportReport:
    options = {"today": dt.date(2026, 3, 1), "mac": EMPTY_MAC, "actor": Actor.system("test"), **more}
    return units_import(data=data, file_name="a.xlsx", **options)


def _code(data: bytes, **options: Any) -> str:
    with pytest.raises(FileError) as caught:
        files.read(data, **options)
    assert caught.value.finding.text
    return caught.value.finding.code


def changed(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """The same spreadsheet with one part changed."""
    parts = parts_of(data)
    assert old in parts[name]
    return zipped(parts | {name: parts[name].replace(old, new)})


SHEET = "xl/worksheets/sheet1.xml"


def test_numbers_days_and_texts_come_in() -> None:
    report = take_in(exchange_files.xlsx(HEADER, ROW))

    assert (report.findings, report.imported, report.kind) == ([], 1, "xlsx")
    unit = CordBloodUnit.objects.get()
    assert (unit.unit_no, str(unit.collected_on), unit.tnc_e7, unit.cd34_e6) == ("U1", "2020-05-17", 130.5, 4)
    assert (unit.hla_a_2, unit.counts_invented, unit.import_line) == ("A*24:02", False, 2)
    assert ImportBatch.objects.get().kind == "xlsx"


def test_a_row_is_named_by_its_number_in_the_sheet() -> None:
    report = take_in(exchange_files.xlsx([], ["", ""], HEADER, [], ROW, ["U2", "yesterday", *ROW[2:]]))

    assert [(finding.line, finding.column, finding.code) for finding in report.findings] == [
        (6, "collected_on", "date_form")
    ]


def test_a_formula_is_read_as_what_it_is() -> None:
    raw = files.read(exchange_files.xlsx(HEADER, ["U1", "", "=B2*10", 4, "=HYPERLINK(A1)", "", ""]))

    assert raw.rows[0][1][2:5] == ["=B2*10", "4", "=HYPERLINK(A1)"]
    codes = {
        finding.column for finding in take_in(exchange_files.xlsx(HEADER, ["U1", "", "=B2*10"])).findings
    }
    assert codes == {"tnc_e7"}
    report = take_in(
        exchange_files.xlsx(["unit_no", "processing_method", "haemoglobinopathy_method"], ["U1", "=A1", "@x"])
    )
    assert [finding.code for finding in report.findings][:2] == ["formula", "formula"]


def test_inline_and_rich_texts_booleans_errors_and_other_days() -> None:
    data = exchange_files.xlsx(["unit_no", "a", "b", "c", "d", "e", "f"], ["U1", "two", 1, 1, 1, 1, 1])
    start = b'<c r="B2" t="s">'
    sheet = parts_of(data)[SHEET]
    row = sheet[sheet.index(start) : sheet.index(b"</row>", sheet.index(start))]
    cells = (
        b'<c t="inlineStr"><is><t>in</t></is></c><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c>'
        b'<c t="d"><v>2020-01-02T00:00:00</v></c><c t="s"><v>99</v></c><c t="str"><v>text</v></c>'
    )

    raw = files.read(changed(data, SHEET, row, cells))

    assert raw.rows[0][1] == ["U1", "in", "true", "#N/A", "2020-01-02", "", "text"]


def test_texts_in_several_faces_are_one_and_how_they_sound_is_left_out() -> None:
    data = exchange_files.xlsx(["unit_no", "name"], ["U1", "two"])
    rich = b'<si><r><t>tw</t></r><r><t xml:space="preserve">o </t></r><rPh sb="0" eb="1"><t>tu</t></rPh></si>'

    raw = files.read(changed(data, "xl/sharedStrings.xml", b"<si><t>two</t></si>", rich))

    assert raw.rows[0][1] == ["U1", "two "]


@pytest.mark.parametrize(
    ("text", "from_1904", "day"),
    [
        ("43831", False, "2020-01-01"),
        ("42369.75", True, "2020-01-01"),
        ("x", False, "x"),
        ("9e99", False, "9e99"),
    ],
)
def test_days_are_counted(text: str, from_1904: bool, day: str) -> None:
    assert xlsx.day_of(text, from_1904=from_1904) == day


def test_days_from_1904() -> None:
    data = exchange_files.xlsx(["unit_no", "collected_on"], ["U1", dt.date(2020, 5, 17)], date_1904=True)

    assert files.read(data).rows[0][1] == ["U1", "2020-05-17"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("24.300000000000001", "24.3"), ("130", "130"), ("1.3E2", "130"), ("00120", "00120"), ("nan", "nan"),
        ("inf", "inf"), ("x", "x"), ("1e300", "1e+300"),
    ],
)  # fmt: skip
def test_numbers_look_as_people_see_them(text: str, number: str) -> None:
    assert xlsx.number_of(text) == number


def test_a_value_beyond_the_header_is_refused() -> None:
    report = take_in(exchange_files.xlsx(["unit_no", "abo"], ["U1", "A", "", "stray"]))

    assert [finding.code for finding in report.findings] == ["cells_count"]


def test_blanks_at_the_end_of_header_and_rows_are_nothing() -> None:
    raw = files.read(exchange_files.xlsx(["unit_no", "abo", " ", " "], ["U1", "A", "", " "], ["U2"]))

    assert (raw.header, raw.rows) == (["unit_no", "abo"], [(2, ["U1", "A"]), (3, ["U2", ""])])


def test_a_book_without_texts_and_styles_and_rows_without_numbers() -> None:
    parts = parts_of(exchange_files.xlsx(["unit_no"], ["U1"]))
    head = b"<row><c t='inlineStr'><is><t>unit_no</t></is></c></row>"
    row = b"<row><c r='A9'><v>7</v></c><c r='A9'><v>8</v></c></row>"
    parts[SHEET] = b"<worksheet><sheetData>" + head + row + b"</sheetData></worksheet>"
    del parts["xl/sharedStrings.xml"], parts["xl/styles.xml"]

    assert files.read(zipped(parts)).rows == [(2, ["8"])]


GOOD = exchange_files.xlsx(HEADER, ROW)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (GOOD[: len(GOOD) // 2], "xlsx_broken"),
        (GOOD.replace(b"sheet1.xml", b"sheet9.xml", 1), "xlsx_broken"),
        (zipped({"hello.txt": b"hello"}), "xlsx_other"),
        (zipped({"xl/workbook.xml": b"<workbook/>"}), "xlsx_other"),
        (zipped({"xl/workbook.xml": b"<workbook/>", "xl/_rels/workbook.xml.rels": b"<R/>"}), "xlsx_other"),
        (zipped(parts_of(GOOD) | {SHEET: b"<worksheet><row>"}), "xlsx_broken"),
        (zipped(parts_of(GOOD) | {SHEET: b"<!DOCTYPE x><worksheet/>"}), "xml_entities"),
        (zipped(parts_of(GOOD) | {SHEET: b"<worksheet/>"}), "file_empty"),
        (zipped({name: data for name, data in parts_of(GOOD).items() if name != SHEET}), "xlsx_other"),
        (zipped(parts_of(GOOD) | {f"x{n}": b"" for n in range(1_001)}), "xlsx_broken"),
        (exchange_files.xlsx(HEADER), "file_no_rows"),
        (exchange_files.xlsx(["name", "abo"], ["U1", "A"]), "file_unknown_form"),
        (changed(GOOD, SHEET, b'r="A1"', b'r="XFD1"'), "too_many_columns"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, code: str) -> None:
    assert _code(data) == code


def test_an_encrypted_part_is_said_to_be_damaged_or_protected() -> None:
    broken = bytearray(GOOD)
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        for part in archive.infolist():
            broken[part.header_offset + 6] |= 1
    central = bytes(broken).replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    )

    assert _code(central) == "xlsx_broken"


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(parts_of(GOOD) | {SHEET: b"<worksheet>" + b" " * 20_000_000 + b"</worksheet>"})
    assert len(bomb) < 100_000
    assert _code(bomb) == "file_unpacks_too_large"
    monkeypatch.setattr(xlsx, "MAX_RATIO", 1e9)
    monkeypatch.setattr(xlsx, "MAX_TEXT_BYTES", 1_000_000)
    assert _code(bomb) == "file_unpacks_too_large"


def test_too_many_rows_sheets_and_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    many = exchange_files.xlsx(["unit_no"], *(["U1"] for _ in range(5)))
    assert _code(many, max_rows=3) == "too_many_rows"
    monkeypatch.setattr(xlsx, "MAX_SHEETS", 0)
    assert _code(GOOD) == "xlsx_sheets"
    monkeypatch.setattr(xlsx, "MAX_SHEETS", 1)
    monkeypatch.setattr(xlsx, "MAX_LINE_CHARACTERS", 3)
    assert _code(GOOD) == "cell_too_long"
