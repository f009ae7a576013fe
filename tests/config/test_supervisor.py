"""`make run` in small: everything comes up, what dies comes back, nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded

from .embedded_tools import CHECKOUT, wait_until

pytestmark = pytest.mark.slow


class Running:
    """A supervisor as a child process, and what it has printed."""

    def __init__(self, var: Path, port: int) -> None:
        ours = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "QIDAI_ENV", "PYTEST_CURRENT_TEST")
        env = {name: value for name, value in os.environ.items() if name not in ours}
        env |= {
            "QIDAI_VAR": str(var),
            "QIDAI_PORT": str(port),
            "QIDAI_DEMO": "units=200 hospitals=2 patients=2 transplants=20",
        }
        command = [sys.executable, "-m", "config.supervisor"]
        self.process = subprocess.Popen(
            command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def until(self, text: str, patience: float = 120.0) -> None:
        wait_until(lambda: text in self.output or self.process.poll() is not None, patience)
        assert text in self.output, self.output

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code


@contextlib.contextmanager
def running(var: Path, port: int) -> Iterator[Running]:
    supervisor = Running(var, port)
    try:
        yield supervisor
    finally:
        if supervisor.process.poll() is None:
            supervisor.end(signal.SIGTERM)


@pytest.fixture
def var(module_root: Path) -> Path:
    """The folder above `embedded`; the second test finds the demo of the first."""
    return module_root.parent


@pytest.fixture(scope="module")
def module_root(module_root: Path) -> Iterator[Path]:
    yield module_root
    embedded.stop(module_root.parent / "embedded")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody else listens already."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def processes_of(var: Path) -> list[int]:
    """Every process that was started with this folder, servers included."""
    mark = f"QIDAI_VAR={var}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def pid_of(var: Path, word: str) -> int | None:
    """The oldest process of ours whose command holds `word`."""
    for pid in sorted(processes_of(var)):
        with contextlib.suppress(OSError):
            if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
    return None


def test_everything_comes_up_recovers_and_stops(var: Path, taken_port: int) -> None:
    with running(var, taken_port) as supervisor:
        supervisor.until("runs at")
        address = re.search(r"runs at (http://127\.0\.0\.1:\d+)", supervisor.output)
        assert address
        assert f"port {taken_port} is taken" in supervisor.output
        assert "search-coordinator@demo.qidai.example" in supervisor.output
        with urllib.request.urlopen(f"{address[1]}/healthz", timeout=10) as answer:
            assert answer.status == 200

        with running(var, taken_port) as second:
            assert second.process.wait(20) == 1
            second.until(f"already running from {var} as process {supervisor.process.pid} at {address[1]}", 5)

        for name, queue in (("worker", "interactive"), ("batch worker", "batch")):
            worker = pid_of(var, f"{queue}@%h")
            assert worker
            os.kill(worker, signal.SIGKILL)
            supervisor.until(f"Qidai: {name} ended (-9); starting it again")
            wait_until(lambda queue=queue, worker=worker: pid_of(var, f"{queue}@%h") not in (None, worker))

        asked = time.monotonic()
        assert supervisor.end(signal.SIGINT) == 0
        assert time.monotonic() - asked < 30

    assert supervisor.output.endswith("Qidai: stopped\n")
    assert processes_of(var) == []


def test_a_killed_supervisor_takes_its_children_along(var: Path) -> None:
    with running(var, 0) as supervisor:
        supervisor.until("runs at")
        assert supervisor.end(signal.SIGKILL) == -9
        servers = {embedded.status(var / "embedded")[name]["pid"] for name in ("postgresql", "valkey")}
        wait_until(lambda: not (pid_of(var, "gunicorn") or pid_of(var, "worker") or pid_of(var, "beat")), 30)
        assert servers <= set(processes_of(var))  # they outlive it; the next start finds them


def test_a_stop_in_the_middle_of_the_start_leaves_nothing(root: Path) -> None:
    with running(root, 0) as supervisor:
        wait_until((root / "embedded" / "pg18.making").exists, 30)
        assert supervisor.end(signal.SIGTERM) == 0

    assert supervisor.output.endswith("Qidai: stopped\n")
    assert processes_of(root) == []


def test_a_preparation_that_fails_ends_the_start(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIDAI_FIELD_KEY", "")
    root.mkdir()
    (root / "secrets").mkdir()
    (root / "secrets" / "qidai_secret_key").touch()  # empty: settings refuse it

    with running(root, 0) as supervisor:
        assert supervisor.process.wait(60) == 1

    assert "preparing the database failed" in supervisor.output
    assert processes_of(root) == []
