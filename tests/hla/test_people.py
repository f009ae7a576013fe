"""Files of typed persons."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from hla.people import People, PeopleError, read_people, summary
from hla.resolve import Resolver

LOCI = ["A", "B", "DRB1"]


def read(tmp_path: Path, text: str | bytes, resolver: Resolver, **options: object) -> People:
    path = tmp_path / "people.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_people(str(path), LOCI, resolver, **options)  # type: ignore[arg-type]


def texts(people: People, locus: str) -> list[str]:
    """GL text of each person at a locus."""
    column = people.columns[locus]
    return [column.typings[code].gl() for code in column.codes]


@pytest.mark.parametrize(
    "text",
    [
        "P1%A*02:01+A*24:02^B*15:01+B*38:01\nP2%A*03:01\n",
        "P1;A*02:01+A*24:02^B*15:01+B*38:01\r\nP2;A*03:01\r\n",
        "P1,A*02:01+A*24:02^B*15:01+B*38:01\n\nP2,A*03:01",
        'id,gl\n"P1","A*02:01+A*24:02^B*15:01+B*38:01"\n"P2","A*03:01"\n',
        "\ufeffid\tGL String\nP1\tA*02:01+A*24:02^B*15:01+B*38:01\nP2\tA*03:01\n",
        gzip.compress(b"P1%A*02:01+A*24:02^B*15:01+B*38:01\nP2%A*03:01\n", mtime=0),
    ],
)
def test_layouts(tmp_path: Path, resolver: Resolver, text: str | bytes) -> None:
    people = read(tmp_path, text, resolver)

    assert people.ids == ["P1", "P2"]
    assert len(people) == 2
    assert texts(people, "A") == ["A*02:01+A*24:02", "A*03:01"]
    assert texts(people, "B") == ["B*15:01+B*38:01", ""]
    assert texts(people, "DRB1") == ["", ""]


def test_distinct_typings_are_kept_once(tmp_path: Path, resolver: Resolver) -> None:
    people = read(tmp_path, "1%A*02:01\n2%A*03:01\n3%A*02:01\n4%A*UUUU+A*UUUU\n", resolver)

    assert people.columns["A"].codes == [1, 2, 1, 0]
    assert [typing.gl() for typing in people.columns["A"].typings] == ["", "A*02:01", "A*03:01"]


@pytest.mark.parametrize(
    ("text", "gl"),
    [
        ("A*02:01+A*24:02^A2+A24", "A*02:01+A*24:02"),  # the locus twice: DNA decides
        ("A*02:01~B*15:01+A*24:02~B*38:01", "A*02:01+A*24:02"),
        ("hla#9.99.0#A*02:01+A*24:02", "A*02:01+A*24:02"),
        ("A＊02:01+A*24:02", "A*02:01+A*24:02"),
        ("A*02:01+A*24:02|A*02:03+A*24:03", "A*02:01+A*24:02|A*02:03+A*24:03"),
        ("^A*02:01+A*24:02^", "A*02:01+A*24:02"),
        ("C*07:02^A*02:01+A*24:02^C*12:02", "A*02:01+A*24:02"),  # an error at a locus not asked for
        ("A*UUUU+A*UUUU^B*15:01", ""),
    ],
)
def test_unusual_texts(tmp_path: Path, resolver: Resolver, text: str, gl: str) -> None:
    people = read(tmp_path, f"1%{text}\n2%{text}\n", resolver)

    assert texts(people, "A") == [gl, gl]
    assert people.unreadable == []


def test_blank_means_what_was_said(tmp_path: Path, resolver: Resolver) -> None:
    assert texts(read(tmp_path, "1%A*02:01", resolver, blank="homozygous"), "A") == ["A*02:01+A*02:01"]


BAD = "1%A*02:01+A*24:02\n2%A*02:01+A*77:77^B*15:01\n3%A*77:77^B*99:99\n"


def test_the_first_unreadable_line_ends_the_reading(tmp_path: Path, resolver: Resolver) -> None:
    people = read(tmp_path, BAD, resolver)

    (found,) = people.unreadable
    assert (found.line, found.identifier, found.error.locus) == (2, "2", "A")
    assert f"{tmp_path}/people.txt, line 2 (2): There is no allele A*77:77" in str(found)
    assert found.error.hint in str(found)


def test_an_unreadable_locus_may_count_as_untyped(tmp_path: Path, resolver: Resolver) -> None:
    people = read(tmp_path, BAD, resolver, stop=False)

    assert texts(people, "A") == ["A*02:01+A*24:02", "", ""]
    assert texts(people, "B") == ["", "B*15:01", ""]
    assert [(one.line, one.error.locus) for one in people.unreadable] == [(2, "A"), (3, "A"), (3, "B")]
    told, first = summary(people.unreadable)
    assert "3 unreadable values of 2 persons count as untyped (A 2, B 1)." in told
    assert "line 2" in first


def test_an_error_without_locus_counts(tmp_path: Path, resolver: Resolver) -> None:
    people = read(tmp_path, "1%nonsense\n", resolver, stop=False)

    assert len(people.unreadable) == 1
    assert "(? 1)" in summary(people.unreadable)[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no typing"),
        ("\n \n", "holds no typing"),
        ("P1 A*02:01\n", "line 1: P1 A*02:01 is not an id and a typing. Write D1;"),
        ("P1;A*02:01\n;A*02:01\n", "line 2"),
        ("P1;A*02:01;B*15:01\n", "line 1"),
        (b"P1;\xff\xfe\n", "is not a text file in UTF-8"),
        (gzip.compress(b"P1;A*02:01", mtime=0)[:-6], "is damaged"),
        (b"\x1f\x8bgarbage", "is damaged"),
        (
            "P1;A*02:01\n\nP1;A*03:01\n",
            "people.txt, line 3: the id P1 stands already in line 1. Give each id one",
        ),
        ("P1;A*02:01\nP2;A*03:01\nP1;A*02:01\n", "line 3: the id P1 stands already in line 1"),
    ],
)
def test_files_that_cannot_be_used(
    tmp_path: Path, resolver: Resolver, text: str | bytes, problem: str
) -> None:
    with pytest.raises(PeopleError, match=problem.replace("*", r"\*").replace(";", ";")):
        read(tmp_path, text, resolver)


def test_a_file_that_is_not_there(tmp_path: Path, resolver: Resolver) -> None:
    with pytest.raises(FileNotFoundError):
        read_people(str(tmp_path / "nowhere"), LOCI, resolver)


def test_standard_input(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"1;A*02:01\n2;A*77:77\n")))

    people = read_people("-", LOCI, resolver)

    assert people.ids == ["1", "2"]
    assert str(people.unreadable[0]).startswith("standard input, line 2")


def test_a_very_long_text_is_refused_as_elsewhere(tmp_path: Path, resolver: Resolver) -> None:
    people = read(tmp_path, "1;" + "A*02:01/" * 3000 + "A*02:01", resolver)

    assert people.unreadable[0].error.code == "too_long"
