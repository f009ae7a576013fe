"""From bytes to rows: whatever somebody uploads, a clear sentence or rows."""

from __future__ import annotations

import gzip

import pytest

from bank.imports import files
from bank.imports.errors import FileError

HEADER = "unit_no,abo\n"


def _code(data: bytes, **limits: int) -> str:
    with pytest.raises(FileError) as caught:
        files.read(data, **limits)
    assert caught.value.finding.text
    return caught.value.finding.code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\n \r\n\t\n", "file_empty"),
        (b"\xef\xbb\xbf", "file_empty"),
        (b"unit_no,abo\n", "file_no_rows"),
        (b"unit_no,abo\n,\n \n", "file_no_rows"),
        (b"name,abo\nU1,A\n", "file_unknown_form"),
        (b"hello world", "file_unknown_form"),
        (b"unit_no,abo\nU\x001,A\n", "file_binary"),
        (bytes(range(256)) * 4, "file_binary"),
        (b"PK\x03\x04rest of a spreadsheet", "xlsx_broken"),
        (b"%PDF-1.7 and so on", "file_binary"),
        ("unit_no,abo\nU1,A\n".encode("utf-16"), "file_binary"),
        ("unit_no;site\nU1;Besançon\n".encode("latin-1"), "file_encoding"),
        ("unit_no,abo\nU1,ér\n".encode("latin-1"), "file_encoding"),
        (b"\x1f\x8bnot gzip at all", "file_broken_gzip"),
        (gzip.compress(b"unit_no,abo\nU1,A\n" * 50, mtime=0)[:-9], "file_broken_gzip"),
        (gzip.compress(b"", mtime=0), "file_empty"),
        (b"unit_no,abo\nU1," + b"A" * 1_000_000 + b"\n", "line_too_long"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, code: str) -> None:
    assert _code(data) == code


def test_limits_of_bytes_and_rows() -> None:
    data = (HEADER + "U1,A\n" * 3).encode()

    assert _code(data, max_bytes=10) == "file_too_large"
    assert _code(data, max_rows=2) == "too_many_rows"


def test_a_gzip_bomb_is_stopped_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_TEXT_BYTES", 100_000)

    assert _code(gzip.compress(b"A" * 5_000_000, mtime=0)) == "file_unpacks_too_large"


def test_encoding_error_names_the_line() -> None:
    with pytest.raises(FileError) as caught:
        files.read("unit_no;site\nU1;Paris\nU2;Besançon\n".encode("latin-1"))

    assert "line 3" in caught.value.finding.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_is_read_in_every_accepted_encoding(encoding: str) -> None:
    raw = files.read("unit_no,sex\nU1,女\nU2,男\n".encode(encoding))

    assert raw.rows == [(2, ["U1", "女"]), (3, ["U2", "男"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_and_line_ends(delimiter: str, newline: str) -> None:
    text = newline.join(delimiter.join(cells) for cells in (("unit_no", "abo"), ("U1", "A"), ("U2", "B")))

    assert [cells for _line, cells in files.read(text.encode()).rows] == [["U1", "A"], ["U2", "B"]]


def test_a_line_with_broken_quotes_is_a_finding_and_ends_the_reading() -> None:
    raw = files.read(b'unit_no,abo\nU1,A\n"U2,"B"x\nU3,A\n')

    assert [line for line, _cells in raw.rows] == [2]
    assert [finding.code for finding in raw.broken] == ["csv_broken"]


def test_gl_lines_keep_their_numbers() -> None:
    raw = files.read(b"D1%A*01:01+A*02:01\n\nnonsense\nD2%A*01:01\n%A*01:01\nD3%\n")

    assert raw.kind == "gl"
    assert [line for line, _cells in raw.rows] == [1, 4]
    assert [(finding.line, finding.code) for finding in raw.broken] == [
        (3, "gl_form"),
        (5, "gl_form"),
        (6, "gl_form"),
    ]


def test_gzip_of_several_members_is_one_file() -> None:
    data = gzip.compress(b"unit_no,abo\n", mtime=0) + gzip.compress(b"U1,A\n")

    assert files.read(data).rows == [(2, ["U1", "A"])]
