"""The private Valkey: broker and cache. On 127.0.0.1, with a password and a port that stays the same."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.embedded import process
from config.embedded.binaries import find_valkey
from config.embedded.errors import EmbeddedError, log_tail
from config.embedded.state import State, write_private

# docker-compose.yml holds the same values: tests/config/test_compose.py
SETTINGS = {"appendonly": "yes", "appendfsync": "everysec", "save": '""', "maxmemory-policy": "noeviction"}

# Below the ports that systems hand out to outgoing connections: a stopped one finds its own free again.
PORTS = range(20_000, 32_000)
ATTEMPTS = 8
PATIENCE_FOR_PORT = 1.0  # seconds


def start(state: State) -> None:
    """Start Valkey unless it runs, on its old port, or on a new one when somebody else has taken that."""
    if running(state) and _answers(state, lambda: running(state)):
        return
    stop(state)  # one that does not answer
    log = state.root / "valkey.log"
    begin = log.stat().st_size if log.exists() else 0
    for _attempt in range(ATTEMPTS):
        state.valkey_port = _usable_port(state.valkey_port)
        if _start_once(state, log):
            return
        state.valkey_port = 0
    raise EmbeddedError(f"Valkey did not start; {log} says:\n{log_tail(log, begin)}")


def stop(state: State) -> None:
    """SIGTERM lets it write its log out."""
    if running(state):
        process.end(state.valkey_pid, ((signal.SIGTERM, 10), (signal.SIGKILL, 5)))


def running(state: State) -> bool:
    """It stands in its data folder, even when that has moved with the checkout."""
    return bool(state.valkey_pid) and process.stands_in(state.valkey_pid, _data(state), "valkey-server")


def url(state: State) -> str:
    return f"redis://:{state.password('valkey')}@127.0.0.1:{state.valkey_port}/0"


def status(state: State) -> dict[str, Any]:
    if not running(state):
        return {"running": False}
    return {"running": True, "pid": state.valkey_pid, "port": state.valkey_port}


def _start_once(state: State, log: Path) -> bool:
    _data(state).mkdir(exist_ok=True, mode=0o700)
    write_private(_conf(state), _configuration(state))
    with process.spawned([str(find_valkey()), str(_conf(state))], log) as child:
        state.valkey_pid = child.pid
        state.save()  # before waiting: a death of ours here must not orphan the server
        if _answers(state, lambda: child.poll() is None):
            process.release(child)
            return True
    return False


def _conf(state: State) -> Path:
    return state.root / "valkey" / "valkey.conf"  # inside the data folder: so its path is in the command line


def _data(state: State) -> Path:
    return state.root / "valkey"


def _configuration(state: State) -> str:
    folder = str(_data(state)).replace("\\", "\\\\").replace('"', '\\"')
    lines = {
        "bind": "127.0.0.1",
        "port": str(state.valkey_port),
        "requirepass": state.password("valkey"),
        "dir": f'"{folder}"',
        "daemonize": "no",
        "set-proc-title": "no",  # keeps this file's path in the process list, for systems without /proc
        **SETTINGS,
    }
    return "".join(f"{key} {value}\n" for key, value in lines.items())


def _answers(state: State, alive: Callable[[], bool], patience: float = 30.0) -> bool:
    """Whether it comes up and takes our password. Reading a long append-only file it says LOADING."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and alive():
        with contextlib.suppress(OSError):
            if b"+PONG" in _ask(state):
                return True
        time.sleep(0.01)
    return False


def _ask(state: State) -> bytes:
    with socket.create_connection(("127.0.0.1", state.valkey_port), 1) as connection:
        connection.sendall(f"AUTH {state.password('valkey')}\r\nPING\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 2:
            part = connection.recv(256)
            if not part:
                break
            answer += part
        return answer


def _usable_port(wanted: int) -> int:
    """The wanted one, if it is free within a moment: a program that was killed is gone before its sockets are."""
    deadline = time.monotonic() + PATIENCE_FOR_PORT
    while wanted and time.monotonic() < deadline:
        if _is_free(wanted):
            return wanted
        time.sleep(0.02)
    for port in random.sample(PORTS, 200):
        if _is_free(port):
            return port
    raise EmbeddedError("no free TCP port on 127.0.0.1 for Valkey")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False
