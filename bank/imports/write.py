"""Checked rows into the tables by COPY: one stream per table, in the caller's transaction."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, models

from bank.choices import ANALYTE_UNIT, Analyte, Source, TimePoint, TypingSource
from bank.imports.rows import UnitRow
from bank.models import HLA_COLUMNS, LISTED_LOCI, CordBloodUnit, HlaTyping, ImportBatch, Measurement
from hla.errors import Note
from hla.typing import Typing

NULL = r"\N"
_VALUES = ("din", "collected_on", "sex", "abo", "rh", "volume_ml", "tnc_e7", "cd34_e6", "segments")
_TEXTS = frozenset({"din", "sex", "abo", "rh"})
_MEASURED = (("volume_ml", Analyte.VOLUME), ("tnc_e7", Analyte.TNC), ("cd34_e6", Analyte.CD34))
UNIT_COLUMNS = (
    "id", "bank_id", "source", "unit_no", *_VALUES, "populations", "status", "held_for_confirmation", "held_reasons",
    "counts_invented", "synthetic", *HLA_COLUMNS, "hla_tags", "import_batch_id", "import_line", "import_digest",
    "status_before_hold", "hold_reason", "discard_reason", "status_when_confirmed", "donation_id",
    "typing_conflict",
)  # fmt: skip
TYPING_COLUMNS = (
    "id", "unit_id", "loci", "canonical_gl", "notes", "nomenclature", "mac_version", "source", "entered_by_id",
)  # fmt: skip
MEASUREMENT_COLUMNS = (
    "id", "unit_id", "time_point", "analyte", "value", "measure_unit", "method", "invented", "entered_by_id",
)  # fmt: skip


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    r"""COPY into the table of `model`. None and "\N" are NULL; texts must not be "\N" themselves."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow([NULL if value is None else value for value in row])
    buffer.seek(0)
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.copy_expert(
            f"""COPY "{model._meta.db_table}" ({names}) FROM STDIN WITH (FORMAT csv, NULL '{NULL}')""", buffer
        )


def write_units(rows: Sequence[UnitRow], batch: ImportBatch, *, synthetic: bool = False) -> dict[str, UUID]:
    """Units, their current typings and their counts. Gives the new id of each unit number."""
    ids = {row.unit_no: uuid4() for row in rows}
    user_id = batch.user_id
    copy_rows(CordBloodUnit, UNIT_COLUMNS, (_unit(row, ids[row.unit_no], batch, synthetic) for row in rows))
    copy_rows(
        HlaTyping, TYPING_COLUMNS, (_typing(row, ids[row.unit_no], batch) for row in rows if row.typing)
    )
    copy_rows(
        Measurement,
        MEASUREMENT_COLUMNS,
        (line for row in rows for line in _measurements(row, ids[row.unit_no], user_id)),
    )
    _forget_plans()
    return ids


def _forget_plans() -> None:
    """Foreign keys are checked at commit by plans that PostgreSQL made when the tables may have been empty:
    sequential scans, quadratic in the size of the file. New plans see the rows that have just come in."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def _unit(row: UnitRow, unit_id: UUID, batch: ImportBatch, synthetic: bool) -> list[Any]:
    values = [row.values.get(name, "" if name in _TEXTS else None) for name in _VALUES]
    held = json.dumps(row.held, ensure_ascii=False)
    return [
        unit_id, batch.bank_id, Source.OWN.value, row.unit_no, *values, row.values.get("population", ""),
        row.status, bool(row.held), held, row.invented, synthetic, *hla_values(row), _array(row.tags), batch.pk,
        row.line, row.digest,
        row.values.get("status_before_hold", ""), row.values.get("hold_reason", ""),
        row.values.get("discard_reason", ""), row.wanted_status if row.held else "",
        row.values.get("donation_id"), bool(row.conflicts),
    ]  # fmt: skip


def hla_values(row: UnitRow) -> list[str]:
    """The texts of HLA_COLUMNS, in that order."""
    pairs = (row.typing.get(locus) for locus in LISTED_LOCI)
    return [text for pair in pairs for text in ((pair.first, pair.second) if pair else ("", ""))]


def _typing(row: UnitRow, unit_id: UUID, batch: ImportBatch) -> list[Any]:
    notes = [[locus, *_note(note)] for locus, pair in row.typing.items() for note in pair.notes]
    return [
        uuid4(), unit_id, json.dumps(row.as_typed), Typing.of(row.typing.values()).gl(), json.dumps(notes),
        batch.nomenclature, batch.mac_version, TypingSource.IMPORT.value, batch.user_id,
    ]  # fmt: skip


def _note(note: str) -> tuple[str, dict[str, Any]]:
    return (note.code, note.params) if isinstance(note, Note) else (note, {})


def _measurements(row: UnitRow, unit_id: UUID, user_id: UUID | None) -> Iterable[list[Any]]:
    for name, analyte in _MEASURED:
        value = row.values.get(name)
        if value is not None:
            yield [
                uuid4(), unit_id, TimePoint.PROCESSING.value, analyte.value, value,
                str(ANALYTE_UNIT[analyte]), "", row.invented, user_id,
            ]  # fmt: skip


def _array(items: Iterable[str]) -> str:
    """A PostgreSQL array literal; the items are HLA names, which hold no quote and no backslash."""
    return "{" + ",".join(f'"{item}"' for item in items) + "}"
