"""What a printed document says, as plain blocks: no coordinates, no faces, nothing of the file format.

The digest is taken of this: the same words have the same digest, whatever they are printed with.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

Tone = Literal["", "good", "maybe", "warn", "bad", "info", "muted"]


@dataclass(frozen=True)
class Line:
    """One paragraph of a cell. mark: one of layout.MARKS or "", drawn before the text with its own shape."""

    text: str
    mark: str = ""
    tone: Tone = ""
    strong: bool = False
    small: bool = False


Cell = tuple[Line, ...]


def cell(*texts: str, **options: object) -> Cell:
    """A cell of plain paragraphs, empty ones left out."""
    return tuple(Line(text, **options) for text in texts if text)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Column:
    """share: of the width, relative to the other columns; right: numbers."""

    label: str
    share: float = 1.0
    right: bool = False


@dataclass(frozen=True)
class Heading:
    """level 0: of the document, 1: of a section, 2: of a part of it. note: small words at the right end of the line."""

    text: str
    level: int = 1
    note: str = ""


@dataclass(frozen=True)
class Text:
    text: str
    tone: Tone = ""
    small: bool = False


@dataclass(frozen=True)
class Notice:
    """A sentence that must not be overlooked, in a frame."""

    text: str
    tone: Tone = "warn"


@dataclass(frozen=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True)
class Facts:
    """Names and values, side by side in so many columns."""

    items: tuple[Fact, ...]
    columns: int = 2


@dataclass(frozen=True)
class Table:
    """Rows stay whole where a page can hold them; the head is repeated on each page."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Signatures:
    """Lines to sign on paper: one row per label, with a place for each of `places` (name, date, signature)."""

    labels: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Barcode:
    """One row of modules, true is dark, and under it what it says. Quiet zones are added where it is drawn."""

    modules: tuple[bool, ...]
    text: str


@dataclass(frozen=True)
class Together:
    """Blocks that stay on one page if a page can hold them."""

    blocks: tuple[Block, ...]


Block = Heading | Text | Notice | Facts | Table | Signatures | Barcode | Together


@dataclass(frozen=True)
class Document:
    """One printed document.

    title, subject, author: of the file and the first page. language: BCP 47, for readers and screen readers. running:
    at the top of every page. banner: a warning at the top of every page, "" for none. foot: at the foot of every page.
    page_text: with {page} and {pages}. seal: with {digest}, printed after the last block. made_at: goes into the file.
    """

    title: str
    subject: str
    author: str
    language: str
    running: str
    banner: str
    foot: str
    page_text: str
    seal: str
    made_at: datetime
    blocks: tuple[Block, ...] = field(default=())

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that is said, the seal itself left out."""
        said = {"made_at": self.made_at.isoformat(), **{name: getattr(self, name) for name in _SAID}}
        said["blocks"] = [_named(block) for block in self.blocks]
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


_SAID = ("title", "subject", "author", "language", "running", "banner", "foot")


def _named(block: Block) -> list[object]:
    """A block with its kind: two kinds of the same words are not the same."""
    if isinstance(block, Together):
        return ["Together", [_named(inner) for inner in block.blocks]]
    return [type(block).__name__, asdict(block)]
