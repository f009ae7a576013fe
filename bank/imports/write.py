"""Checked rows into the tables by COPY: one stream per table, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from django.db import connection

from bank.choices import ANALYTE_UNIT, Source, Subject, TypingSource
from bank.choices_stocks import SampleKind
from bank.imports.columns import MEASURED_COLUMNS
from bank.imports.origin import Origin
from bank.imports.rows import UnitRow
from bank.models import (
    HLA_COLUMNS,
    LISTED_LOCI,
    CordBloodUnit,
    HaemoglobinopathyResult,
    HlaTyping,
    ImportBatch,
    Measurement,
    UnitSample,
)
from core.copying import copy_rows
from hla.errors import Note
from hla.typing import LocusTyping, Typing

CHUNK = 10_000
_VALUES = ("din", "collected_on", "sex", "abo", "rh", "volume_ml", "tnc_e7", "cd34_e6", "segments")
_TEXTS = frozenset({"din", "sex", "abo", "rh"})
_MEASURED = tuple(
    (name, point.value, analyte.value, str(ANALYTE_UNIT[analyte]))
    for name, (point, analyte) in MEASURED_COLUMNS.items()
)
UNIT_COLUMNS = (
    "id", "bank_id", "source", "donor_type", "unit_no", "grid", *_VALUES, "populations", "status",
    "held_for_confirmation", "held_reasons",
    "counts_invented", "synthetic", *HLA_COLUMNS, "hla_tags", "import_batch_id", "import_line", "import_digest",
    "status_before_hold", "hold_reason", "discard_reason", "status_when_confirmed", "donation_id",
    "typing_conflict", "red_cells", "processing_method", "product_code",
)  # fmt: skip
TYPING_COLUMNS = (
    "id", "unit_id", "subject", "loci", "canonical_gl", "notes", "nomenclature", "mac_version", "source",
    "entered_by_id",
)  # fmt: skip
MEASUREMENT_COLUMNS = (
    "id", "unit_id", "time_point", "analyte", "value", "measure_unit", "method", "invented", "entered_by_id",
)  # fmt: skip
SAMPLE_COLUMNS = ("id", "unit_id", "subject", "kind", "opening", "remaining", "entered_by_id")
SCREEN_COLUMNS = ("id", "unit_id", "result", "method", "tested_on", "entered_by_id")


def write_units(rows: Sequence[UnitRow], batch: ImportBatch) -> None:
    """Units, their current typings, their counts and the opening entry of their segments.

    A part after the other, so that the texts stay small.
    """
    origin = Origin.of(batch)
    for start in range(0, len(rows), CHUNK):
        _write(rows[start : start + CHUNK], origin)
    forget_plans()


def _write(rows: Sequence[UnitRow], origin: Origin) -> None:
    ids = {row.unit_no: str(uuid4()) for row in rows}
    copy_rows(CordBloodUnit, UNIT_COLUMNS, (unit_line(row, ids[row.unit_no], origin) for row in rows))
    copy_rows(
        HlaTyping,
        TYPING_COLUMNS,
        ([uuid4(), *line] for row in rows for line in typing_lines(row, ids[row.unit_no], origin)),
    )
    copy_rows(
        Measurement,
        MEASUREMENT_COLUMNS,
        ([uuid4(), *line] for row in rows for line in measurement_lines(row, ids[row.unit_no], origin)),
    )
    screened = (row for row in rows if row.values.get("haemoglobinopathy"))
    copy_rows(
        HaemoglobinopathyResult,
        SCREEN_COLUMNS,
        ([uuid4(), *screen_line(row, ids[row.unit_no], origin)] for row in screened),
    )
    if origin.source == Source.OWN:  # a partner's samples are the partner's
        kept = (row for row in rows if row.values.get("segments") is not None)
        lines = ([uuid4(), *segments_line(row, ids[row.unit_no], origin)] for row in kept)
        copy_rows(UnitSample, SAMPLE_COLUMNS, lines)


def forget_plans() -> None:
    """Foreign keys are checked at commit by plans that PostgreSQL made when the tables may have been empty:
    sequential scans, quadratic in the size of the file. New plans see the rows that have just come in."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def unit_line(row: UnitRow, unit_id: object, origin: Origin) -> list[Any]:
    """The values of UNIT_COLUMNS."""
    values = [row.values.get(name, "" if name in _TEXTS else None) for name in _VALUES]
    held = json.dumps(row.held, ensure_ascii=False) if row.held else "[]"
    return [
        unit_id, origin.bank_id, origin.source, origin.donor_type, row.unit_no, row.values.get("grid", ""),
        *values, row.values.get("population", ""),
        row.status, bool(row.held), held, row.invented, origin.synthetic, *hla_values(row), _array(row.tags),
        origin.batch_id, row.line, row.digest,
        row.values.get("status_before_hold", ""), row.values.get("hold_reason", ""),
        row.values.get("discard_reason", ""), row.wanted_status if row.held else "",
        row.values.get("donation_id"), bool(row.conflicts), row.values.get("red_cells", ""),
        row.values.get("processing_method", ""), row.values.get("product_code", ""),
    ]  # fmt: skip


