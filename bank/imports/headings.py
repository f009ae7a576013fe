"""A file as the table that it is, whatever its columns are called: for whoever says what they mean."""

from __future__ import annotations

from dataclasses import dataclass

from bank.imports.errors import FileError
from bank.imports.files import WITH_HEADER, recognised
from bank.imports.mapping import MAX_HEADING
from bank.imports.raw import RawFile

MAX_MAPPED = 150  # columns; a form of more is no form
SAMPLES = 3
MAX_SAMPLE = 40


@dataclass(frozen=True)
class Table:
    """Headings, each once, and of each the first values that are not empty."""

    headings: list[str]
    samples: list[list[str]]


def table_of(data: bytes, *, max_rows: int) -> Table | None:
    """None where the file is no table with a header that could be mapped."""
    try:
        return table_in(recognised(data, max_rows=max_rows))
    except FileError:
        return None


def table_in(raw: RawFile) -> Table | None:
    """The same of a file that was read, before its columns got our names."""
    headings = list(dict.fromkeys(raw.header))
    if (
        raw.kind not in WITH_HEADER
        or len(headings) > MAX_MAPPED
        or any(len(name) > MAX_HEADING for name in headings)
    ):
        return None
    samples = []
    for heading in headings:
        place = raw.header.index(heading)
        values = (cells[place].strip() for _line, cells in raw.rows[:50] if place < len(cells))
        samples.append([value[:MAX_SAMPLE] for value in values if value][:SAMPLES])
    return Table(headings, samples)
