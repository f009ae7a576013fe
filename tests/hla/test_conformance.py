"""The open conformance kit (conformance/*.csv) on our own kernel, and whether it covers every rule."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hla.comparison import compare
from hla.interpret import interpret
from hla.resolve import Resolver
from scripts.validate_hla import RealData

ROOT = Path(__file__).resolve().parents[2]
ASPECTS = ("match", "mismatch", "edge", "ambiguous")
NOT_APPLICABLE = "not applicable"
RULE = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)
PAIR = re.compile(r"(?P<path>[A-Za-z0-9_.]+?)(?P<list>\[\](?:\.[a-z_]+)?)?(?P<sort>[=~!#])(?P<value>.*)")


@cache
def cases() -> tuple[dict[str, str], ...]:
    found: list[dict[str, str]] = []
    for path in sorted((ROOT / "conformance").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as text:
            found += csv.DictReader(text)
    return tuple(found)


def runnable() -> list[dict[str, str]]:
    return [case for case in cases() if case["expected"] != NOT_APPLICABLE]


def answer(case: dict[str, str], resolver: Resolver) -> dict[str, Any]:
    """What the kernel says: of a pair hla_compare's JSON, of one text hla_explain's."""
    options: dict[str, Any] = dict(option.split("=") for option in case["options"].split())
    if case["unit"]:
        return compare(case["patient"], case["unit"], resolver, **options)
    return interpret(case["patient"], resolver, **options)


def failures(expected: str, found: dict[str, Any]) -> list[str]:
    """The pairs of `expected` that do not hold."""
    return [pair for pair in expected.split(" ") if not holds(pair, found)]


def holds(pair: str, found: dict[str, Any]) -> bool:
    """One pair: path=value, path[]=a|b (in any order), path[]~a (among), path[]!a (not among), path[]#n (so many)."""
    parts = PAIR.fullmatch(pair)
    assert parts is not None, f"not a pair: {pair}"
    value: Any = found
    for key in parts["path"].split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if parts["list"] is None:
        return value is not None if parts["value"] == "present" else spelled(value) == parts["value"]
    if not isinstance(value, list):
        return False
    field = parts["list"].removeprefix("[]").removeprefix(".")
    items = [spelled(item[field] if field else item) for item in value]
    match parts["sort"]:
        case "~":
            return parts["value"] in items
        case "!":
            return parts["value"] not in items
        case "#":
            return len(items) == int(parts["value"])
        case _:
            return sorted(items) == sorted(parts["value"].split("|") if parts["value"] else [])


def spelled(value: Any) -> str:
    """A value as the files write it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


@pytest.mark.parametrize("case", runnable(), ids=lambda case: case["case"])
def test_case(case: dict[str, str], real: RealData) -> None:
    found = answer(case, real.resolver)
    assert failures(case["expected"], found) == [], f"{case['note']}: {found}"


def test_every_rule_and_aspect_is_covered() -> None:
    rules = RULE.findall((ROOT / "docs" / "domain.md").read_text(encoding="utf-8"))
    assert len(rules) > 30
    assert len(rules) == len(set(rules))
    covered: dict[str, set[str]] = defaultdict(set)
    for case in cases():
        covered[case["rule"]].add(case["aspect"])
    uncovered = [f"{rule} {aspect}" for rule in rules for aspect in ASPECTS if aspect not in covered[rule]]

    assert uncovered == []
    assert covered.keys() == set(rules)


def test_the_files_are_well_formed() -> None:
    names = [case["case"] for case in cases()]
    texts = [(case["patient"], case["unit"], case["options"], case["expected"]) for case in runnable()]

    assert len(runnable()) >= 150
    assert len(names) == len(set(names))
    assert len(texts) == len(set(texts))
    for case in cases():
        assert case["aspect"] in ASPECTS
        assert case["note"]
    for case in runnable():
        assert case["source"]
        assert all(PAIR.fullmatch(pair) for pair in case["expected"].split(" "))
    stated = {(case["rule"], case["aspect"]) for case in runnable()}
    for case in cases():
        if case["expected"] == NOT_APPLICABLE:
            assert (case["rule"], case["aspect"]) not in stated


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("a.b=1", True),
        ("a.b=2", False),
        ("a.c=true", True),
        ("a.d=null", True),
        ("a=present", True),
        ("e=present", False),
        ("l[]=x|y", True),
        ("l[]=y|x", True),
        ("l[]=x", False),
        ("n[]=", True),
        ("l[]~x", True),
        ("l[]~z", False),
        ("l[]!z", True),
        ("l[]!x", False),
        ("l[]#2", True),
        ("o[].g=p|q", True),
        ("a[]=x", False),
    ],
)
def test_how_a_pair_is_read(pair: str, expected: bool) -> None:
    found = {"a": {"b": 1, "c": True}, "l": ["x", "y"], "n": [], "o": [{"g": "q"}, {"g": "p"}]}
    assert holds(pair, found) is expected
