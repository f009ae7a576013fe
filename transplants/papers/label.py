"""Address sheet for the shipper, on A4: large, in one language or in both below one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _

from bank.labels import layout
from bank.labels.formats import MM
from bank.labels.layout import POINT, Pen
from core.pdf.pages import Box, Op, Page
from core.pdf.text import wrapped
from transplants.papers import texts, words
from transplants.papers.given import Given

# Millimetres from the upper left corner of the sheet.
WIDTH, HEIGHT, LEFT, RIGHT = 210.0, 297.0, 14.0, 196.0
INNER: Final = RIGHT - LEFT
FOOT: Final = 286.0


@dataclass(frozen=True)
class Face:
    """What stands on the sheet in one language. handling: large, each on a line of its own."""

    title: str
    handling: tuple[str, ...]
    to_label: str
    to: tuple[str, ...]
    from_label: str
    sender: tuple[str, ...]
    facts: tuple[str, ...]
    warning: str


def face(given: Given) -> Face:
    """In the language that is active."""
    order, shipment = given.order, given.shipment
    if shipment is None:
        raise ValueError("an address sheet names shipper, seals and waybill")
    whose = (order.hospital.display_name, *words.department_lines(order))
    to = (*whose, *texts.lines(order.ship_to), order.country)
    facts = (
        _("Shipper %(serial)s · seals %(seals)s")
        % {"serial": shipment.shipper.serial, "seals": shipment.seals},
        f"{shipment.courier} · {shipment.waybill}",
        _("Expected %(at)s") % {"at": words.moment(shipment.expected_at)},
    )
    return Face(
        title=_("HUMAN CELLS FOR TRANSPLANT"),
        handling=(_("DO NOT X-RAY"), _("DO NOT OPEN"), _("DO NOT DELAY · KEEP UPRIGHT")),
        to_label=_("TO"),
        to=(*to, f"{order.contact} · {order.contact_phone}"),
        from_label=_("FROM"),
        sender=tuple(words.sender_lines(given)),
        facts=facts,
        warning=_("Synthetic demonstration data. Not for clinical use.") if given.synthetic else "",
    )


def faces(given: Given, languages: Sequence[str]) -> list[Face]:
    found = []
    for language in languages:
        with translation.override(language):
            found.append(face(given))
    return found


def page(given: Given, languages: Sequence[str], foot: str) -> Page:
    """One sheet: what it says in every language, what is the same in all of them once."""
    if given.shipment is None:
        raise ValueError("an address sheet names shipper, seals and waybill")
    return list(_ops(faces(given, languages), given.shipment.number, foot))


@dataclass(frozen=True)
class Row:
    """A line of the sheet. size: in points; above: free above it, in mm; rule: a line across the sheet instead."""

    text: str = ""
    size: float = 0.0
    strong: bool = False
    above: float = 0.0
    rule: bool = False
    code: bool = False

    @property
    def height(self) -> float:
        if self.code:
            return CODE + self.above
        return self.size * POINT * LEADING + self.above


CODE, LEADING = 18.0, 1.32  # mm; of a size
TOP: Final = 16.0
SCALES: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)


def _ops(shown: Sequence[Face], shipment_no: str, foot: str) -> Iterator[Op]:
    """As large as one sheet holds: a long address makes all of it smaller, nothing of it is cut off."""
    pen, y = Pen(0, 0), TOP
    for row in _fitting(shown, shipment_no):
        y += row.height
        if row.rule:
            yield Box(LEFT * MM, y * MM, INNER * MM, 0, line=layout.BLACK)
        elif row.code:
            yield from layout.linear(pen, row.text, LEFT - 4, y - CODE, 110, CODE - 2)
            yield from pen.text(row.text, LEFT + 112, y - CODE / 2 + 2, 22, INNER - 112, strong=True)
        else:
            yield from pen.text(row.text, LEFT, y, row.size, INNER + 0.1, strong=row.strong)
    yield from pen.text(foot, LEFT, FOOT + 3, 7, INNER)


def _fitting(shown: Sequence[Face], shipment_no: str) -> list[Row]:
    rows: list[Row] = []
    for scale in SCALES:
        rows = [part for row in _rows(shown, shipment_no, scale) for part in _broken(row)]
        if sum(row.height for row in rows) <= FOOT - TOP:
            break
    return rows


def _rows(shown: Sequence[Face], shipment_no: str, scale: float) -> Iterator[Row]:
    large = 30 if len(shown) == 1 else 24

    def row(text: str, size: float, strong: bool = False, above: float = 0.0) -> Row:
        return Row(text, size * scale, strong, above)

    for one in shown:
        yield row(one.title, large - 4, strong=True, above=2)
        yield from (row(line, large, strong=True) for line in one.handling)
    yield Row(rule=True, above=5)
    yield row(_both(one.to_label for one in shown), 10, above=1)
    yield from (row(line, 16, strong=True) for line in _once(one.to for one in shown))
    yield Row(rule=True, above=4)
    yield Row(shipment_no, code=True, above=4)
    yield from (row(line, 11) for line in _once(one.facts for one in shown))
    yield Row(rule=True, above=4)
    yield row(_both(one.from_label for one in shown), 10, above=1)
    yield from (row(line, 12) for line in _once(one.sender for one in shown))
    yield from (row(one.warning, 11, strong=True, above=1) for one in shown if one.warning)


def _both(texts: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(texts))


def _once(parts: Iterable[Sequence[str]]) -> list[str]:
    """The lines of all, those that are the same in both languages once."""
    return list(dict.fromkeys(line for lines in parts for line in lines))


def _broken(row: Row) -> list[Row]:
    """A line that is too long goes on in the next one: half an address is none."""
    if row.rule or row.code:
        return [row]
    parts = wrapped(row.text, INNER / (row.size * POINT))
    shown = ["".join(glyph.copied or glyph.shown for glyph in part) for part in parts]
    return [replace(row, text=text, above=0.0 if number else row.above) for number, text in enumerate(shown)]
