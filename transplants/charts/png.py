"""A step chart as a PNG, by Pillow (which fpdf2 brings), from the geometry of the page. Imported where one is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from core.pdf.faces import MAIN, face
from transplants.charts.curves import HEIGHT, Chart

SCALE: Final = 2  # dots for a unit of the drawing
HEAD: Final = 34
# Colour and dashes of each style, as in static/css/outcomes.css.
STROKES: Final[tuple[tuple[int, str, tuple[float, ...]], ...]] = (
    (1, "#0b6b66", ()),
    (2, "#a05c00", (8, 4)),
    (3, "#285c9c", (12, 3, 3, 3)),
    (4, "#8b2f63", (4, 3)),
    (5, "#55701a", (14, 5)),
    (6, "#6a4bb0", (10, 3, 2, 3, 2, 3)),
    (7, "#9a3b22", (6, 2)),
    (8, "#43525c", (3, 2)),
)
_FEW: Final = (2.0, 5.0)
_INK, _GRID = "#43525c", "#e2e0d8"
Corners = Sequence[tuple[float, float]]


def png(chart: Chart, title: str) -> bytes:
    """White ground, so that it stands on a slide as it does on paper."""
    size = (int(chart.width * SCALE), int((chart.height + HEAD) * SCALE))
    image = Image.new("RGB", size, "white")
    page = _Page(ImageDraw.Draw(image, "RGBA"))
    page.text(0, 22 - HEAD, title, size=17)
    _grid(page, chart)
    for line in chart.lines:
        _number, colour, dash = STROKES[line.style - 1]
        page.area(line.band_corners, colour)
        page.stroke(line.corners, colour, _FEW if line.few else dash)
        page.text(line.label_x, line.label_y, line.label_text, colour=colour)
        page.stroke([(2, line.row_y - 4), (40, line.row_y - 4)], colour, _FEW if line.few else dash)
        page.text(chart.left, line.row_y, line.label, colour=colour)
        for tick in line.at_risk:
            page.text(tick.at, line.row_y + 17, tick.text, anchor="ms")
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _grid(page: _Page, chart: Chart) -> None:
    for row in chart.rows:
        page.stroke([(chart.left, row.at), (chart.right, row.at)], _GRID, (), width=1)
        page.text(chart.left - 8, row.at + 4.5, row.text, anchor="rs")
    for column in chart.columns:
        page.text(column.at, chart.top + HEIGHT + 20, column.text, anchor="ms")
    page.text((chart.left + chart.right) / 2, chart.title_y, chart.title, anchor="ms")


class _Page:
    """Draws in units of the chart."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self.draw = draw

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return x * SCALE, (y + HEAD) * SCALE

    def text(
        self, x: float, y: float, words: str, *, anchor: str = "ls", colour: str = _INK, size: int = 13
    ) -> None:
        font = ImageFont.truetype(str(face(MAIN).path), size * SCALE)
        self.draw.text(self._at(x, y), words, fill=colour, font=font, anchor=anchor)

    def area(self, corners: Corners, colour: str) -> None:
        if len(corners) > 2:
            self.draw.polygon([self._at(x, y) for x, y in corners], fill=f"{colour}24")

    def stroke(self, corners: Corners, colour: str, dash: Sequence[float], width: float = 2.2) -> None:
        for (x, y), (to_x, to_y) in _dashed(corners, dash):
            self.draw.line([self._at(x, y), self._at(to_x, to_y)], fill=colour, width=round(width * SCALE))


def _dashed(
    corners: Corners, dash: Sequence[float]
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The drawn pieces of a line along the axes."""
    place, left = 0, dash[0] if dash else float("inf")
    for (x, y), (to_x, to_y) in pairwise(corners):
        length = abs(to_x - x) + abs(to_y - y)
        done = 0.0
        while done < length:
            step = min(left, length - done)
            begin, end = done / length, (done + step) / length
            if place % 2 == 0:
                yield (
                    (x + (to_x - x) * begin, y + (to_y - y) * begin),
                    (x + (to_x - x) * end, y + (to_y - y) * end),
                )
            done, left = done + step, left - step
            if dash and left <= 0:
                place += 1
                left = dash[place % len(dash)]
