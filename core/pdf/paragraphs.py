"""Paragraphs: broken lines with their mark, and stacks of them side by side, which are cut between two lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.pdf.pages import Box, Op, Piece, Words
from core.pdf.style import BASE, INNER, LEADING, LEFT, MARK, MARKS, TONES, Colour
from core.pdf.text import Glyph, width_em, wrapped


@dataclass(frozen=True)
class Paragraph:
    """Lines of one size in a column of so many points. mark: of style.MARKS, at the left of the first line, or ""."""

    lines: Sequence[Sequence[Glyph]]
    width: float
    size: float
    colour: Colour
    strong: bool = False
    right: bool = False
    mark: str = ""
    indent: float = 0.0

    @property
    def leading(self) -> float:
        return self.size * LEADING

    @property
    def height(self) -> float:
        height = len(self.lines) * self.leading
        return max(height, MARK + 2.2) if self.mark else height

    @property
    def least(self) -> float:
        """Of its first line."""
        return replace(self, lines=self.lines[:1]).height

    def draw(self, x: float, top: float) -> Iterable[Op]:
        if self.mark:
            yield from _mark(self.mark, x, top + 0.6)
        for number, line in enumerate(self.lines):
            left = x + self.indent
            if self.right:
                left = x + self.width - sum(one.width for one in line) * self.size
            yield Words(
                left,
                top + number * self.leading + self.size * BASE,
                line,
                self.size,
                self.colour,
                self.strong,
            )

    def cut(self, room: float) -> tuple[Paragraph, Paragraph]:
        """As many lines as there is room for, and the others."""
        count = int(room / self.leading + 1e-6) if room >= self.least else 0
        return replace(self, lines=self.lines[:count]), replace(self, lines=self.lines[count:], mark="")


def paragraph(
    text: str,
    width: float,
    size: float,
    colour: Colour,
    *,
    strong: bool = False,
    right: bool = False,
    mark: str = "",
) -> Paragraph:
    indent = MARK + 3 if mark else 0.0
    lines = wrapped(text, (width - indent) / size)
    return Paragraph(lines, width, size, colour, strong, right, mark, indent)


def one_line(text: str, x: float, y: float, size: float, colour: Colour, *, right: bool = False) -> Words:
    """Words on the base line y, to the right of x or ending there; never broken."""
    (line,) = wrapped(text.replace("\n", " "), 1e9)
    return Words(x - width_em(text) * size if right else x, y, line, size, colour)


def _mark(name: str, x: float, top: float) -> Iterable[Op]:
    sign, tone = MARKS[name]
    colour, tint = TONES[tone]
    yield Box(x, top, MARK, MARK, fill=tint, line=colour)
    size = MARK * 0.8
    yield Words(x + (MARK - width_em(sign) * size) / 2, top + MARK * 0.79, wrapped(sign, 9)[0], size, colour)


Stack = tuple[Paragraph, ...]


@dataclass(frozen=True)
class Columns(Piece):
    """Stacks of paragraphs side by side, each at its x, in a box as wide as the page.

    above, below: free in the box. fill, frame: of the box. rule: of a line at its foot.
    """

    stacks: tuple[Stack, ...]
    xs: tuple[float, ...]
    above: float = 0.0
    below: float = 0.0
    space: float = 0.0
    fill: Colour | None = None
    frame: Colour | None = None
    rule: Colour | None = None

    @property
    def height(self) -> float:
        return self.above + max(map(_height, self.stacks), default=0.0) + self.below

    @property
    def least(self) -> float:
        """With the first line of each stack."""
        first = (stack[0].least for stack in self.stacks if stack)
        return self.above + max(first, default=0.0) + self.below

    def draw(self, top: float) -> Iterable[Op]:
        if self.fill or self.frame:
            yield Box(LEFT, top, INNER, self.height, fill=self.fill, line=self.frame)
        for x, stack in zip(self.xs, self.stacks, strict=True):
            y = top + self.above
            for one in stack:
                yield from one.draw(x, y)
                y += one.height
        if self.rule:
            yield Box(LEFT, top + self.height, INNER, 0, line=self.rule)

    def cut(self, room: float) -> tuple[Columns, Columns]:
        halves = [_cut(stack, room - self.above - self.below) for stack in self.stacks]
        first = replace(self, stacks=tuple(before for before, _ in halves))
        return first, replace(self, stacks=tuple(after for _, after in halves), space=0.0)


def _height(stack: Stack) -> float:
    return sum(one.height for one in stack)


def _cut(stack: Stack, room: float) -> tuple[Stack, Stack]:
    for number, one in enumerate(stack):
        if one.height > room + 1e-6:
            before, after = one.cut(room)
            begun = (before,) if before.lines else ()
            return (*stack[:number], *begun), (after, *stack[number + 1 :])
        room -= one.height
    return stack, ()
