"""Declaration for customs and carriers: what is in the shipper, whose it is, where it goes, how to handle it.

Whoever reads it on the way needs no patient: he stands on it with the number of the order only.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bank.models import GeneticLimits
from core.pdf.document import Block, Fact, Facts, Heading, Notice, Signatures, Text, Together
from transplants.choices_papers import TextKind
from transplants.models import Shipment
from transplants.papers import texts, words
from transplants.papers.given import Given
from transplants.papers.words import day, figure, moment, number_of


def blocks(given: Given) -> Iterator[Block]:
    unit, order, shipment = given.unit, given.order, _shipped(given)
    yield words.code(shipment.number)
    volume = f", {figure(unit.volume_ml)} mL" if unit.volume_ml else ""
    yield Heading(_("What is sent"))
    yield Facts(
        (
            Fact(_("Contents"), _("Human cord blood stem cells for transplantation, frozen")),
            Fact(pgettext("of a shipment", "Quantity"), _("1 bag") + volume),
            Fact(_("Number on the bag"), number_of(unit)),
            Fact(_("Commercial value"), _("none; not for sale")),
            Fact(_("Country of origin"), unit.bank.country or GeneticLimits.load().home_country),
            Fact(_("Country of delivery"), order.country),
            Fact(pgettext("of a unit", "Order"), order.number),
            Fact(_("Shipment"), shipment.number),
        )
    )
    yield from _permit(given)
    yield Heading(pgettext("customs", "Statement"))
    yield from texts.blocks(texts.bank_text(given.texts, TextKind.CARRIERS))
    yield from _shipper(shipment)
    yield from words.sender(given, _("Sender"))
    yield from _recipient(given)
    places = (_("Name"), _("Date"), pgettext("on paper", "Signature"))
    yield Together((Heading(_("Declared for the bank")), Signatures((_("Sender"),), places)))


def _shipped(given: Given) -> Shipment:
    if given.shipment is None:
        raise ValueError("a declaration names shipper, seals and waybill")
    return given.shipment


def _permit(given: Given) -> Iterator[Block]:
    """Who sends human cells abroad needs a permit; without one the paper says so."""
    found = given.permit
    if found:
        yield Heading(_("Permit"))
        yield Facts(
            (
                Fact(_("Permit number"), found.permit_no),
                Fact(_("Authority"), found.authority),
                Fact(_("Country that it names"), found.country),
                Fact(_("Valid until"), day(found.valid_until)),
            ),
            columns=3,
        )
    elif given.order.country != GeneticLimits.load().home_country:
        yield Notice(_("The unit goes abroad, and no export permit is recorded."), "bad")


def _shipper(shipment: Shipment) -> Iterator[Block]:
    yield Heading(_("Shipper and way"))
    yield Facts(
        (
            Fact(_("Dry shipper"), f"{shipment.shipper.serial} {shipment.shipper.model}".strip()),
            Fact(_("Seal numbers"), shipment.seals),
            Fact(_("Temperature logger"), shipment.logger_serial),
            Fact(_("Weight when charged"), f"{figure(float(shipment.charge_weight_kg))} kg"),
            Fact(_("Stays cold for"), _("%(n)d hours") % {"n": shipment.hold_hours}),
            Fact(_("Validated on"), day(shipment.validated_on)),
            Fact(_("Courier"), shipment.courier),
            Fact(_("Waybill number"), shipment.waybill),
            Fact(_("Packed at"), moment(shipment.packed_at)),
            Fact(_("Left the bank"), moment(shipment.dispatched_at)),
            Fact(_("Expected at the hospital"), moment(shipment.expected_at)),
        ),
        columns=3,
    )


def _recipient(given: Given) -> Iterator[Block]:
    order = given.order
    yield Heading(pgettext("of a shipment", "Recipient"), 2)
    hospital = f"{order.hospital.code} {order.hospital.display_name}"
    for line in (hospital, *words.department_lines(order), *texts.lines(order.ship_to)):
        yield Text(line)
    yield Text(f"{order.contact} · {order.contact_phone}")
