"""All patients against all units, against the slow twin and, on real data, against score_locus."""

from __future__ import annotations

import gzip
import io
import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from hla import matrix as module
from hla.matching import LocusTable, score_locus
from hla.matrix import Matrix, MatrixError, PlaceTask, StreamTask, begin, run_task, write_matrix
from hla.people import read_people
from hla.resolve import Resolver
from scripts.validate_hla import RealData
from tests.hla.reference import compare_texts

LOCI = ["A", "B", "DRB1"]
VALUES = {
    "A": ["A*02:01", "A*02:03", "A*02:XX", "A*02:15N", "A*03:01/03:02", "A*24:XX", "A*24:02", "A2", ""],
    "B": ["B*15:01", "B*15:XX", "B*38:01", "B*39:XX", "B16", "B*44:02:01:01S", ""],
    "DRB1": ["DRB1*04:05", ""],
}


def people_text(count: int, seed: int, name: str) -> str:
    random_of = random.Random(seed)
    rows = []
    for number in range(count):
        pairs = [[random_of.choice(VALUES[locus]) for _ in "12"] for locus in LOCI]
        gl = "^".join("+".join(pair) for pair in pairs if any(pair)) or "A*UUUU"
        rows.append(f"{name}{'x' * (number % 3)}{number}%{gl}")
    return "\n".join(rows) + "\n"


@pytest.fixture
def matrix(tmp_path: Path, resolver: Resolver) -> Matrix:
    (tmp_path / "p").write_text(people_text(12, 1, "P"))
    (tmp_path / "u").write_text(people_text(40, 2, "U"))
    patients, units = (read_people(str(tmp_path / name), LOCI, resolver) for name in "pu")
    return Matrix.of(patients, units, resolver)


def ignore(pairs: int) -> None:
    """No progress is shown."""