def hla_values(row: UnitRow) -> list[str]:
    """The texts of HLA_COLUMNS, in that order."""
    pairs = (row.typing.get(locus) for locus in LISTED_LOCI)
    return [text for pair in pairs for text in ((pair.first, pair.second) if pair else ("", ""))]


def typing_lines(row: UnitRow, unit_id: object, origin: Origin) -> Iterator[list[Any]]:
    """The values of TYPING_COLUMNS without the first, the id: of the unit and of its mother, as far as typed."""
    if row.typing:
        yield _typing_line(Subject.UNIT, row.typing, row.as_typed, (), unit_id, origin)
    if row.mother:
        found = row.mother, row.mother_as_typed, row.mother_differs
        yield _typing_line(Subject.MOTHER, *found, unit_id, origin)


def _typing_line(
    subject: Subject,
    typing: Mapping[str, LocusTyping],
    as_typed: Mapping[str, tuple[str, str]],
    remarks: Sequence[tuple[str, Note]],
    unit_id: object,
    origin: Origin,
) -> list[Any]:
    notes = [[locus, *_note(note)] for locus, note in remarks]
    notes += [[locus, *_note(note)] for locus, pair in typing.items() for note in pair.notes]
    told = json.dumps(notes) if notes else "[]"
    return [
        unit_id, subject.value, json.dumps(as_typed), Typing.of(typing.values()).gl(), told,
        origin.nomenclature, origin.mac_version, TypingSource.IMPORT.value, origin.user_id,
    ]  # fmt: skip


def _note(note: str) -> tuple[str, dict[str, Any]]:
    return (note.code, note.params) if isinstance(note, Note) else (note, {})


def measurement_lines(row: UnitRow, unit_id: object, origin: Origin) -> Iterator[list[Any]]:
    """The values of MEASUREMENT_COLUMNS without the first, the id, for each value that is given."""
    for name, time_point, analyte, measure_unit in _MEASURED:
        value = row.values.get(name)
        if value is not None:
            yield [
                unit_id, time_point, analyte, value, measure_unit, "", row.invented,
                origin.user_id,
            ]  # fmt: skip


def screen_line(row: UnitRow, unit_id: object, origin: Origin) -> list[Any]:
    """The values of SCREEN_COLUMNS without the first, the id, of a unit with a result."""
    get = row.values.get
    method, day = get("haemoglobinopathy_method", ""), get("haemoglobinopathy_on")
    return [unit_id, get("haemoglobinopathy"), method, day, origin.user_id]


def segments_line(row: UnitRow, unit_id: object, origin: Origin, used: int = 0) -> list[Any]:
    """The values of SAMPLE_COLUMNS without the first, the id, of a unit whose number of segments is known: how many are
    left, and before that were used."""
    left = row.values["segments"]
    return [unit_id, Subject.UNIT.value, SampleKind.SEGMENT.value, left + used, left, origin.user_id]


def _array(items: Iterable[str]) -> str:
    """A PostgreSQL array literal; the items are HLA names: letters, digits, `*` and `:`, which need no quotes."""
    return "{" + ",".join(items) + "}"
