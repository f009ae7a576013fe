"""Figures of the yield as drawings of the server: bars lying and standing. A table with the same numbers is beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bank.yields.spread import Spread

Json = dict[str, Any]

WIDTH, HEIGHT = 620, 230  # of a histogram, in its own units
LEFT, RIGHT, TOP, BOTTOM = 66, 12, 22, 34
MOST_TICKS = 8


def histogram(spread: Spread, summary: str) -> Json:
    """Standing bars; a dashed line where a specification draws one."""
    quantity = spread.quantity
    most = max(spread.counts) or 1
    step = (WIDTH - LEFT - RIGHT) / quantity.bars
    bars = [
        {
            "x": round(LEFT + place * step + 0.5, 1),
            "y": _down(count, most),
            "width": round(step - 1, 1),
            "height": round(HEIGHT - BOTTOM - _down(count, most), 1),
            "words": f"{bar_name(spread, place)}: {count:,}",
        }
        for place, count in enumerate(spread.counts)
    ]
    every = -(-quantity.bars // MOST_TICKS)
    top = quantity.width * quantity.bars
    return {
        "size": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "top": TOP},
        "bottom": HEIGHT - BOTTOM,
        "labels": HEIGHT - BOTTOM + 18,
        "rows": [{"y": _down(count, most), "text": f"{count:,}"} for count in _round_counts(most)],
        "ticks": [
            {"x": round(LEFT + place * step, 1), "text": f"{place * quantity.width:g}"}
            for place in range(0, quantity.bars, every)
        ],
        "bars": bars,
        "thresholds": [
            {"x": round(LEFT + (WIDTH - LEFT - RIGHT) * value / top, 1), "text": f"≥ {value:g}"}
            for value, _below in spread.thresholds
            if value < top
        ],
        "summary": summary,
    }


def bar_name(spread: Spread, place: int) -> str:
    """What a bar holds: from, and up to without."""
    low = place * spread.quantity.width
    if place == spread.quantity.bars - 1:
        return f"≥ {low:g}"
    return f"{low:g}–{low + spread.quantity.width:g}"


def _down(count: int, most: int) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - count / most), 1)


def _round_counts(most: int) -> list[int]:
    """Nothing, half and all, of whole units."""
    return sorted({0, most // 2, most})


def percent_of(part: int, whole: int) -> float:
    """Width of a bar in a table; something is never nothing."""
    if not part or not whole:
        return 0.0
    return round(max(100 * part / whole, 0.5), 1)


def ranges(low: float, high: float, most: float) -> Json:
    """A published range on a bar whose full width is `most` per cent."""
    return {"x": round(100 * low / most, 1), "width": round(100 * (high - low) / most, 1)}


def scale_of(shares: Sequence[float]) -> float:
    """The full width of bars in per cent: 100, or less where all are small."""
    return next((limit for limit in (10.0, 25.0, 50.0) if max(shares, default=0.0) <= limit), 100.0)
