"""A whole Qidai on servers of its own, with the processes of `make run`, and ways to break each part of it.

Used by scripts/drill.py and tests/faults. It stops only what it started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from config import embedded, supervisor  # noqa: E402
from config.embedded import process  # noqa: E402

NOT_INHERITED = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "PYTEST_XDIST_WORKER",
    "CELERY_BROKER_URL",
)
STOP_SECONDS = 2.0
COMPILED = str(ROOT / "var" / "numba")  # as scripts/run_tests.py: compiling takes half a minute


@dataclass
class Part(supervisor.Child):
    """One process of the installation in a session of its own, with those that it started."""

    bound: bool = False  # the caller may have threads

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """All of them at once, without a chance to do anything."""
        self.make_stop(0.0)

    def children(self) -> list[int]:
        """The processes of a worker's pool."""
        assert self.process
        pid = self.process.pid
        with suppress(OSError):
            return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


def tied(command: Sequence[str]) -> list[str]:
    """The same, ended with us when we are killed; by a program, since we may have threads."""
    return [*(["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []), *command]


class Installation:
    """Servers under `var`/e, a migrated database, and after `started` web, workers and beat."""

    def __init__(self, var: Path, *, durable: bool, **settings: str) -> None:
        self.var, self.servers, self.durable = var, var / "e", durable
        self.parts: dict[str, Part] = {}
        self.address = ""
        self.urls = embedded.ensure(self.servers, durable=durable)
        kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.env = {**kept, **self.urls, "QIDAI_VAR": str(var), "QIDAI_ENV": "test", **settings}
        self.env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        self.env.setdefault("NUMBA_CACHE_DIR", COMPILED)

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py; what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def started(self) -> Iterator[None]:
        """Web, workers and beat with the very commands of `make run`."""
        with supervisor.web_socket() as listener:
            self.address = "http://{}:{}".format(*listener.getsockname())
            for child in supervisor.make_children(self.var, self.env, listener):
                command = tied(child.command)
                self.parts[child.name] = Part(child.name, command, child.env, child.log, child.pass_fds)
            with supervisor.stopping(list(self.parts.values()), STOP_SECONDS):
                for part in self.parts.values():
                    part.start()
                yield

    def close(self) -> None:
        embedded.stop(self.servers)

    def restart_valkey_empty(self) -> None:
        """Killed, its data removed, started again: every ring that waited is lost."""
        self._end("valkey", signal.SIGKILL)
        shutil.rmtree(self.servers / "valkey" / "appendonlydir")
        self.start_servers()

    def empty_valkey(self) -> None:
        import redis

        client = redis.Redis.from_url(self.urls["REDIS_URL"])
        client.flushall()
        client.close()

    def restart_postgresql(self) -> None:
        """Immediate shutdown, as by a crash: every connection and open transaction is lost."""
        self._end("postgresql", signal.SIGQUIT)
        self.start_servers()

    def start_servers(self) -> None:
        if embedded.ensure(self.servers, durable=self.durable) != self.urls:
            raise RuntimeError("a server came back at another address")

    def _end(self, server: str, number: signal.Signals) -> None:
        pid = embedded.status(self.servers)[server]["pid"]
        process.end(pid, ((number, 10.0), (signal.SIGKILL, 5.0)))

    def tails(self) -> str:
        return "\n".join(f"--- {part.name}\n{part.tail()}" for part in self.parts.values())


def wait_until(
    condition: Callable[[], Any],
    what: str,
    *,
    seconds: float = 60.0,
    every: float = 0.05,
    tail: Callable[[], str],
) -> None:
    """Raises TimeoutError with the ends of the logs."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {seconds:g} s for {what}\n{tail()}")
        time.sleep(every)
