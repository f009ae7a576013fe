"""Colours are read from the stylesheet and held to WCAG 2.2 AA in both themes: text 4.5:1, edges and bars 3:1."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "static/css/tokens.css").read_text(encoding="utf-8")
INKS = ("ink", "ink-2", "ink-3", "brand", "brand-2", "good", "maybe", "warn", "bad", "info")
TONES = ("brand", "good", "maybe", "warn", "bad", "info")
TEXT = [
    *((ink, ground) for ink in INKS for ground in ("paper", "card", "sunk")),
    *((tone, f"{tone}-soft") for tone in TONES),
    *((ink, f"{tone}-soft") for ink in ("ink", "ink-2") for tone in TONES),
    ("ink-3", "brand-soft"),
    ("brand-ink", "brand"),
    ("brand-ink", "brand-2"),
    ("brand-ink", "good"),
    ("brand", "info-soft"),
]
SHAPES = [
    *(("edge", ground) for ground in ("paper", "card", "sunk")),
    *((bar, "line-2") for bar in ("good", "warn", "ink")),
    ("brand", "line"),
]


def _palettes() -> dict[str, dict[str, str]]:
    light_text, dark_text = TOKENS.split("@media (prefers-color-scheme: dark)")
    light = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", light_text))
    return {"light": light, "dark": {**light, **dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", dark_text))}}


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours `#rrggbb`: 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "needed"), [(TEXT, 4.5), (SHAPES, 3.0)], ids=["text", "shapes"])
def test_contrast_holds(theme: str, pairs: list[tuple[str, str]], needed: float) -> None:
    colours = _palettes()[theme]

    weak = [
        (a, b, round(contrast(colours[a], colours[b]), 2))
        for a, b in pairs
        if contrast(colours[a], colours[b]) < needed
    ]

    assert weak == []
