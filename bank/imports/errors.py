"""Findings of an import: where, what, and in words. Rendered in the reader's language when shown."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bank import code_messages, processing
from core import findings, populations
from hla.errors import TypingError

MESSAGES: dict[str, str | Promise] = {
    # the file as a whole
    "file_empty": _("The file is empty."),
    "file_too_large": _("The file is larger than %(limit)s MB. Split it."),
    "file_unpacks_too_large": _("Unpacked, the file is larger than %(limit)s MB. Split it."),
    "file_broken_gzip": _("The gzip file is damaged or cut off."),
    "file_binary": _("This is not a text file. Save it as CSV (UTF-8), as XLSX or as GL lines."),
    "file_encoding": _(
        "The text is neither UTF-8 nor GB18030 (first unreadable byte in line %(line)s). "
        "Save the file as “CSV UTF-8”."
    ),
    "file_no_rows": _("The file has a header and no rows."),
    "file_unknown_form": _(
        "This is neither a CSV with a header that names unit_no nor lines of the form ID%%A*..+A*..^B*.."
    ),
    "xlsx_broken": _("The spreadsheet is damaged or protected by a password. Save it anew as XLSX or CSV."),
    "xlsx_other": _("This is a zip file and no spreadsheet in the form XLSX."),
    "xlsx_sheets": _("The spreadsheet has more than %(limit)s sheets."),
    "xml_broken": _("The XML cannot be read: line %(line)s is not well formed."),
    "xml_encoding": _("The XML is in an encoding that cannot be read. Save it as UTF-8."),
    "xml_entities": _(
        "The XML declares a document type or entities. They are never taken, for they can fetch files or fill the "
        "memory. Write the file without DOCTYPE."
    ),
    "xml_too_deep": _("The elements lie more than %(limit)s deep: this is no inventory."),
    "xml_other": _("This XML is no inventory: its outermost element must be INVENTORIES or INVENTORY."),
    "xml_no_units": _("The inventory holds no element CBU."),
    "json_broken": _("The JSON cannot be read: line %(line)s is not well formed."),
    "json_endless": _("The JSON is nested too deep, or holds a number without end."),
    "json_other": _("This JSON holds no list “donors”."),
    "count_unit_needed": _(
        "The file does not say in what its cell counts are given, and files differ by factors of ten. Ask who made it, "
        "and choose."
    ),
    "too_many_columns": _("The sheet has more than %(limit)s columns."),
    "cell_too_long": _("A value has more than %(limit)s characters."),
    "line_too_long": _("The line has more than %(limit)s characters."),
    "too_many_rows": _("The file has more than %(limit)s rows. Split it, or use manage.py import_units."),
    "too_many_lines": _("The file has more than %(limit)s rows. Split it."),
    "columns_needed": _("The first line must name the columns %(needed)s."),
    "csv_broken": _("The quotation marks of this line do not match, or it cannot be read as CSV."),
    "column_unknown": _("The column “%(name)s” is unknown. Known columns: %(known)s."),
    "column_twice": _("The column “%(name)s” stands in the header twice."),
    "bank_unknown": _("There is no bank “%(bank)s”. Known: %(known)s."),
    "bank_needed": _("Say which bank these units belong to. Known: %(known)s."),
    "counts_only_for_gl": _("Counts are invented for GL files only; a CSV brings its own."),
    "too_many_findings": _("More than %(limit)s findings: those of further rows are not listed."),
    # a row
    "formula": _(
        "The cell holds a formula (%(text)s). Formulas are never computed: put the value in its place."
    ),
    "adult_donor": _("An adult donor; this bank's list holds cord blood only."),
    "cord_in_registry": _("Cord blood; this registry's list holds adult donors only."),
    "not_of_donors": _("This is of cord blood; of an adult donor it is not taken. Leave the cell empty."),
    "grid_of_cord": _("A GRID names an adult donor; cord blood has none. Leave the cell empty."),
    "grid_duplicate_in_file": _("The GRID stands in line %(line)s already."),
    "grid_taken": _("The GRID belongs to the donor %(unit)s already."),
    "unit_deleted": _("The file says that this unit is gone; an import takes in units that are there."),
    "element_twice": _("This stands in the unit twice, and differs."),
    "json_donor": _("What stands in the list is no donor."),
    "cells_count": _("The row has %(given)s cells, the header %(expected)s."),
    "bank_differs": _("One file, one bank: this row says “%(given)s”, the file is for “%(expected)s”."),
    "required": _("This value is needed."),
    "unit_no_form": _("“%(text)s” is no unit number: 1 to 17 letters, digits, and - . / _ in between."),
    "date_form": _("“%(text)s” is no date. Write YYYY-MM-DD."),
    "date_future": _("%(text)s lies in the future."),
    "date_too_old": _("%(text)s lies before 1980."),
    "choice_unknown": _("“%(text)s” is not one of: %(allowed)s."),
    "number_form": _("“%(text)s” is no number. Write digits with a decimal point."),
    "number_range": _("%(text)s is impossible: it must lie above %(low)s and not exceed %(high)s %(unit)s."),
    "number_between": _("%(text)s is impossible: it must lie between %(low)s and %(high)s %(unit)s."),
    "haemoglobinopathy_needed": _("Method and day of a haemoglobinopathy screen need its result."),
    "whole_number_form": _("“%(text)s” is no whole number."),
    "whole_number_range": _("%(text)s is impossible: it must lie between %(low)s and %(high)s."),
    "cd34_above_tnc": _(
        "CD34 (%(cd34)s ×10⁶) is more than all nucleated cells (%(tnc)s ×10⁷). Check the units of measure."
    ),
    "duplicate_in_file": _("The number stands in line %(line)s already."),
    "din_duplicate_in_file": _("The DIN stands in line %(line)s already."),
    "exists_differs": _("The unit exists already with other content. An import does not change units."),
    "din_taken": _("The DIN belongs to the unit %(unit)s already."),
    "serology_needed": _(
        "The columns for serology of %(locus)s hold antigens only, such as A2, B60 or DR17."
    ),
    "serology_twice": _("Two serological typings of %(locus)s stand in the row, and they differ."),
    "typing_conflict": _(
        "The antigens %(text)s contradict the DNA typing %(dna)s. The unit is taken in and kept out of every search. "
        "Better: correct the file before it is imported."
    ),
    "mother_differs": _(
        "Mother (%(mother)s) and unit (%(unit)s) share no type: samples may have been swapped. The typing is taken in "
        "and marked. Better: check it before it is imported."
    ),
    "gl_form": _("The line is not of the form ID%%A*..+A*..^B*.."),
}


class Finding(findings.Finding):
    """One thing wrong in a file of units."""

    messages: ClassVar[tuple[findings.Messages, ...]] = (
        MESSAGES,
        code_messages.MESSAGES,
        populations.MESSAGES,
        processing.MESSAGES,
    )

    @classmethod
    def of_typing(cls, line: int, column: str, error: TypingError) -> Finding:
        return cls(line, column, error.code, dict(error.params), error)

    def as_dict(self) -> dict[str, Any]:
        return {"line": self.line, "column": self.column, "code": self.code, "text": self.text}


class FileError(Exception):
    """The file cannot be read at all."""

    def __init__(self, code: str, line: int = 0, column: str = "", **params: Any) -> None:
        super().__init__(code)
        self.finding = Finding(line, column, code, params)


class CellError(Exception):
    """One cell cannot be taken."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
