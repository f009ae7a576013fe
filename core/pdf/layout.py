"""Blocks to pages: where every word, rule and mark stands, in points from the top left corner of an A4 page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from core.pdf.document import (
    Block,
    Cell,
    Column,
    Document,
    Facts,
    Heading,
    Line,
    Notice,
    Signatures,
    Table,
    Text,
    Together,
    Tone,
)
from core.pdf.text import Glyph, width_em, wrapped

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT = 42.0, WIDTH - 42.0
TOP, BOTTOM = 78.0, HEIGHT - 58.0
INNER = RIGHT - LEFT

BODY, SMALL, TINY = 9.0, 7.6, 7.0
LEADING = 1.42
SIZES: Final = {0: 19.0, 1: 13.0, 2: 10.4}
MARK = 8.2  # side of a mark
PAD = 3.2  # inside a cell

Colour = tuple[int, int, int]
INK, INK_2, LINE, SUNK, BRAND = (21, 35, 43), (67, 82, 92), (207, 204, 193), (241, 239, 233), (11, 107, 102)
# Text and tint, as on the pages (static/css).
TONES: Final[dict[str, tuple[Colour, Colour]]] = {
    "": (INK, SUNK),
    "muted": (INK_2, SUNK),
    "good": ((11, 107, 102), (217, 238, 234)),
    "maybe": ((77, 111, 32), (236, 243, 221)),
    "warn": ((131, 82, 0), (251, 236, 203)),
    "bad": ((163, 42, 58), (249, 223, 225)),
    "info": ((40, 92, 156), (226, 236, 248)),
}
# A mark is a sign in a box: by shape alone, on a black and white copy too.
MARKS: Final[dict[str, tuple[str, Tone]]] = {
    "allele": ("✓", "good"),
    "potential": ("?", "maybe"),
    "antigen": ("▲", "warn"),
    "antigen-possible": ("△", "warn"),
    "mismatch": ("×", "bad"),
    "ok": ("✓", "good"),
    "no": ("×", "bad"),
    "na": ("?", "maybe"),
}


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


Op = Words | Box
Page = list[Op]


@dataclass
class Piece:
    """Something laid out that stays whole. draw: from its top to what is drawn; space: kept free above it."""

    height: float
    draw: Callable[[float], Iterable[Op]]
    space: float = 0.0


@dataclass
class Flow:
    """Pages being filled from top to bottom."""

    pages: list[Page] = field(default_factory=lambda: [[]])
    y: float = TOP

    def put(self, piece: Piece) -> None:
        space = piece.space if self.y > TOP else 0.0
        if self.y + space + piece.height > BOTTOM and self.y > TOP:
            self.next_page()
            space = 0.0
        self.pages[-1].extend(piece.draw(self.y + space))
        self.y += space + piece.height

    def next_page(self) -> None:
        self.pages.append([])
        self.y = TOP

    def room(self) -> float:
        return BOTTOM - self.y


def pages_of(document: Document) -> list[Page]:
    """The pages without head and foot."""
    flow = Flow()
    blocks = list(document.blocks)
    for at, block in enumerate(blocks):
        if isinstance(block, Heading):
            _keep_with_next(flow, blocks[at:])
        _put(flow, block)
    _put(flow, Text(document.seal.format(digest=document.digest), "muted", small=True))
    return flow.pages


def _put(flow: Flow, block: Block) -> None:
    match block:
        case Together(blocks):
            _put_together(flow, blocks)
        case Table():
            _put_table(flow, block)
        case _:
            for piece in pieces(block):
                flow.put(piece)


def _keep_with_next(flow: Flow, blocks: Sequence[Block]) -> None:
    """Headings, of which `blocks` begins with one or more, never stand alone at the foot of a page."""
    count = next(
        (number for number, block in enumerate(blocks) if not isinstance(block, Heading)), len(blocks)
    )
    needed = [piece for heading in blocks[:count] for piece in pieces(heading)]
    if count < len(blocks):
        following = _pieces_of_any(blocks[count])
        needed += following if isinstance(blocks[count], Together) else following[:2]
    height = sum(piece.height + piece.space for piece in needed)
    if flow.room() < height <= BOTTOM - TOP:
        flow.next_page()


def _put_together(flow: Flow, blocks: Sequence[Block]) -> None:
    height = sum(piece.height + piece.space for block in blocks for piece in _pieces_of_any(block))
    if flow.room() < height <= BOTTOM - TOP:
        flow.next_page()
    for block in blocks:
        _put(flow, block)


def _pieces_of_any(block: Block) -> list[Piece]:
    match block:
        case Together(blocks):
            return [piece for inner in blocks for piece in _pieces_of_any(inner)]
        case Table():
            return [_head_row(block), *(_row(block, row) for row in block.rows)]
        case _:
            return pieces(block)


def pieces(block: Block) -> list[Piece]:
    """The parts of a block between which a page may end."""
    match block:
        case Heading():
            return [_heading(block)]
        case Text():
            return _paragraph(block)
        case Notice():
            return [_notice(block)]
        case Facts():
            return _facts(block)
        case Signatures():
            return [_signature(label, block.places, at) for at, label in enumerate(block.labels)]
        case _:
            raise TypeError(f"{type(block).__name__} has no pieces of its own")


# --- words ---------------------------------------------------------------------------------------


def set_lines(
    text: str, width: float, size: float, colour: Colour = INK, *, strong: bool = False, right: bool = False
) -> Piece:
    """A paragraph of so many points of width as one piece that draws itself at x = 0; see `at`."""
    lines = wrapped(text, width / size)
    leading = size * LEADING

    def draw(top: float) -> Iterable[Op]:
        for number, line in enumerate(lines):
            x = width - sum(one.width for one in line) * size if right else 0.0
            yield Words(x, top + number * leading + size * 1.06, line, size, colour, strong)

    return Piece(len(lines) * leading, draw)


def at(x: float, ops: Iterable[Op]) -> Iterable[Op]:
    """The same moved to the right."""
    for op in ops:
        if isinstance(op, Words):
            yield Words(op.x + x, op.y, op.glyphs, op.size, op.colour, op.strong)
        else:
            yield Box(op.x + x, op.y, op.width, op.height, op.fill, op.line)


def one_line(text: str, x: float, y: float, size: float, colour: Colour, *, right: bool = False) -> Words:
    """Words on the base line y, to the right of x or ending there; never broken."""
    (line,) = wrapped(text.replace("\n", " "), 1e9)
    return Words(x - width_em(text) * size if right else x, y, line, size, colour)


def _heading(block: Heading) -> Piece:
    size = SIZES[block.level]
    colour = BRAND if block.level < 2 else INK
    note_width = width_em(block.note) * SMALL
    words = set_lines(block.text, INNER - note_width - 8, size, colour, strong=True)

    def draw(top: float) -> Iterable[Op]:
        yield from at(LEFT, words.draw(top))
        if block.note:
            yield one_line(block.note, RIGHT, top + size * 1.06, SMALL, INK_2, right=True)

    return Piece(words.height + 3, draw, space=16 if block.level < 2 else 10)


def _paragraph(block: Text) -> list[Piece]:
    """A piece a line, so that a long text may go over a page."""
    size = SMALL if block.small else BODY
    colour = TONES[block.tone][0]
    leading = size * LEADING
    lines = wrapped(block.text, INNER / size)
    found = []
    for number, line in enumerate(lines):
        words = Words(LEFT, size * 1.06, line, size, colour)
        found.append(Piece(leading, lambda top, words=words: [_lowered(words, top)], 0 if number else 4))  # type: ignore[misc]
    return found


def _lowered(words: Words, by: float) -> Words:
    return Words(words.x, words.y + by, words.glyphs, words.size, words.colour, words.strong)


def _notice(block: Notice) -> Piece:
    colour, tint = TONES[block.tone]
    words = set_lines(block.text, INNER - 24, BODY, colour)
    height = words.height + 10

    def draw(top: float) -> Iterable[Op]:
        yield Box(LEFT, top, INNER, height, fill=tint, line=colour)
        yield from at(LEFT + 12, words.draw(top + 5))

    return Piece(height, draw, space=8)


def _facts(block: Facts) -> list[Piece]:
    """Rows of names above values."""
    gap = 14.0
    width = (INNER - gap * (block.columns - 1)) / block.columns
    found = []
    for start in range(0, len(block.items), block.columns):
        items = block.items[start : start + block.columns]
        labels = [set_lines(item.label, width, TINY, INK_2) for item in items]
        values = [set_lines(item.value or "–", width, BODY) for item in items]
        label_height = max(label.height for label in labels)
        height = label_height + max(value.height for value in values) + 4

        def draw(
            top: float,
            labels: Sequence[Piece] = labels,
            values: Sequence[Piece] = values,
            label_height: float = label_height,
        ) -> Iterable[Op]:
            for column, (label, value) in enumerate(zip(labels, values, strict=True)):
                x = LEFT + column * (width + gap)
                yield from at(x, label.draw(top))
                yield from at(x, value.draw(top + label_height))

        found.append(Piece(height, draw, space=0 if start else 4))
    return found


# --- tables --------------------------------------------------------------------------------------


def _widths(columns: Sequence[Column]) -> list[float]:
    whole = sum(column.share for column in columns)
    return [INNER * column.share / whole for column in columns]


def _put_table(flow: Flow, table: Table) -> None:
    """Head, rows; the head again on each further page."""
    head = _head_row(table)
    rows = [part for row in table.rows for part in _fitting_rows(table, row, BOTTOM - TOP - head.height)]
    if rows and flow.room() < head.height + rows[0].height + head.space:
        flow.next_page()
    flow.put(head)
    for row in rows:
        if row.height > flow.room():
            flow.next_page()
            flow.put(head)
        flow.put(row)


def _head_row(table: Table) -> Piece:
    widths = _widths(table.columns)
    labels = [
        set_lines(column.label, width - 2 * PAD, TINY, INK_2, right=column.right, strong=True)
        for column, width in zip(table.columns, widths, strict=True)
    ]
    height = max(label.height for label in labels) + 2 * PAD

    def draw(top: float) -> Iterable[Op]:
        yield Box(LEFT, top, INNER, height, fill=SUNK)
        x = LEFT
        for label, width in zip(labels, widths, strict=True):
            yield from at(x + PAD, label.draw(top + height - PAD - label.height))
            x += width
        yield Box(LEFT, top + height, INNER, 0, line=INK_2)

    return Piece(height, draw, space=5)


def _fitting_rows(table: Table, row: Sequence[Cell], most: float) -> list[Piece]:
    """The row, or, where it is higher than a page, its paragraphs on rows of their own."""
    whole = _row(table, row)
    if whole.height <= most or all(len(cell) <= 1 for cell in row):
        return [whole]
    longest = max(len(cell) for cell in row)
    return [_row(table, [cell[number : number + 1] for cell in row]) for number in range(longest)]


def _row(table: Table, row: Sequence[Cell]) -> Piece:
    widths = _widths(table.columns)
    cells = [
        [(line, _cell_line(line, width - 2 * PAD, column)) for line in cell]
        for cell, width, column in zip(row, widths, table.columns, strict=True)
    ]
    height = max((sum(words.height for _line, words in cell) for cell in cells), default=0.0) + 2 * PAD

    def draw(top: float) -> Iterable[Op]:
        x = LEFT
        for cell, width in zip(cells, widths, strict=True):
            y = top + PAD
            for _line, words in cell:
                yield from at(x + PAD, words.draw(y))
                y += words.height
            x += width
        yield Box(LEFT, top + height, INNER, 0, line=LINE)

    return Piece(height, draw)


def _cell_line(line: Line, width: float, column: Column) -> Piece:
    size = TINY if line.small else SMALL + 0.4
    indent = MARK + 3 if line.mark else 0.0
    colour = TONES[line.tone][0]
    words = set_lines(line.text, width - indent, size, colour, strong=line.strong, right=column.right)
    height = max(words.height, MARK + 2.2) if line.mark else words.height

    def draw(top: float) -> Iterable[Op]:
        if line.mark:
            yield from mark(line.mark, 0, top + 0.6)
        yield from at(indent, words.draw(top))

    return Piece(height, draw)


def mark(name: str, x: float, top: float) -> Iterable[Op]:
    sign, tone = MARKS[name]
    colour, tint = TONES[tone]
    yield Box(x, top, MARK, MARK, fill=tint, line=colour)
    size = MARK * 0.8
    yield Words(x + (MARK - width_em(sign) * size) / 2, top + MARK * 0.79, wrapped(sign, 9)[0], size, colour)


# --- signatures ----------------------------------------------------------------------------------


def _signature(label: str, places: Sequence[str], number: int) -> Piece:
    """A label and beside it a line for each place."""
    label_width = INNER * 0.22
    gap = 12.0
    width = (INNER - label_width) / len(places) - gap
    words = set_lines(label, label_width - 6, BODY, strong=True)

    def draw(top: float) -> Iterable[Op]:
        yield from at(LEFT, words.draw(top + 16))
        for column, place in enumerate(places):
            x = LEFT + label_width + column * (width + gap)
            yield Box(x, top + 30, width, 0, line=INK)
            yield one_line(place, x, top + 39, TINY, INK_2)

    return Piece(max(46.0, words.height + 20), draw, space=6 if number == 0 else 0)
