"""match_matrix with probabilities: every row as predicted pair by pair."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hla import people as reading
from hla.matrix import MatrixError, write_matrix
from hla.people import People, read_people
from hla.prediction.combine import Patient, predict
from hla.prediction.impute import Imputer
from hla.prediction.matrix import PredictedMatrix, pairs_of
from hla.prediction.next_typing import typing_values
from hla.prediction.table import HaplotypeTable
from hla.prediction.whole import whole_distribution
from hla.resolve import Resolver
from tests.hla.prediction.compared import made_set, shares_of
from tests.hla.prediction.twin import mismatches
from tests.hla.prediction.uncompiled import plain_python
from tests.hla.prediction.world import Chance, resolver

LOCI = ("A", "B", "C", "DRB1", "DQB1")


def written(folder: Path, name: str, rows: list[str]) -> str:
    path = folder / name
    path.write_text("".join(f"{name}{number}%{gl}\n" for number, gl in enumerate(rows)))
    return str(path)


def persons(
    folder: Path, seed: int, patients: int = 6, units: int = 9
) -> tuple[People, People, HaplotypeTable]:
    chance = Chance(seed)
    haplotypes = chance.haplotypes(LOCI)
    texts = [chance.typing(LOCI, haplotypes).gl() or "A*UUUU+A*UUUU" for _ in range(patients + units)]
    files = written(folder, "p", texts[:patients]), written(folder, "u", texts[patients:])
    one, other = (read_people(path, LOCI, resolver()) for path in files)
    return one, other, HaplotypeTable.of(made_set(LOCI, haplotypes), resolver())


def rounded(share: float) -> str:
    return str(min(100, math.floor(share * 100 + 0.5 + 1e-9)))


def expected(patients: People, units: People, table: HaplotypeTable) -> list[str]:
    """The rows, by predicting each pair and looking at the genotypes one by one."""
    imputer = Imputer(table, exact_pairs=10**9)
    mine, theirs = (imputer.impute_pairs(pairs_of(people, LOCI)) for people in (patients, units))
    rows = []
    for at, name in enumerate(patients.ids):
        found = predict(Patient.of(mine, at), theirs)
        for unit, other in enumerate(units.ids):
            if found.unknown[unit]:
                rows.append(";".join([name, other, *["?", ""] * 5, "", ""]))
                continue
            cells = []
            for slot, locus in enumerate(LOCI):
                pairs = {
                    mismatches(one[slot], two[slot])
                    for one in shares_of(mine, at)
                    for two in shares_of(theirs, unit)
                }
                grade = "A" if pairs == {0} else "P" if 0 in pairs else "M"
                cells += [grade, rounded(found.loci[locus][unit, 0])]
            whole = found.classes[10][unit]
            rows.append(";".join([name, other, *cells, rounded(whole[1]), rounded(whole[0])]))
    return rows


@pytest.mark.parametrize("seed", range(8))
def test_rows_are_those_of_single_pairs(tmp_path: Path, seed: int) -> None:
    patients, units, table = persons(tmp_path, seed)
    matrix = PredictedMatrix.of(patients, units, table)

    blocks = [bytes(matrix.block(at)).decode().splitlines() for at in range(len(patients))]

    assert [row for block in blocks for row in block] == expected(patients, units, table)


def test_compiled_and_plain_loops_agree(tmp_path: Path) -> None:
    patients, units, table = persons(tmp_path, 3)
    compiled = PredictedMatrix.of(patients, units, table)
    rows = [bytes(compiled.block(at)) for at in range(len(patients))]
    with plain_python():
        plain = PredictedMatrix.of(patients, units, table)
        assert [bytes(plain.block(at)) for at in range(len(patients))] == rows


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_written_by_one_process_or_two(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patients, units, table = persons(tmp_path, 5)
    matrix = PredictedMatrix.of(patients, units, table)
    monkeypatch.setattr("hla.matrix.ALONE_BELOW", 0)
    found = []
    for processes in (1, 2):
        told: list[int] = []
        write_matrix(matrix, str(tmp_path / name), processes=processes, progress=told.append)
        found.append("\n".join(reading.lines(str(tmp_path / name))).strip().split("\n"))
        assert sum(told) == matrix.pairs == 54

    assert found[0] == found[1]
    assert found[0][0] == "patient;unit;A;A_p;B;B_p;C;C_p;DRB1;DRB1_p;DQB1;DQB1_p;p9of10;p10of10"
    assert found[0][1:] == expected(patients, units, table)


def test_persons_whom_the_set_does_not_explain_are_counted(tmp_path: Path) -> None:
    haplotypes = [(("A*01:01", "B*01:01"), 0.7), (("A*01:02", "B*01:03"), 0.3)]
    table = HaplotypeTable.of(made_set(("A", "B"), haplotypes), resolver())
    files = (
        written(tmp_path, "p", ["A*01:01+A*01:01^B*01:01+B*01:01"]),
        written(tmp_path, "u", ["A*01:02+A*01:02^B*01:XX+B*01:01", "A*01:01+A*01:02^B*01:XX+B*01:XX"]),
    )
    one, other = (read_people(path, ("A", "B"), resolver()) for path in files)

    matrix = PredictedMatrix.of(one, other, table)

    assert matrix.header() == b"patient;unit;A;A_p;B;B_p;p3of4;p4of4\n"
    assert matrix.notes() == [
        "1 of 2 units are not explained by two haplotypes of the set, or too open to be: 1 estimated with less "
        "linkage, 0 without an estimate (?)."
    ]


def test_without_an_estimate_there_is_a_question_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.prediction.fits.MAX_PAIRS_LISTED", 0)
    table = HaplotypeTable.of(made_set(("A",), [(("A*01:01",), 1.0)]), resolver())
    files = (
        written(tmp_path, "p", ["A*01:01+A*01:01"]),
        written(tmp_path, "u", ["A*02:XX+A*03:XX", "A*01:01+A*01:01"]),
    )
    one, other = (read_people(path, ("A",), resolver()) for path in files)

    matrix = PredictedMatrix.of(one, other, table)

    assert bytes(matrix.block(0)) == b"p0;u0;?;;;\np0;u1;A;100;0;100\n"
    assert PredictedMatrix.of(other, one, table).block(0) == b"u0;p0;?;;;\n"


def test_what_was_left_out_is_said_and_nothing_called_impossible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.prediction.matrix.EXACT_PAIRS", 1)
    haplotypes = [(("A*01:01",), 0.9999), (("A*01:02",), 0.0001)]
    table = HaplotypeTable.of(made_set(("A",), haplotypes), resolver())
    files = written(tmp_path, "p", ["A*01:02+A*01:02"]), written(tmp_path, "u", ["A*01:XX+A*01:XX"])
    one, other = (read_people(path, ("A",), resolver()) for path in files)

    matrix = PredictedMatrix.of(one, other, table)

    assert matrix.notes() == ["Of units at most 0.0002 of a probability was left out."]
    assert bytes(matrix.block(0)).startswith(b"p0;u0;P;0;")


def test_patient_and_units_must_be_numbered_alike(tmp_path: Path) -> None:
    one = HaplotypeTable.of(made_set(("A",), [(("A*01:01",), 1.0)]), resolver())
    other = HaplotypeTable.of(
        made_set(("A",), [(("A*02:01",), 1.0)]), Resolver(resolver().nomenclature, resolver().mac)
    )
    patient = Patient.of(Imputer(one).impute_pairs([(("A*01:01", "A*01:01"),)]))
    unit = Imputer(other).impute_pairs([(("A*02:01", "A*02:01"),)])

    for question in (predict, whole_distribution, typing_values):
        with pytest.raises(ValueError, match="different reference data"):
            question(patient, unit)  # type: ignore[operator]


def test_more_genotypes_than_memory_should_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.prediction.matrix.MOST_GENOTYPES", 5)
    haplotypes = [((f"A*0{family}:01",), 1 / 3) for family in (1, 2, 3)]
    table = HaplotypeTable.of(made_set(("A",), haplotypes), resolver())
    files = written(tmp_path, "p", ["A*01:01+A*01:01"]), written(tmp_path, "u", ["A*01:01+A*01:01", "A*UUUU"])
    one, other = (read_people(path, ("A",), resolver()) for path in files)

    with pytest.raises(MatrixError, match=r"more than 5 genotypes in all: .* such as u1"):
        PredictedMatrix.of(one, other, table)
