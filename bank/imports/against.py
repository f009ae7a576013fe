"""Checks of imported rows against each other and against the units that exist already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from bank.imports.errors import Finding
from bank.imports.rows import UnitRow
from bank.models import Bank, CordBloodUnit

CHUNK = 5_000
T = TypeVar("T")


@dataclass
class Sorted:
    """Rows that are new and rows that stand in the database already, word for word.

    Of a partner's list besides: rows that say something else of a unit, with its key; rows that say that it is gone,
    and the keys of all units that are.
    """

    new: list[UnitRow] = field(default_factory=list)
    unchanged: list[UnitRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    changed: list[tuple[UnitRow, UUID]] = field(default_factory=list)
    told_gone: list[UnitRow] = field(default_factory=list)
    gone: list[UUID] = field(default_factory=list)


def sort_rows(rows: Sequence[UnitRow], bank: Bank) -> Sorted:
    """New, unchanged or wrong. A double keeps its first line and blames the later ones."""
    unique, findings = without_doubles(rows)
    found = Sorted(findings=findings)
    existing = _digests(bank, [row.unit_no for row in unique])
    taken = Taken(unique)
    for row in unique:
        if row.unit_no in existing:
            _sort_existing(row, existing[row.unit_no], found)
        elif finding := taken.by_another(row):
            found.findings.append(finding)
        else:
            found.new.append(row)
    return found


def _sort_existing(row: UnitRow, digest: str, found: Sorted) -> None:
    if digest == row.digest:
        found.unchanged.append(row)
    else:
        found.findings.append(Finding(row.line, "unit_no", "exists_differs"))


def without_doubles(rows: Iterable[UnitRow]) -> tuple[list[UnitRow], list[Finding]]:
    """Each unit number, DIN and GRID once; the later ones are findings."""
    first: dict[str, dict[str, int]] = {name: {} for name in _DOUBLED}
    unique: list[UnitRow] = []
    findings: list[Finding] = []
    for row in rows:
        for name, code in _DOUBLED.items():
            value = row.unit_no if name == "unit_no" else row.values.get(name, "")
            if value and first[name].setdefault(value, row.line) != row.line:
                findings.append(Finding(row.line, name, code, {"line": first[name][value]}))
                break
        else:
            unique.append(row)
    return unique, findings


_DOUBLED = {
    "unit_no": "duplicate_in_file",
    "din": "din_duplicate_in_file",
    "grid": "grid_duplicate_in_file",
}


class Taken:
    """Which DIN and GRID of these rows a unit has already, in whatever bank."""

    def __init__(self, rows: Sequence[UnitRow]) -> None:
        self._holders = {name: _holders(name, rows) for name in ("din", "grid")}

    def by_another(self, row: UnitRow, unit_id: UUID | None = None) -> Finding | None:
        """unit_id: the unit that the row is of, where there is one."""
        for name, holders in self._holders.items():
            holder = holders.get(row.values.get(name, ""))
            if holder and holder[0] != unit_id:
                return Finding(row.line, name, f"{name}_taken", {"unit": holder[1]})
        return None


def _holders(name: str, rows: Sequence[UnitRow]) -> dict[str, tuple[UUID, str]]:
    values = [row.values[name] for row in rows if row.values.get(name)]
    return {
        value: (pk, number)
        for chunk in _chunks(values)
        for value, pk, number in CordBloodUnit.objects.filter(**{f"{name}__in": chunk}).values_list(
            name, "pk", "unit_no"
        )
    }


def _digests(bank: Bank, numbers: Sequence[str]) -> dict[str, str]:
    """Digest of the imported row of each of these units; "" for one that was not imported."""
    units = CordBloodUnit.objects.filter(bank_id=bank.pk)
    return {
        number: digest
        for chunk in _chunks(numbers)
        for number, digest in units.filter(unit_no__in=chunk).values_list("unit_no", "import_digest")
    }


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
