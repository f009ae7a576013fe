"""Bytes of an import file to numbered rows of named cells: unpack, decode, recognise the form.

Knows nothing of units: what the cells mean stands in columns.py. Raises FileError for what cannot be read.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping

from bank.choices import CountUnit
from bank.imports.atlas_json import read_json
from bank.imports.counts import rescaled
from bank.imports.errors import FileError, Finding
from bank.imports.mapping import renamed
from bank.imports.raw import (
    MAX_FILE_BYTES,
    MAX_LINE_CHARACTERS,
    MAX_ROWS,
    MAX_TEXT_BYTES,
    MEGABYTE,
    OWN,
    Owner,
    RawFile,
)
from bank.imports.wmda_xml import read_xml
from bank.imports.xlsx import MAGIC, read_xlsx

WITH_HEADER = ("csv", "xlsx")  # kinds of files whose columns may be mapped

_GZIP = b"\x1f\x8b"
_GL_LINE = re.compile(r"[^%,;\t]{1,60}%")
_DELIMITERS = ",;\t"


def read(
    data: bytes,
    *,
    max_bytes: int = MAX_FILE_BYTES,
    max_rows: int = MAX_ROWS,
    counts: CountUnit | None = None,
    mapping: Mapping[str, str] | None = None,
    owner: Owner = OWN,
) -> RawFile:
    """Recognise and split a file: CSV, XLSX, GL lines (rows of `unit_no` and `gl`), WMDA-style XML, Atlas-style JSON.

    As `recognised`, then `named`.
    """
    raw = recognised(data, max_bytes=max_bytes, max_rows=max_rows, counts=counts, owner=owner)
    return named(raw, mapping=mapping, max_rows=max_rows)


def recognised(
    data: bytes,
    *,
    max_bytes: int = MAX_FILE_BYTES,
    max_rows: int = MAX_ROWS,
    counts: CountUnit | None = None,
    owner: Owner = OWN,
) -> RawFile:
    """A table as it is, with whatever headings, so that somebody may say what they mean; other files in our columns.

    counts: what the counts of an XML file are given in. owner: whose list it is.

    Raises FileError: file_empty, file_too_large, file_unpacks_too_large, file_broken_gzip, file_binary,
    file_encoding, file_unknown_form, file_no_rows, line_too_long, too_many_rows, and those of the readers.
    """
    if len(data) > max_bytes:
        raise FileError("file_too_large", limit=max_bytes // MEGABYTE)
    return _recognised(unpack(data), counts, max_rows, owner)


def named(raw: RawFile, *, mapping: Mapping[str, str] | None = None, max_rows: int = MAX_ROWS) -> RawFile:
    """The rows under our names. mapping: heading of the file -> column of ours, "" to leave it out.

    Raises FileError: file_unknown_form, too_many_rows.
    """
    if mapping and raw.kind in WITH_HEADER:
        raw = renamed(raw, mapping)
    if raw.kind in WITH_HEADER and "unit_no" not in (name.lower() for name in raw.header):
        raise FileError("file_unknown_form")
    if len(raw.rows) > max_rows:
        raise FileError("too_many_rows", limit=max_rows)
    return rescaled(raw)


def _recognised(data: bytes, counts: CountUnit | None, max_rows: int, owner: Owner) -> RawFile:
    if data.startswith(MAGIC):
        return read_xlsx(data, max_rows=max_rows)
    text = decode(data)
    if not text.strip():
        raise FileError("file_empty")
    start = text.lstrip()[:1]
    if start == "<":
        return read_xml(text.lstrip(), counts=counts, max_rows=max_rows, owner=owner)
    if start in "[{":
        return read_json(text, max_rows=max_rows, owner=owner)
    _check_lines(text)
    first = next(line for line in text.splitlines() if line.strip())
    return _read_gl(text) if _GL_LINE.match(first) else _read_csv(text, first)


def unpack(data: bytes) -> bytes:
    """gzip or plain. A bomb is stopped at MAX_TEXT_BYTES, before it fills the memory."""
    if not data.startswith(_GZIP):
        return data
    out, parts = 0, []
    try:
        while data:
            unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
            part = unpacker.decompress(data, MAX_TEXT_BYTES + 1 - out)
            out += len(part)
            if out > MAX_TEXT_BYTES:
                raise FileError("file_unpacks_too_large", limit=MAX_TEXT_BYTES // MEGABYTE)
            if not unpacker.eof:
                raise FileError("file_broken_gzip")
            parts.append(part)
            data = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise FileError("file_broken_gzip") from error
    return b"".join(parts)


def decode(data: bytes) -> str:
    """UTF-8 (with or without BOM), else GB18030 where it plausibly is Chinese; anything else is refused.

    Almost any two bytes are some GB18030 character, so Latin-1 would pass as rare ideographs: a file
    counts as GB18030 only if nine tenths of its wide characters lie in GB2312, the everyday set.
    """
    if b"\0" in data or data.startswith((b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04", b"%PDF")):
        raise FileError("file_binary")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        raise FileError("file_encoding", line=line, column="") from None
    wide = [character for character in text if character > "\x7f"]
    common = sum(1 for character in wide if _in_gb2312(character))
    if common < 0.9 * len(wide):
        raise FileError("file_encoding", line=line, column="")
    return text


def _in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _check_lines(text: str) -> None:
    start, number = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end - start > MAX_LINE_CHARACTERS:
            raise FileError("line_too_long", line=number, limit=MAX_LINE_CHARACTERS)
        start, number = end + 1, number + 1


def _read_gl(text: str) -> RawFile:
    rows: list[tuple[int, list[str]]] = []
    broken: list[Finding] = []
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        if not line:
            continue
        unit_no, percent, gl = line.partition("%")
        if percent and gl.strip() and unit_no.strip():
            rows.append((number, [unit_no, gl]))
        else:
            broken.append(Finding(number, "", "gl_form"))
    return RawFile("gl", ["unit_no", "gl"], rows, broken)


def _read_csv(text: str, first: str) -> RawFile:
    delimiter = max(_DELIMITERS, key=first.count)
    lines = numbered(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    rows: list[tuple[int, list[str]]] = []
    broken: list[Finding] = []
    header: list[str] | None = None
    for number, cells in lines:
        if cells is None:
            broken.append(Finding(number, "", "csv_broken"))
        elif not any(cell.strip() for cell in cells):
            continue
        elif header is None:
            header = [cell.strip() for cell in cells]
        else:
            rows.append((number, cells))
    if header is None or (len(header) == 1 and header[0].lower() != "unit_no"):
        raise FileError("file_unknown_form")
    if not rows and not broken:
        raise FileError("file_no_rows")
    return RawFile("csv", header, rows, broken)


def numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | None]]:
    """(line on which the row ends, cells); None for a line that csv cannot read, which ends the reading."""
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, None  # type: ignore[attr-defined]
            return
        yield reader.line_num, cells  # type: ignore[attr-defined]
