"""Atlas-style donor JSON: cords come in, adults and nonsense are named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bank.imports import atlas_json, files
from bank.imports.errors import FileError
from bank.imports.report import ImportReport
from bank.models import CordBloodUnit, ImportBatch
from bank.services_import import units_import
from core.audit import Actor
from hla.mac import EMPTY_MAC
from tests.bank.exchange_files import donor, donors

pytestmark = pytest.mark.django_db


def take_in(data: bytes) -> ImportReport:
    return units_import(data=data, file_name="a.json", actor=Actor.system("test"), mac=EMPTY_MAC)


def findings(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.column, finding.code) for finding in report.findings]


def _code(data: bytes, **options: Any) -> str:
    with pytest.raises(FileError) as caught:
        files.read(data, **options)
    assert caught.value.finding.text
    return caught.value.finding.code


def test_cord_blood_comes_in_and_waits_for_its_counts() -> None:
    ser = {"a": {"dna": {"field1": "*11:01", "field2": None}, "ser": {"field1": "11", "field2": ""}}}

    report = take_in(donors(donor("U1"), donor(12345), donor("U3", **ser)))

    assert (findings(report), report.imported, report.held, report.kind) == ([], 3, 3, "json")
    first, second, third = CordBloodUnit.objects.order_by("import_line")
    assert (first.unit_no, first.hla_a_1, first.hla_drb1_2) == ("U1", "A*11:01", "DRB1*15:01")
    assert second.unit_no == "12345"
    assert third.typings.get().canonical_gl == "A*11:01^A11"
    assert report.ignored == ("donPool",)
    assert ImportBatch.objects.get().kind == "json"


def test_everything_wrong_is_named_by_its_place_in_the_list() -> None:
    report = take_in(
        donors(
            donor("U1", kind="D"),
            donor("U2", kind="Z"),
            "no donor",
            donor("U4", change="D"),
            donor("U5", xyz={"dna": {}}),
            {"recordId": "U6", "donorType": "C", "hla": 7},
            donor("", a={"dna": {"field1": "99:9999", "field2": ["x"]}}),
            donor("\u0000\ud800", a=[], b={"dna": []}),
        )
    )

    assert findings(report)[:8] == [
        (1, "donorType", "adult_donor"),
        (2, "donorType", "choice_unknown"),
        (3, "donors", "json_donor"),
        (4, "changeType", "unit_deleted"),
        (5, "hla", "choice_unknown"),
        (6, "hla", "required"),
        (7, "recordId", "required"),
        (7, "hla.a.dna.field1", "unknown_allele"),
    ]
    assert findings(report)[-1] == (8, "recordId", "unit_no_form")
    assert report.imported == 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "json_broken"),
        (b'{"donors": 1}', "json_other"),
        (b"{}", "json_other"),
        (b"[]", "file_no_rows"),
        (b"[" * 50_000, "json_endless"),
        (b"[" + b"9" * 5_000 + b"]", "json_endless"),
        (json.dumps([{"recordId": "x" * 200_001, "donorType": "C"}]).encode(), "cell_too_long"),
        (b"[" + b"[]," * 200_000 + b"[]]", "too_many_rows"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, code: str) -> None:
    assert _code(data, max_rows=100) == code


def test_more_donors_than_allowed() -> None:
    assert _code(donors(donor("U1"), donor("U2")), max_rows=1) == "too_many_rows"


def test_a_list_alone_is_read_too() -> None:
    plain = json.loads(donors(donor("U1")))["donors"]

    assert files.read(json.dumps(plain).encode()).rows[0][1][0] == "U1"
    assert atlas_json.CORD == "C"
