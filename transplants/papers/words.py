"""What several papers say: moments, who the unit is for, warnings that stand above everything else, the sender."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bank.choices import Eligibility, ReleaseOutcome, UnitStatus
from bank.labels.barcodes import code128
from bank.labels.contents import linear_of
from bank.models import CordBloodUnit
from core.pdf.document import Barcode, Block, Fact, Facts, Heading, Notice, Text
from transplants.choices_orders import OrderState
from transplants.choices_papers import TextKind
from transplants.models import Order
from transplants.papers import texts
from transplants.papers.given import Given

NOTHING = "–"


def moment(at: dt.datetime | None) -> str:
    """2026-11-28 12:30 CST"""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M %Z") if at else ""


def day(on: dt.date | None) -> str:
    return on.isoformat() if on else ""


def figure(value: float | None, digits: int = 2) -> str:
    """Without zeros that nobody measured: 152.5, 4.1, 3."""
    return "" if value is None else f"{value:,.{digits}f}".rstrip("0").rstrip(".")


def number_of(unit: CordBloodUnit) -> str:
    """With the check character in brackets: A9999 26 000123 [K]"""
    return f"{unit.din_spaced} [{unit.din_check}]" if unit.din else unit.unit_no


def code_of(unit: CordBloodUnit) -> Barcode:
    return Barcode(code128(linear_of(unit)), number_of(unit))


def code(text: str) -> Barcode:
    return Barcode(code128(text), text)


def identity(given: Given) -> Iterator[Block]:
    """Which unit, for whom, by which order: on every paper that is about the cells."""
    unit, order = given.unit, given.order
    yield code_of(unit)
    yield Facts(
        (
            Fact(_("Unit"), number_of(unit)),
            Fact(_("Unit number"), unit.unit_no),
            Fact(_("Product"), given.product or _("Umbilical cord blood")),
            Fact(_("Bank"), unit.bank.name),
            Fact(pgettext("of a unit", "Order"), order.number),
            Fact(_("Patient"), order.patient.code),
            Fact(_("Hospital"), f"{order.hospital.code} {order.hospital.display_name}"),
            Fact(_("Planned infusion"), day(order.infusion_on)),
        )
    )


def department_lines(order: Order) -> tuple[str, ...]:
    """The department that takes it, as a line of an address; none where none is named."""
    return (order.department.display_name,) if order.department is not None else ()


def warnings(given: Given) -> Iterator[Block]:
    """What whoever holds the paper must not overlook; what keeps a unit back is the bank's affair."""
    unit, order = given.unit, given.order
    if unit.recalled:
        yield Notice(_("RECALLED. Do not thaw and do not infuse this unit. Call the bank at once."), "bad")
    elif unit.blocks or unit.status == UnitStatus.ON_HOLD:
        yield Notice(
            _("This unit is held back. Do not thaw and do not infuse it before the bank says so."), "bad"
        )
    if order.state == OrderState.APPROVED:
        yield Notice(_("Preliminary: the unit is not released to leave the bank yet."))
    listed_so = given.release is not None and given.release.outcome == ReleaseOutcome.EXCEPTIONAL
    if listed_so or given.excepted_because:
        yield Notice(
            _("EXCEPTIONAL RELEASE: this unit does not meet every point of the release specification."), "bad"
        )
    if given.eligibility is not None and given.eligibility.decision != Eligibility.ELIGIBLE:
        text = _("DONOR ELIGIBILITY: %(decision)s. Given only for a documented medical need.")
        yield Notice(text % {"decision": given.eligibility.get_decision_display()}, "bad")
    if unit.counts_invented:
        yield Notice(_("The cell counts of this unit are invented for a demonstration."), "bad")


def sender(given: Given, title: str) -> Iterator[Block]:
    """The bank's name, address and telephone, as it wrote them."""
    yield Heading(title, 2)
    for line in sender_lines(given):
        yield Text(line)
    if not given.texts.get(TextKind.SENDER):
        yield Notice(_("The bank has not entered its address and telephone yet. Write them by hand."))


def sender_lines(given: Given) -> list[str]:
    found = texts.bank_text(given.texts, TextKind.SENDER)
    return [given.unit.bank.name, *(line.lstrip("#-! ") for line in texts.lines(found.text))]
