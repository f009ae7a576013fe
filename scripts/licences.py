"""The licences of everything that runs in production must allow us to ship it: the closure of requirements.txt."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

# As parts of the names that packages give; compared in lower case.
ALLOWED = (
    *("mit", "bsd", "apache", "isc", "psf", "python software foundation", "zlib", "unlicense", "0bsd"),
    *("mpl-2.0", "mozilla public license 2.0", "cc0", "blueoak"),
    # faces, to be embedded in documents
    *("ofl", "open font license"),
    # a library that we use unchanged and users may replace
    *("lgpl", "lesser general public"),
)


def closure(file: Path) -> set[str]:
    """Canonical names of the packages of a requirements file and of all that they need on this machine."""
    lines = [line.split("#")[0].strip() for line in file.read_text().splitlines()]
    waiting = [Requirement(line) for line in lines if line and not line.startswith("-")]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key not in seen:
            seen.add(key)
            waiting += needed(requirement)
    return {name for name, _ in seen}


def needed(requirement: Requirement) -> list[Requirement]:
    try:
        lines = distribution(requirement.name).requires or []
    except PackageNotFoundError:
        return []
    extras = requirement.extras or {""}
    found = map(Requirement, lines)
    return [
        r
        for r in found
        if not r.marker or any(r.marker.evaluate({"extra": extra}) for extra in extras | {""})
    ]


def licences(names: set[str]) -> dict[str, str]:
    """What each installed package says of its licence."""
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--from=mixed",
        "--with-system",
        "--format=json",
        "--packages",
        *sorted(names),
    ]
    rows = json.loads(subprocess.check_output(command, text=True))
    return {canonicalize_name(row["Name"]): row["License"] for row in rows}


def is_allowed(licence: str) -> bool:
    """Of alternatives one must be allowed, of licences that hold together all."""
    choices = re.split(r"\s+OR\s+", licence.strip("()"), flags=re.IGNORECASE)
    return any(all(map(_known, re.split(r"\s+AND\s+|;", choice, flags=re.IGNORECASE))) for choice in choices)


def _known(licence: str) -> bool:
    return any(re.search(rf"(?<![a-z]){re.escape(name)}", licence.lower()) for name in ALLOWED)


def main() -> int:
    names = closure(ROOT / "requirements.txt")
    found = licences(names)
    bad = {name: licence for name, licence in found.items() if not is_allowed(licence)}
    for name, licence in sorted(bad.items()):
        print(f"licence of {name} is not on our list: {licence}")
    absent = sorted(names - set(found))
    if absent:
        print(f"not installed, so not checked: {', '.join(absent)}")
    print(f"{len(found)} packages at run time, {len(bad)} not allowed")
    return 1 if bad or absent else 0


if __name__ == "__main__":
    sys.exit(main())
