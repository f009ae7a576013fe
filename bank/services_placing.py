"""Many units into their places at once, from a file: every error first, then all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import places, storing
from bank.imports import tables
from bank.imports.errors import FileError, Finding
from bank.imports.tables import Columns
from bank.models import CordBloodUnit, Slot
from core import audit
from core.audit import Actor
from core.findings import Messages

COLUMNS = Columns(("unit", "place"), ("status",))  # status: as the export of the map has it; not read
FREE, BLOCKED = "free", "blocked"  # what the export says of a place in which no unit lies
MAX_ROWS = 5_000

MESSAGES: Messages = {
    "unit_unknown": _("There is no unit “%(text)s”. Write a unit number, or a DIN with its check character."),
    "unit_ambiguous": _("Two banks have a unit “%(text)s”. Write its DIN."),
    "place_form": _("“%(text)s” is no place. Write tank, rack, canister and slot: T1-R3-C2-07."),
    "place_unknown": _("There is no place %(text)s."),
    "unit_twice": _("The unit stands in line %(first)s already."),
    "place_twice": _("The place stands in line %(first)s already."),
}


class PlacingFinding(Finding):
    """One thing wrong in a file of places."""

    messages: ClassVar[tuple[Messages, ...]] = (MESSAGES, storing.MESSAGES, *Finding.messages)


@dataclass
class PlacingReport:
    """What a file does, the same for a preview and for good. Nothing is written while there are findings."""

    rows: int = 0
    placed: int = 0
    moved: int = 0
    unchanged: int = 0
    left_out: int = 0  # places without a unit, as the export of the map lists them
    findings: list[Finding] = field(default_factory=list)
    written: bool = False

    @property
    def changes(self) -> int:
        return self.placed + self.moved


@dataclass
class _Wanted:
    """One line whose unit and place were found."""

    line: int
    unit: CordBloodUnit
    slot: Slot
    here: Slot | None = None


@transaction.atomic
def units_place(*, data: bytes, actor: Actor, dry_run: bool = False) -> PlacingReport:
    """Put units where a file says (columns unit and place), in one transaction, or not at all.

    Two units may change places: what counts is how they lie in the end. A unit that lies there already is
    unchanged. dry_run: only the report. Never raises for what the file holds.
    """
    report = PlacingReport()
    try:
        rows, broken = tables.read(data, COLUMNS, max_rows=MAX_ROWS)
    except FileError as error:
        report.findings = [error.finding]
        return report
    report.rows = len(rows) + len(broken)
    report.findings = list(broken)
    filled = [row for row in rows if row.cells["unit"] or row.cells["status"] not in (FREE, BLOCKED)]
    report.left_out = len(rows) - len(filled)
    wanted = _resolved(filled, report.findings, lock=not dry_run)
    moves = [row for row in wanted if row.here is None or row.here.pk != row.slot.pk]
    report.unchanged = len(wanted) - len(moves)
    report.moved = sum(row.here is not None for row in moves)
    report.placed = len(moves) - report.moved
    _check(moves, report.findings)
    report.findings.sort(key=lambda finding: finding.line)
    if not dry_run and not report.findings:
        _write(moves, actor)
        report.written = True
    return report


# --- reading --------------------------------------------------------------------------------------


def _resolved(rows: Iterable[tables.Row], findings: list[Finding], *, lock: bool) -> list[_Wanted]:
    """The lines with their units and slots. lock: units first, then slots, each in the order of their keys."""
    rows = list(rows)
    units = _units(rows, findings)
    spots = _slots(rows, findings)
    _find_twice(rows, units, "unit", findings)
    _find_twice(rows, spots, "place", findings)
    both = [row for row in rows if row.line in units and row.line in spots]
    unit_ids = {units[row.line] for row in both}
    locked = CordBloodUnit.objects.filter(pk__in=unit_ids).order_by("pk")
    if lock:
        locked = locked.select_for_update(no_key=True)
    by_unit = {unit.pk: unit for unit in locked}
    here = {slot.unit_id: slot.pk for slot in Slot.objects.filter(unit__in=unit_ids)}
    slot_ids = {spots[row.line] for row in both} | set(here.values())
    if lock:
        list(Slot.objects.select_for_update(no_key=True).filter(pk__in=slot_ids).order_by("pk"))
    by_slot = {
        slot.pk: slot for slot in Slot.objects.with_place().select_related("unit").filter(pk__in=slot_ids)
    }
    return [
        _Wanted(
            row.line,
            by_unit[units[row.line]],
            by_slot[spots[row.line]],
            by_slot.get(here[units[row.line]]) if units[row.line] in here else None,
        )
        for row in both
    ]


def _units(rows: list[tables.Row], findings: list[Finding]) -> dict[int, UUID]:
    """Key of the unit by line."""
    found = CordBloodUnit.objects.keys_by_number(row.cells["unit"] for row in rows)
    keys = {}
    for row in rows:
        text, line = row.cells["unit"], row.line
        if len(matching := found[text]) == 1:
            keys[line] = matching[0]
        elif not text:
            findings.append(PlacingFinding(line, "unit", "required"))
        else:
            code = "unit_ambiguous" if matching else "unit_unknown"
            findings.append(PlacingFinding(line, "unit", code, {"text": text[:40]}))
    return keys


def _slots(rows: list[tables.Row], findings: list[Finding]) -> dict[int, UUID]:
    """Key of the slot by line."""
    named = {row.line: places.parse(row.cells["place"]) for row in rows}
    tanks = {place.tank for place in named.values() if place}
    spots = {
        (tank, rack, canister, position): pk
        for pk, tank, rack, canister, position in Slot.objects.filter(
            canister__parent__parent__code__in=tanks,
            canister__parent__code__in={place.rack for place in named.values() if place},
            canister__code__in={place.canister for place in named.values() if place},
        ).values_list(
            "pk", "canister__parent__parent__code", "canister__parent__code", "canister__code", "position"
        )
    }
    keys = {}
    for row in rows:
        text, line, place = row.cells["place"], row.line, named[row.line]
        if not text:
            findings.append(PlacingFinding(line, "place", "required"))
        elif place is None or place.position is None:
            findings.append(PlacingFinding(line, "place", "place_form", {"text": text[:40]}))
        elif spot := spots.get((place.tank, place.rack, place.canister, place.position)):
            keys[line] = spot
        else:
            findings.append(PlacingFinding(line, "place", "place_unknown", {"text": str(place)}))
    return keys


def _find_twice(
    rows: Iterable[tables.Row], keys: Mapping[int, UUID], column: str, findings: list[Finding]
) -> None:
    first: dict[UUID, int] = {}
    for row in rows:
        key = keys.get(row.line)
        if key is not None and first.setdefault(key, row.line) != row.line:
            findings.append(PlacingFinding(row.line, column, f"{column}_twice", {"first": first[key]}))


# --- checking and writing -------------------------------------------------------------------------


def _check(moves: list[_Wanted], findings: list[Finding]) -> None:
    """As the storage will be: a slot that another line empties is free."""
    with_quarantine = storing.banks_with_quarantine()
    leaving = {row.unit.pk for row in moves}
    for row in moves:
        refused = (
            storing.refusal_of_unit(row.unit)
            or (None if row.slot.unit_id in leaving else storing.refusal_of_slot(row.slot))
            or storing.refusal_of_area(row.unit, row.slot, with_quarantine)
        )
        if refused:
            column = "unit" if refused.code in ("not_own", "not_in_store") else "place"
            findings.append(PlacingFinding(row.line, column, refused.code, refused.params))


def _write(moves: list[_Wanted], actor: Actor) -> None:
    """First every slot is emptied, then filled: the constraint holds at each moment."""
    now = timezone.now()
    Slot.objects.filter(pk__in=[row.here.pk for row in moves if row.here]).update(unit=None)
    for row in moves:
        row.slot.unit = row.unit
    Slot.objects.bulk_update([row.slot for row in moves], ["unit"], batch_size=1_000)
    CordBloodUnit.objects.filter(pk__in=[row.unit.pk for row in moves]).update(updated_at=now)
    for row in moves:
        before: dict[str, Any] = {"place": row.here.place if row.here else ""}
        action = "unit.move" if row.here else "unit.place"
        audit.record(
            actor=actor, action=action, target=row.unit, before=before, after={"place": row.slot.place}
        )
