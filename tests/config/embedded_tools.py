"""Shared by the tests of the embedded servers: real servers in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import redis

from config import embedded

CHECKOUT = Path(__file__).resolve().parents[2]


def quick(root: Path) -> dict[str, str]:
    """`ensure` without fsync, for the tests that pull no plug."""
    return embedded.ensure(root, durable=False)


@contextlib.contextmanager
def connected(url: str) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def is_zombie(pid: int) -> bool:
    """Dead, but never waited for: PID 1 of many containers does not do that."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return False


def ask(url: str, statement: str) -> list[tuple]:
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def pings(url: str) -> bool:
    client = redis.Redis.from_url(url)
    try:
        return bool(client.ping())
    finally:
        client.close()


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port


def python(code: str, **options) -> subprocess.Popen[str]:
    """A fresh interpreter of this environment, standing in the checkout."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def processes_under(root: Path) -> list[int]:
    """Process ids of living PostgreSQL and Valkey processes that stand in, or were started with, `root`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            here = os.readlink(folder / "cwd").startswith(str(root)) or str(root) in command
            if here and ("postgres" in command or "valkey" in command):
                found.append(int(folder.name))
    return found


def kill_at_once(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def wait_until(condition, patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
