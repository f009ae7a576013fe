"""Sizes of labels and of the paper that they are on, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

MM = 72 / 25.4  # points


class LabelKind(TextChoices):
    """What a label is stuck on."""

    UNIT = "unit", _("Unit label")
    SEGMENT = "segment", _("Segment")
    SAMPLE = "sample", _("Sample tube of the unit")
    MOTHER = "mother", _("Mother's sample")


class PaperKind(TextChoices):
    """On which paper."""

    ROLL = "roll", _("Roll, 100 × 50 mm")
    SMALL = "small", _("Roll, 52 × 21 mm")
    SHEET = "sheet", _("A4 sheet, 24 labels of 70 × 37 mm")


@dataclass(frozen=True)
class Paper:
    """A page of columns × rows labels, of which the outermost millimetres stay free. All in mm.

    left, top: before the first label; free: of each label, left and right, above and below: what office printers cannot
    print, or what slips.
    """

    page_width: float
    page_height: float
    width: float
    height: float
    columns: int = 1
    rows: int = 1
    left: float = 0.0
    top: float = 0.0
    free: tuple[float, float] = (0.0, 0.0)

    @property
    def count(self) -> int:
        """Labels of a page."""
        return self.columns * self.rows

    @property
    def page_size(self) -> tuple[float, float]:
        """In points."""
        return self.page_width * MM, self.page_height * MM

    def corner(self, number: int) -> tuple[float, float]:
        """Left and top of the label of this number on its page, from 0, row by row."""
        row, column = divmod(number, self.columns)
        return self.left + column * self.width, self.top + row * self.height


PAPERS: dict[PaperKind, Paper] = {
    PaperKind.ROLL: Paper(100, 50, 100, 50),
    PaperKind.SMALL: Paper(52, 21, 52, 21),
    PaperKind.SHEET: Paper(210, 297, 70, 37, columns=3, rows=8, top=0.5, free=(3.0, 2.0)),
}
# A unit's label does not go onto the small roll: what must stand on it would not be readable.
PAPERS_OF: dict[LabelKind, tuple[PaperKind, ...]] = {
    LabelKind.UNIT: (PaperKind.ROLL, PaperKind.SHEET),
    LabelKind.SEGMENT: (PaperKind.SMALL, PaperKind.SHEET),
    LabelKind.SAMPLE: (PaperKind.SMALL, PaperKind.SHEET),
    LabelKind.MOTHER: (PaperKind.SMALL, PaperKind.SHEET),
}
PAPERS_OF_PLACES = (PaperKind.SMALL, PaperKind.ROLL, PaperKind.SHEET)
