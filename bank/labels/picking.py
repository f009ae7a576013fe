"""A picking list on A4: a line for each place as one walks, with codes to scan, boxes to tick, lines to sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bank import places
from bank.labels import layout
from bank.labels.contents import linear_of, matrix_of
from bank.labels.formats import MM
from bank.labels.layout import Pen
from bank.models import CordBloodUnit, Slot
from core.pdf.pages import Box, Op, Page
from core.pdf.paint import Sheets, sheets_bytes

# Millimetres from the upper left corner of the sheet.
WIDTH, HEIGHT = 210.0, 297.0
LEFT, RIGHT = 14.0, 196.0
FIRST_ROW, ROW, FOOT = 42.0, 22.0, 284.0
SIGNED = 46.0  # what the two signatures need
TICKS = (17.0, 31.0)
BOX, PLACE, UNIT, STATE, MATRIX = 6.0, 44.0, 82.0, 146.0, 180.0
ROWS = int((FOOT - FIRST_ROW) // ROW)


@dataclass(frozen=True)
class About:
    """What the head says: who made the list, when; synthetic: of a demonstration."""

    made_by: str
    made_at: datetime
    synthetic: bool


def picking_pdf(slots: Sequence[Slot], made_by: str, language: str) -> bytes:
    """slots: with their units and all that their number is made of, in the order of the list."""
    with translation.override(language):
        about = About(made_by, timezone.now(), any(slot.unit.synthetic for slot in slots if slot.unit))
        sheets = Sheets(
            title=_("Picking list"),
            subject=made_by,
            author="Qidai",
            language=language,
            made_at=about.made_at,
            size=(WIDTH * MM, HEIGHT * MM),
            pages=list(_pages(slots, about)),
        )
    return sheets_bytes(sheets)


def _pages(slots: Sequence[Slot], about: About) -> Iterator[Page]:
    groups = [slots[start : start + ROWS] for start in range(0, len(slots), ROWS)]
    sign_apart = FIRST_ROW + len(groups[-1]) * ROW + SIGNED > FOOT
    count = len(groups) + sign_apart
    for number, group in enumerate(groups):
        page = [*_head(about, len(slots), number + 1, count), *_columns()]
        for place, slot in enumerate(group):
            page += _row(slot, FIRST_ROW + place * ROW)
        if number == len(groups) - 1 and not sign_apart:
            page += _signatures(FIRST_ROW + len(group) * ROW + 10)
        yield page
    if sign_apart:
        yield [*_head(about, len(slots), count, count), *_signatures(FIRST_ROW)]


def _head(about: About, units: int, number: int, count: int) -> Iterator[Op]:
    pen = Pen(0, 0)
    yield from pen.text(_("Picking list"), LEFT, 19, 17, 100, strong=True)
    many = ngettext("%(n)d unit", "%(n)d units", units) % {"n": units}
    made = f"{many} · {timezone.localtime(about.made_at):%Y-%m-%d %H:%M} · {about.made_by}"
    yield from pen.text(made, LEFT, 25.5, 9, RIGHT - LEFT)
    page = _("Page %(page)s of %(pages)s") % {"page": number, "pages": count}
    yield from pen.text(page, 168, 19, 9, RIGHT - 168)
    if about.synthetic:
        warning = _("Synthetic demonstration data. Not for clinical use.")
        yield from pen.text(warning, LEFT, 31, 9, RIGHT - LEFT, strong=True)


def _columns() -> Iterator[Op]:
    pen = Pen(0, 0)
    heads = (
        (pgettext("storage", "Picked"), LEFT, 14.0),
        (_("Checked"), TICKS[1] - 2, 14.0),
        (pgettext("storage", "Place"), PLACE, 36.0),
        (_("Unit"), UNIT, 60.0),
        (_("Status"), STATE, 32.0),
    )
    for text, x, width in heads:
        yield from pen.text(text, x, FIRST_ROW - 3, 8, width)
    yield _rule(FIRST_ROW)


def _rule(y: float) -> Box:
    return Box(LEFT * MM, y * MM, (RIGHT - LEFT) * MM, 0, line=layout.BLACK)


def _row(slot: Slot, top: float) -> Iterator[Op]:
    unit = slot.unit
    if unit is None:
        raise ValueError("a picking list leads to places with a unit")
    pen = Pen(0, top)
    for x in TICKS:
        yield pen.frame(x, 7, BOX, BOX)
    yield from pen.text(slot.place, PLACE, 9, 13, UNIT - PLACE - 3, strong=True)
    for line, text in enumerate(_way(slot)):
        yield from pen.text(text, PLACE, 13.5 + line * 3.4, 7.5, UNIT - PLACE - 3)
    yield from layout.number(
        pen, unit.din_spaced or unit.unit_no, unit.din_check, UNIT, 6, 11, STATE - UNIT - 4
    )
    yield from layout.linear(pen, linear_of(unit), UNIT - 2.5, 7.6, STATE - UNIT, 8)
    yield from pen.text(unit.unit_no if unit.din else "", UNIT, 19.2, 8, STATE - UNIT - 4)
    for line, text in enumerate(_state(unit)):
        yield from pen.text(text, STATE, 9 + line * 3.8, 8, MATRIX - STATE - 2, strong=line > 0)
    yield from layout.matrix(pen, matrix_of(unit), MATRIX, 3, 16)
    yield _rule(top + ROW)


def _way(slot: Slot) -> list[str]:
    """Site and tank; rack, canister and position: as one walks."""
    names = [str(node) for node in places.chain(slot.canister)]
    position = _("Position %(n)s") % {"n": slot.position}
    return [" · ".join(names[:2]), " · ".join([*names[2:], position])]


def _state(unit: CordBloodUnit) -> list[str]:
    """The state, and the flags that keep the unit back: whoever fetches it has to know."""
    return [str(unit.get_status_display()), *unit.block_labels]


def _signatures(top: float) -> Iterator[Op]:
    """Two persons: one fetches, another one checks every number against the list."""
    for line, label in enumerate((_("Picked by"), _("Checked by a second person"))):
        pen = Pen(0, top + line * 18)
        yield from pen.text(label, LEFT, 8, 9, 44, strong=True)
        for x, width, what in (
            (60.0, 46.0, _("Name")),
            (110.0, 36.0, _("Date, time")),
            (150.0, 46.0, _("Signature")),
        ):
            yield Box(x * MM, (pen.top + 9) * MM, width * MM, 0, line=layout.BLACK)
            yield from pen.text(what, x, 12.5, 7, width)
