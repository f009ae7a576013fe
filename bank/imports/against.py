"""Checks of imported rows against each other and against the units that exist already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bank.imports.errors import Finding
from bank.imports.rows import UnitRow
from bank.models import Bank, CordBloodUnit

CHUNK = 5_000
T = TypeVar("T")


@dataclass
class Sorted:
    """Rows that are new and rows that stand in the database already, word for word."""

    new: list[UnitRow] = field(default_factory=list)
    unchanged: list[UnitRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def sort_rows(rows: Sequence[UnitRow], bank: Bank) -> Sorted:
    """New, unchanged or wrong. A double keeps its first line and blames the later ones."""
    unique, findings = _without_doubles(rows)
    found = Sorted(findings=findings)
    existing = _digests(bank, [row.unit_no for row in unique])
    holders = _din_holders([row.values["din"] for row in unique if row.values.get("din")])
    for row in unique:
        if row.unit_no in existing:
            _sort_existing(row, existing[row.unit_no], found)
        elif row.values.get("din") in holders:
            params = {"unit": holders[row.values["din"]]}
            found.findings.append(Finding(row.line, "din", "din_taken", params))
        else:
            found.new.append(row)
    return found


def _sort_existing(row: UnitRow, digest: str, found: Sorted) -> None:
    if digest == row.digest:
        found.unchanged.append(row)
    else:
        found.findings.append(Finding(row.line, "unit_no", "exists_differs"))


def _without_doubles(rows: Iterable[UnitRow]) -> tuple[list[UnitRow], list[Finding]]:
    numbers: dict[str, int] = {}
    dins: dict[str, int] = {}
    unique: list[UnitRow] = []
    findings: list[Finding] = []
    for row in rows:
        din = row.values.get("din", "")
        if row.unit_no in numbers:
            findings.append(Finding(row.line, "unit_no", "duplicate_in_file", {"line": numbers[row.unit_no]}))
        elif din and din in dins:
            findings.append(Finding(row.line, "din", "din_duplicate_in_file", {"line": dins[din]}))
        else:
            unique.append(row)
        numbers.setdefault(row.unit_no, row.line)
        if din:
            dins.setdefault(din, row.line)
    return unique, findings


def _digests(bank: Bank, numbers: Sequence[str]) -> dict[str, str]:
    """Digest of the imported row of each of these units; "" for one that was not imported."""
    units = CordBloodUnit.objects.filter(bank_id=bank.pk)
    return {
        number: digest
        for chunk in _chunks(numbers)
        for number, digest in units.filter(unit_no__in=chunk).values_list("unit_no", "import_digest")
    }


def _din_holders(dins: Sequence[str]) -> dict[str, str]:
    return {
        din: number
        for chunk in _chunks(dins)
        for din, number in CordBloodUnit.objects.filter(din__in=chunk).values_list("din", "unit_no")
    }


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
