"""The private servers start, stay, come back after any crash, and leave nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest

from config import embedded
from config.embedded import folders, postgres, process, valkey
from config.embedded.state import State

from .embedded_tools import (
    CHECKOUT,
    ask,
    is_zombie,
    kill_at_once,
    pings,
    port_of,
    processes_under,
    python,
    quick,
    wait_until,
)

pytestmark = pytest.mark.slow


def test_ensure_starts_both_servers_and_is_idempotent(root: Path) -> None:
    first = quick(root)
    before = embedded.status(root)

    second = quick(root)

    assert first == second
    assert embedded.status(root) == before
    assert ask(first["DATABASE_URL"], "SHOW server_version_num")[0][0].startswith("18")
    assert pings(first["REDIS_URL"])


def test_stop_leaves_no_process_and_start_finds_the_data(root: Path) -> None:
    urls = quick(root)
    ask(urls["DATABASE_OWNER_URL"], "CREATE TABLE kept AS SELECT 42 AS answer")

    embedded.stop(root)

    assert processes_under(root) == []
    assert embedded.status(root) == {"postgresql": {"running": False}, "valkey": {"running": False}}
    assert quick(root) == urls
    assert ask(urls["DATABASE_URL"], "SELECT answer FROM kept") == [(42,)]


def test_both_servers_come_back_after_kill_9(root: Path) -> None:
    urls = embedded.ensure(root)
    ask(urls["DATABASE_OWNER_URL"], "CREATE TABLE kept AS SELECT generate_series(1, 20000) AS n")
    before = embedded.status(root)
    kill_at_once(before["postgresql"]["pid"], before["valkey"]["pid"])

    after = embedded.ensure(root)

    assert after == urls
    assert ask(urls["DATABASE_URL"], "SELECT count(*) FROM kept") == [(20000,)]
    assert pings(after["REDIS_URL"])
    assert embedded.status(root)["postgresql"]["pid"] != before["postgresql"]["pid"]


def test_a_server_that_is_just_dying_is_not_taken_for_alive(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = quick(root)
    pid = embedded.status(root)["postgresql"]["pid"]
    kill_at_once(pid)
    wait_until(lambda: not process.command_line(pid))
    seen = iter([pid, pid])  # as the process table shows it for a moment under load
    real = postgres.postmaster
    monkeypatch.setattr(postgres, "postmaster", lambda state: next(seen, None) or real(state))

    quick(root)

    assert next(seen, None) is None
    assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]


def test_eight_processes_at_once_get_the_same_servers(root: Path) -> None:
    code = f"import json; from config.embedded import ensure; print(json.dumps(ensure({str(root)!r})))"

    answers = [json.loads(child.communicate(timeout=90)[0]) for child in [python(code) for _ in range(8)]]

    assert all(answer == answers[0] for answer in answers)
    commands = [process.command_line(pid) for pid in processes_under(root)]
    assert sum(" -D " in command for command in commands) == 1
    assert sum("valkey-server" in command for command in commands) == 1


def test_a_lock_file_of_a_dead_process_is_ignored(root: Path) -> None:
    quick(root)
    embedded.stop(root)
    state = State.load(root)
    for file in (Path(state.data) / "postmaster.pid", folders.socket_lock(state)):
        # our own number: it lives, it is not PostgreSQL, and PostgreSQL itself would trust it
        file.write_text(f"{os.getppid()}\n{state.data}\n0\n5432\n{state.sockets}\n\n0\nready\n")

    urls = quick(root)

    assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]


def test_a_lock_file_of_a_zombie_is_ignored(root: Path) -> None:
    quick(root)
    embedded.stop(root)
    state = State.load(root)
    # a parent that never waits for its dead child, as PID 1 of many containers
    parent = python(
        "import os, time\nif not os.fork(): os._exit(0)\nprint('ready', flush=True); time.sleep(60)"
    )
    try:
        assert parent.stdout.readline()
        zombie = int(Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()[0])
        wait_until(lambda: is_zombie(zombie))
        Path(state.data, "postmaster.pid").write_text(
            f"{zombie}\n{state.data}\n0\n5432\n{state.sockets}\n\n0\nready\n"
        )

        urls = quick(root)

        assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]
    finally:
        parent.kill()
        parent.communicate()


def test_a_path_too_long_for_a_socket_works(root: Path) -> None:
    deep = root / ("long-" * 20) / ("path with spaces ü " * 4)

    urls = quick(deep)

    try:
        assert len(str(deep)) > 165
        assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]
        assert pings(urls["REDIS_URL"])
        sockets = Path(State.load(deep).sockets)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    finally:
        embedded.stop(deep)
        shutil.rmtree(State.load(deep).sockets)


def test_an_interrupted_initdb_is_made_anew(root: Path) -> None:
    started = python(f"from config.embedded import ensure; ensure({str(root)!r})")
    wait_until(lambda: (root / "pg18.making" / "base").exists())
    started.kill()
    started.communicate()
    for pid in processes_under(root):
        with suppress(ProcessLookupError):  # a child ends with its parent
            kill_at_once(pid)
    assert not (root / "pg18").exists()

    urls = quick(root)

    assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]


def test_a_server_whose_starter_died_is_found_again(root: Path) -> None:
    urls = quick(root)
    pid = embedded.status(root)["postgresql"]["pid"]
    state = State.load(root)
    state.valkey_pid = 0
    valkey_pid = embedded.status(root)["valkey"]["pid"]
    (root / "state.json").write_text(
        json.dumps({**json.loads((root / "state.json").read_text()), "roles_applied": ""})
    )

    assert quick(root) == urls
    assert embedded.status(root)["postgresql"]["pid"] == pid
    assert embedded.status(root)["valkey"]["pid"] == valkey_pid


def test_a_taken_port_is_replaced_and_the_new_one_kept(root: Path) -> None:
    first = quick(root)
    embedded.stop(root)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port_of(first["REDIS_URL"])))
        other.listen()

        second = quick(root)

        assert port_of(second["REDIS_URL"]) != port_of(first["REDIS_URL"])
        assert pings(second["REDIS_URL"])
    embedded.stop(root)
    assert quick(root) == second


def test_a_removed_socket_restarts_the_server(root: Path) -> None:
    urls = quick(root)
    folders.socket_file(State.load(root)).unlink()  # as a cleaner of temporary folders does
    with pytest.raises(psycopg2.OperationalError):
        ask(urls["DATABASE_URL"], "SELECT 1")

    assert ask(quick(root)["DATABASE_URL"], "SELECT 1") == [(1,)]


def test_a_copied_checkout_never_touches_the_servers_of_the_original(root: Path) -> None:
    urls = quick(root)
    original = embedded.status(root)
    copy = root.with_name("copy")
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("sockets", "lock"))

    copied = quick(copy)

    try:
        assert ask(copied["DATABASE_URL"], "SELECT 1") == [(1,)]
        assert embedded.status(copy)["postgresql"]["pid"] != original["postgresql"]["pid"]
        assert port_of(copied["REDIS_URL"]) != port_of(urls["REDIS_URL"])
    finally:
        embedded.stop(copy)
    assert embedded.status(root) == original


def test_a_moved_checkout_takes_its_server_along(root: Path) -> None:
    before = quick(root)
    pid = embedded.status(root)["postgresql"]["pid"]
    valkey_pid = embedded.status(root)["valkey"]["pid"]
    moved = root.rename(root.with_name("moved"))

    try:
        urls = quick(moved)
        assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]
        assert urls["REDIS_URL"] == before["REDIS_URL"]
        assert embedded.status(moved)["valkey"]["pid"] == valkey_pid
        assert not process.command_line(pid)
    finally:
        embedded.stop(moved)
    assert processes_under(moved) == []


def test_secrets_are_private_and_in_no_command_line(root: Path) -> None:
    quick(root)

    for name in ("state.json", "valkey/valkey.conf"):
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o600
    secrets = State.load(root).passwords.values()
    assert len(set(secrets)) == 4
    for pid in processes_under(root):
        assert not any(secret in process.command_line(pid) for secret in secrets)
    assert stat.S_IMODE((root / "pg18").stat().st_mode) == 0o700


def test_command_line_shows_and_stops_the_servers(root: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "config.embedded", *arguments],
            cwd=CHECKOUT,
            env={**os.environ, "QIDAI_VAR": str(root)},
            capture_output=True,
            text=True,
            check=True,
        )

    try:
        assert json.loads(run("up").stdout)["postgresql"]["running"]
        assert run("env").stdout.startswith("export DATABASE_URL='postgres://qidai_app:")
    finally:
        down = json.loads(run("down").stdout)
    assert not down["postgresql"]["running"]
    assert not down["valkey"]["running"]
    assert processes_under(root) == []


def test_a_damaged_state_file_is_explained(root: Path) -> None:
    root.mkdir()
    (root / "state.json").write_text("{")

    with pytest.raises(embedded.EmbeddedError, match="damaged"):
        quick(root)

    (root / "state.json").unlink()


def test_the_wrong_postgresql_is_refused_by_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = root.with_name("bin")
    old.mkdir()
    for program in ("initdb", "postgres", "psql"):
        (old / program).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4'\n")
        (old / program).chmod(0o755)
    monkeypatch.setenv("QIDAI_PG_BIN", str(old))

    with pytest.raises(embedded.EmbeddedError, match=r"holds PostgreSQL 15\.4; Qidai needs 18"):
        quick(root)


def test_a_server_that_cannot_start_shows_its_log(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(root)
    embedded.stop(root)
    monkeypatch.setitem(postgres.LOCAL_SETTINGS, "shared_buffers", "nonsense")

    with pytest.raises(embedded.EmbeddedError, match='invalid value for parameter "shared_buffers"'):
        quick(root)


def test_a_valkey_that_cannot_start_shows_its_log(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(valkey.SETTINGS, "maxmemory-policy", "nonsense")
    monkeypatch.setattr(valkey, "ATTEMPTS", 1)

    with pytest.raises(embedded.EmbeddedError, match="maxmemory-policy"):
        quick(root)


def test_a_stubborn_process_is_killed(root: Path) -> None:
    stubborn = python(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    assert stubborn.stdout.readline()

    process.end(stubborn.pid, ((signal.SIGTERM, 0.3), (signal.SIGKILL, 5)))

    assert process.command_line(stubborn.pid) == ""
    stubborn.communicate()
