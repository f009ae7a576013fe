"""What each kind of audit entry about a unit is called, on its passport and in its dossier."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from bank import stock_pages
from bank.passport_donor import CONSENT_ACTIONS

ACTIONS: dict[str, Callable[[], str]] = {
    "units.import": lambda: _("Imported"),
    "unit.hold": lambda: _("Put on hold"),
    "unit.unhold": lambda: _("Hold lifted"),
    "unit.reserve": lambda: _("Reserved"),
    "unit.unreserve": lambda: _("Reservation ended"),
    "unit.confirm_values": lambda: _("Values confirmed"),
    "unit.partner_update": lambda: _("Changed by a newer list of the partner"),
    "unit.partner_gone": lambda: _("Gone from the partner's list"),
    "unit.populations": lambda: _("Population changed"),
    "unit.processing": lambda: _("Processing recorded"),
    "unit.measurement": lambda: _("Measurement recorded"),
    "unit.haemoglobinopathy": lambda: _("Haemoglobinopathy result recorded"),
    "unit.results_verify": lambda: _("Results verified"),
    "unit.mother_typing": lambda: _("Mother's typing recorded"),
    "unit.markers": lambda: _("Markers recorded"),
    "unit.culture": lambda: _("Culture recorded"),
    "unit.blood_group": lambda: _("Blood group recorded"),
    "unit.result_retract": lambda: _("Result retracted"),
    "unit.kit_issue": lambda: _("Kit given out"),
    "unit.collect": lambda: _("Collected"),
    "unit.void": lambda: _("Kit not used"),
    "unit.receive": lambda: _("Received"),
    "unit.process": lambda: _("Processing begun"),
    "unit.freeze": lambda: _("Frozen"),
    "unit.typing": lambda: _("Typing recorded"),
    "unit.typing_confirm": lambda: _("Confirmatory typing verified"),
    "unit.typing_settle": lambda: _("Typing conflict settled"),
    "unit.eligibility": lambda: _("Donor eligibility decided"),
    "unit.release": lambda: _("Released"),
    "unit.release_refuse": lambda: _("Release refused"),
    "unit.release_sign_refused": lambda: _("Signature refused"),
    "unit.place": lambda: _("Placed"),
    "unit.move": lambda: _("Moved"),
    "unit.take_out": lambda: _("Taken out of its place"),
    "unit.product": lambda: _("Product code recorded"),
    "unit.grid": lambda: _("GRID recorded"),
    "unit.label": lambda: _("Labels printed"),
    **CONSENT_ACTIONS,
    **stock_pages.ACTIONS,
    "unit.picking_list": lambda: _("On a picking list"),
    "unit.lot": lambda: _("Lot noted"),
    "unit.lot_deviation": lambda: _("Lot used though expired or blocked"),
    "unit.dossier": lambda: _("Dossier fetched"),
    "unit.order": lambda: _("Ordered"),
    "unit.order_back": lambda: _("Order withdrawn, or its release revoked"),
    "unit.release_to_ship": lambda: _("Released for shipment"),
    "unit.ship": lambda: _("Shipped"),
    "unit.deliver": lambda: _("Delivered"),
    "unit.infuse": lambda: _("Infused"),
    "unit.not_used": lambda: _("Not used"),
    "unit.shipment_failed": lambda: _("Shipment failed"),
    "unit.recall": lambda: _("Recalled"),
    "unit.recall_end": lambda: _("A recall of it has ended"),
    "unit.stop": lambda: _("Stopped: something bad came to light after it was ordered"),
    "unit.stop_end": lambda: _("What it was stopped for is settled"),
}
