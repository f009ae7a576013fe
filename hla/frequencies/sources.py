"""Bytes of frequency files: a file, one of a folder or of a zip, gzipped or not; and the lines of tables.

Nothing larger than MAX_BYTES a file is read, however small it is packed; nothing is unpacked to disk.
"""

import csv
import gzip
import io
import lzma
import re
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

import python_calamine

from hla.frequencies.errors import FrequencyError
from hla.frequencies.tables import Lines

MAX_BYTES: Final = 128 << 20  # of one file; a million haplotypes have about 70 MB
MAX_CELLS: Final = 20_000_000  # of a spreadsheet, empty ones included
MAX_MEMBERS: Final = 1000
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK"
XLS: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
XLSX: Final = "xl/workbook.xml"
REFERENCE: Final = re.compile(rb"""\br=["']([A-Z]{0,3})(\d{1,9})["']""")
DELIMITERS: Final = "\t;,"


class Place(ABC):
    """Where files stand beside one another. text: what messages call it."""

    text: str

    @abstractmethod
    def names(self) -> list[str]: ...

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Content of a file, unpacked if it is gzipped. Raises FrequencyError (missing, too_large, zip)."""


class Folder(Place):
    """A folder; of it only the files that stand right in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.name

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir() if path.is_file())

    def read(self, name: str) -> bytes:
        try:
            with (self.path / name).open("rb") as handle:
                return unpacked(limited(handle, name), name)
        except OSError as error:
            raise FrequencyError("missing", text=name, why=error.strerror or str(error)) from None


class Zip(Place):
    """A zip. Its files by their last names, wherever they stand in it."""

    def __init__(self, content: bytes, text: str) -> None:
        self.text = text
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except zipfile.BadZipFile as error:
            raise FrequencyError("zip", text=text, why=str(error)) from None
        if len(self._archive.namelist()) > MAX_MEMBERS:
            raise FrequencyError("too_many", limit=MAX_MEMBERS, what=f"files in {text}")
        self._members = {
            PurePosixPath(name).name: name for name in self._archive.namelist() if not name.endswith("/")
        }

    def names(self) -> list[str]:
        return sorted(name for name in self._members if not name.startswith("."))

    def read(self, name: str) -> bytes:
        if name not in self._members:
            raise FrequencyError("missing", text=name, why=f"not in {self.text}")
        return unpacked(self.member(self._members[name]), name)

    def member(self, name: str) -> bytes:
        """As it is stored, by its whole name."""
        try:
            with self._archive.open(name) as handle:
                return limited(handle, name)
        except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
            raise FrequencyError("zip", text=self.text, why=str(error)) from None

    def all_names(self) -> list[str]:
        return self._archive.namelist()


def limited(handle: IO[bytes], text: str) -> bytes:
    """All of a file, unless it is larger than any frequency set. Raises FrequencyError (too_large)."""
    content = handle.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise FrequencyError("too_large", text=text, limit=MAX_BYTES >> 20)
    return content


def unpacked(content: bytes, text: str) -> bytes:
    """Without the gzip that may be around it."""
    if not content.startswith(GZIP):
        return content
    try:
        with io.BufferedReader(gzip.GzipFile(fileobj=io.BytesIO(content))) as handle:
            return limited(handle, text)
    except (OSError, EOFError, zlib.error) as error:
        raise FrequencyError("missing", text=text, why=str(error)) from None


def is_spreadsheet(content: bytes, text: str) -> bool:
    """An .xls, or an .xlsx (a zip of its own kind); by content, whatever its name is."""
    if content.startswith(XLS):
        return True
    return content.startswith(ZIP) and XLSX in Zip(content, text).all_names()


def decoded(content: bytes, text: str) -> str:
    """UTF-8, with or without a byte order mark. Raises FrequencyError (encoding, nul)."""
    try:
        found = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FrequencyError("encoding", text=text) from None
    if "\0" in found:
        raise FrequencyError("nul", text=text)
    return found


def csv_lines(content: bytes, text: str) -> Lines:
    """Lines of a CSV file; what separates its cells is seen in the first line."""
    found = decoded(content, text)
    first = found.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(found, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise FrequencyError("line", place="Line", line=reader.line_num, why=str(error)) from None


def sheet_lines(content: bytes, text: str) -> Lines:
    """Rows of the only sheet that has cells. Raises FrequencyError (sheet, several, too_large)."""
    if not content.startswith(XLS):
        _check_cells(Zip(content, text), text)
    try:
        book = python_calamine.load_workbook(io.BytesIO(content))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise FrequencyError("sheet", text=text, why=str(error)) from None
    filled = [sheet for sheet in sheets if sheet.start is not None]
    if len(filled) > 1:
        raise FrequencyError("several", text=text, found=", ".join(sheet.name for sheet in filled))
    for sheet in filled:
        yield from enumerate(sheet.iter_rows(), (sheet.start or (0, 0))[0] + 1)


def _check_cells(archive: Zip, text: str) -> None:
    """No sheet spans more cells than a frequency set: readers make room for all of them, empty ones too."""
    total = 0
    for name in archive.all_names():
        content = archive.member(name)
        total += len(content)
        if total > MAX_BYTES:
            raise FrequencyError("too_large", text=text, limit=MAX_BYTES >> 20)
        if name.endswith(".bin"):
            raise FrequencyError("sheet", text=text, why=name)
        rows = columns = 1
        for letters, digits in REFERENCE.findall(content):
            rows = max(rows, int(digits))
            columns = max(columns, _column(letters))
        if rows * columns > MAX_CELLS:
            raise FrequencyError("sheet", text=text, why=f"{rows} × {columns} cells")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def tables(names: list[str]) -> Iterator[str]:
    """Those of the names that may be tables of frequencies."""
    for name in names:
        if re.search(r"\.(?:csv|tsv|txt|freqs|xls|xlsx)(?:\.gz)?$", name, re.IGNORECASE):
            yield name
