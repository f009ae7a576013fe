"""Throw-away servers for one run of tests or checks: a folder of their own, no fsync, stopped at the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import embedded  # noqa: E402


@contextlib.contextmanager
def throw_away_servers(name: str = "test") -> Iterator[dict[str, str]]:
    """The environment for child processes; var/<name>/ holds what they write. A signal stops the servers too.

    DATABASE_URL and REDIS_URL of the caller are respected: then no server is started.
    """
    var = Path(os.environ.get("QIDAI_VAR") or ROOT / "var" / name).resolve()
    var.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background job begins with it ignored
    with (var / "run.lock").open("w") as lock:
        _lock(lock.fileno(), var)
        env = {"QIDAI_VAR": str(var), "QIDAI_ENV": "test", "DJANGO_SETTINGS_MODULE": "config.settings"}
        if os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"):
            yield {**os.environ, **env}
            return
        try:
            yield {**os.environ, **env, **embedded.ensure(var / "embedded", durable=False)}
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            embedded.stop(var / "embedded")


def _lock(descriptor: int, var: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Qidai: another run of tests or checks uses {var}; wait for it, or set QIDAI_VAR")
