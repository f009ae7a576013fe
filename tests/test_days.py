"""A test run may cross midnight: no test may keep a day that was today's when its file was read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DAY_OF_NOW = {"localdate", "today", "latest_birth_date"}


def calls_at_import(node: ast.AST) -> Iterator[ast.Call]:
    """Calls that run when a file is read: outside functions, or in their decorators and defaults."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Lambda):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = child.args
            read_at_once = [*child.decorator_list, *arguments.defaults, *filter(None, arguments.kw_defaults)]
            child = ast.Tuple(elts=read_at_once)
        if isinstance(child, ast.Call):
            yield child
        yield from calls_at_import(child)


def days_of_import(source: str) -> list[int]:
    names = (
        (call, getattr(call.func, "attr", getattr(call.func, "id", "")))
        for call in calls_at_import(ast.parse(source))
    )
    return [call.lineno for call, name in names if name in DAY_OF_NOW]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("TODAY = timezone.localdate()", [1]),
        ("@parametrize('day', [date.today() + DAY])\ndef test(day): ...", [1]),
        ("def made(day=localdate()): ...", [1]),
        ("class Made:\n    day = timezone.localdate()", [2]),
        ("def test():\n    day = localdate()", []),
        ("DAYS = [lambda: localdate()]", []),
    ],
)
def test_the_rule_sees(source: str, lines: list[int]) -> None:
    assert days_of_import(source) == lines


def test_no_test_keeps_the_day_of_its_import() -> None:
    kept = {
        str(path.relative_to(TESTS)): days_of_import(path.read_text("utf-8")) for path in TESTS.rglob("*.py")
    }

    assert {path: lines for path, lines in kept.items() if lines} == {}
