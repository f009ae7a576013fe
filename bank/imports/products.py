"""A file of product codes to rows: CSV with the columns code, description and, if wanted, class. Knows no table.

The table of ICCBBA is licensed to the bank, which loads its own copy; columns of it that have no name here are ignored.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bank.codes.product import DESCRIPTION_PATTERN
from bank.imports import errors as files
from bank.imports.errors import FileError
from bank.imports.files import decode, numbered, unpack
from bank.imports.raw import MAX_FILE_BYTES, MEGABYTE
from core import findings
from core.findings import Finding

CODE, DESCRIPTION, CLASS = "code", "description", "class"
MAX_DESCRIPTION, MAX_CLASS = 500, 120
MAX_ROWS = 200_000
_CODE = re.compile(DESCRIPTION_PATTERN)

MESSAGES: dict[str, str | Promise] = {
    "column_missing": _("The column “%(name)s” is missing."),
    "product_code_form": _(
        "“%(text)s” is no product description code: 5 capital letters or digits, for example S9999."
    ),
    "description_needed": _("The description is missing."),
    "text_too_long": _("The text has more than %(most)s characters."),
    "code_twice": _("The code stands in line %(line)s already."),
}


class ProductFinding(findings.Finding):
    """One thing wrong in a file of product codes."""

    messages = (MESSAGES, files.MESSAGES)


@dataclass(frozen=True)
class ProductRow:
    """One code as the file words it."""

    code: str
    description: str
    product_class: str


@dataclass
class ProductFile:
    """rows: those without a finding."""

    rows: list[ProductRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_products(data: bytes) -> ProductFile:
    """All rows, and all that is wrong with the others. Never raises for what the file holds."""
    try:
        return _read(data)
    except FileError as error:
        return ProductFile(findings=[error.finding])


def _read(data: bytes) -> ProductFile:
    if len(data) > MAX_FILE_BYTES:
        raise FileError("file_too_large", limit=MAX_FILE_BYTES // MEGABYTE)
    text = decode(unpack(data))
    if not text.strip():
        raise FileError("file_empty")
    first = next(line for line in text.splitlines() if line.strip())
    lines = numbered(
        csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    )
    found = ProductFile()
    header: list[str] | None = None
    seen: dict[str, int] = {}
    for count, (line, cells) in enumerate(lines):
        if count > MAX_ROWS:
            raise FileError("too_many_rows", limit=MAX_ROWS)
        if cells is None:
            found.findings.append(ProductFinding(line, "", "csv_broken"))
        elif header is None:
            header = [cell.strip().lower() for cell in cells]
            if missing := [name for name in (CODE, DESCRIPTION) if name not in header]:
                found.findings = [
                    ProductFinding(line, name, "column_missing", {"name": name}) for name in missing
                ]
                return found
        elif any(cell.strip() for cell in cells):
            _take(found, seen, line, dict(zip(header, cells, strict=False)))
    if not found.rows and not found.findings:
        raise FileError("file_no_rows")
    return found


def _take(found: ProductFile, seen: dict[str, int], line: int, cells: Mapping[str, str]) -> None:
    row = ProductRow(*(" ".join(cells.get(name, "").split()) for name in (CODE, DESCRIPTION, CLASS)))
    wrong = list(_wrong(row, line))
    if row.code in seen:
        wrong.append(ProductFinding(line, CODE, "code_twice", {"line": seen[row.code]}))
    seen.setdefault(row.code, line)
    found.findings += wrong
    if not wrong:
        found.rows.append(row)


def _wrong(row: ProductRow, line: int) -> Sequence[Finding]:
    wrong: list[Finding] = []
    if not _CODE.fullmatch(row.code):
        wrong.append(ProductFinding(line, CODE, "product_code_form", {"text": row.code[:40]}))
    if not row.description:
        wrong.append(ProductFinding(line, DESCRIPTION, "description_needed"))
    for name, text, most in (
        (DESCRIPTION, row.description, MAX_DESCRIPTION),
        (CLASS, row.product_class, MAX_CLASS),
    ):
        if len(text) > most:
            wrong.append(ProductFinding(line, name, "text_too_long", {"most": most}))
    return wrong
