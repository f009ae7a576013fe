"""Exports of single-antigen tests, and lists written by hand, to beads: every line is checked, all errors at once.

A table needs a header with a column for the specificity and one for the MFI; what stands above it (session, sample,
kit) is passed over. Without a header each line is a specificity and its MFI: "A24 12000", "DQA1*05:01, DQB1*02:01;
8000". Programs call their columns otherwise in each version: SPECIFICITY_COLUMNS and MFI_COLUMNS, best first.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core import reference
from hla.antibodies import Specificity, parse_bead
from hla.errors import TypingError
from hla.text import fold_text
from hospitals import choices
from hospitals.antibodies import called
from hospitals.antibody_remarks import Remark

MAX_CHARACTERS = 1_000_000
MAX_LINES = 5_000
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
UNGROUPED = re.compile(r"\D?\d{4}")
NUMBER = re.compile(r"([-+]?)(\d+)(?:[.,](\d+))?")
GROUPED = re.compile(r"([-+]?)([1-9]\d{0,2}(?:([.,])\d{3})(?:\3\d{3})*)(?:(?!\3)[.,](\d+))?")


@dataclass(frozen=True)
class ReadBead:
    """One specificity of the text. lines: all that name it; mfi: the highest, None if only `called`."""

    lines: tuple[int, ...]
    written: str
    specificity: Specificity
    mfi: int | None
    called: str = ""

    @property
    def is_called_positive(self) -> bool:
        return self.called == choices.BeadCall.POSITIVE


@dataclass(frozen=True)
class BeadReading:
    """A text as far as it could be read: beads in the order of their loci, errors, remarks on what was done."""

    beads: tuple[ReadBead, ...]
    errors: tuple[Remark, ...]
    remarks: tuple[Remark, ...]


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


class _Refused(Exception):
    """Something that cannot be read, named by a remark."""

    def __init__(self, code: str, line: int = 0, column: str = "", **params: Any) -> None:
        super().__init__(code)
        self.remark = Remark(line, column, code, params)


def read_bead_rows(rows: Iterable[Row]) -> BeadReading:
    """Rows that were typed by hand; `line` of an error is that of its row."""
    reader = _Reader("")
    reader.take_all(list(rows))
    return reader.reading()


def read_bead_text(text: str, *, mfi_column: str = "") -> BeadReading:
    """Read a pasted or uploaded text; never raises for bad input.

    mfi_column: name of the column to take the MFI from, where there are several; "" for the best one.
    """
    reader = _Reader(mfi_column.strip())
    try:
        reader.read(text.replace("\0", " "))
    except _Refused as refused:
        reader.errors.append(refused.remark)
    return reader.reading()


class _Reader:
    """Reads one text, gathering what is wrong and what was done."""

    def __init__(self, mfi_column: str) -> None:
        self.mfi_column = mfi_column
        self.resolver = reference.resolver()
        self.errors: list[Remark] = []
        self.remarks: list[Remark] = []
        self.found: dict[Specificity, list[ReadBead]] = {}
        self.lines: dict[str, list[int]] = {"controls": [], "negatives": [], "below_zero": []}
        self.corrected = False
        self.ungrouped = False

    def read(self, text: str) -> None:
        if not text.strip():
            raise _Refused("empty")
        if len(text) > MAX_CHARACTERS:
            raise _Refused("too_long", limit=MAX_CHARACTERS)
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            raise _Refused("too_many_lines", limit=MAX_LINES)
        table = find_table(lines)
        if table is None and self.mfi_column:
            raise _header_unknown()
        rows = list(self.table_rows(table, lines)) if table else list(plain_rows(lines))
        if not rows and not self.errors:
            raise _Refused("empty")
        self.take_all(rows)
        if table is None and len({error.line for error in self.errors}) > len(rows) / 2 and len(rows) > 2:
            self.errors.append(_header_unknown().remark)

    def take_all(self, rows: list[Row]) -> None:
        self.ungrouped = any(UNGROUPED.match(row.mfi) for row in rows)
        for row in rows:
            self.take(row)
        if len(self.found) > choices.MAX_BEADS:
            self.errors.append(Remark(0, "", "too_many_beads", {"limit": choices.MAX_BEADS}))

    def reading(self) -> BeadReading:
        for code, lines in self.lines.items():
            if lines:
                self.remarks.append(Remark(0, "", code, {"lines": listed(lines)}))
        beads = [self.merged(ones) for ones in self.found.values()]
        beads.sort(key=lambda bead: bead.specificity.sort_key)
        errors = sorted(self.errors, key=lambda error: error.line)
        return BeadReading(tuple(beads), tuple(errors), tuple(self.remarks))

    def merged(self, ones: list[ReadBead]) -> ReadBead:
        """One bead of all that name the same: the first with the highest MFI; a positive call stays beside it."""
        best = max(ones, key=lambda one: -1 if one.mfi is None else one.mfi)
        lines = tuple(dict.fromkeys(one.lines[0] for one in ones))
        if len(lines) > 1:
            params = {"name": best.specificity.text, "lines": listed(lines)}
            self.remarks.append(Remark(0, "", "twice", params))
        call = called([(one.mfi, one.called) for one in ones])
        return ReadBead(lines, best.written, best.specificity, best.mfi, call)

    def table_rows(self, table: Table, lines: list[str]) -> Iterator[Row]:
        mfi = self.choose_mfi(table)
        samples = set()
        for line, cells in table_cells(table, lines, self.errors):
            if any(cell.strip() for cell in cells[len(table.header) :]):
                self.errors.append(Remark(line, "", "cells_count"))
                continue
            cells = [*cells, *[""] * len(table.header)]
            written = next((cells[at].strip() for at in table.specificity if not is_blank(cells[at])), "")
            if table.sample >= 0 and (sample := cells[table.sample].strip()):
                samples.add(sample)
            yield Row(line, written, cells[mfi].strip())
        if len(samples) > 1:
            column = table.header[table.sample]
            self.errors.append(Remark(0, column, "several_samples", {"count": len(samples)}))

    def choose_mfi(self, table: Table) -> int:
        """The column that is asked for, else the best one; says which."""
        at = table.mfi[0]
        if self.mfi_column:
            names = [folded(name) for name in table.header]
            if folded(self.mfi_column) not in names:
                known = ", ".join(name for name in table.header if name)[:MAX_LINE]
                raise _Refused("mfi_column_unknown", table.line, name=self.mfi_column[:60], known=known)
            at = names.index(folded(self.mfi_column))
        others = ", ".join(table.header[other] for other in table.mfi if other != at)
        code = "column_used_of" if others else "column_used"
        self.remarks.append(Remark(0, "", code, {"name": table.header[at], "others": others}))
        self.corrected = folded(table.header[at]) in CORRECTED_COLUMNS
        return at

    def take(self, row: Row) -> None:
        """One line: its specificities with its MFI, or what is wrong with either of them."""
        if is_blank(row.written) or folded(row.written) in CONTROLS:
            if row.written or row.mfi:
                self.lines["controls"].append(row.line)
            return
        names = self.names(row)
        call = call_of(row.mfi)
        if call == choices.BeadCall.NEGATIVE:
            self.lines["negatives"].append(row.line)
        try:
            mfi = None if call else self.mfi(row)
        except _Refused as refused:
            self.errors.append(refused.remark)
            return
        for name in names:
            written = row.written if len(names) == 1 else name.text
            self.found.setdefault(name, []).append(ReadBead((row.line,), written, name, mfi, call))

    def names(self, row: Row) -> tuple[Specificity, ...]:
        try:
            found = parse_bead(row.written, self.resolver)
        except TypingError as error:
            self.errors.append(Remark(row.line, "", error.code, dict(error.params), error))
            return ()
        if len(found) > 1:
            names = ", ".join(one.text for one in found)
            self.remarks.append(Remark(row.line, "", "several", {"names": names}))
        return found

    def mfi(self, row: Row) -> int:
        """The MFI as a whole number."""
        if is_blank(row.mfi):
            raise _Refused("mfi_missing", row.line)
        value = self.number(row)
        if value < 0 and self.corrected:
            self.lines["below_zero"].append(row.line)
            return 0
        if value < 0:
            raise _Refused("mfi_negative", row.line, text=row.mfi[:40])
        whole = int(value.to_integral_value(ROUND_HALF_UP))
        if whole > choices.MAX_MFI:
            raise _Refused("mfi_too_high", row.line, text=row.mfi[:40], limit=choices.MAX_MFI)
        return whole

    def number(self, row: Row) -> Decimal:
        """A number with decimal point or comma, perhaps with separators of thousands.

        "12.345" may be both; it is twelve and a third only where other numbers of the text go without separators.
        """
        text = fold_text(row.mfi).replace("'", "").replace(" ", "")[:40]
        if (found := GROUPED.fullmatch(text)) and not self.ungrouped:
            sign, digits, sign_of_groups, decimals = found.groups()
            if decimals is None and digits.count(sign_of_groups) == 1:
                raise _Refused("mfi_ambiguous", row.line, text=row.mfi)
            return Decimal(f"{sign}{digits.replace(sign_of_groups, '')}.{decimals or 0}")
        if plain := NUMBER.fullmatch(text):
            return Decimal(f"{plain[1]}{plain[2]}.{plain[3] or 0}")
        raise _Refused("mfi_form", row.line, text=row.mfi[:40])


def _header_unknown() -> _Refused:
    return _Refused("header_unknown", names=SHOWN_NAMES, values=SHOWN_VALUES)


def find_table(lines: list[str]) -> Table | None:
    """The first line that names a column of specificities and one of MFI, by the delimiter that finds most columns."""
    for number, line in enumerate(lines[:HEADER_WITHIN], start=1):
        if (signs := max(map(line.count, ",;\t"))) >= MAX_COLUMNS:
            raise _Refused("too_many_columns", number, limit=MAX_COLUMNS, count=signs + 1)
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
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            errors.append(Remark(table.line + reader.line_num, "", "csv_broken"))
            return
        if any(cell.strip() for cell in cells):
            yield table.line + reader.line_num, cells


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
