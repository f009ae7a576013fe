"""The private PostgreSQL: made, started, found again after any crash, stopped. No TCP, a Unix socket only."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from config.embedded import folders, process, roles
from config.embedded.account import Account, choose, reachable_copy
from config.embedded.binaries import POSTGRES_MAJOR, find_postgres
from config.embedded.errors import EmbeddedError, log_tail
from config.embedded.state import State, write_private

# docker-compose.yml holds the same values: tests/config/test_compose.py.
# Text sorts by code point everywhere; the en_US of a container and of a mac would each sort differently.
INITDB_ARGS = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
# The last four: a worker that was killed, or whose host lost its power, holds its row locks for seconds, or for a
# minute, not until its query ends or for the two hours of the system.
SETTINGS = {
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "client_connection_check_interval": "10s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
LOCAL_SETTINGS = {"listen_addresses": "", "shared_buffers": "128MB", "log_line_prefix": "%m [%p] "}
# Tests let a hundred people reach for one unit at once, in two processes.
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
}

START_PATIENCE = 60.0
ANSWER_PATIENCE = 10.0
RETRY_PATIENCE = 15.0
SSL_REQUEST = 80877103  # PostgreSQL's protocol, "Message Formats"
# A start may meet the dying children of a killed postmaster: their shared memory and locks go in moments.
PASSING_TROUBLES = ("pre-existing shared memory block", "already exists")


def start(state: State, *, durable: bool = True) -> None:
    """Start PostgreSQL unless it runs, and see to its roles and database."""
    started = not _usable(state)
    if started:
        programs = find_postgres()
        account = choose(programs / "postgres")
        programs = _place(state, account, programs)
        _make_cluster(state, account, programs, durable=durable)
        _clear_dead_locks(state)
        _launch(state, account, programs, durable=durable)
    if started or state.roles_applied != roles.fingerprint(state):
        roles.apply(state, _environment())


def stop(state: State) -> None:
    """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
    if pid := postmaster(state):
        process.end(pid, ((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)))


def urls(state: State) -> dict[str, str]:
    place = f"{quote(state.sockets, safe='')}:{folders.SOCKET_PORT}/{roles.DATABASE}"
    return {
        "DATABASE_URL": f"postgres://{roles.APP}:{state.password(roles.APP)}@{place}",
        "DATABASE_OWNER_URL": f"postgres://{roles.OWNER}:{state.password(roles.OWNER)}@{place}",
    }


def status(state: State) -> dict[str, Any]:
    pid = postmaster(state)
    if not pid:
        return {"running": False}
    return {"running": True, "pid": pid, "data": state.data, "sockets": state.sockets}


def postmaster(state: State) -> int:
    """The process id of our living server, 0 if there is none.

    postmaster.pid is the truth, not our own memory: it also finds a server whose starter died before
    noting it, and one whose checkout was moved meanwhile. A stale file names a dead process or a stranger.
    """
    lines = _pid_file(state)
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    return pid if pid and process.stands_in(pid, state.data, "postgres") else 0


def _usable(state: State) -> bool:
    """Running, ready and answering; waits for one that is still starting or, just killed, about to vanish.

    Not usable without its socket: a cleaner of temporary folders may have taken it.
    """
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline and postmaster(state) and folders.socket_file(state).exists():
        if _pid_file(state)[7:8] == ["ready"] and _answers(state):
            return True
        time.sleep(0.05)
    return False


