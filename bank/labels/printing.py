"""Labels as a file, in the language asked for."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from bank.labels import contents, layout
from bank.labels.contents import Face
from bank.labels.formats import PAPERS, LabelKind, PaperKind
from bank.models import CordBloodUnit, ProductCode, Slot, StorageNode
from core.pdf.paint import Sheets, sheets_bytes


def unit_labels(
    units: Sequence[CordBloodUnit], kind: LabelKind, paper: PaperKind, count: int, language: str
) -> bytes:
    """`count` labels of each unit, those of one unit behind one another."""
    with translation.override(language):
        faces: list[Face] = []
        words = _descriptions(units) if kind == LabelKind.UNIT else {}
        for unit in units:
            if kind == LabelKind.UNIT:
                faces += [contents.unit_face(unit, words.get(unit.product_code[:5], ""))] * count
            else:
                faces += contents.small_faces(unit, kind, count)
        return _file(faces, paper, language)


def place_labels(places: Sequence[StorageNode | Slot], paper: PaperKind, language: str) -> bytes:
    with translation.override(language):
        return _file([contents.place_face(place) for place in places], paper, language)


def _descriptions(units: Sequence[CordBloodUnit]) -> dict[str, str]:
    codes = {unit.product_code[:5] for unit in units if unit.product_code}
    return dict(ProductCode.objects.filter(code__in=codes).values_list("code", "description"))


def _file(faces: Sequence[Face], paper: PaperKind, language: str) -> bytes:
    size = PAPERS[paper]
    sheets = Sheets(
        title=_("Labels"),
        subject=str(paper.label),
        author="Qidai",
        language=language,
        made_at=timezone.now(),
        size=size.page_size,
        pages=layout.pages(faces, size),
    )
    return sheets_bytes(sheets)
