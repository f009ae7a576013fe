"""Checked rows against the database: what is new, what changed, what contradicts what is there."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

from bank.choices import Source as UnitSource
from bank.choices import UnitStatus
from bank.imports.errors import Finding
from bank.models import CordBloodUnit
from transplants.choices_outcomes import Contact, FormState, Source, YesNo
from transplants.importing.columns import OF_FORM, OF_TRANSPLANT, OF_UNIT
from transplants.importing.errors import TransplantFinding
from transplants.importing.rows import HistoricRow, by_person
from transplants.models import FollowUp, Transplant, TransplantUnit
from transplants.outcomes.derive import IMPORTED_VISIT

AT_ONCE = 2_000
Key = tuple[str, str, int]


@dataclass
class Known:
    """A transplant that is there, with its units and the versions of the form that the list stands for."""

    row: Transplant
    units: list[TransplantUnit] = field(default_factory=list)
    forms: list[FollowUp] = field(default_factory=list)

    @property
    def current(self) -> FollowUp | None:
        return next((form for form in self.forms if form.state == FormState.FINAL), None)

    @property
    def listed(self) -> FollowUp | None:
        """The newest version that a list brought."""
        brought = [form for form in self.forms if form.entered_by_id is None]
        return max(brought, key=lambda form: form.version, default=None)

    @property
    def corrected(self) -> bool:
        return self.current is not None and self.current.entered_by_id is not None


@dataclass
class Part:
    """Some of the rows, all of the persons that they are of. units: numbers of this bank to rows of the inventory."""

    new: list[HistoricRow] = field(default_factory=list)
    changed: list[tuple[HistoricRow, Known]] = field(default_factory=list)
    unchanged: int = 0
    findings: list[Finding] = field(default_factory=list)
    units: dict[str, UUID] = field(default_factory=dict)


def parts(rows: Sequence[HistoricRow], *, lock: bool = False) -> Iterator[Part]:
    """The rows, some at a time and never half of a patient. lock: hold what is there until the transaction ends."""
    sorted_rows = by_person(rows)
    start = 0
    while start < len(sorted_rows):
        end = min(start + AT_ONCE, len(sorted_rows))
        while end < len(sorted_rows) and sorted_rows[end].key[:2] == sorted_rows[end - 1].key[:2]:
            end += 1
        yield _part(sorted_rows[start:end], lock)
        start = end


def _part(rows: Sequence[HistoricRow], lock: bool) -> Part:
    known = _known(rows, lock)
    part = Part()
    wrong = _people(rows, known)
    owned, part.units = _units(rows, known)
    wrong += owned
    bad = {finding.line for finding in wrong}
    for row in rows:
        if row.line in bad:
            continue
        here = known.get(row.key)
        if here is None:
            part.new.append(row)
        elif here.row.source != Source.IMPORT:
            wrong.append(_said(row, "patient", "not_of_a_list", number=here.row.number))
        elif is_same(row, here):
            part.unchanged += 1
        elif here.corrected and not form_same(row, here.listed):
            wrong.append(_said(row, "status", "corrected_here", number=here.row.number))
        else:
            part.changed.append((row, here))
    part.findings = wrong
    return part


def _said(row: HistoricRow, column: str, code: str, **params: Any) -> Finding:
    return TransplantFinding(row.line, column, code, params)


def _known(rows: Sequence[HistoricRow], lock: bool) -> dict[Key, Known]:
    """All transplants of the patients of these rows."""
    found = Transplant.objects.filter(
        hospital__code__in={row.hospital for row in rows}, registry_code__in={row.patient for row in rows}
    )
    if lock:
        found = found.select_for_update(no_key=True, of=("self",))
    people = {row.key[:2] for row in rows}
    by_pk = {
        row.pk: Known(row)
        for row in found.select_related("hospital").order_by("pk")
        if (row.hospital.code, row.registry_code) in people
    }
    for unit in TransplantUnit.objects.filter(transplant__in=by_pk).order_by("position"):
        by_pk[unit.transplant_id].units.append(unit)
    for form in FollowUp.objects.filter(transplant__in=by_pk, visit=IMPORTED_VISIT):
        by_pk[form.transplant_id].forms.append(form)
    return {(one.row.hospital.code, one.row.registry_code, one.row.sequence): one for one in by_pk.values()}


def is_same(row: HistoricRow, here: Known) -> bool:
    return not transplant_changes(row, here.row) and _units_same(row, here) and form_same(row, here.listed)


def transplant_changes(row: HistoricRow, there: Transplant) -> dict[str, Any]:
    """Columns of the transplant that the row alters, with their new values."""
    given = zip(OF_TRANSPLANT, row.values, strict=True)
    return {name: value for name, value in given if getattr(there, name) != value}


def _units_same(row: HistoricRow, here: Known) -> bool:
    return [tuple(getattr(unit, name) for name in OF_UNIT) for unit in here.units] == [*row.units]


def form_same(row: HistoricRow, form: FollowUp | None) -> bool:
    return form is not None and all(
        getattr(form, name) == value for name, value in zip(OF_FORM, row.form, strict=True)
    )


# --- a patient's transplants among one another ----------------------------------------------------------


@dataclass(frozen=True)
class _Stop:
    """One transplant of a patient: of the file (row), or of the database."""

    sequence: int
    day: dt.date
    died_on: dt.date | None
    row: HistoricRow | None = None


def _people(rows: Sequence[HistoricRow], known: Mapping[Key, Known]) -> list[Finding]:
    stops: dict[tuple[str, str], dict[int, _Stop]] = defaultdict(dict)
    deaths = _deaths([one.row.pk for one in known.values()])
    for key, one in known.items():
        stops[key[:2]][key[2]] = _Stop(key[2], one.row.infused_on, deaths.get(one.row.pk))
    for row in rows:
        died = row.answer("contact_on") if row.answer("contact") == Contact.DEAD else None
        stops[row.key[:2]][row.sequence] = _Stop(row.sequence, row.day_0, died, row)
    found: list[Finding] = []
    for of_person in stops.values():
        line = [of_person[number] for number in sorted(of_person)]
        for earlier, later in pairwise(line):
            found += _between(earlier, later)
    return found


def _deaths(keys: Iterable[UUID]) -> dict[UUID, dt.date]:
    rows = Transplant.objects.filter(pk__in=keys, outcome__is_dead=True)
    return {
        pk: day + dt.timedelta(days=round(days))
        for pk, day, days in rows.values_list("pk", "infused_on", "outcome__days_followed")
    }


def _between(earlier: _Stop, later: _Stop) -> Iterator[Finding]:
    told = later.row or earlier.row
    if told is None:
        return
    if later.day <= earlier.day:
        other = earlier if later.row is not None else later
        yield _said(told, "infused_on", "sequence_order", n=other.sequence, day=f"{other.day}")
    elif earlier.died_on is not None and later.day > earlier.died_on:
        yield _said(told, "infused_on", "after_death", n=earlier.sequence, day=f"{earlier.died_on}")
    elif earlier.row is not None and earlier.sequence + 1 == later.sequence:
        answer, day = (
            earlier.row.answer("second_transplant"),
            earlier.row.answer("second_transplant_on"),
        )
        params = {"n": later.sequence, "day": f"{later.day}"}
        if answer == YesNo.NO and later.day <= earlier.row.answer("contact_on"):
            yield _said(earlier.row, "second_transplant", "second_denied", **params)
        elif day is not None and day != later.day:
            yield _said(earlier.row, "second_transplant_on", "second_differs", **params)


# --- units of this bank -----------------------------------------------------------------------------------


def _units(rows: Sequence[HistoricRow], known: Mapping[Key, Known]) -> tuple[list[Finding], dict[str, UUID]]:
    """What speaks against the units that rows name, and the infused ones of the inventory among them."""
    named = [
        (row, place, unit[0])
        for row in rows
        for place, unit in enumerate(row.units, start=1)
        if unit[1] and unit[0]
    ]
    numbers = {number.upper() for _row, _place, number in named}
    in_stock = {
        unit.unit_no: unit
        for unit in CordBloodUnit.objects.filter(unit_no__in=numbers, source=UnitSource.OWN)
    }
    given: dict[str, list[TransplantUnit]] = defaultdict(list)
    for unit in TransplantUnit.objects.filter(
        is_own=True, unit_no__in={*numbers, *(number for _r, _p, number in named)}
    ).select_related("transplant"):
        given[unit.unit_no.upper()].append(unit)
    found: list[Finding] = []
    left: dict[str, UUID] = {}
    for row, place, number in named:
        here = known.get(row.key)
        others = [unit for unit in given[number.upper()] if here is None or unit.transplant_id != here.row.pk]
        unit = in_stock.get(number.upper())
        if others:
            params = {"unit": number, "number": others[0].transplant.number}
            found.append(TransplantFinding(row.line, f"unit_{place}", "unit_given", params))
        elif unit is not None and unit.status != UnitStatus.INFUSED:
            params = {"unit": number, "status": unit.status}
            found.append(TransplantFinding(row.line, f"unit_{place}", "unit_not_given", params))
        elif unit is not None:
            left[number.upper()] = unit.pk
    return found, left