def _answers(state: State) -> bool:
    """Whether somebody is behind the socket: asks for TLS, to which every server says yes or no at once.

    Slow is not dead: a server on a busy machine must not be taken from those who work with it.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_PATIENCE)
            connection.connect(str(folders.socket_file(state)))
            connection.sendall(struct.pack("!ii", 8, SSL_REQUEST))
            return bool(connection.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


def _pid_file(state: State) -> list[str]:
    """The lines of postmaster.pid; it is written bit by bit while the server starts."""
    if not state.data:
        return []
    with contextlib.suppress(OSError):
        return [line.strip() for line in (Path(state.data) / "postmaster.pid").read_text().splitlines()]
    return []


def _place(state: State, account: Account, programs: Path) -> Path:
    """Choose data and socket folders; return the programs' folder, a copy where the account needs one."""
    stop(state)  # one without a socket
    folders.choose(state, account, f"pg{POSTGRES_MAJOR}")
    stop(state)  # one that moved here with its checkout
    if not account.can(programs / "postgres", "--version"):
        programs = reachable_copy(programs, folders.open_folder(state.root))
    state.save()
    return programs


def _make_cluster(state: State, account: Account, programs: Path, *, durable: bool) -> None:
    """initdb beside the final place, then rename: an interrupted one never looks like a cluster."""
    data = Path(state.data)
    if (data / "PG_VERSION").exists():
        folders.own(data, account)
        return
    draft = data.with_name(f"{data.name}.making")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    secret = Path(state.sockets) / "initdb-password"  # in a file: a command line is public
    write_private(secret, state.password(roles.SUPERUSER))
    account.give(draft, secret)
    arguments = [
        f"--pgdata={draft}",
        f"--username={roles.SUPERUSER}",
        "--auth=scram-sha-256",
        f"--pwfile={secret}",
    ]
    arguments += [*INITDB_ARGS, "--no-instructions", *([] if durable else ["--no-sync"])]
    done = process.run(account.command(programs / "initdb", *arguments), _environment())
    secret.unlink()
    if done.returncode:
        raise EmbeddedError(f"initdb failed in {draft}:\n{done.stderr or done.stdout}")
    draft.rename(data)


def _launch(state: State, account: Account, programs: Path, *, durable: bool) -> None:
    log = state.root / "postgresql.log"
    command = account.command(programs / "postgres", *_arguments(state, durable=durable))
    deadline = time.monotonic() + RETRY_PATIENCE
    while True:
        begin = log.stat().st_size if log.exists() else 0
        with process.spawned(command, log, env=_environment()) as child:
            if _becomes_ready(state, child):
                process.release(child)
                return
        said = log_tail(log, begin)
        if not any(trouble in said for trouble in PASSING_TROUBLES) or time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL did not start; {log} says:\n{said}")
        _clear_dead_locks(state)
        time.sleep(0.2)


def _arguments(state: State, *, durable: bool) -> list[str]:
    settings = {"unix_socket_directories": state.sockets, **LOCAL_SETTINGS, **SETTINGS}
    if not durable:
        settings |= THROW_AWAY_SETTINGS
    return ["-D", state.data, *(part for key, value in settings.items() for part in ("-c", f"{key}={value}"))]


def _becomes_ready(state: State, child: subprocess.Popen[bytes]) -> bool:
    """Line 8 says "ready", but a file left by a crash says it too: line 1 must be the new process."""
    deadline = time.monotonic() + START_PATIENCE
    while child.poll() is None and time.monotonic() < deadline:
        lines = _pid_file(state)
        if len(lines) >= 8 and lines[0] == str(child.pid) and lines[7] == "ready":
            return True
        time.sleep(0.01)
    return False


def _clear_dead_locks(state: State) -> None:
    """Remove lock files of the dead; we hold the lock of `root`, and no server of ours lives.

    PostgreSQL asks only kill(pid, 0): a zombie, or a stranger who got the number, would block it for ever.
    """
    for file in (Path(state.data) / "postmaster.pid", folders.socket_lock(state)):
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = abs(int(file.read_text().split()[0]))
            if process.stands_in(pid, state.data, "postgres"):
                continue
            if process.working_folder(pid).endswith(f"{state.data} (deleted)"):
                process.end(pid, ((signal.SIGQUIT, 5), (signal.SIGKILL, 5)))
            file.unlink()


def _environment() -> dict[str, str]:
    """Ours without what would redirect PostgreSQL (PGDATA, PGHOST, PGOPTIONS …) or translate its messages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}
