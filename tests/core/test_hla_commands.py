"""hla_explain, hla_compare and match_matrix as people start them: processes of their own, without any database."""

from __future__ import annotations

import io
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, get_commands

from hla.cli import COMMANDS
from tests.hla import toy_release

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 0.6  # to the first output, promised for a quiet machine

Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(toy_release.write(tmp_path_factory.mktemp("release")))


def environment(var: Path, **more: str) -> dict[str, str]:
    """A production host on which nothing is set up: no database, no broker, no secrets."""
    return {"PATH": os.environ["PATH"], "QIDAI_ENV": "production", "QIDAI_VAR": str(var), **more}


def manage(var: Path, *arguments: str, stdin: str = "", **more: str) -> Run:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(var, **more),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_nothing_is_started_and_nothing_needed(tmp_path: Path, release: str) -> None:
    run = manage(tmp_path / "var", "hla_explain", "A*02:01+A*24:03", "--json", "--release", release)

    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["release"] == "9.99.0"
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["hla"]
    again = manage(tmp_path / "var", "hla_explain", "A*02:01", "--json", "--release", "9.99.0")
    assert json.loads(again.stdout)["p_groups"] == ["A*02:01P"]


def test_without_a_release_the_built_in_nomenclature_serves(tmp_path: Path) -> None:
    run = manage(tmp_path / "var", "hla_compare", "--patient", "A*02:01", "--unit", "A*02:01", "--json")

    assert run.returncode == 0
    assert json.loads(run.stdout)["release"] == "built-in"
    assert not (tmp_path / "var").exists()


def test_no_framework_is_loaded(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['manage.py', 'hla_explain', 'A*02:01']\n"
        "try: runpy.run_path('manage.py', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'django', 'celery', 'psycopg2', 'config.settings'} & sys.modules.keys()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr


def test_the_first_answer_comes_soon(tmp_path: Path, release: str) -> None:
    manage(tmp_path, "hla_explain", "A*02:01", "--release", release)
    took = []
    for _ in range(3):
        start = time.perf_counter()
        manage(tmp_path, "hla_explain", "A*02:01", "--release", release)
        took.append(time.perf_counter() - start)

    assert min(took) < 3 * SECONDS  # the other tests run at the same time


def test_status_and_streams(tmp_path: Path, release: str) -> None:
    lines = "A*02:01\nnonsense\n\x00\ufffe ＊\nA*03:01\n"
    run = manage(tmp_path, "hla_explain", "-", "--release", release, stdin=lines)

    assert run.returncode == 2
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert ["error" in answer for answer in answers] == [False, True, True, False]
    assert manage(tmp_path, "hla_explain").returncode == 1
    assert manage(tmp_path, "hla_compare", "--patient", "A*02:01").returncode == 1
    wrong = manage(tmp_path, "hla_explain", "A*02:01", "--release", "/nowhere")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "Traceback" not in wrong.stderr


def test_help(tmp_path: Path) -> None:
    for name in COMMANDS:
        for arguments in ([name, "--help"], ["help", name]):
            run = manage(tmp_path, *arguments)
            assert run.returncode == 0
            assert "--release PATH|VERSION" in run.stdout


def test_a_var_folder_that_cannot_be_written(tmp_path: Path, release: str) -> None:
    (tmp_path / "var").write_text("a file where a folder should be")

    run = manage(tmp_path / "var", "hla_explain", "A*02:01", "--json", "--release", release)

    assert run.returncode == 0
    assert json.loads(run.stdout)["release"] == "9.99.0"
    assert "compiled anew each time" in run.stderr


def test_two_first_uses_at_once(tmp_path: Path, release: str) -> None:
    arguments = [sys.executable, "manage.py", "hla_explain", "A*02:01", "--json", "--release", release]
    both = [
        subprocess.Popen(arguments, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = {process.communicate(timeout=60)[0] for process in both}

    assert len(outputs) == 1
    assert [process.returncode for process in both] == [0, 0, 0]
    assert len(list((tmp_path / "hla").iterdir())) == 2


def test_a_matrix_to_a_pipe(tmp_path: Path, release: str) -> None:
    (tmp_path / "p").write_text("P1%A*02:01+A*24:02\n")
    run = manage(
        tmp_path / "var",
        *("match_matrix", "--patients", str(tmp_path / "p"), "--units", "-", "--loci", "A", "--out", "-"),
        *("--release", release),
        stdin="U1;A*02:01+A*24:02\nU2;A*03:01\n",
    )

    assert run.returncode == 0
    assert run.stdout == "patient;unit;A_min;A_max\nP1;U1;2;2\nP1;U2;0;1\n"
    assert "█" not in run.stderr  # no terminal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_matrix_that_is_stopped_leaves_nothing(tmp_path: Path, release: str, number: int) -> None:
    people = "".join(f"X{place}%A*02:01+A*24:02\n" for place in range(7_000))
    (tmp_path / "p").write_text(people)
    files = {"--patients": "p", "--units": "p", "--out": "out.csv"}
    arguments = [part for name, file in files.items() for part in (name, str(tmp_path / file))]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "match_matrix", "--loci", "A", "--release", release, *arguments],
        cwd=ROOT,
        env=environment(tmp_path / "var"),
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob(".out.csv.*.part")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)

    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert "Traceback" not in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "var"]


def test_nobody_counts_on_when_the_reader_has_gone(tmp_path: Path, release: str) -> None:
    """`match_matrix --out - | head`, and a killed command: the counting processes end as well."""
    (tmp_path / "p").write_text("".join(f"X{place}%A*02:01+A*24:02\n" for place in range(7_000)))
    file = str(tmp_path / "p")
    command = ["match_matrix", "--patients", file, "--units", file, "--loci", "A", "--out", "-"]
    process = subprocess.Popen(
        [sys.executable, "manage.py", *command, "--processes", "2", "--release", release],
        cwd=ROOT,
        env=environment(tmp_path / "var"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=60)  # ends when no process holds the pipes any more

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:  # a process that has ended is still to be collected by the system
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a counting process goes on")


# --- as Django's commands -------------------------------------------------------------------------


def test_django_knows_the_commands(tmp_path: Path) -> None:
    assert set(COMMANDS) <= get_commands().keys()
    manage_py = runpy.run_path(str(ROOT / "manage.py"))
    assert manage_py["KERNEL_COMMANDS"] == (*COMMANDS, "estimate")  # tests/statistics/test_estimate.py
    assert manage_py["kernel_command"](["help", "runserver"]) == []
    assert manage_py["kernel_command"]([]) == []


def test_call_command(release: str) -> None:
    out = io.StringIO()
    call_command("hla_explain", "A*02:01", "--json", release=release, stdout=out)
    assert json.loads(out.getvalue())["release"] == "9.99.0"

    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError) as ended:
        call_command(
            "hla_compare", patient="A*02:01", unit="?", json=True, release=release, stdout=out, stderr=err
        )
    assert ended.value.returncode == 2
    assert json.loads(out.getvalue())["error"]["side"] == "unit"


def test_call_command_of_a_matrix(release: str, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("1%A*02:01\n")
    file = str(tmp_path / "p")

    call_command(
        "match_matrix",
        patients=file,
        units=file,
        loci="A",
        out=str(tmp_path / "o"),
        release=release,
        stderr=io.StringIO(),
    )
    assert (tmp_path / "o").read_text().endswith("1;1;1;2\n")
