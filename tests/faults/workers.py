"""Real worker processes on this test's database and broker; whoever starts one ends it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from scripts.installation import COMPILED, Part, tied, wait_until

PATIENCE_SECONDS = 60.0  # far more than needed; a worker starts in two seconds

HASTY = {  # so that a test need not wait for what takes half a minute otherwise
    "QIDAI_JOB_LEASE_SECONDS": "2",
    "QIDAI_JOB_RING_AGAIN_SECONDS": "1",
    "QIDAI_JOB_SWEEP_SECONDS": "1",
}


class Workers:
    """Starts workers with one log; `until` waits for a condition and shows the log when it waited in vain."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = {"NUMBA_CACHE_DIR": COMPILED, **environment}
        self.folder = folder
        self.log = folder / "worker.log"

    @contextmanager
    def worker(self, *arguments: str, name: str = "one", **settings: str) -> Iterator[Part]:
        """One that does searches, with its children in a process group of their own."""
        command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-l", "INFO"]
        command += ["-n", f"{name}@%h", "--without-gossip", "--without-mingle"]
        command += ["-c", "1", "-Q", "interactive,maintenance", *arguments]
        part = Part(name, tied(command), {**self.environment, **settings}, self.log)
        part.start()
        try:
            yield part
        finally:
            part.kill()

    @contextmanager
    def with_beat(self, name: str = "one", **settings: str) -> Iterator[Part]:
        """One that also rings for the sweep."""
        with self.worker("-B", "-s", str(self.folder / "beat"), name=name, **settings) as part:
            yield part

    def until(self, condition: Callable[[], Any], what: str) -> None:
        wait_until(condition, what, seconds=PATIENCE_SECONDS, tail=self.said)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def empty(broker: str) -> None:
    client = redis.Redis.from_url(broker)
    client.flushdb()
    client.close()
