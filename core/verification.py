"""Verification of the ledger: numbers without a gap, an unbroken hash chain, entries as they were hashed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from django.db import connection

from core.models import Ledger

MAX_FINDINGS = 100


@dataclass
class LedgerReport:
    """`hash` is the newest link (hex): whoever wrote it down elsewhere can prove that the past is unchanged."""

    rows: int = 0
    head: int = 0
    hash: str = ""
    findings: list[str] = field(default_factory=list)


def verify_ledger() -> LedgerReport:
    """Streams the whole ledger once; memory does not grow with it."""
    report = LedgerReport()
    _verify_chain(report)
    _verify_entries(report)
    return report


def _verify_chain(report: LedgerReport) -> None:
    previous = b""
    for row in Ledger.objects.order_by("number").iterator(chunk_size=5000):
        report.rows += 1
        if row.number != report.head + 1:
            _find(report, f"number {report.head + 1} is missing before {row.number}")
        link = chained_hash(bytes(previous), row.number, row.row)
        if bytes(row.previous_hash) != previous:
            _find(report, f"row {row.number} does not continue the row before it")
        if bytes(row.hash) != link:
            _find(report, f"row {row.number} was changed after it was written")
        report.head, previous = row.number, bytes(row.hash)
    report.hash = previous.hex()


def chained_hash(previous: bytes, number: int, row: str) -> bytes:
    """SHA-256 over the previous link, the number and the text of the row: as the trigger computes it."""
    return hashlib.sha256(previous + f"{number}\n{row}".encode()).digest()


_COMPARE = {
    "entry {0} stands in the audit but not in the ledger": """
        SELECT a.id FROM core_auditentry a LEFT JOIN core_ledger l ON l.entry_id = a.id WHERE l.number IS NULL""",
    "the entry of ledger row {0} was deleted from the audit": """
        SELECT l.number FROM core_ledger l LEFT JOIN core_auditentry a ON a.id = l.entry_id WHERE a.id IS NULL""",
    "the entry of ledger row {0} was changed in the audit": """
        SELECT l.number FROM core_ledger l JOIN core_auditentry a ON a.id = l.entry_id
        WHERE l."row"::jsonb <> to_jsonb(a)""",
}


def _verify_entries(report: LedgerReport) -> None:
    with connection.cursor() as cursor:
        for text, sql in _COMPARE.items():
            cursor.execute(f"{sql} LIMIT {MAX_FINDINGS}")
            for (key,) in cursor.fetchall():
                _find(report, text.format(key))


def _find(report: LedgerReport, text: str) -> None:
    if len(report.findings) < MAX_FINDINGS:
        report.findings.append(text)
