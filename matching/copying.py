"""Rows written by COPY, a fraction of the time that row objects take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from django.db import connection, models

NULL: Final = r"\N"


def copy_text(lines: Iterable[Iterable[str]]) -> StringIO:
    """Rows as COPY reads them: values between tabs, NULL for none; a backslash in a value is the caller's to double."""
    text = StringIO()
    for line in lines:
        text.write("\t".join(line))
        text.write("\n")
    text.seek(0)
    return text


def copy_in(model: type[models.Model], columns: Sequence[str], text: StringIO) -> None:
    """Insert what `copy_text` wrote, from its beginning."""
    text.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN", text)
