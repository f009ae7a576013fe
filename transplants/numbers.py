"""Numbers people can say on the telephone: RS-2026-0001, without gaps, at most 15 characters (EMDIS REF_CODE)."""

from __future__ import annotations

from typing import Final

from django.db import connection

RESERVATION: Final = "RS"
ORDER: Final = "OR"
CONFIRMATORY_TYPING: Final = "CT"
SHIPMENT: Final = "SH"
TRANSPLANT: Final = "TX"
INCIDENT: Final = "IN"
RECALL: Final = "RC"


def next_number(prefix: str, year: int) -> str:
    """The series' row is locked until the caller's transaction ends: take a number last of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO transplants_numberseries (prefix, year, last) VALUES (%s, %s, 1)"
            " ON CONFLICT (prefix, year) DO UPDATE SET last = transplants_numberseries.last + 1 RETURNING last",
            [prefix, year],
        )
        return f"{prefix}-{year}-{cursor.fetchone()[0]:04d}"
