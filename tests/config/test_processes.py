"""A stop may come at any moment, also while a process is being made: nothing that we started outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import process

from .embedded_tools import wait_until

SLEEPERS = ["sh", "-c", "sleep 100 & sleep 100; true"]


class Stop(BaseException):
    """What a handler raises."""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signal comes when the child runs and its number is not yet known to us; returns the numbers."""
    numbers: list[int] = []
    real = subprocess.Popen.__init__

    def late(self: subprocess.Popen, *arguments: object, **options: object) -> None:
        real(self, *arguments, **options)  # type: ignore[arg-type]
        numbers.append(self.pid)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(subprocess.Popen, "__init__", late)
    return numbers


def living(session: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


def test_a_program_that_was_being_made_ends(made: list[int]) -> None:
    with pytest.raises(Stop):
        process.run(SLEEPERS)

    assert made
    wait_until(lambda: not living(made[0]))  # killed, it is gone once the machine comes to it


def test_a_program_that_runs_ends_with_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    threading.Thread(target=lambda: (wait_until(note.exists), os.kill(os.getpid(), signal.SIGTERM))).start()

    with pytest.raises(Stop):
        process.run(["sh", "-c", f"sleep 100 & echo $$ > {note}.new; mv {note}.new {note}; sleep 100; true"])

    assert living(int(note.read_text())) == []


def test_a_server_that_was_being_made_ends(made: list[int], tmp_path: Path) -> None:
    with pytest.raises(Stop), process.spawned(["sleep", "100"], tmp_path / "log"):
        pass

    assert made
    assert living(made[0]) == []


def test_a_server_that_is_not_released_ends_and_a_released_one_lives(tmp_path: Path) -> None:
    with process.spawned(["sleep", "100"], tmp_path / "log") as lost:
        assert living(lost.pid)
    assert living(lost.pid) == []

    with process.spawned(["sleep", "100"], tmp_path / "log") as kept:
        process.release(kept)
    assert living(kept.pid)
    process.end(kept.pid, ((signal.SIGKILL, 5),))


def test_a_program_is_run_from_a_thread_too() -> None:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(process.run(["echo", "ü"]).stdout))
    thread.start()
    thread.join()

    assert said == ["ü\n"]


def test_an_ignored_signal_stays_ignored_for_the_child() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as after `nohup`

    done = process.run(["sh", "-c", "kill -TERM $$; echo lives"])

    assert done.stdout == "lives\n"
