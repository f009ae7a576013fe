"""Where the lines of a step chart lie, in units of the drawing: one geometry for page, SVG file and PNG.

Nothing here asks the database. Words come from the caller, already in the reader's language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

WIDTH: Final = 880.0
LEFT, RIGHT, TOP = 52.0, 816.0, 16.0
HEIGHT: Final = 300.0  # of the plot itself
ROW: Final = 36.0  # of the table of numbers at risk: name, and numbers under it
STYLES: Final = 8  # strokes that differ in colour and dashes (static/css/outcomes.css)


@dataclass(frozen=True)
class Series:
    """A curve to draw. x in days, y as a share; start: y before the first step. at_risk: texts below the ticks."""

    label: str
    start: float
    days: Sequence[float]
    values: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    until: float
    few: bool = False
    at_risk: Sequence[str] = ()
    end_text: str = ""


@dataclass(frozen=True)
class Axis:
    """ticks: (day, text) below the plot; top: the highest share, its lines every `step`."""

    end: float
    ticks: Sequence[tuple[float, str]]
    top: float
    step: float
    title: str


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Drawn:
    """A line of the drawing. style: 1 to STYLES. path, band: SVG path data; steps: the corners as numbers."""

    style: int
    label: str
    few: bool
    path: str
    band: str
    corners: list[tuple[float, float]]
    band_corners: list[tuple[float, float]]
    label_x: float
    label_y: float
    label_text: str
    at_risk: list[Tick]
    row_y: float


@dataclass(frozen=True)
class Hover:
    """A column of the plot that says its numbers."""

    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Chart:
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    rows: list[Tick]
    columns: list[Tick]
    lines: list[Drawn]
    hovers: list[Hover]
    title: str
    title_y: float
    at_risk_y: float
    summary: str
    has_at_risk: bool


def chart(
    axis: Axis, series: Sequence[Series], *, summary: str, hovers: Sequence[tuple[float, str]] = ()
) -> Chart:
    """hovers: (day, words) of columns from that day to the next."""
    bottom = TOP + HEIGHT
    has_at_risk = any(one.at_risk for one in series)
    first_row = bottom + 68
    lines = [_drawn(axis, one, place, first_row) for place, one in enumerate(series)]
    return Chart(
        width=WIDTH,
        height=first_row + ROW * (len(series) - 1) + (26 if has_at_risk else 8),
        left=LEFT,
        right=RIGHT,
        top=TOP,
        bottom=bottom,
        rows=[Tick(_y(axis, share), f"{share * 100:.0f}") for share in _shares(axis)],
        columns=[Tick(_x(axis, day), text) for day, text in axis.ticks],
        lines=_apart(lines),
        hovers=_hovers(axis, hovers),
        title=axis.title,
        title_y=bottom + 42,
        at_risk_y=bottom + 42,
        summary=summary,
        has_at_risk=has_at_risk,
    )


def _shares(axis: Axis) -> list[float]:
    return [axis.step * place for place in range(round(axis.top / axis.step) + 1)]


def _x(axis: Axis, day: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * min(day, axis.end) / axis.end, 1)


def _y(axis: Axis, share: float) -> float:
    return round(TOP + HEIGHT * (1 - min(share, axis.top) / axis.top), 1)


def _drawn(axis: Axis, one: Series, place: int, first_row: float) -> Drawn:
    end = _x(axis, min(one.until, axis.end))
    corners = _corners(axis, one.days, one.values, one.start, end)
    band = [*_corners(axis, one.days, one.upper, one.start, end)]
    band += reversed(_corners(axis, one.days, one.lower, one.start, end))
    at_risk = [Tick(_x(axis, day), text) for (day, _text), text in zip(axis.ticks, one.at_risk, strict=False)]
    return Drawn(
        style=place % STYLES + 1,
        label=one.label,
        few=one.few,
        path=_path(corners),
        band=_path(band) + "Z",
        corners=corners,
        band_corners=band,
        label_x=min(end, RIGHT) + 6,
        label_y=corners[-1][1] + 4.5,
        label_text=one.end_text,
        at_risk=at_risk,
        row_y=first_row + ROW * place,
    )


def _corners(
    axis: Axis, days: Sequence[float], values: Sequence[float], start: float, end: float
) -> list[tuple[float, float]]:
    """Corners of a step line; steps that fall on the same tenth of a unit become one."""
    x, y = LEFT, _y(axis, start)
    corners = [(x, y)]
    for day, value in zip(days, values, strict=True):
        here, height = _x(axis, day), _y(axis, value)
        if height == y:
            continue
        if here != x:
            corners += [(here, y), (here, height)]
        elif len(corners) == 1:
            corners.append((here, height))
        else:
            corners[-1] = (here, height)
        x, y = here, height
    if end > x:
        corners.append((end, y))
    return corners


def _path(corners: Sequence[tuple[float, float]]) -> str:
    """Moves along one axis at a time are written with H and V: half the size."""
    text, (before_x, before_y) = f"M{corners[0][0]:g} {corners[0][1]:g}", corners[0]
    parts = [text]
    for x, y in corners[1:]:
        if y == before_y:
            parts.append(f"H{x:g}")
        elif x == before_x:
            parts.append(f"V{y:g}")
        else:
            parts.append(f"L{x:g} {y:g}")
        before_x, before_y = x, y
    return "".join(parts)


def _apart(lines: list[Drawn]) -> list[Drawn]:
    """Names at the ends of the lines do not cover each other."""
    placed: list[float] = []
    found: dict[int, Drawn] = {}
    for place in sorted(range(len(lines)), key=lambda index: -lines[index].label_y):
        y = lines[place].label_y
        if placed and y > placed[-1] - 15:
            y = placed[-1] - 15
        placed.append(y)
        found[place] = replace(lines[place], label_y=round(max(y, TOP + 10), 1))
    return [found[place] for place in range(len(lines))]


def _hovers(axis: Axis, columns: Sequence[tuple[float, str]]) -> list[Hover]:
    edges = [_x(axis, day) for day, _words in columns] + [RIGHT]
    return [
        Hover(edge, round(edges[place + 1] - edge, 1), columns[place][1])
        for place, edge in enumerate(edges[:-1])
        if edges[place + 1] > edge
    ]
