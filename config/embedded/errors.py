from __future__ import annotations

from pathlib import Path


class EmbeddedError(RuntimeError):
    """A private server could not be found or started; the text says what to do."""


def log_tail(log: Path, since: int = 0, limit: int = 1500) -> str:
    """The end of a server's log from byte `since` on, for an error message."""
    try:
        with log.open("rb") as handle:
            handle.seek(since)
            return handle.read()[-limit:].decode(errors="replace").strip()
    except OSError:
        return ""