def expected(matrix: Matrix, resolver: Resolver) -> str:
    """The whole file, by the twin."""
    lines = ["patient;unit;" + ";".join(f"{locus}_{end}" for locus in LOCI for end in ("min", "max"))]
    for row, patient in enumerate(matrix.patients.ids):
        for column, unit in enumerate(matrix.units.ids):
            cells = [patient, unit]
            for locus in LOCI:
                mine, theirs = (
                    people.columns[locus].typings[people.columns[locus].codes[place]]
                    for people, place in ((matrix.patients, row), (matrix.units, column))
                )
                pairs = (mine.first, mine.second), (theirs.first, theirs.second)
                counts = compare_texts(locus, *pairs, resolver)
                cells += [str(counts.match_min), str(counts.match_max)]
            lines.append(";".join(cells))
    return "\n".join(lines) + "\n"


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes even for a small matrix, one patient at a time."""
    monkeypatch.setattr(module, "ALONE_BELOW", 0)
    monkeypatch.setattr(module, "BLOCK_ROWS", 1)


def test_a_file_equals_the_twin(matrix: Matrix, resolver: Resolver, tmp_path: Path) -> None:
    done: list[int] = []

    write_matrix(matrix, str(tmp_path / "out.csv"), processes=1, progress=done.append)

    assert (tmp_path / "out.csv").read_text() == expected(matrix, resolver)
    assert sum(done) == matrix.pairs == 480
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "p", "u"]


@pytest.mark.usefixtures("side_by_side")
def test_two_processes_write_the_same(matrix: Matrix, tmp_path: Path, resolver: Resolver) -> None:
    text = expected(matrix, resolver)
    stream = io.BytesIO()

    write_matrix(matrix, str(tmp_path / "out.csv"), processes=2, progress=ignore)
    write_matrix(matrix, str(tmp_path / "out.csv.gz"), processes=2, progress=ignore)
    write_matrix(matrix, stream, processes=2, progress=ignore)

    assert (tmp_path / "out.csv").read_text() == text
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()).decode() == text
    assert stream.getvalue().decode() == text


def test_names_may_be_of_any_script(tmp_path: Path, resolver: Resolver) -> None:
    (tmp_path / "p").write_text("患者;A*02:01+A*24:02\n", encoding="utf-8")
    (tmp_path / "u").write_text("é;A*02:01+A*24:02\n脐血;A*03:01+A*24:02\n", encoding="utf-8")
    patients, units = (read_people(str(tmp_path / name), ["A"], resolver) for name in "pu")

    write_matrix(Matrix.of(patients, units, resolver), str(tmp_path / "o"), processes=1, progress=ignore)

    assert (tmp_path / "o").read_text("utf-8") == "patient;unit;A_min;A_max\n患者;é;2;2\n患者;脐血;1;1\n"


def test_an_existing_file_stays_until_the_new_one_is_complete(
    matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")

    def fail(self: Matrix, patient: int) -> bytearray:
        raise KeyboardInterrupt

    monkeypatch.setattr(Matrix, "block", fail)
    with pytest.raises(KeyboardInterrupt):
        write_matrix(matrix, str(out), processes=1, progress=ignore)

    assert out.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_pipe_is_written_to_and_not_replaced(matrix: Matrix, tmp_path: Path, resolver: Resolver) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb")

    write_matrix(matrix, str(pipe), processes=1, progress=ignore)

    assert reader.read().decode() == expected(matrix, resolver)
    reader.close()
    assert pipe.is_fifo()


@pytest.mark.usefixtures("side_by_side")
def test_a_killed_process_is_an_error(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Matrix, "block", lambda self, patient: os.kill(os.getpid(), signal.SIGKILL))

    with pytest.raises(MatrixError, match="--processes 1"):
        write_matrix(matrix, io.BytesIO(), processes=2, progress=ignore)


def test_a_short_write_is_continued() -> None:
    class Slow(io.BytesIO):
        def write(self, data: Any) -> int:
            return super().write(bytes(data[:3]))

    slow = Slow()
    module.write_all(slow, memoryview(b"0123456789"))
    assert slow.getvalue() == b"0123456789"


def test_a_counting_process(matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the other processes do, in this one."""
    handlers: dict[int, Any] = {}
    ended: list[int] = []

    class Parent:
        sentinel = 7

    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(module, "wait", lambda sentinels: ended.extend(sentinels))
    monkeypatch.setattr(os, "_exit", ended.append)
    begin(matrix)
    monkeypatch.setattr(multiprocessing, "parent_process", Parent)
    begin(matrix)
    for thread in module.threading.enumerate():
        if thread.daemon and thread is not module.threading.current_thread():
            thread.join(1)

    assert handlers == {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
    assert ended == [7, 1]
    path = tmp_path / "rows"
    path.write_bytes(b"")
    rows = run_task(StreamTask(pack=False), range(3, 5))
    assert run_task(PlaceTask(str(path), 0), range(3, 5)) == b""
    assert path.read_bytes()[-len(rows) :] == rows
    assert len(path.read_bytes()) == matrix.places[3] + len(rows)


@pytest.mark.slow
def test_real_pairs_equal_score_locus(real: RealData, tmp_path: Path) -> None:
    loci = ["A", "B", "C", "DRB1", "DQB1"]
    folder = real.folder / "wmda"
    patients, units = (
        read_people(str(folder / name), loci, real.resolver) for name in ("pat.gl.txt.gz", "don.gl.txt.gz")
    )
    patients.ids = patients.ids[:40]
    matrix = Matrix.of(patients, units, real.resolver)
    out = tmp_path / "out.csv"

    write_matrix(matrix, str(out), processes=2, progress=ignore)

    rows = out.read_text().splitlines()
    assert len(rows) == 1 + 40 * 10_000
    random_of = random.Random(3)
    for line in random_of.sample(rows[1:], 400):
        patient, unit, *digits = line.split(";")
        mine, theirs = real.patient_lists[patient].typing, real.donor_lists[unit].typing
        for place, locus in enumerate(loci):
            typing = theirs.locus(locus)
            table = LocusTable.build(locus, [(typing.first, typing.second)], real.resolver)
            counts = score_locus(mine.locus(locus), table).at(len(table) - 1)
            assert digits[2 * place : 2 * place + 2] == [str(counts.match_min), str(counts.match_max)]
