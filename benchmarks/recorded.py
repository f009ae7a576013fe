"""Figures of a benchmark, added to benchmarks/results.json."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"


def record(figures: Mapping[str, float | str | None], part: str = "") -> None:
    """Add them to what other benchmarks wrote, with the commit and machine of this run. None: not measured.

    part: of a benchmark that may run alone; its commit and machine stand beside those of the others.
    """
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    about = {
        "commit": commit,
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    about = {f"{part}_{name}" if part else name: value for name, value in about.items()}
    rounded = {
        name: float(f"{value:.6g}") if isinstance(value, int | float) else value
        for name, value in figures.items()
    }
    RESULTS.write_text(json.dumps({**known, **about, **rounded}, indent=2, sort_keys=True) + "\n")


def show(figures: Mapping[str, float]) -> None:
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:{width}}  {value:,.6g}")
