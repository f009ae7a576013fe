"""Exports of single-antigen tests, and lists written by hand, to beads: every line is checked, all errors at once.

A table needs a header with a column for the specificity and one for the MFI; what stands above it (session, sample,
kit) is passed over. Without a header each line is a specificity and its MFI: "A24 12000", "DQA1*05:01, DQB1*02:01;
8000".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from core import reference
from hla.antibodies import Specificity, parse_bead
from hla.errors import TypingError
from hla.text import fold_text
from hospitals import choices
from hospitals.antibodies import called
from hospitals.antibody_remarks import Remark
from hospitals.antibody_tables import (
    CONTROLS,
    CORRECTED_COLUMNS,
    MAX_LINE,
    SHOWN_NAMES,
    SHOWN_VALUES,
    Refused,
    Row,
    Table,
    call_of,
    find_table,
    folded,
    is_blank,
    listed,
    plain_rows,
    table_cells,
)

MAX_CHARACTERS = 1_000_000
MAX_LINES = 5_000

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
    except Refused as refused:
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
            raise Refused("empty")
        if len(text) > MAX_CHARACTERS:
            raise Refused("too_long", limit=MAX_CHARACTERS)
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            raise Refused("too_many_lines", limit=MAX_LINES)
        table = find_table(lines)
        if table is None and self.mfi_column:
            raise _header_unknown()
        rows = list(self.table_rows(table, lines)) if table else list(plain_rows(lines))
        if not rows and not self.errors:
            raise Refused("empty")
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
                raise Refused("mfi_column_unknown", table.line, name=self.mfi_column[:60], known=known)
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
        except Refused as refused:
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
            raise Refused("mfi_missing", row.line)
        value = self.number(row)
        if value < 0 and self.corrected:
            self.lines["below_zero"].append(row.line)
            return 0
        if value < 0:
            raise Refused("mfi_negative", row.line, text=row.mfi[:40])
        whole = int(value.to_integral_value(ROUND_HALF_UP))
        if whole > choices.MAX_MFI:
            raise Refused("mfi_too_high", row.line, text=row.mfi[:40], limit=choices.MAX_MFI)
        return whole

    def number(self, row: Row) -> Decimal:
        """A number with decimal point or comma, perhaps with separators of thousands.

        "12.345" may be both; it is twelve and a third only where other numbers of the text go without separators.
        """
        text = fold_text(row.mfi).replace("'", "").replace(" ", "")[:40]
        if (found := GROUPED.fullmatch(text)) and not self.ungrouped:
            sign, digits, sign_of_groups, decimals = found.groups()
            if decimals is None and digits.count(sign_of_groups) == 1:
                raise Refused("mfi_ambiguous", row.line, text=row.mfi)
            return Decimal(f"{sign}{digits.replace(sign_of_groups, '')}.{decimals or 0}")
        if plain := NUMBER.fullmatch(text):
            return Decimal(f"{plain[1]}{plain[2]}.{plain[3] or 0}")
        raise Refused("mfi_form", row.line, text=row.mfi[:40])


def _header_unknown() -> Refused:
    return Refused("header_unknown", names=SHOWN_NAMES, values=SHOWN_VALUES)
