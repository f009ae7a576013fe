"""Pages being filled from top to bottom with pieces; one that no page can hold goes on over several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.pdf.style import BOTTOM, TOP, Colour
from core.pdf.text import Glyph

WHOLE_PAGE = BOTTOM - TOP
MOST = 0.75 * WHOLE_PAGE  # of a piece that stays whole: above it there must be room for its headings


@dataclass(frozen=True)
class Words:
    """Glyphs on one base line at (x, y)."""

    x: float
    y: float
    glyphs: Sequence[Glyph]
    size: float
    colour: Colour
    strong: bool = False


@dataclass(frozen=True)
class Box:
    """A filled or framed rectangle; height 0 is a rule."""

    x: float
    y: float
    width: float
    height: float
    fill: Colour | None = None
    line: Colour | None = None


@dataclass(frozen=True)
class Bars:
    """Filled rectangles (x, y, width, height) drawn as one: the modules of a barcode, without a seam between them."""

    rectangles: Sequence[tuple[float, float, float, float]]
    fill: Colour


Op = Words | Box | Bars
Page = list[Op]


class Piece:
    """Something laid out that stays whole, unless it is higher than MOST.

    space: kept free above it, but at the top of a page; least: how much of it must stand below a heading at the least.
    """

    space: float = 0.0

    @property
    def height(self) -> float:
        raise NotImplementedError

    @property
    def least(self) -> float:
        return self.height

    @property
    def needs(self) -> float:
        """The room without which it does not begin."""
        return self.space + (self.height if self.height <= MOST else self.least)

    def draw(self, top: float) -> Iterable[Op]:
        raise NotImplementedError

    def cut(self, room: float) -> tuple[Piece, Piece]:
        """What goes into so much room, which holds `least`, and the rest. Asked only of what is higher than MOST."""
        raise NotImplementedError(f"{type(self).__name__} is higher than a page and cannot be cut.")


@dataclass
class Flow:
    """again: drawn at the top of every further page, as the head of a table."""

    pages: list[Page] = field(default_factory=lambda: [[]])
    y: float = TOP
    again: Piece | None = None

    @property
    def room(self) -> float:
        return BOTTOM - self.y

    @property
    def most(self) -> float:
        """The height of what stays whole."""
        return MOST - (self.again.height if self.again else 0.0)

    def put(self, piece: Piece) -> None:
        """On this page, whole on the next, or, if it is higher than `most`, from here over as many as it takes."""
        while piece.height > self.most and self._space(piece) + piece.height > self.room:
            if self._space(piece) + piece.least > self.room:
                if not self.next_page():
                    break
                continue
            first, piece = piece.cut(self.room - self._space(piece))
            self._draw(first)
            self.next_page()
        if self._space(piece) + piece.height > self.room:
            self.next_page()
        self._draw(piece)

    def next_page(self) -> bool:
        """Another page. False: nothing stands on this one but what stands again on each."""
        if self.y <= TOP + (self.again.height if self.again else 0.0):
            return False
        self.pages.append([])
        self.y = TOP
        if self.again:
            self._draw(self.again)
        return True

    def _space(self, piece: Piece) -> float:
        return piece.space if self.y > TOP else 0.0

    def _draw(self, piece: Piece) -> None:
        top = self.y + self._space(piece)
        self.pages[-1].extend(piece.draw(top))
        self.y = top + piece.height
