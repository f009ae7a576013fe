"""Rows of a list into the tables: new ones by COPY, changed ones with their history. In the caller's transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from core import audit
from core.audit import Actor, Entry
from core.copying import copy_rows
from transplants.choices_outcomes import FormState, Source
from transplants.importing.columns import OF_FORM, OF_TRANSPLANT, OF_UNIT
from transplants.importing.compare import Known, form_same, transplant_changes
from transplants.importing.rows import HistoricRow
from transplants.models import FollowUp, Transplant, TransplantBatch, TransplantUnit
from transplants.numbers import EARLIER_TRANSPLANT, next_numbers
from transplants.outcomes.derive import IMPORTED_VISIT


def copy_models(model: type[models.Model], rows: Iterable[Any]) -> None:
    """Instances by COPY: many times faster than inserts, and with every default of the model."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    documents = {field.attname for field in fields if isinstance(field, models.JSONField)}
    plain = [name for name in names if name not in documents]
    columns = [*plain, *documents]

    def values() -> Iterator[list[Any]]:
        for row in rows:
            yield [
                *(getattr(row, name) for name in plain),
                *(json.dumps(getattr(row, name), cls=DjangoJSONEncoder) for name in documents),
            ]

    copy_rows(model, columns, values())


def write_new(
    rows: Sequence[HistoricRow],
    *,
    hospitals: Mapping[str, UUID],
    source: Source,
    batch: TransplantBatch | None = None,
    person_id: UUID | None = None,
    units: Mapping[str, UUID] | None = None,
) -> list[UUID]:
    """Transplants with their units and the form that the list stands for; returns their keys.

    hospitals: code to key. units: numbers of this bank to units of the inventory.
    """
    now = timezone.now()
    numbers = _numbers(rows)
    made = [
        Transplant(
            number=next(numbers[row.day_0.year]),
            source=source,
            registry_code=row.patient,
            hospital_id=hospitals[row.hospital],
            sequence=row.sequence,
            batch=batch,
            batch_line=row.line if batch is not None else None,
            created_by_id=person_id,
            created_at=now,
            updated_at=now,
            **dict(zip(OF_TRANSPLANT, row.values, strict=True)),
        )
        for row in rows
    ]
    pairs = list(zip(rows, made, strict=True))
    copy_models(Transplant, made)
    copy_models(TransplantUnit, (unit for row, one in pairs for unit in _units(row, one.pk, units or {})))
    copy_models(FollowUp, (_form(row, one.pk, now, person_id) for row, one in pairs))
    return [one.pk for one in made]


def _numbers(rows: Sequence[HistoricRow]) -> dict[int, Iterator[str]]:
    """Of each year as many as it needs; years in their order, for each locks the row of its series."""
    counts = Counter(row.day_0.year for row in rows)
    return {year: iter(next_numbers(EARLIER_TRANSPLANT, year, counts[year])) for year in sorted(counts)}


def _units(row: HistoricRow, key: UUID, units: Mapping[str, UUID]) -> Iterator[TransplantUnit]:
    for position, unit in enumerate(row.units, start=1):
        values = dict(zip(OF_UNIT, unit, strict=True))
        known = units.get(unit[0].upper()) if unit[1] else None
        yield TransplantUnit(transplant_id=key, position=position, unit_id=known, **values)


def _form(
    row: HistoricRow,
    key: UUID,
    now: dt.datetime,
    person_id: UUID | None,
    version: int = 1,
    reason: str = "",
) -> FollowUp:
    """entered_by stays empty: a list speaks, whoever handed it in."""
    return FollowUp(
        transplant_id=key,
        visit=IMPORTED_VISIT,
        version=version,
        state=FormState.FINAL,
        entered_at=now,
        handed_in_at=now,
        handed_in_by_id=person_id,
        updated_at=now,
        correction_reason=reason[:400],
        **dict(zip(OF_FORM, row.form, strict=True)),
    )


def write_changed(
    changed: Sequence[tuple[HistoricRow, Known]],
    *,
    batch: TransplantBatch,
    actor: Actor,
    units: Mapping[str, UUID],
) -> list[UUID]:
    """What the list says anew; what it said before stays as a version of the form, and in the audit."""
    entries = [_change(row, known, batch, actor.person_id, units) for row, known in changed]
    audit.record_each(actor=actor, action="transplant.import", entries=entries, reason=batch.file_name)
    return [known.row.pk for _row, known in changed]


def _change(
    row: HistoricRow,
    known: Known,
    batch: TransplantBatch,
    person_id: UUID | None,
    units: Mapping[str, UUID],
) -> Entry:
    there, now = known.row, timezone.now()
    new = transplant_changes(row, there)
    before, after = audit.changes({name: getattr(there, name) for name in new}, new)
    for name, value in {**new, "batch": batch, "batch_line": row.line, "updated_at": now}.items():
        setattr(there, name, value)
    there.save(update_fields=[*new, "batch", "batch_line", "updated_at"])
    told = _change_units(row, known, units)
    current = known.current
    if not known.corrected and not form_same(row, known.listed):
        version = max((form.version for form in known.forms), default=0) + 1
        if current is not None:
            FollowUp.objects.filter(pk=current.pk).update(state=FormState.CORRECTED, updated_at=now)
        _form(row, there.pk, now, person_id, version, batch.file_name).save(force_insert=True)
        told["follow_up_version"] = (current.version if current else None, version)
    return Entry(
        there,
        before | {name: old for name, (old, _new) in told.items()},
        after | {name: fresh for name, (_old, fresh) in told.items()},
    )


def _change_units(row: HistoricRow, known: Known, units: Mapping[str, UUID]) -> dict[str, tuple[Any, Any]]:
    old = [{name: getattr(unit, name) for name in OF_UNIT} for unit in known.units]
    new = [dict(zip(OF_UNIT, unit, strict=True)) for unit in row.units]
    if old == new:
        return {}
    TransplantUnit.objects.filter(pk__in=[unit.pk for unit in known.units]).delete()
    copy_models(TransplantUnit, _units(row, known.row.pk, units))
    return {"units": (old, new)}


def digest(row: HistoricRow) -> str:
    """SHA-256 of what a row says, wherever it stands in its file."""
    said = [*row.key, row.values, row.units, row.form]
    return hashlib.sha256(json.dumps(said, cls=DjangoJSONEncoder).encode()).hexdigest()
