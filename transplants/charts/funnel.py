"""Where the marks of a funnel and of a forest plot lie, in units of the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transplants.charts.curves import Tick
from transplants.statistics.observed_expected import FUNNEL_LEVELS, funnel_limits

WIDTH: Final = 880.0
HEIGHT: Final = 380.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 850.0, 14.0, 330.0
POINTS: Final = 80  # at which the limits are computed


@dataclass(frozen=True)
class Mark:
    """A hospital: expected deaths and observed / expected. kind: classes of the drawing."""

    expected: float
    ratio: float
    kind: str
    words: str
    name: str = ""


@dataclass(frozen=True)
class Placed:
    x: float
    y: float
    radius: float
    kind: str
    words: str
    name: str


@dataclass(frozen=True)
class Funnel:
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    rows: list[Tick]
    columns: list[Tick]
    limits: list[tuple[str, str]]
    marks: list[Placed]
    one_y: float
    title: str
    summary: str


def funnel(marks: Sequence[Mark], *, title: str, summary: str) -> Funnel:
    most = max((mark.expected for mark in marks), default=1.0) * 1.06
    top = min(max([2.0, *(mark.ratio * 1.08 for mark in marks)]), 4.0)

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * math.sqrt(value / most), 1)  # most hospitals are small

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * min(value, top) / top, 1)

    grid = np.linspace(math.sqrt(0.4), math.sqrt(most), POINTS) ** 2
    limits = []
    for found, name in zip(funnel_limits(grid, FUNNEL_LEVELS), ("limit-95", "limit-998"), strict=True):
        for curve in (found.upper, found.lower):
            points = [f"{x(e)},{y(r)}" for e, r in zip(grid.tolist(), curve.tolist(), strict=True)]
            limits.append((name, " ".join(points)))
    steps = [step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if step <= most]
    return Funnel(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        top=TOP,
        bottom=BOTTOM,
        rows=[Tick(y(value), f"{value:g}") for value in np.arange(0, top + 0.01, 0.5).tolist()],
        columns=[Tick(x(step), f"{step}") for step in steps],
        limits=limits,
        marks=[
            Placed(
                x(mark.expected),
                y(mark.ratio),
                7 if "own" in mark.kind else 4.2,
                mark.kind,
                mark.words,
                mark.name,
            )
            for mark in marks
        ],
        one_y=y(1.0),
        title=title,
        summary=summary,
    )


@dataclass(frozen=True)
class Whisker:
    """A row of a forest plot: where its point and ends lie, shares of the width from 0 to 100."""

    low: float
    point: float
    high: float
    width: float


FOREST_WIDTH: Final = 240.0
_FROM, _TO = math.log(0.25), math.log(4.0)


def whisker(ratio: float, lower: float, upper: float) -> Whisker:
    """On a logarithmic axis from a quarter to four; what lies beyond ends at the edge."""

    def x(value: float) -> float:
        place = (math.log(max(value, 1e-9)) - _FROM) / (_TO - _FROM)
        return round(min(max(place, 0.0), 1.0) * FOREST_WIDTH, 1)

    low, high = x(lower), x(upper)
    return Whisker(low, x(ratio), high, round(high - low, 1))
