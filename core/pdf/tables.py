"""Tables to pieces: the head, which stands again on each page, and a piece a row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from core.pdf.document import Cell, Column, Line, Table
from core.pdf.pages import WHOLE_PAGE, Flow, Piece
from core.pdf.paragraphs import Columns, Paragraph, Stack, paragraph
from core.pdf.style import INK_2, INNER, LEFT, LINE, PAD, SUNK, TABLE, TINY, TONES
from core.pdf.text import wrapped


def put_table(flow: Flow, table: Table) -> None:
    head, *rows = table_pieces(table)
    if rows and flow.room < head.needs + rows[0].needs:
        flow.next_page()
    flow.put(head)
    flow.again = head if head.height < WHOLE_PAGE / 2 else None
    for row in rows:
        flow.put(row)
    flow.again = None


def table_pieces(table: Table) -> list[Piece]:
    """The head, then the rows."""
    widths = _widths(table.columns)
    return [_head(table.columns, widths), *(_row(row, table.columns, widths) for row in table.rows)]


def _widths(columns: Sequence[Column]) -> list[float]:
    whole = sum(column.share for column in columns)
    return [INNER * column.share / whole for column in columns]


def _lefts(widths: Sequence[float]) -> tuple[float, ...]:
    return tuple(left + PAD for left in accumulate(widths[:-1], initial=LEFT))


def _head(columns: Sequence[Column], widths: Sequence[float]) -> Piece:
    """Labels end at the foot of it."""
    labels = [
        wrapped(column.label, (width - 2 * PAD) / TINY) for column, width in zip(columns, widths, strict=True)
    ]
    most = max(map(len, labels))
    stacks = tuple(
        (Paragraph([*[[]] * (most - len(label)), *label], width - 2 * PAD, TINY, INK_2, True, column.right),)
        for label, column, width in zip(labels, columns, widths, strict=True)
    )
    return Columns(stacks, _lefts(widths), PAD, PAD, space=5, fill=SUNK, rule=INK_2)


def _row(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[float]) -> Piece:
    stacks = tuple(
        _stack(cell, column, width - 2 * PAD)
        for cell, column, width in zip(row, columns, widths, strict=True)
    )
    return Columns(stacks, _lefts(widths), PAD, PAD, rule=LINE)


def _stack(cell: Cell, column: Column, width: float) -> Stack:
    return tuple(_line(line, column, width) for line in cell)


def _line(line: Line, column: Column, width: float) -> Paragraph:
    size = TINY if line.small else TABLE
    colour = TONES[line.tone][0]
    return paragraph(line.text, width, size, colour, strong=line.strong, right=column.right, mark=line.mark)
