"""Files of the inventory in which a unit was told of. Each file keeps a digest of each unit, in the order of their
keys; it is looked up in the database by halving, so that a file of a million units is not read for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from bank.choices import UpdateMode
from bank.dossier.records import Field, Record, made
from bank.dossier.registry import Subject
from bank.models import InventoryExport

# 24 bytes a unit: its key, then the digest (bank.exports.digests).
_SQL = """
    WITH RECURSIVE halved AS (
        SELECT id, 0 AS low, octet_length(digests) / 24 - 1 AS high
        FROM bank_inventoryexport WHERE bank_id = %(bank)s AND snapshot_time IS NOT NULL
        UNION ALL
        SELECT h.id,
            CASE WHEN substring(e.digests FROM (h.low + h.high) / 2 * 24 + 1 FOR 16) < %(key)s
                THEN (h.low + h.high) / 2 + 1 ELSE h.low END,
            CASE WHEN substring(e.digests FROM (h.low + h.high) / 2 * 24 + 1 FOR 16) < %(key)s
                THEN h.high ELSE (h.low + h.high) / 2 END
        FROM halved h JOIN bank_inventoryexport e ON e.id = h.id
        WHERE h.low < h.high
    )
    SELECT h.id, substring(e.digests FROM h.low * 24 + 17 FOR 8)
    FROM halved h JOIN bank_inventoryexport e ON e.id = h.id
    WHERE h.low = h.high AND substring(e.digests FROM h.low * 24 + 1 FOR 16) = %(key)s
"""
TOLD = {
    "written": lambda: _("with its values"),
    "removed": lambda: _("as gone"),
}


def exports(subject: Subject) -> list[Record]:
    """A FULL file tells of all on offer; a DIFF of those that are new, changed or gone since the file before it."""
    unit = subject.unit
    found = digests_of(unit.pk, unit.bank_id)
    rows = InventoryExport.objects.finished().filter(bank=unit.bank_id).defer("digests")
    return [
        Record(row._meta.label, str(row.pk), _fields(row, told))
        for row in rows.order_by("snapshot_time", "pk")
        if (told := _told(row, found))
    ]


def digests_of(unit_id: UUID, bank_id: UUID) -> dict[UUID, bytes]:
    """File -> what it keeps of the unit; a file that does not name it is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"bank": str(bank_id), "key": unit_id.bytes})
        return {key: bytes(digest) for key, digest in cursor.fetchall()}


def _told(row: InventoryExport, found: Mapping[UUID, bytes]) -> str:
    """A key of TOLD; "" where the file says nothing of the unit."""
    now = found.get(row.pk)
    if row.mode == UpdateMode.FULL:
        return "written" if now else ""
    before = found.get(row.since_id) if row.since_id else None
    if now is None:
        return "removed" if before else ""
    return "written" if now != before else ""


def _fields(row: InventoryExport, told: str) -> tuple[Field, ...]:
    values: dict[str, Any] = {
        "snapshot_time": row.snapshot_time,
        "mode": row.mode,
        "sha256": row.sha256,
        "made_by": row.made_by,
        "schema_version": row.schema_version,
    }
    return (
        made("file", row.file_name),
        Field("told", told, TOLD[told]()),
        *(made(name, value) for name, value in values.items()),
    )
