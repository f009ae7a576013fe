"""Where things stand in the exports of single-antigen tests: columns by their names, lines without any.

Programs call their columns otherwise in each version: SPECIFICITY_COLUMNS and MFI_COLUMNS, best first.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bank.imports.files import numbered
from hla.text import fold_text
from hospitals import choices
from hospitals.antibody_remarks import Remark

MAX_LINE = 240  # characters of a line without columns
MAX_COLUMNS = 200  # of a header; a line with more is none that a program writes
HEADER_WITHIN = 80  # lines; some exports tell a long story first
LINES_NAMED = 8  # that a remark lists

SPECIFICITY_COLUMNS = (
    "allelespecificity",
    "allele",
    "alleles",
    "beadspecificity",
    "specificity",
    "spec",
    "antigenspecificity",
    "antigen",
    "antigens",
    "serologicspecificity",
    "serologic",
    "serology",
    "hla",
    "等位基因",
    "特异性",
    "抗原",
)
# What a background was taken from may fall below zero and is 0 then; a raw value may not.
CORRECTED_COLUMNS = ("normal", "normalized", "normalizedmfi", "baseline", "baselinemfi", "bcm", "adjustedmfi")
MFI_COLUMNS = (
    "mfi",
    "mfivalue",
    *CORRECTED_COLUMNS,
    "trimmedmean",
    "median",
    "raw",
    "rawmfi",
    "rawvalue",
    "荧光强度",
    "平均荧光强度",
)
# As a message names them.
SHOWN_NAMES, SHOWN_VALUES = "Allele Specificity, Specificity, Antigen", "MFI, Normal, Baseline, BCM, Raw"
SAMPLE_COLUMNS = frozenset({"sampleid", "sample", "samplename", "patientid", "patient", "样本号", "样本编号"})
CONTROLS = frozenset(
    {
        "nc",
        "pc",
        "neg",
        "pos",
        "con",
        "control",
        "negativecontrol",
        "positivecontrol",
        "negcontrol",
        "poscontrol",
    }
    | {"阴性对照", "阳性对照"}
)
POSITIVE = frozenset({"positive", "pos", "+", "阳性"})
NEGATIVE = frozenset({"negative", "neg", "阴性"})

WORDS = "|".join(re.escape(word) for word in sorted(POSITIVE | NEGATIVE, key=len, reverse=True))
# The value that ends a line: a word, or a number behind a sign that separates. Each is searched in linear time.
WORD_AT = re.compile(rf"(?<=[\s,;=])(?:{WORDS})\Z", re.IGNORECASE)
NUMBER_AT = re.compile(r"(?<=[\s,;=])[-+]?[0-9]")
FIRST_DIGIT = re.compile(r"\d")
SEPARATORS = " \t,;="
NOT_NAME = re.compile(r"[\W_]+")
DASHES = re.compile(r"[\s,;/._-]*")


@dataclass(frozen=True)
class Row:
    """One line: the cell with the specificity, and the one with the MFI, as written."""

    line: int
    written: str
    mfi: str


@dataclass(frozen=True)
class Table:
    """Where things stand in a table: indices of columns, -1 for none; the line of the header."""

    line: int
    delimiter: str
    header: list[str]
    specificity: list[int]
    mfi: list[int]
    sample: int


class Refused(Exception):
    """Something that cannot be read, named by a remark."""

    def __init__(self, code: str, line: int = 0, column: str = "", **params: Any) -> None:
        super().__init__(code)
        self.remark = Remark(line, column, code, params)


def find_table(lines: list[str]) -> Table | None:
    """The first line that names a column of specificities and one of MFI, by the delimiter that finds most columns."""
    for number, line in enumerate(lines[:HEADER_WITHIN], start=1):
        if (signs := max(map(line.count, ",;\t"))) >= MAX_COLUMNS:
            raise Refused("too_many_columns", number, limit=MAX_COLUMNS, count=signs + 1)
        for delimiter in sorted(",;\t", key=line.count, reverse=True):
            header = [cell.strip().strip('"').strip() for cell in line.split(delimiter)]
            names = [folded(name) for name in header]
            specificity = [names.index(name) for name in SPECIFICITY_COLUMNS if name in names]
            mfi = [names.index(name) for name in MFI_COLUMNS if name in names]
            if specificity and mfi:
                sample = next((at for at, name in enumerate(names) if name in SAMPLE_COLUMNS), -1)
                return Table(number, delimiter, header, specificity, mfi, sample)
    return None


def table_cells(table: Table, lines: list[str], errors: list[Remark]) -> Iterator[tuple[int, list[str]]]:
    """Rows below the header, with their line; a line that csv cannot read ends the reading with an error."""
    reader = csv.reader(lines[table.line :], delimiter=table.delimiter, strict=True)
    for line, cells in numbered(reader):
        if cells is None:
            errors.append(Remark(table.line + line, "", "csv_broken"))
        elif any(cell.strip() for cell in cells):
            yield table.line + line, cells


def plain_rows(lines: list[str]) -> Iterator[Row]:
    """Lines of a specificity and its MFI, in any of the usual writings."""
    for number, line in enumerate(lines, start=1):
        bare = fold_text(line).strip().rstrip(";,").strip()
        if not bare:
            continue
        at = value_at(bare) if len(bare) <= MAX_LINE else -1
        yield Row(number, bare[:at].rstrip(SEPARATORS), bare[at:]) if at >= 0 else Row(number, bare, "")


def value_at(line: str) -> int:
    """Where the value of a line begins: behind the first separator that nothing but a value follows; -1 without one.

    Before it stands a name, which has a digit. Linear in the length of the line, whatever stands in it.
    """
    digit = FIRST_DIGIT.search(line)
    if digit is None:
        return -1
    if word := WORD_AT.search(line):
        return word.start() if digit.start() < word.start() else -1
    tail = len(line.rstrip("0123456789.,"))  # from here on all is of a value, but for a sign before
    starts = (found.start() for found in NUMBER_AT.finditer(line, max(tail - 1, 0)))
    return next((start for start in starts if digit.start() < start), -1)


def call_of(value: str) -> str:
    """How a value calls its specificity without a number, "" if it does not."""
    folded_value = value.casefold()
    if folded_value in POSITIVE:
        return str(choices.BeadCall.POSITIVE)
    return str(choices.BeadCall.NEGATIVE) if folded_value in NEGATIVE else ""


def folded(name: str) -> str:
    """A name of a column or control without case, blanks and signs."""
    return NOT_NAME.sub("", name).casefold()


def is_blank(cell: str) -> bool:
    """Whether a cell names nothing: "", "-", "-,-,-"."""
    return DASHES.fullmatch(cell) is not None


def listed(lines: list[int] | tuple[int, ...]) -> str:
    """The first few lines, and how many more there are; without words, for every language."""
    more = len(lines) - LINES_NAMED
    return ", ".join(map(str, lines[:LINES_NAMED])) + (f", … (+{more})" if more > 0 else "")
