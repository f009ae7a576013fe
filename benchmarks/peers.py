"""Peers that are measured beside Qidai, each installed into an environment of its own and no dependency of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(folder: Path, package: str, probe: str, *, first: Sequence[str] = ()) -> Path | None:
    """The Python of an environment under `folder` that has the package; None if it cannot be had, with a reason said.

    probe: what must import. first: what its build needs but does not say.
    """
    python = folder / "venv" / "bin" / "python"
    if python.exists() and quiet([python, "-I", "-c", probe]):
        return python
    folder.mkdir(parents=True, exist_ok=True)
    uv = ROOT / ".uv" / "bin" / "uv"
    steps: list[list[object]] = [[*first]] * bool(first) + [
        ["--no-build-isolation", package] if first else [package]
    ]
    if uv.exists():
        made = loud([uv, "venv", "--quiet", "--clear", "--python", sys.executable, python.parents[1]])
        install: list[object] = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        made = loud([sys.executable, "-m", "venv", "--clear", python.parents[1]])
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if made and all(loud([*install, *step]) for step in steps) and quiet([python, "-I", "-c", probe]):
        return python
    print(f"{package} could not be installed (see above); it needs a C compiler and a network.")
    return None


def quiet(command: Sequence[object]) -> bool:
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False)
    return done.returncode == 0


def loud(command: Sequence[object]) -> bool:
    return subprocess.run(list(map(str, command)), check=False).returncode == 0
