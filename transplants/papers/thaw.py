"""Thaw instruction: the unit, how the bank wants it thawed, and lines for the two who look at its identity."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bank.choices import RedCells
from core.pdf.document import Block, Fact, Facts, Heading, Notice, Signatures, Together
from transplants.choices_papers import TextKind
from transplants.papers import texts, words
from transplants.papers.given import Given
from transplants.papers.words import figure


def blocks(given: Given) -> Iterator[Block]:
    unit, processed = given.unit, given.processing
    yield from words.identity(given)
    yield from words.warnings(given)
    yield Heading(_("The product"))
    yield Facts(
        (
            Fact(_("Volume as frozen"), f"{figure(unit.volume_ml)} mL" if unit.volume_ml else ""),
            Fact(_("TNC as frozen"), f"{figure(unit.tnc_e7)} ×10⁷" if unit.tnc_e7 else ""),
            Fact(_("CD34+ as frozen"), f"{figure(unit.cd34_e6)} ×10⁶" if unit.cd34_e6 else ""),
            Fact(_("Red cells"), str(unit.get_red_cells_display())),
            Fact(_("Cryoprotectant"), processed.cryoprotectant if processed else ""),
            Fact(_("Freezing bag"), processed.bag_type if processed else ""),
            Fact(_("Blood group"), unit.blood_group),
        ),
        columns=3,
    )
    if unit.red_cells == RedCells.REPLETE:
        yield Notice(_("Not depleted of red cells: expect free haemoglobin after thawing."))
    yield Heading(_("How to thaw and infuse"))
    yield from texts.blocks(texts.bank_text(given.texts, TextKind.THAW))
    places = (_("Name"), _("Date, time"), pgettext("on paper", "Signature"))
    yield Together(
        (
            Heading(_("Identity checked before thawing")),
            Signatures((_("First person"), _("Second person")), places),
        )
    )
    yield from words.sender(given, _("The bank, at any hour"))
