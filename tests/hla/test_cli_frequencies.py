"""`match_matrix --frequencies`: probabilities from a file, a set loaded before, or the built-in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hla.cache import FREQUENCIES, Cache, file_name
from hla.cli import OK, REFUSED
from hla.frequencies.sets import HaplotypeSet
from hla.nomenclature import NomenclatureError
from tests.hla.test_cli import Console, folder

__all__ = ["folder"]

SET = "A*02:01~B*15:01,3,0.5\nA*24:02~B*15:01,3,0.3\nA*02:03~B*38:01,3,0.15\nA*77:77~B*38:01,1,0.05\n"
NULLS = "A*02:01~B*15:01,3,0.5\nA*02:15N~B*15:01,3,0.5\n"


@pytest.fixture
def console(folder: Path) -> Console:
    return Console(folder)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "p").write_text("P1%A*02:01+A*02:01^B*15:01+B*15:01\n")
    (tmp_path / "u").write_text("U1%A*02:01+A*02:XX^B*15:XX+B*15:01\nU2%A*24:02+A*24:02^B*38:01+B*38:01\n")
    (tmp_path / "set.csv").write_text(SET)
    return ["--patients", str(tmp_path / "p"), "--units", str(tmp_path / "u"), "--loci", "A,B", "--out", "-"]


def test_probabilities_from_a_file(console: Console, files: list[str], tmp_path: Path) -> None:
    """The unit has A*02:01~B*15:01 twice: A*02:03 goes with B*38:01 alone."""
    assert console("match_matrix", *files, "--frequencies", str(tmp_path / "set.csv")) == OK

    assert console.out.splitlines() == [
        "patient;unit;A;A_p;B;B_p;p3of4;p4of4",
        "P1;U1;A;100;A;100;0;100",
        "P1;U2;M;0;M;0;0;0",
    ]
    assert "set: 1 names are not read, with 5.00% of all haplotypes: A*77:77" in console.err


@pytest.mark.parametrize(
    ("nulls", "row"), [([], "P1;U1;A;100;A;100;0;100"), (["--nulls", "as-named"], "P1;U1;P;33;A;100;67;33")]
)
def test_nulls_absent_or_as_named(
    console: Console, files: list[str], tmp_path: Path, nulls: list[str], row: str
) -> None:
    """A*02:01 with itself (0.25) or with A*02:15N (0.5), which is A*02:01 twice unless it counts by its name."""
    (tmp_path / "set.csv").write_text(NULLS)

    assert console("match_matrix", *files, "--frequencies", str(tmp_path / "set.csv"), *nulls) == OK
    assert console.out.splitlines()[1] == row


def test_persons_without_explanation_are_reported(console: Console, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "u").write_text("U1%A*24:02+A*24:02^B*38:XX+B*38:01\n")

    assert console("match_matrix", *files, "--frequencies", str(tmp_path / "set.csv")) == OK
    assert "1 of 1 units are not explained by two haplotypes of the set" in console.err


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere", "nowhere is neither a file nor the name of a frequency set that was used here."),
        ("bad.csv", "Line 1: x is not a frequency"),
    ],
)
def test_a_set_that_cannot_be_used(
    console: Console, files: list[str], tmp_path: Path, source: str, sentence: str
) -> None:
    (tmp_path / "bad.csv").write_text("A*02:01~B*15:01,3,x\n")
    path = tmp_path / source

    assert console("match_matrix", *files, "--frequencies", str(path) if path.exists() else source) == REFUSED
    assert sentence in console.err


def test_a_locus_that_the_set_lacks(console: Console, files: list[str], tmp_path: Path) -> None:
    arguments = [*files[:4], "--loci", "A,B,DRB1", "--out", "-", "--frequencies", str(tmp_path / "set.csv")]

    assert console("match_matrix", *arguments) == REFUSED
    assert "--frequencies: set has no DRB1; leave it out of --loci." in console.err


def test_a_set_that_was_loaded_by_its_name_or_population(tmp_path: Path) -> None:
    found = HaplotypeSet.of([(("A*02:01",), 1.0)], name="Shanghai", population="HAN", loci=("A",))
    content = found.to_bytes()
    (tmp_path / file_name(FREQUENCIES, "Shanghai 1", found.checksum)).write_bytes(content)
    cache = Cache(tmp_path, pytest.fail)

    assert cache.frequencies("Shanghai", "").checksum == found.checksum
    assert cache.frequencies("HAN", "").checksum == found.checksum
    assert cache.frequencies("demo", "").population == "HAN"
    assert cache.frequencies("Shanghai_1", "").checksum == found.checksum
    with pytest.raises(NomenclatureError, match="neither a file nor the name"):
        cache.frequencies("UIG", "")


def test_a_name_of_several_sets_is_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        rows = [((f"A*02:0{number}",), 1.0)]
        found = HaplotypeSet.of(rows, name="Shanghai", population="HAN", loci=("A",))
        (tmp_path / file_name(FREQUENCIES, f"Shanghai {number}", found.checksum)).write_bytes(
            found.to_bytes()
        )
    (tmp_path / f"{FREQUENCIES}-Shanghai_3-0123").write_bytes(b"damaged")
    cache = Cache(tmp_path, pytest.fail)

    with pytest.raises(NomenclatureError, match=r"several frequency sets: Shanghai_1, Shanghai_2\. Give one"):
        cache.frequencies("HAN", "")
    assert cache.frequencies("Shanghai_2", "").alleles["A"] == ("A*02:02",)


def test_a_truncated_set_on_request(console: Console, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("A*02:01~B*15:01,3,0.5\n")
    arguments = [*files, "--frequencies", str(tmp_path / "set.csv")]

    assert console("match_matrix", *arguments) == REFUSED
    assert "--truncated" in console.err
    assert console("match_matrix", *arguments, "--truncated") == OK


def test_too_many_genotypes_are_refused(
    console: Console, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.prediction.matrix.MOST_GENOTYPES", 0)

    assert console("match_matrix", *files, "--frequencies", str(tmp_path / "set.csv")) == REFUSED
    assert "genotypes in all" in console.err
