"""Numbers people can say on the telephone: RS-2026-0001, without gaps, at most 15 characters (EMDIS REF_CODE)."""

from __future__ import annotations

from typing import Final

from django.db import connection

RESERVATION: Final = "RS"
ORDER: Final = "OR"
CONFIRMATORY_TYPING: Final = "CT"
SHIPMENT: Final = "SH"
TRANSPLANT: Final = "TX"
EARLIER_TRANSPLANT: Final = "TE"  # taken over from a list; of the year of its day 0
INCIDENT: Final = "IN"
RECALL: Final = "RC"


def next_number(prefix: str, year: int) -> str:
    """The series' row is locked until the caller's transaction ends: take a number last of all."""
    return next_numbers(prefix, year, 1)[0]


def next_numbers(prefix: str, year: int, count: int) -> list[str]:
    """Several that follow one another, at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO transplants_numberseries (prefix, year, last) VALUES (%s, %s, %s)"
            " ON CONFLICT (prefix, year) DO UPDATE SET last = transplants_numberseries.last + EXCLUDED.last"
            " RETURNING last",
            [prefix, year, count],
        )
        last = int(cursor.fetchone()[0])
    return [f"{prefix}-{year}-{number:04d}" for number in range(last - count + 1, last + 1)]
