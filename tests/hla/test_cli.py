"""The commands of the kernel within this process: arguments, streams, exit status."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from hla import cli, cli_matrix
from hla.cache import Cache
from hla.cli import COMMANDS, INTERRUPTED, INVALID, OK, REFUSED, Surroundings, command, main, run
from hla.cli_matrix import Bar, asked_loci, processors
from hla.matrix import Matrix, MatrixError
from tests.hla import toy_release


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that knows release 9.99.0."""
    base = tmp_path_factory.mktemp("cli")
    Cache(base / "hla", pytest.fail).nomenclature(str(toy_release.write(base / "release")))
    return base / "hla"


class Console:
    """Runs commands and keeps what they wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, *arguments: str, stdin: str = "", terminal: bool = False) -> int:
        parser = argparse.ArgumentParser(exit_on_error=False)
        command(name).add_arguments(parser)
        options = vars(parser.parse_args([*arguments, "--release", "9.99.0"]))
        self.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        self.stderr = Terminal() if terminal else io.StringIO()
        around = Surroundings(self.folder, io.StringIO(stdin), self.stdout, self.stderr)
        return run(name, options, around)

    @property
    def out(self) -> str:
        return self.stdout.buffer.getvalue().decode()  # type: ignore[attr-defined]

    @property
    def err(self) -> str:
        return self.stderr.getvalue()

    @property
    def answers(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def console(folder: Path) -> Console:
    return Console(folder)


def test_explain_prints_text_or_json(console: Console) -> None:
    assert console("hla_explain", "A*02:01", "B*39:01") == OK
    assert console.out.count("release        IPD-IMGT/HLA 9.99.0") == 2

    assert console("hla_explain", "A*02:01", "B*39:01", "--json") == OK
    assert [answer["input"] for answer in console.answers] == ["A*02:01", "B*39:01"]


def test_an_invalid_typing_does_not_stop_the_rest(console: Console) -> None:
    lines = "\ufeffA*02:01\r\nnonsense\n\nA＊03:01\n"

    assert console("hla_explain", "-", stdin=lines) == INVALID
    assert [answer["input"] for answer in console.answers] == ["A*02:01", "nonsense", "", "A＊03:01"]
    assert ["error" in answer for answer in console.answers] == [False, True, True, False]
    assert "A＊03:01" in console.out


def test_answers_come_line_by_line(folder: Path) -> None:
    """A program that waits for each answer before it asks again."""
    to_us, from_us = os.pipe(), os.pipe()
    stdin, stdout = os.fdopen(to_us[0]), os.fdopen(from_us[1], "w")
    options = {
        "typings": ["-"],
        "locus": "A",
        "json": False,
        "release": None,
        "mac": None,
        "blank": "unknown",
    }
    around = Surroundings(folder, stdin, stdout, io.StringIO())
    thread = threading.Thread(target=run, args=("hla_explain", options, around))
    thread.start()
    with os.fdopen(to_us[1], "w") as ask, os.fdopen(from_us[0]) as answers:
        for text in ("02:01", "24:02"):
            ask.write(f"{text}\n")
            ask.flush()
            assert json.loads(answers.readline())["canonical"] == f"A*{text}"
    thread.join()


def test_explain_knows_the_locus_it_is_told(console: Console) -> None:
    assert console("hla_explain", "02:01", "--locus", "HLA-A", "--json") == OK
    assert console.answers[0]["canonical"] == "A*02:01"
    assert console("hla_explain", "02:01", "--locus", "Z") == REFUSED
    assert console.err.startswith("hla_explain: Z is not an HLA locus that is read. Use one of A, B")


def test_compare(console: Console) -> None:
    assert console("hla_compare", "--patient", "A*02:01", "--unit", "A*02:01") == OK
    assert console.out.startswith("class")
    assert console("hla_compare", "--patient", "A*02:01", "--unit", "A*77:77", "--json") == INVALID
    assert console.answers[0]["error"]["side"] == "unit"


def test_compare_pairs(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"1;A*02:01;A*02:01\n2;A*02:01;\xff\n3;A*02:01;A*24:02\n")

    assert console("hla_compare", "--pairs", str(path)) == INVALID
    assert [answer["id"] for answer in console.answers] == ["1", "2", "3"]
    assert console("hla_compare", "--pairs", "-", stdin="x;A*02:01;A*02:01\n") == OK
    assert console.answers[0]["id"] == "x"
    assert console("hla_compare", "--pairs", str(tmp_path / "nowhere")) == REFUSED
    assert "nowhere cannot be read: No such file or directory." in console.err


@pytest.mark.parametrize("arguments", [[], ["--patient", "A*02:01"], ["--pairs", "-", "--unit", "A*02:01"]])
def test_compare_needs_two_typings_or_a_file(console: Console, arguments: list[str]) -> None:
    assert console("hla_compare", *arguments) == REFUSED
    assert console.err == "hla_compare: Give --patient and --unit, or --pairs FILE.\n"


def test_a_release_that_is_not_there(folder: Path) -> None:
    around = Surroundings(folder, io.StringIO(), io.StringIO(), io.StringIO())
    options = {"typings": ["A*02:01"], "locus": None, "json": True, "blank": "unknown", "mac": None}

    assert run("hla_explain", options | {"release": "1.2.3"}, around) == REFUSED
    assert "there are: 9.99.0" in around.stderr.getvalue()  # type: ignore[attr-defined]


# --- match_matrix ---------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "p").write_text("P1%A*02:01+A*24:02^B*15:01\nP2%A*03:01+A*24:02\n")
    (tmp_path / "u").write_text("U1%A*02:01+A*24:XX\nU2%A*77:77\nU3%A*24:02+A*24:02^B*77:77\n")
    return ["--patients", str(tmp_path / "p"), "--units", str(tmp_path / "u")]


def test_a_matrix_stops_at_an_unreadable_typing(console: Console, files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"

    assert console("match_matrix", *files, "--loci", "A", "--out", str(out)) == INVALID
    assert f"match_matrix: {tmp_path}/u, line 2 (U2): There is no allele A*77:77" in console.err
    assert "Nothing was written. --unreadable untyped" in console.err
    assert not out.exists()


def test_a_matrix_with_untyped_loci(console: Console, files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"

    assert (
        console("match_matrix", *files, "--loci", "HLA-A", "--out", str(out), "--unreadable", "untyped") == OK
    )
    assert out.read_text().splitlines() == [
        "patient;unit;A_min;A_max",
        "P1;U1;1;2",
        "P1;U2;0;2",
        "P1;U3;1;1",
        "P2;U1;0;1",
        "P2;U2;0;2",
        "P2;U3;1;1",
    ]
    assert "1 unreadable values of 1 persons count as untyped (A 1)." in console.err
    assert "2 patients, 3 units, 6 pairs at A; IPD-IMGT/HLA 9.99.0; " in console.err


def test_a_matrix_on_standard_output(console: Console, files: list[str]) -> None:
    arguments = [*files, "--loci", "A", "--unreadable", "untyped", "--out", "-"]

    assert console("match_matrix", *arguments, terminal=True) == OK
    assert console.out.count("\n") == 7
    assert "█" * 30 + " 100 %  6 pairs" in console.err


def test_an_output_that_takes_only_text(files: list[str], folder: Path) -> None:
    options = {
        "patients": files[1],
        "units": files[1],
        "loci": "A",
        "out": "-",
        "unreadable": "stop",
        "processes": 1,
        "release": "9.99.0",
        "mac": None,
        "blank": "unknown",
    }
    around = Surroundings(folder, io.StringIO(), io.StringIO(), io.StringIO())

    assert run("match_matrix", options, around) == REFUSED
    assert "takes only text" in around.stderr.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--loci", "A,Z"], "--loci: Z is no HLA locus that is read. Use some of A, B"),
        (["--loci", "A,"], "--loci: (nothing) is no HLA locus"),
        (["--loci", "A,HLA-A"], "--loci: HLA-A is given twice"),
        (["--processes", "0"], "--processes: at least one is needed."),
        (["--patients", "-", "--units", "-"], "Only one of --patients and --units"),
        (["--patients", "nowhere.csv"], "nowhere.csv cannot be read: No such file or directory."),
        (["--out", "/proc/out.csv", "--unreadable", "untyped"], "/proc/out.csv cannot be written: "),
    ],
)
def test_a_matrix_that_is_refused(
    console: Console, files: list[str], tmp_path: Path, change: list[str], sentence: str
) -> None:
    assert console("match_matrix", *files, "--out", str(tmp_path / "o"), *change) == REFUSED
    assert console.err.startswith(f"match_matrix: {sentence}")


def test_a_file_that_is_no_list_of_persons(console: Console, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "p").write_text("no separator\n")

    assert console("match_matrix", *files, "--out", str(tmp_path / "o")) == INVALID
    assert "line 1: no separator is not an id and a typing" in console.err


def test_an_id_given_twice(console: Console, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "p").write_text("P1;A*02:01\nP1;A*03:01\n")

    assert console("match_matrix", *files, "--out", str(tmp_path / "o")) == INVALID
    assert console.err == (
        f"match_matrix: {tmp_path}/p, line 2: the id P1 stands already in line 1. Give each id one line.\n"
    )
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("side", ["patients", "units"])
@pytest.mark.parametrize("name", ["same", "link", "hard", "round/../same"])
def test_an_input_is_not_replaced(console: Console, tmp_path: Path, side: str, name: str) -> None:
    (tmp_path / "round").mkdir()
    for file in ("same", "other"):
        (tmp_path / file).write_text("P1;A*02:01\n")
    (tmp_path / "link").symlink_to("same")
    (tmp_path / "hard").hardlink_to(tmp_path / "same")
    files = {"patients": str(tmp_path / "other"), "units": str(tmp_path / "other")}
    files |= {side: str(tmp_path / "same")}
    arguments = [part for key, value in files.items() for part in (f"--{key}", value)]

    assert console("match_matrix", *arguments, "--out", str(tmp_path / name)) == REFUSED
    assert console.err == (
        f"match_matrix: --out: {tmp_path / name} is the file of --{side} and would be replaced. Give another file.\n"
    )
    assert (tmp_path / "same").read_text() == "P1;A*02:01\n"


def test_nor_is_the_file_that_standard_input_is(
    console: Console, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "p").open() as opened:
        monkeypatch.setattr(cli_matrix, "STDIN_NUMBER", opened.fileno())
        arguments = ["--patients", "-", *files[2:], "--out", files[1]]

        assert console("match_matrix", *arguments) == REFUSED
    assert "is the file of --patients and would be replaced" in console.err


@pytest.mark.parametrize(
    ("error", "status"), [(MatrixError("cut short"), REFUSED), (OSError(28, "No space left"), REFUSED)]
)
def test_what_ends_the_writing_is_said(
    console: Console,
    files: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(cli_matrix, "write_matrix", fail)
    assert console("match_matrix", *files[:2], "--units", files[1], "--out", str(tmp_path / "o")) == status
    assert "cut short" in console.err or "cannot be written: No space left." in console.err


def test_a_reader_that_went_away_is_not_a_full_disk(
    console: Console, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(cli_matrix, "write_matrix", fail)
    with pytest.raises(BrokenPipeError):
        console("match_matrix", *files[:2], "--units", files[1], "--out", "-")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_ended_leaves_no_file(
    console: Console, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = signal.getsignal(number)
    original = Matrix.block

    def block(self: Matrix, patient: int) -> bytearray:
        os.kill(os.getpid(), number)
        return original(self, patient)

    monkeypatch.setattr(Matrix, "block", block)
    with pytest.raises(SystemExit) as ended:
        console("match_matrix", *files[:2], "--units", files[1], "--out", str(tmp_path / "o"))
    assert ended.value.code == 128 + number
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "u"]
    assert signal.getsignal(number) == before


def test_a_stream_is_ended_by_the_system(
    console: Console, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers: list[Any] = []

    def look(*args: object, **options: object) -> None:
        handlers.extend(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM))

    monkeypatch.setattr(cli_matrix, "write_matrix", look)
    assert console("match_matrix", *files[:2], "--units", files[1], "--out", "-") == OK
    assert handlers == [signal.SIG_DFL, signal.SIG_DFL]


def test_a_matrix_in_another_thread(console: Console, files: list[str], tmp_path: Path) -> None:
    """Signals belong to the main thread."""
    arguments = ("match_matrix", *files[:2], "--units", files[1], "--out", str(tmp_path / "o"))
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(console(*arguments)))
    thread.start()
    thread.join()

    assert found == [OK]


def test_the_bar_is_not_redrawn_at_each_step() -> None:
    terminal = Terminal()
    bar = Bar(terminal, 1000)
    for _ in range(1000):
        bar.progress(1)

    assert 2 <= terminal.getvalue().count("\r") < 1000
    assert terminal.getvalue().endswith("100 %  1,000 pairs")


def test_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processors() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1
    assert asked_loci("A, HLA-B,Cw") == ["A", "B", "C"]


# --- main -----------------------------------------------------------------------------------------


def test_main(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("hla_explain", ["A*02:01", "--release", "9.99.0", "--json"], folder) == OK
    assert json.loads(capsys.readouterr().out)["release"] == "9.99.0"
    for name in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main(name, ["--help"], folder)
        assert ended.value.code == 0
        assert "--release PATH|VERSION" in capsys.readouterr().out
        with pytest.raises(SystemExit) as ended:
            main(name, ["--bogus"], folder)
        assert ended.value.code == REFUSED
        assert f"manage.py {name}: " in capsys.readouterr().err


def test_main_is_told_to_stop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupt)
    assert main("hla_explain", ["A*02:01"], folder) == INTERRUPTED


def test_main_writes_utf8_to_whatever_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as out, (tmp_path / "in").open("w+b") as given:
        given.write(b"A\xef\xbc\x8a02:01\n\xff\n")
        given.seek(0)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given, encoding="ascii"))
        assert main("hla_explain", ["-", "--release", "9.99.0"], folder) == INVALID
    answers = [json.loads(line) for line in (tmp_path / "out").read_text("utf-8").splitlines()]
    assert [answer["input"] for answer in answers] == ["A＊02:01", "\ufffd"]


def test_main_ends_quietly_when_nobody_reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main("hla_explain", ["A*02:01", "--release", "9.99.0"], folder) == REFUSED
