"""Reading reports back, for their tests."""

from __future__ import annotations

import datetime
import re

import pypdfium2

from bank.models import CordBloodUnit
from tests.factories.matching import ListedUnitFactory
from tests.matching.match_list_pages import FIVE, FOUR


class Reading(str):
    """Text read out of a file. A line may end anywhere, so that spaces count for nothing in `part in reading`."""

    def __contains__(self, part: object) -> bool:
        return squeezed(str(part)) in squeezed(self)

    def times(self, part: str) -> int:
        return squeezed(self).count(squeezed(part))

    def between(self, first: str, second: str) -> Reading:
        return Reading(squeezed(self).split(squeezed(first))[1].split(squeezed(second))[0])


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def pages_of(pdf: bytes) -> list[Reading]:
    """The text of each page as a reader would copy it."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [Reading(page.get_textpage().get_text_range()) for page in document]


def text_of(pdf: bytes) -> Reading:
    return Reading(" ".join(pages_of(pdf)))


def three_units() -> dict[str, CordBloodUnit]:
    """Of three classes, doses, blood groups and ages; what is not known of the last is not known."""
    return {
        "six": ListedUnitFactory(tnc_e7=100, cd34_e6=2, abo="O", collected_on=datetime.date(2001, 1, 1)),
        "five": ListedUnitFactory(gl=FIVE, tnc_e7=120, cd34_e6=9, abo="A"),
        "four": ListedUnitFactory(gl=FOUR, tnc_e7=160, cd34_e6=None, abo=""),
    }
