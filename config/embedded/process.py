"""Processes seen from outside: alive, ours, ended? Through /proc, or `ps` where there is none."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

LINUX = sys.platform == "linux"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    return run(["ps", "-o", "command=", "-p", str(pid)]).stdout.strip()


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


@contextlib.contextmanager
def spawned(
    command: Sequence[str], log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a session of its own: a Ctrl-C in the terminal does not reach it. It ends unless released."""
    _rotate(log)
    child: subprocess.Popen[bytes] | None = None
    try:
        with log.open("ab") as output, undisturbed():
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd="/",
                start_new_session=True,
            )
        yield child
    finally:
        if child and child.returncode is None:
            end(
                child.pid, ((signal.SIGINT, 5), (signal.SIGKILL, 5))
            )  # asked first, both end their own children
            child.wait()


def release(child: subprocess.Popen[bytes]) -> None:
    """The server outlives us on purpose: keep Popen from warning about it."""
    child.returncode = 0


def run(
    command: Sequence[str | Path], env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. When we are stopped meanwhile, it and all that it started are gone before we are.

    subprocess.run() would not know a child that was being made when the signal came, nor that child's children.
    """
    child: subprocess.Popen[str] | None = None
    try:
        with undisturbed():
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=env,
                cwd="/",
                start_new_session=True,
            )
        said, errors = child.communicate()
    except BaseException:
        if child:
            end_session(child)
        raise
    return subprocess.CompletedProcess(command, child.returncode, said, errors)


def end_session(child: subprocess.Popen[str]) -> None:
    """Kill it with everything that it started; returns when nobody holds its output any more."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.communicate(timeout=5)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """A signal while a process is being made waits until we know its number: else nobody could stop it.

    Whoever handles the signal gets it at the end of the block. Not by blocking it: a child would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread only
        return
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        came.append(number)

    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    ours = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in ours:
        signal.signal(number, remember)
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _rotate(log: Path, limit: int = 10_000_000) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit:
            log.replace(log.with_name(f"{log.name}.1"))
