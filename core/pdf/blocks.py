"""Blocks of a document to pieces, between which a page may end. Tables: core.pdf.tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from core.pdf.document import Barcode, Block, Facts, Heading, Notice, Signatures, Text
from core.pdf.pages import Bars, Box, Op, Piece
from core.pdf.paragraphs import Columns, Paragraph, one_line, paragraph
from core.pdf.style import (
    BASE,
    BODY,
    BRAND,
    INK,
    INK_2,
    INNER,
    LEFT,
    RIGHT,
    SIZES,
    SMALL,
    TINY,
    TONES,
)
from core.pdf.text import width_em, wrapped


def pieces(block: Block) -> list[Piece]:
    match block:
        case Heading():
            return [_heading(block)]
        case Text():
            return _lines(block)
        case Notice():
            return [_notice(block)]
        case Facts():
            return _facts(block)
        case Signatures():
            return [_signature(label, block.places, first=not at) for at, label in enumerate(block.labels)]
        case Barcode():
            return [_Barcode(block, 6)]
        case _:
            raise TypeError(f"{type(block).__name__} has no pieces of its own")


@dataclass(frozen=True)
class _Heading(Piece):
    words: Paragraph
    note: str
    space: float

    @property
    def height(self) -> float:
        return self.words.height + 3

    @property
    def least(self) -> float:
        return self.words.least + 3

    def draw(self, top: float) -> Iterable[Op]:
        yield from self.words.draw(LEFT, top)
        if self.note:
            yield one_line(self.note, RIGHT, top + self.words.size * BASE, SMALL, INK_2, right=True)

    def cut(self, room: float) -> tuple[_Heading, _Heading]:
        before, after = self.words.cut(room - 3)
        return replace(self, words=before), _Heading(after, "", 0)


def _heading(block: Heading) -> Piece:
    colour = BRAND if block.level < 2 else INK
    width = INNER - width_em(block.note) * SMALL - 8
    words = paragraph(block.text, width, SIZES[block.level], colour, strong=True)
    return _Heading(words, block.note, 16 if block.level < 2 else 10)


def _lines(block: Text) -> list[Piece]:
    """A piece a line, so that a long text may go over a page."""
    size, colour = SMALL if block.small else BODY, TONES[block.tone][0]
    found: list[Piece] = []
    for number, line in enumerate(wrapped(block.text, INNER / size)):
        words = Paragraph([line], INNER, size, colour)
        found.append(Columns(((words,),), (LEFT,), space=0 if number else 4))
    return found


def _notice(block: Notice) -> Piece:
    colour, tint = TONES[block.tone]
    words = paragraph(block.text, INNER - 24, BODY, colour)
    return Columns(((words,),), (LEFT + 12,), above=5, below=5, space=8, fill=tint, frame=colour)


def _facts(block: Facts) -> list[Piece]:
    """Rows of names above values."""
    gap = 14.0
    width = (INNER - gap * (block.columns - 1)) / block.columns
    found: list[Piece] = []
    for start in range(0, len(block.items), block.columns):
        items = block.items[start : start + block.columns]
        labels = [wrapped(item.label, width / TINY) for item in items]
        most = max(map(len, labels))  # the values stand on one line
        stacks = tuple(
            (
                Paragraph([*label, *[[]] * (most - len(label))], width, TINY, INK_2),
                paragraph(item.value or "–", width, BODY, INK),
            )
            for label, item in zip(labels, items, strict=True)
        )
        xs = tuple(LEFT + column * (width + gap) for column in range(len(items)))
        found.append(Columns(stacks, xs, below=4, space=0 if start else 4))
    return found


@dataclass(frozen=True)
class _Signature(Piece):
    """A label and beside it a line for each place."""

    words: Paragraph
    places: Sequence[str]
    space: float

    @property
    def height(self) -> float:
        return max(46.0, self.words.height + 20)

    def draw(self, top: float) -> Iterable[Op]:
        left = LEFT + _LABEL
        width = (INNER - _LABEL) / len(self.places)
        yield from self.words.draw(LEFT, top + 16)
        for column, place in enumerate(self.places):
            x = left + column * width
            yield Box(x, top + 30, width - 12, 0, line=INK)
            yield one_line(place, x, top + 39, TINY, INK_2)


_LABEL = INNER * 0.22


def _signature(label: str, places: Sequence[str], *, first: bool) -> Piece:
    return _Signature(paragraph(label, _LABEL - 6, BODY, INK, strong=True), places, 6 if first else 0)


@dataclass(frozen=True)
class _Barcode(Piece):
    """At the left, as wide modules as the page takes, at most _MODULE; below it what it says."""

    code: Barcode
    space: float

    @property
    def height(self) -> float:
        return _BARS + 2 + TINY * 1.4

    def draw(self, top: float) -> Iterable[Op]:
        module = min(_MODULE, INNER / (len(self.code.modules) + 2 * _QUIET))
        left = LEFT + _QUIET * module
        runs, at = [], 0
        for dark, found in groupby(self.code.modules):
            length = sum(1 for _module in found)
            if dark:
                runs.append((left + at * module, top, length * module, _BARS))
            at += length
        yield Bars(runs, (0, 0, 0))
        yield one_line(self.code.text, left, top + _BARS + 2 + TINY, TINY, INK_2)


_MODULE, _QUIET, _BARS = 1.0, 10, 26.0  # points; modules; points
