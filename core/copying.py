r"""Rows into a table by COPY, in the caller's transaction: the one place that knows how COPY wants its texts.

Two forms: CSV, for values of any kind (`copy_rows`, or `csv_text` and `copy_csv`); and lines of texts that are ready,
parted by tabs (`copy_lines`), where each text that may hold a backslash has gone through `escaped`. In both a bare
`\N` is NULL.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO, Any

from django.db import connection, models

NULL = r"\N"


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of values, each in the order of `columns`; None is NULL."""
    copy_csv(model, columns, io.StringIO(csv_text(rows)))


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    r"""Rows as `copy_csv` takes them. Lines end in "\r\n" so that a text with either of the two is put in quotes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows([NULL if value is None else value for value in row] for row in rows)
    return buffer.getvalue()


def copy_csv(model: type[models.Model], columns: Sequence[str], text: IO[str] | IO[bytes]) -> None:
    r"""Insert what csv_text wrote (bytes: in UTF-8).

    In columns that are never NULL, as all of text are, a bare `\N` is a text of two characters: somebody wrote it into
    the cell of a file.
    """
    can_be_null = {field.attname: field.null for field in model._meta.concrete_fields}
    never = [name for name in columns if not can_be_null[name]]
    options = f"FORMAT csv, NULL '{NULL}', FORCE_NOT_NULL ({_names(never)})"
    _copy(model, columns, f"WITH ({options})", text)


def lines_text(rows: Iterable[Iterable[str]]) -> io.StringIO:
    """Rows of texts as `copy_lines` takes them."""
    text = io.StringIO()
    for row in rows:
        text.write("\t".join(row))
        text.write("\n")
    return text


def copy_lines(model: type[models.Model], columns: Sequence[str], text: IO[str]) -> None:
    """Insert what `lines_text` wrote, from its beginning."""
    text.seek(0)
    _copy(model, columns, "", text)


def escaped(text: str) -> str:
    """A text for `copy_lines`; for one without tabs and line breaks, as JSON is."""
    return text.replace("\\", "\\\\")


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    return text.replace("\\\\", "\\")


def _copy(model: type[models.Model], columns: Sequence[str], options: str, text: IO[str] | IO[bytes]) -> None:
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
    ):  # as execute does: callers know Django's
        cursor.copy_expert(f'COPY "{model._meta.db_table}" ({_names(columns)}) FROM STDIN {options}', text)


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
