"""Multiple allele codes."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import NomenclatureError

FILE = """"LAST UPDATED: 07/11/20"
CODE\tSUBTYPE

AB\t01/02
SPEC\t07:01/07:432Q/07:603N
"""


@pytest.fixture
def table(tmp_path: Path) -> MacTable:
    path = tmp_path / "numer.txt"
    path.write_text(FILE)
    return MacTable.from_file(path)


def test_file_is_read(table: MacTable) -> None:
    assert table.version == "07/11/20"
    assert list(table) == ["AB", "SPEC"]


def test_generic_code_takes_the_family_of_the_value(table: MacTable) -> None:
    assert table.expand("A", "02", "AB") == ["02:01", "02:02"]


def test_specific_code_holds_whole_names(table: MacTable) -> None:
    assert table.expand("C", "07", "SPEC") == ["07:01", "07:432Q", "07:603N"]


@pytest.mark.parametrize("code", ["ZZ", "A", "ABC", "AA", "ABCDEFGHIJKL", "Ä"])
def test_unknown_code_has_no_names(table: MacTable, code: str) -> None:
    assert table.expand("A", "02", code) == []
    assert EMPTY_MAC.expand("A", "02", code) == []


def test_bytes_and_back(table: MacTable) -> None:
    again = MacTable.from_bytes(table.to_bytes())

    assert (again.version, len(again), list(again)) == (table.version, 2, ["AB", "SPEC"])
    assert again.expand("C", "07", "SPEC") == table.expand("C", "07", "SPEC")


@pytest.mark.parametrize("data", [b"", b"QHLA-mac-1\n" + b"x" * 60])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(NomenclatureError, match="damaged"):
        MacTable.from_bytes(data)


def test_marked_layout_and_undated_file(tmp_path: Path) -> None:
    path = tmp_path / "alpha.txt"
    path.write_text("*\tCODE\tSUBTYPE\n\tAB\t01/02\n*\tSPEC\t07:01/07:02\n")

    table = MacTable.from_file(path)

    assert (table.version, len(table)) == ("undated", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AB 01/02\n", "Line 1"),
        ("AB\t01/x\n", "Line 1"),
        ("1\t01/02\n", "Line 1"),
        ("CODE\tSUBTYPE\n", "no multiple allele code"),
        ("AB\t01/02ä\n", "not a text file"),
    ],
)
def test_unreadable_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "numer.txt"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(NomenclatureError, match=message):
        MacTable.from_file(path)


def test_packed_tables_are_read(tmp_path: Path) -> None:
    text = "LAST UPDATED: 11/20/26\r\nCODE\tSUBTYPE\r\n\r\nAB\t01/02\r\n"
    (tmp_path / "numer.v3.txt.gz").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(tmp_path / "numer.v3.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("numer.v3.txt", text)

    for name in ("numer.v3.txt.gz", "numer.v3.zip"):
        table = MacTable.from_file(tmp_path / name)
        assert (table.version, table.expand("A", "02", "AB")) == ("11/20/26", ["02:01", "02:02"])


@pytest.mark.parametrize(("members", "message"), [([], "holds 0 text"), (["a.txt", "b.txt"], "holds 2 text")])
def test_a_zip_must_hold_one_table(tmp_path: Path, members: list[str], message: str) -> None:
    path = tmp_path / "codes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.md", "no table")
        for name in members:
            archive.writestr(name, "AB\t01/02\n")

    with pytest.raises(NomenclatureError, match=message):
        MacTable.from_file(path)


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08 and then nothing", b"PK\x03\x04 and then nothing"])
def test_a_damaged_packed_table_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "codes"
    path.write_bytes(data)

    with pytest.raises(NomenclatureError, match=r"codes is damaged or locked .* Fetch it again"):
        MacTable.from_file(path)


def test_a_packed_table_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.gz"
    path.write_bytes(gzip.compress(b"AB\t01/02\n" * 100)[:-12])

    with pytest.raises(NomenclatureError, match="damaged or locked"):
        MacTable.from_file(path)


@pytest.mark.parametrize("limit", ["MAX_LINE", "MAX_BYTES"])
def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(f"hla.mac.{limit}", 8)
    path = tmp_path / "codes.gz"
    path.write_bytes(gzip.compress(b"AB\t01/02\n" * 2))

    with pytest.raises(NomenclatureError, match="too large"):
        MacTable.from_file(path)


def test_texts_of_codes_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hla.mac.MAX_ASKED", 2)
    table = MacTable.of("few", {"AB": "01/02", "AC": "01/03"})

    assert [table.subtypes(code) for code in ("AB", "AC", "ZZ", "AB")] == ["01/02", "01/03", None, "01/02"]
