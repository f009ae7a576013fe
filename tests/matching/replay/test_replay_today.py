"""A stored list beside that of today: who came, went, changed, moved, or only made way."""

from __future__ import annotations

from typing import Any

import pytest

from matching import replays_today
from matching.replays_today import compared


def row(rank: int, **values: Any) -> dict[str, Any]:
    known = {f"{name}_{end}": 6 for name in ("antigen6", "allele6") for end in ("min", "max")}
    unasked = {f"{name}_{end}": None for name in ("allele8", "allele10") for end in ("min", "max")}
    shares = {"p0_of6": 0.5, "p0_of8": None, "p0_of10": None}
    return {"rank": rank, "status": "LISTED", **known, **unasked, **shares, **values}


def lists(then: str, now: str, **changed: dict[str, Any]) -> dict[str, Any]:
    """Units are letters in the order of their ranks."""
    stored = {unit: row(rank) for rank, unit in enumerate(then, 1)}
    return compared(stored, {unit: row(rank, **changed.get(unit, {})) for rank, unit in enumerate(now, 1)})


def told(found: dict[str, Any]) -> dict[str, list[str]]:
    return {one["unit"]: one["changes"] for one in found["listed"]}


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("new", "gone", "changed", "shifted", "same"))


@pytest.mark.parametrize(
    ("then", "now", "numbers", "changes"),
    [
        ("abc", "abc", (0, 0, 0, 0, 3), {}),
        ("abc", "bc", (0, 1, 0, 2, 0), {"a": ["gone"]}),
        ("abc", "xabc", (1, 0, 0, 3, 0), {"x": ["new"]}),
        ("abc", "xbc", (1, 1, 0, 0, 2), {"a": ["gone"], "x": ["new"]}),
        ("abc", "acb", (0, 0, 2, 0, 1), {"b": ["rank"], "c": ["rank"]}),
        ("abc", "xcb", (1, 1, 2, 0, 0), {"a": ["gone"], "x": ["new"], "b": ["rank"], "c": ["rank"]}),
        ("", "a", (1, 0, 0, 0, 0), {"a": ["new"]}),
        ("", "", (0, 0, 0, 0, 0), {}),
    ],
)
def test_who_came_went_moved_or_made_way(
    then: str, now: str, numbers: tuple[int, ...], changes: dict[str, list[str]]
) -> None:
    found = lists(then, now)

    assert counts(found) == numbers
    assert told(found) == changes


def test_what_changed_of_a_unit_that_stayed() -> None:
    found = lists(
        "abcd",
        "abcd",
        a={"status": "RESERVED", "allele6_min": 5},
        b={"p0_of6": 0.500001},
        c={"antigen6_max": 5, "antigen6_min": 5},
    )

    assert told(found) == {"a": ["status", "class"], "b": ["probability"], "c": ["class"]}
    assert counts(found) == (0, 0, 3, 0, 1)
    assert found["by_change"] == {"status": 1, "class": 2, "probability": 1, "rank": 0}
    first = found["listed"][0]
    assert (first["then"]["classes"], first["now"]["classes"]) == (
        {"antigen6": [6, 6], "allele6": [6, 6]},
        {"antigen6": [6, 6], "allele6": [5, 6]},
    )


def test_probabilities_are_stored_as_they_are_and_told_as_they_may_be() -> None:
    found = lists("ab", "ab", a={"p0_of6": 1.0, "allele6_min": 4}, b={"p0_of6": 0.0, "allele6_max": 5})

    now = [one["now"] for one in found["listed"]]
    assert [side["p0_of6"] for side in now] == [1.0, 0.0]
    assert [replays_today.told(side)["p0_of6"] for side in now] == [1 - 1e-6, 0.0]
    assert "p0_of8" not in replays_today.told(now[0])


def test_those_that_only_moved_come_last_and_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(told(lists("abcd", "bacx"))) == ["d", "x", "a", "b"]

    monkeypatch.setattr(replays_today, "SHOWN", 2)
    found = lists("abcd", "bacx")
    assert list(told(found)) == ["d", "x"]
    assert counts(found) == (1, 1, 2, 0, 1)
