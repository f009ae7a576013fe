"""Blocks to pages: where every word, rule and mark stands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from core.pdf.blocks import pieces
from core.pdf.document import Block, Document, Heading, Table, Text, Together
from core.pdf.pages import WHOLE_PAGE, Flow, Page, Piece
from core.pdf.tables import put_table, table_pieces


def pages_of(document: Document) -> list[Page]:
    """The pages without head and foot."""
    flow = Flow()
    _put_all(flow, document.blocks)
    _put(flow, Text(document.seal.format(digest=document.digest), "muted", small=True))
    return flow.pages


def _put_all(flow: Flow, blocks: Sequence[Block]) -> None:
    for at, block in enumerate(blocks):
        if isinstance(block, Heading):  # never alone at the foot of a page
            _keep(flow, _beginning(blocks[at:]))
        _put(flow, block)


def _put(flow: Flow, block: Block) -> None:
    match block:
        case Together(blocks):
            _keep(flow, _pieces_of_any(block))
            _put_all(flow, blocks)
        case Table():
            put_table(flow, block)
        case _:
            for piece in pieces(block):
                flow.put(piece)


def _beginning(blocks: Sequence[Block]) -> list[Piece]:
    """The headings with which `blocks` begins, and what they must not be parted from."""
    headings = list(takewhile(lambda block: isinstance(block, Heading), blocks))
    found = [piece for heading in headings for piece in pieces(heading)]
    for block in blocks[len(headings) :][:1]:
        following = _pieces_of_any(block)
        if not isinstance(block, Together):
            return found + following[:2]
        whole = _height(found + following) <= WHOLE_PAGE
        return found + (following if whole else _beginning(block.blocks))
    return found


def _keep(flow: Flow, needed: Sequence[Piece]) -> None:
    """On the next page unless there is room for all of it here; a page that cannot hold it is not left empty."""
    if flow.room < _height(needed) <= WHOLE_PAGE:
        flow.next_page()


def _height(needed: Sequence[Piece]) -> float:
    """What must stand together; of what is higher than a page its beginning."""
    return sum(piece.needs for piece in needed)


def _pieces_of_any(block: Block) -> list[Piece]:
    match block:
        case Together(blocks):
            return [piece for inner in blocks for piece in _pieces_of_any(inner)]
        case Table():
            return table_pieces(block)
        case _:
            return pieces(block)
