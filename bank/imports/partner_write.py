"""What a partner's newer list says of units that are here: new values in their place, the former kept as history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Model
from django.utils import timezone

from bank.choices import UnitStatus
from bank.imports.origin import Origin
from bank.imports.rows import UnitRow
from bank.imports.write import (
    MEASUREMENT_COLUMNS,
    SCREEN_COLUMNS,
    TYPING_COLUMNS,
    hla_values,
    measurement_lines,
    screen_line,
    typing_lines,
)
from bank.models import HLA_COLUMNS, CordBloodUnit, HaemoglobinopathyResult, HlaTyping, Measurement
from core import audit
from core.audit import Actor
from core.copying import copy_rows

CHUNK = 1_000
_PLAIN = (
    "collected_on", "sex", "abo", "rh", "volume_ml", "tnc_e7", "cd34_e6", "segments", "din", "grid", "red_cells",
    "processing_method", "product_code",
)  # fmt: skip
_EMPTY = {"collected_on": None, "volume_ml": None, "tnc_e7": None, "cd34_e6": None, "segments": None}
_TOLD = (
    *_PLAIN, "populations", "counts_invented", *HLA_COLUMNS, "status", "held_for_confirmation", "typing_conflict",
)  # fmt: skip
_SILENT = ("held_reasons", "status_when_confirmed", "hla_tags", "import_digest", "gone_at")
_STAMPS = ("updated_at", "status_changed_at")


def update_units(changed: Sequence[tuple[UnitRow, UUID]], origin: Origin, actor: Actor) -> None:
    """The values of the rows into their units; each with an audit entry that says what was there before."""
    for start in range(0, len(changed), CHUNK):
        rows = {pk: row for row, pk in changed[start : start + CHUNK]}
        _store(rows, {pk: _columns(row) for pk, row in rows.items()}, "unit.partner_update", actor)
        _typings(rows, origin)
        _measurements(rows, origin)
        _screens(rows, origin)


def mark_gone(units: Sequence[UUID], actor: Actor) -> None:
    """Units that the list names no more. EMDIS: DE, OT. They stay, with all that is known of them."""
    gone = {
        "status": UnitStatus.VOID.value,
        "gone_at": timezone.now(),
        "held_for_confirmation": False,
        "held_reasons": [],
        "status_when_confirmed": "",
    }
    for start in range(0, len(units), CHUNK):
        _store({}, dict.fromkeys(units[start : start + CHUNK], gone), "unit.partner_gone", actor)


def _store(
    rows: Mapping[UUID, UnitRow], new: Mapping[UUID, Mapping[str, Any]], action: str, actor: Actor
) -> None:
    now = timezone.now()
    units = list(CordBloodUnit.objects.select_for_update(no_key=True).filter(pk__in=list(new)).order_by("pk"))
    entries: list[audit.Entry] = []
    for unit in units:
        values = new[unit.pk]
        told = {name: value for name, value in values.items() if name in _TOLD}
        before, after = audit.changes({name: getattr(unit, name) for name in told}, told)
        if "status" in after:
            unit.status_changed_at = now
        unit.updated_at = now
        for name, value in values.items():
            setattr(unit, name, value)
        entries.append(audit.Entry(unit, before, after))
    columns = {name for values in new.values() for name in values}
    CordBloodUnit.objects.bulk_create(
        units,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*sorted(columns), *_STAMPS],
        batch_size=500,
    )
    audit.record_each(actor=actor, action=action, entries=entries)


def _columns(row: UnitRow) -> dict[str, Any]:
    """Every value that a list says of a unit; what it says no more is empty."""
    return {
        **{name: row.values.get(name, _EMPTY.get(name, "")) for name in _PLAIN},
        **dict(zip(HLA_COLUMNS, hla_values(row), strict=True)),
        "populations": row.values.get("population", ""),
        "counts_invented": row.invented,
        "status": row.status,
        "held_for_confirmation": bool(row.held),
        "held_reasons": row.held,
        "status_when_confirmed": row.wanted_status if row.held else "",
        "typing_conflict": bool(row.conflicts),
        "hla_tags": row.tags,
        "import_digest": row.digest,
        "gone_at": None,
    }


def _typings(rows: Mapping[UUID, UnitRow], origin: Origin) -> None:
    """A typing that the list has not, or has otherwise, is current no more."""
    names = ("unit_id", "subject")
    lines = [line for pk, row in rows.items() for line in typing_lines(row, pk, origin)]
    there = HlaTyping.objects.filter(unit__in=list(rows), is_current=True)
    _replace(HlaTyping, TYPING_COLUMNS, names, "canonical_gl", lines, there, {"is_current": False})


def _measurements(rows: Mapping[UUID, UnitRow], origin: Origin) -> None:
    names = ("unit_id", "time_point", "analyte")
    lines = [line for pk, row in rows.items() for line in measurement_lines(row, pk, origin)]
    there = Measurement.objects.in_force().filter(unit__in=list(rows))
    _replace(Measurement, MEASUREMENT_COLUMNS, names, "value", lines, there, {"superseded": True})


def _screens(rows: Mapping[UUID, UnitRow], origin: Origin) -> None:
    screened = {pk: row for pk, row in rows.items() if row.values.get("haemoglobinopathy")}
    lines = [screen_line(row, pk, origin) for pk, row in screened.items()]
    there = HaemoglobinopathyResult.objects.in_force().filter(unit__in=list(rows))
    _replace(
        HaemoglobinopathyResult, SCREEN_COLUMNS, ("unit_id",), "result", lines, there, {"superseded": True}
    )


def _replace(
    model: type[Model],
    columns: Sequence[str],
    names: Sequence[str],
    content: str,
    lines: Sequence[Sequence[Any]],
    there: Any,
    retire: Mapping[str, bool],
) -> None:
    """names: what a row is of; content: what it says of that. The same again is left alone."""
    new = dict(_keyed(columns[1:], names, content, lines))
    kept = {}
    old = []
    for pk, value, *key in there.values_list("pk", content, *names):
        if tuple(key) in new and new[tuple(key)][0] == value:
            kept[tuple(key)] = pk
        else:
            old.append(pk)
    model._default_manager.filter(pk__in=old).update(**retire)
    copy_rows(model, columns, ([uuid4(), *line] for key, (_value, line) in new.items() if key not in kept))


def _keyed(
    columns: Sequence[str], names: Sequence[str], content: str, lines: Sequence[Sequence[Any]]
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, Sequence[Any]]]]:
    places = [columns.index(name) for name in names]
    for line in lines:
        yield tuple(line[place] for place in places), (line[columns.index(content)], line)
