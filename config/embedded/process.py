"""Processes seen from outside: alive, ours, ended? Through /proc, or `ps` where there is none."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LINUX = sys.platform == "linux"


def command_line(pid: int) -> str:
    """The command of a living process; empty for a zombie, a stranger's number or none."""
    reap(pid)
    if LINUX:
        with contextlib.suppress(OSError):
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
                .strip()
            )
        return ""
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()


def working_folder(pid: int) -> str:
    """Where the process stands, or "" where we may not know (macOS; a container without CAP_SYS_PTRACE)."""
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd")
    return ""


def stands_in(pid: int, folder: Path | str, program: str) -> bool:
    """Whether `pid` is alive, runs `program`, and works in `folder` (by its command line where that is secret)."""
    command = command_line(pid)
    here = working_folder(pid)
    return program in command and (here == str(folder) if here else str(folder) in command)


def is_zombie(pid: int) -> bool:
    """Dead, but never waited for: PID 1 of many containers does not do that."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return False


def reap(pid: int) -> None:
    """Collect our own dead child, if it is one."""
    with contextlib.suppress(OSError):
        os.waitpid(pid, os.WNOHANG)


def end(pid: int, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal and wait its seconds, until the process is gone."""
    for number, patience in signals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not command_line(pid):
                return
            time.sleep(0.02)


def spawn(command: Sequence[str], log: Path, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that a Ctrl-C in the terminal does not reach it."""
    _rotate(log)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd="/",
            start_new_session=True,
        )


def release(child: subprocess.Popen[bytes]) -> None:
    """The server outlives us on purpose: keep Popen from warning about it."""
    child.returncode = 0


def _rotate(log: Path, limit: int = 10_000_000) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit:
            log.replace(log.with_name(f"{log.name}.1"))
