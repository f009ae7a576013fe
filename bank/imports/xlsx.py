"""A spreadsheet (.xlsx) to rows: its first sheet, as text. Read by hand, for it comes from strangers.

A zip of XML: sizes are limited before and while it is unpacked, no document type is taken, no formula is computed (it
is read as the text that it is, and refused where a value is expected), links and macros are never looked at.
"""

from __future__ import annotations

import datetime as dt
import io
import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache

from bank.imports.errors import FileError
from bank.imports.raw import MAX_COLUMNS, MAX_LINE_CHARACTERS, MAX_TEXT_BYTES, MEGABYTE, RawFile
from bank.imports.safe_xml import Guard, local, push

MAGIC = b"PK\x03\x04"
MAX_PARTS = 1_000
MAX_SHEETS = 100
MAX_RATIO = 250  # unpacked to packed; of a part that is larger than RATIO_FROM
RATIO_FROM = MEGABYTE
_CHUNK = 1 << 16
_WORKBOOK, _STRINGS, _STYLES = "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, NotImplementedError, RuntimeError,
    OverflowError, ValueError,
)  # fmt: skip
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_NOT_OF_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_EPOCH = {False: dt.date(1899, 12, 30), True: dt.date(1904, 1, 1)}


def read_xlsx(data: bytes, *, max_rows: int) -> RawFile:
    """The first sheet; its first row that is not empty is the header.

    Raises FileError: xlsx_broken, xlsx_other, xlsx_sheets, file_unpacks_too_large, xml_entities,
    xml_too_deep, too_many_columns, too_many_rows, cell_too_long, file_no_rows.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheet = _read(_Parts(archive), max_rows)
    except _BROKEN as error:
        raise FileError("xlsx_broken") from error
    except FileError as error:
        if error.finding.code in (
            "xml_broken",
            "xml_encoding",
        ):  # who made a spreadsheet knows nothing of its XML
            raise FileError("xlsx_broken") from error
        raise
    return _raw(sheet)


def _read(parts: _Parts, max_rows: int) -> _Sheet:
    book, links = _Book(max_rows), _Links(max_rows)
    push(parts.chunks(_WORKBOOK), book)
    push(parts.chunks("xl/_rels/workbook.xml.rels"), links)
    if not book.sheets or book.sheets[0] not in links.targets:
        raise FileError("xlsx_other")
    if len(book.sheets) > MAX_SHEETS:
        raise FileError("xlsx_sheets", limit=MAX_SHEETS)
    strings, styles = _Strings(max_rows), _Styles(max_rows)
    if parts.has(_STRINGS):
        push(parts.chunks(_STRINGS), strings)
    if parts.has(_STYLES):
        push(parts.chunks(_STYLES), styles)
    sheet = _Sheet(strings.texts, styles.dates, book.from_1904, max_rows)
    push(parts.chunks(links.targets[book.sheets[0]]), sheet)
    return sheet


def _raw(sheet: _Sheet) -> RawFile:
    filled = [(number, cells) for number, cells in sheet.rows if any(cell.strip() for cell in cells)]
    if not filled:
        raise FileError("file_empty")
    header = [cell.strip() for cell in filled[0][1]]
    while not header[-1]:
        header.pop()
    rows = [(number, _fitted(cells, len(header))) for number, cells in filled[1:]]
    if not rows:
        raise FileError("file_no_rows")
    return RawFile("xlsx", header, rows)


def _fitted(cells: list[str], width: int) -> list[str]:
    """As many cells as the header: a sheet has no end of a row. A value beyond the header stays, to be refused."""
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    return cells + [""] * (width - len(cells))


class _Parts:
    """The parts of the zip, unpacked no further than allowed."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._left = MAX_TEXT_BYTES
        found = archive.infolist()
        if len(found) > MAX_PARTS:
            raise FileError("xlsx_broken")
        self._parts = {part.filename: part for part in found}
        if _WORKBOOK not in self._parts:
            raise FileError("xlsx_other")

    def has(self, name: str) -> bool:
        return name in self._parts

    def chunks(self, name: str) -> Iterator[bytes]:
        part = self._parts.get(name)
        if part is None:
            raise FileError("xlsx_other")
        if part.file_size > self._left or (
            part.file_size > RATIO_FROM and part.file_size > MAX_RATIO * max(part.compress_size, 1)
        ):
            raise FileError("file_unpacks_too_large", limit=MAX_TEXT_BYTES // MEGABYTE)
        self._left -= part.file_size  # zipfile gives no more than a part says that it holds
        with self._archive.open(part) as file:
            while chunk := file.read(_CHUNK):
                yield chunk


class _Walk:
    """What the readers of the parts have in common: they count the elements."""

    def __init__(self, max_rows: int) -> None:
        self.guard = Guard(max_rows)

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        self.guard.enter()
        self.opened(local(tag), attrib)

    def end(self, tag: str) -> None:
        self.closed(local(tag))
        self.guard.leave()

    def opened(self, name: str, attrib: dict[str, str]) -> None: ...

    def closed(self, name: str) -> None: ...

    def data(self, text: str) -> None: ...


class _Book(_Walk):
    """The links of the sheets in their order, and from which day on dates are counted."""

    def __init__(self, max_rows: int) -> None:
        super().__init__(max_rows)
        self.sheets: list[str] = []
        self.from_1904 = False

    def opened(self, name: str, attrib: dict[str, str]) -> None:
        if name == "sheet":
            self.sheets += [value for key, value in attrib.items() if local(key) == "id"][:1]
        elif name == "workbookPr":
            self.from_1904 = attrib.get("date1904", "") in ("1", "true")


class _Links(_Walk):
    """Where the parts are that the workbook names."""

    def __init__(self, max_rows: int) -> None:
        super().__init__(max_rows)
        self.targets: dict[str, str] = {}

    def opened(self, name: str, attrib: dict[str, str]) -> None:
        target = attrib.get("Target", "")
        if name == "Relationship" and target and attrib.get("TargetMode") != "External":
            path = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
            self.targets[attrib.get("Id", "")] = posixpath.normpath(path)


class _Strings(_Walk):
    """The texts that cells point to; how they are to be pronounced is left out."""

    def __init__(self, max_rows: int) -> None:
        super().__init__(max_rows)
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._in_text = False
        self._silent = False

    def opened(self, name: str, attrib: dict[str, str]) -> None:
        if name == "si":
            self._parts = []
        self._silent = self._silent or name == "rPh"
        self._in_text = name == "t" and not self._silent

    def data(self, text: str) -> None:
        if self._in_text:
            self._parts.append(text)

    def closed(self, name: str) -> None:
        self._in_text = False
        if name == "rPh":
            self._silent = False
        elif name == "si":
            self.texts.append(checked("".join(self._parts)))


class _Styles(_Walk):
    """Which styles of cells show a number as a date."""

    def __init__(self, max_rows: int) -> None:
        super().__init__(max_rows)
        self.dates: set[str] = set()  # as cells write them
        self._own: dict[str, str] = {}
        self._in_cells = False
        self._count = 0

    def opened(self, name: str, attrib: dict[str, str]) -> None:
        if name == "numFmt":
            self._own[attrib.get("numFmtId", "")] = attrib.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            if self._is_date(attrib.get("numFmtId", "")):
                self.dates.add(str(self._count))
            self._count += 1

    def closed(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False

    def _is_date(self, number: str) -> bool:
        if number in self._own:
            return bool(set("ymd") & set(_NOT_OF_FORMAT.sub("", self._own[number]).lower()))
        return number.isascii() and number.isdigit() and len(number) < 4 and int(number) in _DATE_FORMATS


class _Sheet(_Walk):
    """The rows: (number, cells), with "" where a cell is missing."""

    def __init__(self, strings: list[str], dates: set[str], from_1904: bool, max_rows: int) -> None:
        super().__init__(max_rows)
        self.rows: list[tuple[int, list[str]]] = []
        self._strings, self._dates, self._from_1904, self._max_rows = strings, dates, from_1904, max_rows
        self._number, self._column = 0, 0
        self._cells: list[str] = []
        self._kind, self._style, self._now = "", "", ""
        self._texts: dict[str, list[str]] = {}

    def opened(self, name: str, attrib: dict[str, str]) -> None:
        if name == "row":
            told = attrib.get("r", "")
            self._number = int(told) if re.fullmatch(r"[0-9]{1,7}", told) else self._number + 1
            self._cells, self._column = [], 0
        elif name == "c":
            self._column = _column_of(attrib.get("r", ""), self._column + 1)
            self._kind, self._style = attrib.get("t", "n"), attrib.get("s", "")
            self._texts = {}
        self._now = name if name in ("v", "f", "t") else ""
        if self._now:
            self._texts.setdefault(name, [])

    def data(self, text: str) -> None:
        if self._now:
            self._texts[self._now].append(text)

    def closed(self, name: str) -> None:
        self._now = ""
        if name == "c":
            if len(self._cells) != self._column - 1:  # cells were left out, or come again
                self._cells += [""] * (self._column - 1 - len(self._cells))
                del self._cells[self._column - 1 :]
            self._cells.append(checked(self._value()))
        elif name == "row":
            if any(self._cells):
                self.rows.append((self._number, self._cells))
            if len(self.rows) > self._max_rows + 1:  # and the header
                raise FileError("too_many_rows", limit=self._max_rows)

    def _value(self) -> str:
        if "f" in self._texts:
            return "=" + "".join(self._texts["f"])
        if self._kind == "inlineStr":
            return "".join(self._texts.get("t", ()))
        text = "".join(self._texts.get("v", ()))
        value = text.strip()
        if self._kind == "s":
            known = value.isascii() and value.isdigit() and len(value) < 9 and int(value) < len(self._strings)
            return self._strings[int(value)] if known else ""
        if self._kind == "n":
            is_day = self._style in self._dates
            return day_of(value, from_1904=self._from_1904) if is_day else number_of(value)
        if self._kind == "b":
            return {"1": "true", "0": "false"}.get(value, value)
        return value[:10] if self._kind == "d" else text


def _column_of(place: str, following: int) -> int:
    """The number of a column from 1: of "AB12" 28. Raises FileError: too_many_columns."""
    column = _number_of_letters(place.rstrip("0123456789")) or following
    if column > MAX_COLUMNS:
        raise FileError("too_many_columns", limit=MAX_COLUMNS)
    return column


@lru_cache(maxsize=2_000)
def _number_of_letters(letters: str) -> int:
    """0 for what is no column."""
    if not re.fullmatch("[A-Z]{1,3}", letters):
        return 0
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


def number_of(text: str) -> str:
    """A number as people see it: sheets keep 24.3 as 24.300000000000001."""
    if text.isascii() and text.isdigit():
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    if value != value or value in (float("inf"), float("-inf")):
        return text
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def day_of(text: str, *, from_1904: bool) -> str:
    """A day that is kept as a count of days; what is none stays as it stands."""
    try:
        return (_EPOCH[from_1904] + dt.timedelta(days=int(float(text)))).isoformat()
    except (ValueError, OverflowError):
        return text


def checked(text: str) -> str:
    if len(text) > MAX_LINE_CHARACTERS:
        raise FileError("cell_too_long", limit=MAX_LINE_CHARACTERS)
    return text
