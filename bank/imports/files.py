"""Bytes of an import file to numbered rows of named cells: unpack, decode, recognise the form.

Knows nothing of units: what the cells mean stands in columns.py. Raises FileError for what cannot be read.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from bank.imports.errors import FileError, Finding

MEGABYTE = 1024 * 1024
MAX_FILE_BYTES = 50 * MEGABYTE
MAX_TEXT_BYTES = 200 * MEGABYTE
MAX_LINE_CHARACTERS = 200_000
MAX_ROWS = 1_000_000

_GZIP = b"\x1f\x8b"
_GL_LINE = re.compile(r"[^%,;\t]{1,60}%")
_DELIMITERS = ",;\t"


@dataclass
class RawFile:
    """`rows`: (line number, cells in the order of `header`); `broken`: lines that are no rows at all."""

    kind: str
    header: list[str]
    rows: list[tuple[int, list[str]]]
    broken: list[Finding] = field(default_factory=list)


def read(data: bytes, *, max_bytes: int = MAX_FILE_BYTES, max_rows: int = MAX_ROWS) -> RawFile:
    """Recognise and split a file. GL lines become rows of `unit_no` and `gl`.

    Raises FileError: file_empty, file_too_large, file_unpacks_too_large, file_broken_gzip, file_binary,
    file_encoding, file_unknown_form, file_no_rows, line_too_long, too_many_rows.
    """
    if len(data) > max_bytes:
        raise FileError("file_too_large", limit=max_bytes // MEGABYTE)
    text = decode(unpack(data))
    if not text.strip():
        raise FileError("file_empty")
    _check_lines(text)
    first = next(line for line in text.splitlines() if line.strip())
    raw = _read_gl(text) if _GL_LINE.match(first) else _read_csv(text, first)
    if len(raw.rows) > max_rows:
        raise FileError("too_many_rows", limit=max_rows)
    return raw


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
    if header is None or "unit_no" not in (name.lower() for name in header):
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
