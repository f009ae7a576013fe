"""Columns of quality and of the mother: read, refused, written, exported, and told apart in the digest of a row."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from bank import lists
from bank.graft_facts import graft_facts
from bank.imports.report import ImportReport
from bank.models import CordBloodUnit, HaemoglobinopathyResult, HlaTyping, Measurement
from bank.services_import import units_import
from core.audit import Actor
from hla.mac import EMPTY_MAC

pytestmark = pytest.mark.django_db

BASE = {
    "unit_no": "U1",
    "tnc_e7": "130",
    "cd34_e6": "4",
    "A_1": "A*11:01",
    "A_2": "A*24:02",
    "B_1": "B*40:01",
}
QUALITY = {
    "red_cells": "Depleted", "processing_method": "sepax", "cfu_e5": "11.5", "viability_percent": "92",
    "cd34_viability_percent": "97.5", "haematocrit_percent": "38", "segment_viability_percent": "71",
    "segment_cd34_viability_percent": "90", "haemoglobinopathy": "trait", "haemoglobinopathy_method": "HPLC",
    "haemoglobinopathy_on": "2020-06-01", "product_code": "=<S9999A0a",
}  # fmt: skip
MOTHER = {"mother_A_1": "A*11:01", "mother_A_2": "A*33:03", "mother_DRB1_1": "DRB1*09:01"}


def file_of(*rows: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def take_in(*rows: dict[str, str], **more: Any) -> ImportReport:
    system = Actor.system("test")
    more = {"declaration": "released before", **more}
    return units_import(data=file_of(*rows), file_name="a.csv", actor=system, mac=EMPTY_MAC, **more)


def test_all_values_come_in() -> None:
    report = take_in(BASE | QUALITY | MOTHER)

    assert (report.findings, report.warnings, report.imported) == ([], [], 1)
    unit = CordBloodUnit.objects.get()
    facts = graft_facts([unit.pk])[unit.pk]
    assert (facts.red_cells, facts.processing_method, facts.cfu_e5) == ("depleted", "Sepax", 11.5)
    assert (facts.viability_percent, facts.viability_time_point) == (71, "post_thaw_segment")
    assert facts.cd34_viability_percent == 90
    assert unit.product_code == "S9999A0a"
    assert (facts.haematocrit_percent, facts.haemoglobinopathy) == (38, "trait")
    assert facts.mother_typing == {"A": ("A*11:01", "A*33:03"), "DRB1": ("DRB1*09:01", "")}
    screen = HaemoglobinopathyResult.objects.get()
    assert (screen.method, str(screen.tested_on)) == ("HPLC", "2020-06-01")


def test_a_file_without_them_writes_nothing_of_them() -> None:
    take_in(BASE)

    assert not HaemoglobinopathyResult.objects.exists()
    assert not HlaTyping.objects.filter(subject="mother").exists()
    assert Measurement.objects.count() == 2


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"red_cells": "some"}, "red_cells", "choice_unknown"),
        ({"processing_method": "x" * 41}, "processing_method", "method_too_long"),
        ({"viability_percent": "100.1"}, "viability_percent", "number_between"),
        ({"cfu_e5": "-1"}, "cfu_e5", "number_between"),
        ({"haematocrit_percent": "high"}, "haematocrit_percent", "number_form"),
        ({"haemoglobinopathy": "maybe"}, "haemoglobinopathy", "choice_unknown"),
        ({"product_code": "S9999"}, "product_code", "product_form"),
        ({"haemoglobinopathy_on": "2020-01-01"}, "haemoglobinopathy", "haemoglobinopathy_needed"),
        (
            {"haemoglobinopathy": "trait", "haemoglobinopathy_method": "x" * 81},
            "haemoglobinopathy_method",
            "method_too_long",
        ),
        ({"mother_A_2": "A*x:y"}, "mother_A_2", "malformed"),
    ],
)
def test_what_cannot_be_is_refused_by_column(cells: dict[str, str], column: str, code: str) -> None:
    report = take_in(BASE | cells)

    assert [(one.column, one.code) for one in report.findings] == [(column, code)]
    assert all(one.text for one in report.findings)
    assert not CordBloodUnit.objects.exists()


@pytest.mark.parametrize(
    "text", [r"\N", r"\.", "a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", "a\tb", "\\", "NULL", "{a}", "“贫血”"]
)
def test_a_text_that_copy_takes_for_something_else_comes_in_as_written(text: str) -> None:
    take_in(
        BASE | {"processing_method": text, "haemoglobinopathy": "trait", "haemoglobinopathy_method": text}
    )

    assert HaemoglobinopathyResult.objects.get().method == text
    assert CordBloodUnit.objects.get().processing_method == " ".join(text.split())


@pytest.mark.parametrize(
    "column",
    [
        "unit_no",
        "din",
        "collected_on",
        "sex",
        "abo",
        "rh",
        "tnc_e7",
        "segments",
        "status",
        "red_cells",
        "A_1",
    ],
)
def test_the_null_of_a_database_is_no_value(column: str) -> None:
    report = take_in(BASE | {column: r"\N"})

    assert [finding.column for finding in report.findings] == [column]
    assert not CordBloodUnit.objects.exists()


@pytest.mark.parametrize("cells", [{"cfu_e5": "0"}, {"viability_percent": "0"}, {"viability_percent": "100"}])
def test_values_at_the_edge_are_taken(cells: dict[str, str]) -> None:
    assert take_in(BASE | cells).imported == 1


def test_a_mother_who_shares_nothing_is_taken_in_marked_and_told() -> None:
    report = take_in(BASE | {"mother_A_1": "A*02:01", "mother_A_2": "A*33:03"})

    assert [warning.code for warning in report.warnings] == ["mother_differs"]
    assert "A*02:01+A*33:03" in report.warnings[0].text
    unit = CordBloodUnit.objects.get()
    assert unit.status == "LISTED"
    assert graft_facts([unit.pk])[unit.pk].mother_differs == ("A",)


@pytest.mark.parametrize("more", [QUALITY, MOTHER, {"cfu_e5": "1"}])
def test_the_same_row_is_unchanged_and_another_is_not(more: dict[str, str]) -> None:
    take_in(BASE | more)

    assert take_in(BASE | more).unchanged == 1
    assert [one.code for one in take_in(BASE).findings] == ["exists_differs"]


def test_an_export_can_be_imported_again() -> None:
    take_in(BASE | QUALITY | MOTHER)
    rows = list(lists.csv_rows(CordBloodUnit.objects.all(), lists.CSV_HEADER))
    (row,) = (dict(zip(lists.CSV_HEADER, map(str, row), strict=True)) for row in rows)

    assert (row["cfu_e5"], row["mother_A_2"], row["haemoglobinopathy_on"]) == (
        "11.5",
        "A*33:03",
        "2020-06-01",
    )
    assert take_in({name: text for name, text in row.items() if text not in ("", "None")}).unchanged == 1
