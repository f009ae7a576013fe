"""The papers as files. What a paper says has a digest; the same words, version and moment give the same bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _

from bank.labels.formats import MM
from core.pdf.document import Block, Document, Heading
from core.pdf.join import joined
from core.pdf.paint import Sheets, pdf_bytes, sheets_bytes
from transplants.choices_papers import LANGUAGES, PaperKind, PaperLanguage
from transplants.papers import customs, label, summary, thaw
from transplants.papers.given import Given
from transplants.papers.words import moment

BLOCKS: Final[dict[str, Callable[[Given], Iterator[Block]]]] = {
    PaperKind.SUMMARY: summary.blocks,
    PaperKind.THAW: thaw.blocks,
    PaperKind.CUSTOMS: customs.blocks,
}
SHOWN_DIGEST: Final = 16
_EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Stamp:
    """What the foot of each page says: which version of what, since when it says so, and the digest of its words."""

    kind: PaperKind
    order_no: str
    version: int
    made_at: dt.datetime
    digest: str

    @property
    def text(self) -> str:
        """In the language that is active."""
        return _("%(order)s · %(paper)s, version %(n)d · %(at)s · digest %(digest)s") % {
            "order": self.order_no,
            "paper": self.kind.label,
            "n": self.version,
            "at": moment(self.made_at),
            "digest": self.digest[:SHOWN_DIGEST],
        }


def digest_of(given: Given, kind: PaperKind) -> str:
    """SHA-256 (hex) of all that the paper says, in both languages: one version is the same in each."""
    said = []
    for language in LANGUAGES[PaperLanguage.BOTH]:
        with translation.override(language):
            said.append(_said(given, kind, language))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _said(given: Given, kind: PaperKind, language: str) -> str:
    if kind == PaperKind.LABEL:
        return json.dumps(asdict(label.face(given)), ensure_ascii=False, sort_keys=True)
    return _document(given, Stamp(kind, given.order.number, 0, _EPOCH, ""), language).digest


def pdf_of(given: Given, stamp: Stamp, language: PaperLanguage) -> bytes:
    """In one language, or in both: the pages of one behind those of the other, an address sheet with both on it."""
    if stamp.kind == PaperKind.LABEL:
        return _label(given, stamp, LANGUAGES[language])
    files = []
    for one in LANGUAGES[language]:
        with translation.override(one):
            files.append(pdf_bytes(_document(given, stamp, one)))
    return files[0] if len(files) == 1 else joined(*files)


def file_name(kind: str, order_no: str, language: str) -> str:
    return f"qidai-{re.sub(r'[^A-Za-z0-9-]', '_', order_no)}-{kind}-{language}.pdf"


def _document(given: Given, stamp: Stamp, language: str) -> Document:
    """In the language that is active."""
    title = str(stamp.kind.label)
    return Document(
        title=title,
        subject=given.order.number,
        author=given.unit.bank.name,
        language=_tag(language),
        running=f"{given.order.number} · {given.unit.public_no}",
        banner=_("Synthetic demonstration data. Not for clinical use.") if given.synthetic else "",
        foot=stamp.text,
        page_text=_("Page {page} of {pages}"),
        seal=_("Digest of what this paper says (SHA-256): %(digest)s") % {"digest": stamp.digest},
        made_at=stamp.made_at,
        blocks=(Heading(title, 0), *BLOCKS[stamp.kind](given)),
    )


def _label(given: Given, stamp: Stamp, languages: tuple[str, ...]) -> bytes:
    with translation.override(languages[0]):
        title, foot = str(stamp.kind.label), stamp.text
    return sheets_bytes(
        Sheets(
            title=title,
            subject=given.order.number,
            author=given.unit.bank.name,
            language=_tag(languages[0]),
            made_at=stamp.made_at,
            size=(label.WIDTH * MM, label.HEIGHT * MM),
            pages=[label.page(given, languages, foot)],
        )
    )


def _tag(language: str) -> str:
    """BCP 47"""
    return "zh-Hans" if language.startswith("zh") else language
