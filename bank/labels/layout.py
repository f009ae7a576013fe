"""Faces of labels to marks on paper. Within a label all is in millimetres from its corner; the PDF counts in points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bank.labels import barcodes
from bank.labels.contents import Face, SmallFace, UnitFace
from bank.labels.formats import MM, Paper
from core.pdf.pages import Bars, Box, Op, Page, Words
from core.pdf.paragraphs import one_line
from core.pdf.text import width_em, wrapped

BLACK = (0, 0, 0)
PAD = 2.2
# Widths of a module, mm, largest first: whole dots of printers with 203, 300 or 600 dots an inch.
MODULES = (0.5, 0.375, 0.3333, 0.25, 0.1693)
MATRIX_MODULES = (1.0, 0.875, 0.75, 0.625, 0.5, 0.4233, 0.375, 0.3333)
POINT = 1 / MM  # mm


def pages(faces: Sequence[Face], paper: Paper) -> list[Page]:
    """The labels one after the other, as many on a page as it holds."""
    groups = (faces[start : start + paper.count] for start in range(0, len(faces), paper.count))
    return [
        [op for number, face in enumerate(group) for op in _label(face, paper, *paper.corner(number))]
        for group in groups
    ]


def _label(face: Face, paper: Paper, left: float, top: float) -> Iterator[Op]:
    beside, above = paper.free
    pen, width, height = Pen(left + beside, top + above), paper.width - 2 * beside, paper.height - 2 * above
    match face:
        case UnitFace():
            yield from _unit(face, pen, width, height)
        case SmallFace():
            yield from _small(face, pen, width, height)


class Pen:
    """Draws at places of one label."""

    def __init__(self, left: float, top: float) -> None:
        self.left, self.top = left, top

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        width: float,
        *,
        least: float = 4.5,
        strong: bool = False,
    ) -> Iterator[Words]:
        """On the base line y; smaller, down to `least` points, where it would be wider than `width`, then cut off."""
        if not text:
            return
        needed = width_em(text) * size * POINT
        if needed > width:
            size = max(least, size * width / needed)
        shown = _cut(text, width / (size * POINT))
        words = one_line(shown, (self.left + x) * MM, (self.top + y) * MM, size, BLACK)
        yield Words(words.x, words.y, words.glyphs, size, BLACK, strong)

    def bars(self, rows: Sequence[barcodes.Row], x: float, y: float, module: float, height: float) -> Bars:
        corner_x, corner_y = self.left + x, self.top + y
        return Bars(
            [
                ((corner_x + rx) * MM, (corner_y + ry) * MM, width * MM, high * MM)
                for rx, ry, width, high in barcodes.rectangles(rows, module, height)
            ],
            BLACK,
        )

    def frame(self, x: float, y: float, width: float, height: float) -> Box:
        return Box((self.left + x) * MM, (self.top + y) * MM, width * MM, height * MM, line=BLACK)


def _cut(text: str, most_em: float) -> str:
    if width_em(text) <= most_em + 1e-6:
        return text
    while text and width_em(text + "…") > most_em:
        text = text[:-1]
    return text + "…"


# --- parts ---------------------------------------------------------------------------------------


def number(pen: Pen, text: str, check: str, x: float, y: float, size: float, width: float) -> Iterator[Op]:
    """The number and behind it, in a box, the check character: it is no part of the number."""
    box = size * 1.15 * POINT
    room = width - (box + 1.2 if check else 0)
    size = min(size, room / (width_em(text) * POINT))
    yield from pen.text(text, x, y, size, room, strong=True)
    if check:
        at = x + width_em(text) * size * POINT + 1.2
        side = size * 1.15 * POINT
        yield pen.frame(at, y - size * 0.94 * POINT, side, side)
        inset = (side - width_em(check) * size * 0.95 * POINT) / 2
        yield from pen.text(check, at + inset, y, size * 0.95, side, strong=True)


def linear(pen: Pen, text: str, x: float, y: float, width: float, height: float) -> Iterator[Op]:
    """Code 128 with its quiet zones in the middle of the width; nothing where it does not fit: the matrix stays."""
    row = barcodes.code128(text)
    for module in MODULES:
        whole = (len(row) + 2 * barcodes.QUIET_LINEAR) * module
        if whole <= width:
            quiet = barcodes.QUIET_LINEAR * module
            yield pen.bars([row], x + quiet, y, module, height)
            return


def matrix(pen: Pen, text: str, x: float, y: float, side: float) -> Iterator[Op]:
    """Data Matrix with its quiet zone, as large as the square allows, in its upper left corner."""
    rows = barcodes.data_matrix(text)
    for module in MATRIX_MODULES:
        whole = (len(rows) + 2 * barcodes.QUIET_MATRIX) * module
        if whole <= side:
            quiet = barcodes.QUIET_MATRIX * module
            yield pen.bars(rows, x + quiet, y + quiet, module, module)
            return


# --- labels ----------------------------------------------------------------------------------------


def _unit(face: UnitFace, pen: Pen, width: float, height: float) -> Iterator[Op]:
    """Number, linear code and facts on the left; blood group and matrix on the right; storage and bank at the foot."""
    scale = 1.3 if height >= 45 else 1.0
    side = 13.0 * scale
    left = width - side - 3 * PAD
    y = PAD + 4.2 * scale
    yield from number(pen, face.number, face.check, PAD, y, 13 * scale, left)
    code_height = 7.5 * scale
    yield from linear(pen, face.linear, PAD, y + 1.6 * scale, left, code_height)
    y += 1.6 * scale + code_height + 3.3 * scale
    for line in _lines(face.product, left, 7 * scale, 2):
        yield from pen.text(line, PAD, y, 7 * scale, left, least=7 * scale, strong=True)
        y += 2.8 * scale
    yield from _facts(face, pen, y + 0.3 * scale, left, scale)
    right = width - PAD - side
    yield from pen.text(face.group, right, PAD + 5.4 * scale, 17 * scale, side, strong=True)
    yield from pen.text(face.rhesus, right, PAD + 8.6 * scale, 7 * scale, side)
    yield from matrix(pen, face.matrix, right, PAD + 10.2 * scale, side)
    foot = height - PAD
    yield from pen.text(face.storage, PAD, foot, 8 * scale, left * 0.55, strong=True)
    at = PAD + left * 0.58
    yield from pen.text(face.bank, at, foot, 7 * scale, width - PAD - at)


def _facts(face: UnitFace, pen: Pen, y: float, width: float, scale: float) -> Iterator[Op]:
    """Two beside one another, all of one size."""
    half = width / 2
    texts = [f"{label} {value}" for label, value in face.facts]
    widest = max(map(width_em, texts), default=0.0) * POINT
    size = min(6.6 * scale, (half - 1) / widest) if widest else 0.0
    for number, text in enumerate(texts):
        row, column = divmod(number, 2)
        yield from pen.text(text, PAD + column * half, y + row * 2.9 * scale, max(size, 4.5), half - 1)


def _lines(text: str, width: float, size: float, most: int) -> list[str]:
    """At most so many lines; the last holds all that is left and is cut where it is drawn."""
    found = [
        "".join(glyph.copied or glyph.shown for glyph in line)
        for line in wrapped(text, width / (size * POINT))
    ]
    if len(found) <= most:
        return found
    return [*found[: most - 1], " ".join(found[most - 1 :])]


def _small(face: SmallFace, pen: Pen, width: float, height: float) -> Iterator[Op]:
    """Number above the linear code, title and detail below, the matrix on the right."""
    scale = min(height / 21, width / 52)
    side = 9.6 * scale
    left = width - side - 0.8
    y = 0.8 * scale + 9 * scale * POINT
    yield from number(pen, face.number, face.check, PAD, y, 9 * scale, left - PAD)
    code_height = 7.4 * scale
    yield from linear(pen, face.linear, 0, y + 1.1 * scale, left, code_height)
    y += 1.1 * scale + code_height + 2.9 * scale
    if face.title:
        yield from pen.text(face.title, PAD, y, 7 * scale, width - 2 * PAD, strong=True)
        y += 2.7 * scale
    yield from pen.text(face.detail, PAD, y, 6.1 * scale, width - 2 * PAD)
    yield from matrix(pen, face.matrix, width - side - 0.8, 0.8 * scale, side)
