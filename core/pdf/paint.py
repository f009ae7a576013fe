"""Laid out pages to a PDF file. The same document gives the same bytes: no clock, no random number, no file name.

fpdf2 writes the file (docs/adr): it subsets OpenType faces with either kind of outlines. Nothing of its layout is used.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.pdf import style
from core.pdf.document import Document
from core.pdf.faces import face
from core.pdf.layout import pages_of
from core.pdf.pages import Bars, Box, Op, Page, Words
from core.pdf.paragraphs import one_line
from core.pdf.text import Run, runs, wrapped

# Of the size: how much thicker strokes are, there being one weight of the face; less where Chinese would clog.
_STRONG, _STRONG_SMALL = 0.028, 0.016
_lock = threading.Lock()  # the font library keeps global state while it subsets


class About(Protocol):
    """What a file says of itself."""

    @property
    def title(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def made_at(self) -> datetime: ...


@dataclass(frozen=True)
class Sheets:
    """Pages of a size of their own, in points, on which everything is placed already: labels."""

    title: str
    subject: str
    author: str
    language: str
    made_at: datetime
    size: tuple[float, float]
    pages: Sequence[Page]


def sheets_bytes(sheets: Sheets) -> bytes:
    """The pages as a file."""
    with _lock:
        paper = Paper(sheets, sheets.size)
        for page in sheets.pages:
            paper.add(page)
        return paper.finished()


def pdf_bytes(document: Document, attached: Mapping[str, bytes] | None = None) -> bytes:
    """The document as a file. attached: files that travel inside it, by their names."""
    pages = pages_of(document)
    with _lock:
        canvas = Canvas(document)
        for name, content in (attached or {}).items():
            canvas.attach(name, content)
        for number, page in enumerate(pages, start=1):
            canvas.page(page, number, len(pages))
        return canvas.finished()


class Paper:
    """A file being written, page by page, each of the same size in points."""

    def __init__(self, about: About, size: tuple[float, float] | str = "A4") -> None:
        from fpdf import FPDF, ViewerPreferences

        self.pdf: Any = FPDF(unit="pt", format=size)
        self.pdf.set_auto_page_break(False)
        self.pdf.set_creation_date(about.made_at)
        self.pdf.set_lang(about.language)
        self.pdf.set_title(about.title)
        self.pdf.set_subject(about.subject)
        self.pdf.set_author(about.author)
        self.pdf.set_creator("Qidai")
        self.pdf.set_producer("Qidai")
        self.pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.known: set[str] = set()

    def add(self, ops: Iterable[Op]) -> None:
        """Another page."""
        self.pdf.add_page()
        for op in ops:
            match op:
                case Box():
                    self._box(op)
                case Bars():
                    self._bars(op)
                case Words():
                    self._words(op)

    def attach(self, name: str, content: bytes) -> None:
        """A file inside the file; readers list it beside the pages."""
        at = self.pdf.creation_date
        self.pdf.embed_file(
            basename=name, bytes=content, creation_date=at, modification_date=at, compress=True
        )

    def finished(self) -> bytes:
        return bytes(self.pdf.output())

    def _box(self, box: Box) -> None:
        if box.line:
            self.pdf.set_draw_color(*box.line)
            self.pdf.set_line_width(0.6)
        if not box.height:
            self.pdf.line(box.x, box.y, box.x + box.width, box.y)
            return
        if box.fill:
            self.pdf.set_fill_color(*box.fill)
        style = ("D" if box.line else "") + ("F" if box.fill else "")
        self.pdf.rect(box.x, box.y, box.width, box.height, style=style)

    def _bars(self, bars: Bars) -> None:
        """As one path: with a fill for each, readers would smooth the edges between neighbours."""
        top, colour = self.pdf.h, " ".join(f"{part / 255:.3g}" for part in bars.fill)
        path = " ".join(f"{x:.3f} {top - y:.3f} {w:.3f} {-h:.3f} re" for x, y, w, h in bars.rectangles)
        self.pdf._out(f"q {colour} rg {path} f Q")

    def _words(self, words: Words) -> None:
        x = words.x
        for run in runs(words.glyphs):
            self._run(run, x, words)
            x += run.width * words.size

    def _run(self, run: Run, x: float, words: Words) -> None:
        from fpdf.enums import TextMode

        pdf, size = self.pdf, words.size
        self._use(run.face, size * run.scale)
        pdf.set_text_color(*words.colour)
        y = words.y - run.rise * size
        aloud = run.copied != run.text
        if aloud:  # what is copied or read aloud differs from what is drawn: 10⁷ is not 107
            pdf._out(f"/Span <</ActualText <FEFF{run.copied.encode('utf-16-be').hex().upper()}>>> BDC")
        if words.strong:
            width = size * (_STRONG if size >= style.BODY else _STRONG_SMALL)
            pdf.set_draw_color(*words.colour)
            with pdf.local_context(text_mode=TextMode.FILL_STROKE, line_width=width):
                pdf.text(x, y, run.text)
        else:
            pdf.text(x, y, run.text)
        if aloud:
            pdf._out("EMC")

    def _use(self, name: str, size: float) -> None:
        if name not in self.known:
            self.pdf.add_font(name, "", face(name).path)
            self.known.add(name)
        self.pdf.set_font(name, size=size)


class Canvas(Paper):
    """A document being written: its pages have a head and a foot."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.document = document

    def page(self, ops: Iterable[Op], number: int, count: int) -> None:
        self.add((*self._frame(number, count), *ops))
        self._emblem(style.LEFT, 30)

    def _frame(self, number: int, count: int) -> Iterable[Op]:
        """Head and foot of a page."""
        document = self.document
        yield one_line(document.title, style.LEFT + 24, 42, style.BODY, style.INK)
        yield one_line(document.running, style.RIGHT, 42, style.SMALL, style.INK_2, right=True)
        yield Box(style.LEFT, 54, style.INNER, 0, line=style.BRAND)
        if document.banner:
            colour, tint = style.TONES["warn"]
            yield Box(style.LEFT, 57, style.INNER, 13, fill=tint)
            yield one_line(document.banner, style.LEFT + 6, 66.4, style.SMALL, colour)
        foot = style.BOTTOM + 16
        yield Box(style.LEFT, foot, style.INNER, 0, line=style.LINE)
        page_text = document.page_text.format(page=number, pages=count)
        yield one_line(page_text, style.RIGHT, foot + 14, style.SMALL, style.INK_2, right=True)
        for at, line in enumerate(wrapped(document.foot, (style.INNER - 90) / style.TINY)[:2]):
            yield Words(style.LEFT, foot + 13 + 10 * at, line, style.TINY, style.INK_2)

    def _emblem(self, x: float, y: float) -> None:
        """The mark of the pages: a cord in a ring."""
        unit = 17 / 26
        self.pdf.set_draw_color(*style.BRAND)
        self.pdf.set_fill_color(*style.BRAND)
        self.pdf.set_line_width(1.3)
        self.pdf.circle(x + 13 * unit, y + 13 * unit, 12 * unit)
        for curve in (
            ((7, 18), (10, 17), (9, 13), (12, 12)),
            ((12, 12), (15, 11), (15, 7), (19, 7)),
        ):
            self.pdf.bezier([(x + px * unit, y + py * unit) for px, py in curve])
        self.pdf.circle(x + 19 * unit, y + 7 * unit, 2.2 * unit, style="F")
