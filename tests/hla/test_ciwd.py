"""Common, intermediate and well-documented alleles."""

from __future__ import annotations

from pathlib import Path

import pytest

from hla.ciwd import CiwdTable
from hla.nomenclature import NomenclatureError

TEXT = """\
ALLELE,TOTAL,AFA,API
A*02:01,C,C,C
A*02:01:01G,C,C,I
A*02:18Q,R,R,R
A*24:09N,WD,R,I

DRB1*04:05P,I,WD,C
"""


@pytest.fixture
def table(tmp_path: Path) -> CiwdTable:
    path = tmp_path / "ciwd.9.0.1.csv"
    path.write_text(TEXT)
    return CiwdTable.from_file(path)


def test_table_says_its_version_and_populations(table: CiwdTable) -> None:
    assert (table.version, len(table), table.populations) == ("9.0.1", 5, ("TOTAL", "AFA", "API"))
    assert list(table)[:2] == ["A*02:01", "A*02:01:01G"]


@pytest.mark.parametrize(
    ("locus", "name", "category"),
    [
        ("A", "02:01", "C"),
        ("A", "02:01:01G", "C"),
        ("A", "02:18Q", "R"),
        ("A", "24:09N", "WD"),
        ("DRB1", "04:05P", "I"),
        ("A", "24:09", None),
        ("A", "02:01:01", None),
        ("B", "02:01", None),
    ],
)
def test_category_of_a_name(table: CiwdTable, locus: str, name: str, category: str | None) -> None:
    assert table.category(locus, name) == category


def test_category_in_a_population(table: CiwdTable) -> None:
    assert table.category("A", "24:09N", "API") == "I"
    with pytest.raises(ValueError, match="XYZ"):
        table.category("A", "02:01", "XYZ")


def test_bytes_and_back(table: CiwdTable) -> None:
    again = CiwdTable.from_bytes(table.to_bytes())

    assert (again.version, again.checksum, list(again)) == (table.version, table.checksum, list(table))
    assert again.to_bytes() == table.to_bytes()
    assert again.category("A", "24:09N") == "WD"


@pytest.mark.parametrize("damage", [b"", b"QHLA-ciwd-1\n" + b"x" * 99])
def test_other_bytes_are_refused(damage: bytes) -> None:
    with pytest.raises(NomenclatureError, match="damaged"):
        CiwdTable.from_bytes(damage)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"),
        ("NAME,TOTAL\nA*02:01,C\n", "first line"),
        ("ALLELE,TOTAL\n", "no allele"),
        ("ALLELE,TOTAL\nA*02:01,X\n", "Line 2"),
        ("ALLELE,TOTAL\nA*02:01,C\nA*02:01,C,C\n", "Line 3"),
        ("ALLELE,TOTAL\nA2,C\n", "Line 2"),
        ("ALLELE,TOTAL\n\x00\xff\n", "Line 2"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(NomenclatureError, match=message):
        CiwdTable.from_text(text, "1.0.0")


def test_a_file_without_version_in_its_name_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())

    assert CiwdTable.from_file(path).version == "undated"


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hla.ciwd.MAX_BYTES", 10)
    path = tmp_path / "table.csv"
    path.write_text(TEXT)

    with pytest.raises(NomenclatureError, match="too large"):
        CiwdTable.from_file(path)


def test_the_published_table(shared_data: Path) -> None:
    table = CiwdTable.from_file(shared_data / "ciwd" / "ciwd.3.0.0.csv")

    assert (table.version, len(table)) == ("3.0.0", 10468)
    assert table.category("A", "24:09N") == "WD"
    assert table.category("A", "11:01", "API") == "C"
    counts = [
        sum(table.category(*name.split("*")) == wanted for name in table) for wanted in ("C", "I", "WD", "R")
    ]
    assert counts == [879, 674, 3847, 5068]
