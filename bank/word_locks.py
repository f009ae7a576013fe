"""What mothers and the bank say may go abroad, and files that rest on it: one after the other.

A file holds a million units, and none of them is locked while it goes out. Whoever ends a consent or a declaration
takes this lock alone, whoever hands out a file together with others: the file goes before the end, or not at all.
"""

from __future__ import annotations

from typing import Final

from django.db import connection

_KEY: Final = (0x0C0F, 81)


def word_changes() -> None:
    """Of a transaction that records what somebody says; taken after the unit. Held until its end."""
    _take("pg_advisory_xact_lock")


def file_goes_out() -> None:
    """Of a transaction that judges and hands out; it locks no unit after this."""
    _take("pg_advisory_xact_lock_shared")


def _take(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", _KEY)
