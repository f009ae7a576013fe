"""A CSV with a few named columns, for what is no file of units: places, readings of tanks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from bank.imports.errors import FileError, Finding
from bank.imports.files import decode, numbered, unpack
from bank.imports.raw import MEGABYTE

MAX_BYTES = 5 * MEGABYTE
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Columns:
    """What such a file may hold: columns that it needs, and others that it may have."""

    needed: tuple[str, ...]
    other: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.needed, *self.other)


@dataclass(frozen=True)
class Row:
    """One line of the file: cells by column, stripped; "" for a column that the file has not."""

    line: int
    cells: dict[str, str]


def read(data: bytes, columns: Columns, *, max_rows: int) -> tuple[list[Row], list[Finding]]:
    """The rows, and what is wrong with single lines. Comma, semicolon or tab; UTF-8 or GB18030; gzip too.

    Raises FileError: those of files.unpack and files.decode, file_too_large, file_empty, file_no_rows, columns_needed,
    column_twice, column_unknown, too_many_lines.
    """
    if len(data) > MAX_BYTES:
        raise FileError("file_too_large", limit=MAX_BYTES // MEGABYTE)
    text = decode(unpack(data))
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise FileError("file_empty")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    rows: list[Row] = []
    broken: list[Finding] = []
    for line, cells in numbered(reader):
        if cells is None:
            broken.append(Finding(line, "", "csv_broken"))
        elif not any(cell.strip() for cell in cells):
            continue
        elif not header:
            header = header_of(cells, columns)
        elif len(cells) != len(header):
            params = {"given": len(cells), "expected": len(header)}
            broken.append(Finding(line, "", "cells_count", params))
        else:
            named = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            rows.append(Row(line, {name: named.get(name, "") for name in columns.known}))
    if len(rows) > max_rows:
        raise FileError("too_many_lines", limit=max_rows)
    if not rows and not broken:
        raise FileError("file_no_rows")
    return rows, broken


def header_of(cells: Sequence[str], columns: Columns) -> list[str]:
    """The columns of a first line. Raises FileError: column_unknown, column_twice, columns_needed."""
    header = [cell.strip().lower() for cell in cells]
    known = ", ".join(columns.known)
    for number, name in enumerate(header):
        if name not in columns.known:
            raise FileError("column_unknown", line=1, column=name[:40], name=name[:40], known=known)
        if name in header[:number]:
            raise FileError("column_twice", line=1, column=name, name=name)
    if any(name not in header for name in columns.needed):
        raise FileError("columns_needed", line=1, needed=", ".join(columns.needed))
    return header
