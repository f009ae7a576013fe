"""Rows of a CSV file for `manage.py estimate`: columns of text, numbers where numbers are meant, lines for messages."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transplants.statistics.arrays import Floats, quoted
from transplants.statistics.errors import StatisticsError

NEEDED: Final = ("time", "event")
RESERVED: Final = ("time", "event", "entry", "subject", "strata")


class FileError(ValueError):
    """The file cannot be read as a table; the text says where, why and what to do."""


@dataclass(frozen=True)
class Rows:
    """columns: values by name, all of one length. lines: line of the file on which each row ends."""

    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def has(self, name: str) -> bool:
        return name in self.columns

    def column(self, name: str) -> list[str]:
        if name not in self.columns:
            there = ", ".join(self.columns)
            raise FileError(f"There is no column {name}. There are {there}. Rename one in the first line.")
        return self.columns[name]

    def numbers(self, name: str, text_code: str = "not_a_number") -> Floats:
        """Raises StatisticsError at the first value that is blank or no number."""
        values = np.empty(len(self))
        for row, text in enumerate(self.column(name)):
            if not text:
                raise StatisticsError("missing", column=name, row=row)
            try:
                values[row] = float(text)
            except ValueError:
                raise StatisticsError(text_code, column=name, row=row, value=quoted(text)) from None
        return values

    def labels(self, name: str) -> Sequence[object]:
        """Labels as whole numbers if all are, so that 10 sorts behind 9; else as text."""
        values = self.column(name)
        try:
            return [int(text) for text in values]
        except ValueError:
            return values

    def told(self, error: StatisticsError) -> str:
        """The error with the line of the file in place of the number of the row."""
        return error.told(f"line {self.lines[error.row]}" if error.row is not None else "")


def read_rows(lines: Iterable[str]) -> Rows:
    """A CSV file (comma, semicolon or tab; names of columns in line 1). Blank lines are left out. Raises FileError."""
    text = iter(lines)
    head = next(text, "").removeprefix("\ufeff").rstrip("\r\n")
    if not head.strip():
        raise FileError(
            "The first line is empty. Write the names of the columns into it, such as time,event,group."
        )
    separator = max(",;\t", key=head.count)
    names = [name.strip() for name in next(csv.reader([head], delimiter=separator))]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileError(f"Line 1: the column {twice[0]} is there twice. Rename or remove one.")
    columns: dict[str, list[str]] = {name: [] for name in names}
    numbers = []
    reader = csv.reader(text, delimiter=separator)
    for values in reader:
        if not any(value.strip() for value in values):
            continue
        line = reader.line_num + 1
        if len(values) != len(names):
            raise FileError(
                f"Line {line}: {len(values)} values for {len(names)} columns. "
                "Put values that hold the separator into quotation marks."
            )
        for name, value in zip(names, values, strict=True):
            columns[name].append(value.strip())
        numbers.append(line)
    return Rows(columns, numbers)
