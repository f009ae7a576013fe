"""`make check`: every gate that needs no test run. All of them run; each failure is named at the end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from servers import ROOT, throw_away_servers

BIN = Path(sys.executable).parent
PYTHON = str(sys.executable)
GATES: dict[str, list[str]] = {
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "lint": [str(BIN / "ruff"), "check", "--quiet", "."],
    "imports": [str(BIN / "lint-imports")],
    "types": [str(BIN / "mypy"), "config", "core", "hla", "bank", "hospitals", "matching", "transplants"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "translations": [PYTHON, "scripts/messages.py", "check"],
    "licences": [PYTHON, "scripts/licences.py"],
}


def main() -> int:
    with throw_away_servers() as env:
        failed = [name for name, command in GATES.items() if not passes(name, command, env)]
    if failed:
        print(f"Qidai: failed: {', '.join(failed)}", flush=True)
    return len(failed) and 1


def passes(name: str, command: list[str], env: dict[str, str]) -> bool:
    """Run one gate; its output is shown only when it fails."""
    begin = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    verdict = "FAILED" if done.returncode else "ok"
    print(f"{name:<13}{verdict:<7}{time.monotonic() - begin:5.1f} s", flush=True)
    if done.returncode:
        print(done.stdout.decode(errors="replace"), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
