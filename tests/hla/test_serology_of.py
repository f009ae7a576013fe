"""Antigens beside DNA are found again in the stored GL text."""

from __future__ import annotations

import pytest

from hla.typing import serology_of


@pytest.mark.parametrize(
    ("gl", "beside"),
    [
        ("", {}),
        ("A*02:01+A*24:02^B60+B46", {}),
        ("A*02:01+A*24:02^B*40:01^A2+A24^B60", {"A": ("A2", "A24"), "B": ("B60", "")}),
        ("A*02:01|A*02:02+A*24:02^A2|A2+A24", {"A": ("A2|A2", "|A24")}),
    ],
)
def test_serology_of(gl: str, beside: dict[str, tuple[str, str]]) -> None:
    assert serology_of(gl) == beside
