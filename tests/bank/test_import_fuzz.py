"""Whatever bytes somebody uploads: findings or rows, never an error of the program, never half of a file."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bank.choices import CountUnit
from bank.imports.headings import table_of
from bank.imports.report import ImportReport
from bank.models import Bank, CordBloodUnit, ImportBatch
from bank.services_import import units_import
from core.audit import Actor
from core.exports import csv_lines
from hla.mac import EMPTY_MAC
from tests.bank import exchange_files
from tests.bank.exchange_files import cbu, donor, donors, inventory, parts_of, zipped

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
CSV = "unit_no,din,collected_on,abo,tnc_e7,A_1,A_2,processing_method\nU1,,2020-01-02,A,130,A*11:01,A*24:02,AXP\n"
XML = inventory(
    cbu("U1", TNC_FRZN="13", SEX="F", COLL_DATE="2020-01-02", PROC_METH="HES", HEMO_STATUS="DN"),
    cbu("U2", status="TU"),
)
JSON = donors(donor("U1"), donor("U2", kind="D"))
XLSX = exchange_files.xlsx(["unit_no", "collected_on", "tnc_e7"], ["U1", dt.date(2020, 1, 2), 130.5])
PARTS = parts_of(XLSX)
GOOD = (CSV.encode(), XML, JSON, XLSX, b"U1%A*11:01+A*24:02\nU2%B*40:01\n")
NASTY = (
    b"=cmd|' /C calc'!A0", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", "脐带血".encode("gb18030"), b"&#0;", b"]]>", b"<!--",
    b"<!DOCTYPE x>", b"<![CDATA[", b"\\u0000", b"\\ud800", b"1e999", b"-0", b"9" * 400, b"'", b'"', b"\r", b"U1",
    b"</CBU><CBU>", b"null", b"[[[[", b"\xf0\x9f\xa7\xac", b"\x1f\x8b", b"PK\x03\x04", b"\xed\xa0\x80", b"|", b"/",
)  # fmt: skip
SLOW = settings(
    max_examples=150,
    deadline=None,
    # a busy machine makes its files slowly: that is no fault of the reader
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

text = st.text(st.characters(codec="utf-8"), max_size=12)
spoilt = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.one_of(st.sampled_from(NASTY), st.binary(max_size=8))),
    min_size=1, max_size=4,
)  # fmt: skip


def spoil(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """At some places some bytes are others."""
    for share, length, piece in changes:
        start = int(share * len(data))
        data = data[:start] + piece + data[start + length :]
    return data


def swallow(data: bytes, **options: Any) -> ImportReport:
    """The report; all of its words can be said and written, and nothing was written beside findings."""
    before = CordBloodUnit.objects.count(), ImportBatch.objects.count(), Bank.objects.count()
    asked = {
        "counts": CountUnit.E8,
        "mac": EMPTY_MAC,
        "today": dt.date(2026, 3, 1),
        "actor": SYSTEM,
        **options,
    }
    report = units_import(data=data, file_name="x", max_rows=200, **asked)
    if report.findings:
        assert (CordBloodUnit.objects.count(), ImportBatch.objects.count(), Bank.objects.count()) == before
    else:
        assert CordBloodUnit.objects.count() == before[0] + report.imported
    said = [[finding.line, finding.column, finding.code, finding.text] for finding in report.findings]
    assert all(row[3] for row in said)
    "".join(csv_lines(["place", "column", "code", "finding"], said)).encode()
    json.dumps(report.as_dict()).encode()
    table_of(data, max_rows=200)
    CordBloodUnit.objects.all()  # a broken transaction would say so
    return report


@SLOW
@given(st.binary(max_size=300))
@example(b"<")
@example(b"[")
@example(b"{")
@example(b"PK\x03\x04")
@example(b"\x83\x36\xc7\x38" * 10)
def test_any_bytes(data: bytes) -> None:
    swallow(data)


@SLOW
@given(st.sampled_from(GOOD), spoilt)
def test_files_with_some_bytes_changed(data: bytes, changes: list[tuple[float, int, bytes]]) -> None:
    swallow(spoil(data, changes))


@SLOW
@given(st.sampled_from(sorted(PARTS)), spoilt)
def test_spreadsheets_with_some_bytes_of_a_part_changed(
    name: str, changes: list[tuple[float, int, bytes]]
) -> None:
    swallow(zipped(PARTS | {name: spoil(PARTS[name], changes)}))


@SLOW
@given(st.lists(st.lists(st.one_of(text, st.floats(), st.integers(), st.booleans()), max_size=6), max_size=5))
def test_sheets_of_anything(rows: list[list[Any]]) -> None:
    options = {"nan_inf_to_errors": True, "strings_to_formulas": True, "strings_to_urls": False}
    swallow(exchange_files.xlsx(["unit_no", "tnc_e7", "A_1", "processing_method"], *rows, **options))


@SLOW
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(
                st.sampled_from(["donors", "recordId", "donorType", "hla", "a", "dna", "ser", "field1", "x"]),
                inner, max_size=5,
            ),
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_json_of_any_shape(value: Any) -> None:
    swallow(json.dumps(value).encode())
    swallow(json.dumps({"donors": [value, {"recordId": value, "donorType": "C", "hla": value}]}).encode())


ELEMENTS = (
    "ID",
    "STATUS",
    "HLA",
    "A",
    "DNA",
    "FIELD1",
    "TNC_FRZN",
    "BAG_ID",
    "MAT",
    "CBU",
    "DONOR",
    "PROC_METH",
    "X",
)


@example("<STATUS>AV</STATUS>")  # no unit of the file has a number
@SLOW
@given(
    st.recursive(
        st.one_of(st.sampled_from(["", "AV", "U1", "11:01", "1", "=1+1", "&amp;"]), st.from_regex("[A-Z0-9]{1,5}")),
        lambda inner: st.lists(st.tuples(st.sampled_from(ELEMENTS), inner), max_size=5).map(
            lambda children: "".join(f"<{name}>{inside}</{name}>" for name, inside in children)
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_xml_of_any_shape(inside: str) -> None:
    swallow(inventory(inside, f"<CBU>{inside}</CBU>"))


@SLOW
@given(
    st.lists(st.lists(text, min_size=1, max_size=8), min_size=1, max_size=5),
    st.sampled_from(["utf-8-sig", "gb18030"]),
)
def test_csv_of_anything_in_either_encoding(rows: list[list[str]], encoding: str) -> None:
    body = "\n".join(",".join(row) for row in rows)
    data = (CSV + body).encode(encoding)

    swallow(data)
    swallow(gzip.compress(data))


@SLOW
@given(
    st.lists(text, min_size=1, max_size=6),
    st.dictionaries(text, st.sampled_from(["", "unit_no", "A_1", "tnc_e8"])),
)
def test_any_mapping(headings: list[str], mapping: dict[str, str]) -> None:
    swallow((",".join(headings) + "\n1,2,3\n").encode(), mapping=mapping)
    swallow(XLSX, mapping=mapping)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_comes_in_whatever_it_is_written_in(encoding: str) -> None:
    data = "unit_no,sex,rh,tnc_e7,processing_method\nU1,女,阳性,130,羟乙基淀粉沉降\n".encode(encoding)

    assert swallow(data).imported == 1
    unit = CordBloodUnit.objects.get()
    assert (unit.sex, unit.rh, unit.processing_method) == ("F", "+", "羟乙基淀粉沉降")


def test_fifty_megabytes_are_refused_before_they_are_read() -> None:
    report = swallow(b"<" + b" " * (50 * 1024 * 1024))

    assert [finding.code for finding in report.findings] == ["file_too_large"]
