"""Many units into their places by file: every error at once, all or nothing, twice is once."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from bank.choices import UnitStatus
from bank.models import Slot
from bank.services_placing import PlacingReport, units_place
from bank.services_storage import slot_block, unit_place
from bank.storage_map import EXPORT_HEADER, export_rows
from core.exports import csv_lines
from core.models import AuditEntry, User
from tests.bank.conftest import SYSTEM
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db


def run(*lines: str, header: str = "unit,place", dry_run: bool = False) -> PlacingReport:
    text = "\n".join([header, *lines]) + "\n"
    return units_place(data=text.encode(), actor=SYSTEM, dry_run=dry_run)


def told(report: PlacingReport) -> list[tuple[int, str, str]]:
    """(line, column, code); each finding has a sentence."""
    assert all(finding.text and "%(" not in finding.text for finding in report.findings)
    return [(finding.line, finding.column, finding.code) for finding in report.findings]


def lying() -> dict[str, str]:
    rows = Slot.objects.with_place().select_related("unit").filter(unit__isnull=False)
    return {row.unit.unit_no: row.place for row in rows if row.unit}


def test_units_are_placed_and_a_second_time_nothing_changes() -> None:
    tank()
    UnitFactory(unit_no="U1")
    UnitFactory(unit_no="U2", din="G123498654321")
    lines = ("u1, t1-r1-c1-1", "=G12349865432177,T1-R1-C1-02")

    preview = run(*lines, dry_run=True)
    assert (preview.rows, preview.placed, preview.written, lying()) == (2, 2, False, {})
    done, again = run(*lines), run(*lines)

    assert (done.placed, done.moved, done.written) == (2, 0, True)
    assert (again.changes, again.unchanged, again.written) == (0, 2, True)
    assert lying() == {"U1": "T1-R1-C1-01", "U2": "T1-R1-C1-02"}
    assert AuditEntry.objects.filter(action="unit.place").count() == 2


def test_units_may_change_places_in_a_ring() -> None:
    tank()
    for position in (1, 2, 3):
        unit_place(unit_id=UnitFactory(unit_no=f"U{position}").pk, slot_id=slot(position).pk, actor=SYSTEM)

    report = run("U1,T1-R1-C1-02", "U2,T1-R1-C1-03", "U3,T1-R1-C1-01")

    assert (report.moved, report.written) == (3, True)
    assert lying() == {"U1": "T1-R1-C1-02", "U2": "T1-R1-C1-03", "U3": "T1-R1-C1-01"}
    entry = AuditEntry.objects.get(action="unit.move", target_label="U1")
    assert (entry.before, entry.after) == ({"place": "T1-R1-C1-01"}, {"place": "T1-R1-C1-02"})


def test_every_error_is_told_at_once_and_nothing_is_written() -> None:
    tank()
    tank("Q1", quarantine=True)
    for name in ("GOOD", "TWICE", "SECOND", "BAND"):
        UnitFactory(unit_no=name)
    UnitFactory(unit_no="SAME")
    UnitFactory(unit_no="SAME", bank=BankFactory(code="ZZ"))
    UnitFactory(unit_no="ELSEWHERE", bank=BankFactory(code="ZZ"))
    UnitFactory(unit_no="PARTNER", source="partner")
    UnitFactory(unit_no="GONE", discarded=True)
    UnitFactory(unit_no="WAITS", status=UnitStatus.QUARANTINE)
    UnitFactory(unit_no="NODIN", din="G123498654321")
    unit_place(unit_id=UnitFactory(unit_no="THERE").pk, slot_id=slot(1).pk, actor=SYSTEM)
    slot_block(slot_id=slot(2).pk, actor=SYSTEM, reason="bent")

    report = run(
        "GOOD,T1-R1-C1-03",
        "NOBODY,T1-R1-C1-04",
        "TWICE,T1-R1-C1-04",
        "TWICE,T1-R1-C1-05",
        "SECOND,T1-R1-C1-04",
        "SAME,Q1-R1-C1-01",
        "ELSEWHERE,Q1-R1-C1-01",
        "PARTNER,Q1-R1-C1-01",
        "GONE,Q1-R1-C1-02",
        "WAITS,T1-R1-C1-05",
        "BAND,Q1-R1-C1-03",
        ",T1-R1-C1-05",
        "GOOD,",
        "GOOD,somewhere",
        "GOOD,T1-R1-C1",
        "GOOD,T1-R1-C1-99",
        "GOOD",
        "THERE,T1-R1-C1-02",
        "BAND,T1-R1-C1-01",
        "G123498654321,Q1-R1-C1-04",
    )

    assert {(3, "unit", "unit_unknown"), (5, "unit", "unit_twice"), (6, "place", "place_twice")} <= set(
        told(report)
    )
    assert {
        (7, "unit", "unit_ambiguous"),
        (8, "place", "other_bank"),
        (9, "unit", "not_own"),
        (10, "unit", "not_in_store"),
        (11, "place", "quarantine_needed"),
        (12, "place", "quarantine_only"),
        (13, "unit", "required"),
        (14, "place", "required"),
        (15, "place", "place_form"),
        (16, "place", "place_form"),
        (17, "place", "place_unknown"),
        (18, "", "cells_count"),
        (19, "place", "slot_blocked"),
        (21, "unit", "unit_unknown"),
    } <= set(told(report))
    assert [finding.line for finding in report.findings] == sorted(f.line for f in report.findings)
    assert not report.written
    assert lying() == {"THERE": "T1-R1-C1-01"}


def test_a_slot_whose_unit_stays_is_taken() -> None:
    tank()
    unit_place(unit_id=UnitFactory(unit_no="THERE").pk, slot_id=slot(1).pk, actor=SYSTEM)
    UnitFactory(unit_no="NEW")

    assert told(run("NEW,T1-R1-C1-01")) == [(2, "place", "slot_taken")]
    assert told(run("THERE,T1-R1-C1-01", "NEW,T1-R1-C1-01")) == [
        (3, "place", "place_twice"),
        (3, "place", "slot_taken"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"unit,place\n", "file_no_rows"),
        (b"unit\nU1\n", "columns_needed"),
        (b"unit,place,colour\nU1,T1-R1-C1-01,red\n", "column_unknown"),
        (b"unit,place,unit\nU1,T1-R1-C1-01,U1\n", "column_twice"),
        (b"\x00\x01", "file_binary"),
        (b'unit,place\n"U1,T1\n', "csv_broken"),
        (b"x" * (5 * 1024 * 1024 + 1), "file_too_large"),
        (b"unit,place\n" + b"U1,T1-R1-C1-01\n" * 5001, "too_many_lines"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_reason(data: bytes, code: str) -> None:
    report = units_place(data=data, actor=SYSTEM)

    assert [finding.code for finding in report.findings] == [code]
    assert report.findings[0].text
    assert not report.written


def test_semicolons_gzip_and_a_byte_order_mark_are_read() -> None:
    tank()
    UnitFactory(unit_no="U1")

    report = units_place(data=gzip.compress("\ufeffPlace;Unit\nT1-R1-C1-01;U1\n\n".encode()), actor=SYSTEM)

    assert report.placed == 1


def test_the_export_of_the_map_is_read_back_and_changes_nothing(
    qa: User, django_assert_num_queries: Any
) -> None:
    tank()
    unit_place(unit_id=UnitFactory(unit_no="U1").pk, slot_id=slot(3).pk, actor=SYSTEM)
    slot_block(slot_id=slot(5).pk, actor=SYSTEM, reason="bent")

    rows = list(export_rows(qa))
    report = units_place(data="".join(csv_lines(EXPORT_HEADER, rows)).encode(), actor=SYSTEM)

    assert rows == [
        ["T1-R1-C1-01", "", "free"],
        ["T1-R1-C1-02", "", "free"],
        ["T1-R1-C1-03", "U1", "LISTED"],
        ["T1-R1-C1-04", "", "free"],
        ["T1-R1-C1-05", "", "blocked"],
    ]
    assert (report.rows, report.unchanged, report.left_out, report.changes) == (5, 1, 4, 0)
    assert not report.findings


def test_the_number_of_queries_does_not_grow_with_the_file(django_assert_max_num_queries: Any) -> None:
    tank(slots=30)
    for number in range(30):
        UnitFactory(unit_no=f"U{number}")
    lines = [f"U{number},T1-R1-C1-{number + 1}" for number in range(30)]

    with django_assert_max_num_queries(12):
        run(*lines, dry_run=True)
