"""States and coded lists from the order to the infused unit. Only services move an order."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.choices import UnitStatus


class OrderState(TextChoices):
    """ASKED: entered by the hospital. APPROVED: the unit is ordered, the bank prepares it."""

    ASKED = "asked", pgettext_lazy("order", "Asked for")
    APPROVED = "approved", pgettext_lazy("order", "Approved")
    RELEASED = "released", pgettext_lazy("order", "Released")
    SHIPPED = "shipped", pgettext_lazy("order", "Under way")
    DELIVERED = "delivered", pgettext_lazy("order", "Delivered")
    INFUSED = "infused", pgettext_lazy("order", "Infused")
    NOT_USED = "not_used", pgettext_lazy("order", "Not used")
    FAILED = "failed", pgettext_lazy("order", "Shipment failed")
    DECLINED = "declined", pgettext_lazy("order", "Declined")
    WITHDRAWN = "withdrawn", pgettext_lazy("order", "Withdrawn")


_O = OrderState
OPEN_ORDERS: Final = frozenset({_O.ASKED, _O.APPROVED, _O.RELEASED, _O.SHIPPED, _O.DELIVERED})
# In these the bank still has the unit.
IN_HOUSE: Final = frozenset({_O.ASKED, _O.APPROVED, _O.RELEASED})

# Where an order may go, and the state in which its unit then is.
ORDER_TRANSITIONS: Final[dict[OrderState, frozenset[OrderState]]] = {
    _O.ASKED: frozenset({_O.APPROVED, _O.DECLINED, _O.WITHDRAWN}),
    _O.APPROVED: frozenset({_O.RELEASED, _O.WITHDRAWN}),
    _O.RELEASED: frozenset({_O.SHIPPED, _O.APPROVED}),  # back: the release is revoked
    _O.SHIPPED: frozenset({_O.DELIVERED, _O.FAILED}),
    _O.DELIVERED: frozenset({_O.INFUSED, _O.NOT_USED}),
    _O.INFUSED: frozenset(),
    _O.NOT_USED: frozenset(),
    _O.FAILED: frozenset(),
    _O.DECLINED: frozenset(),
    _O.WITHDRAWN: frozenset(),
}
UNIT_IN: Final[dict[OrderState, UnitStatus]] = {
    _O.ASKED: UnitStatus.RESERVED,
    _O.APPROVED: UnitStatus.ORDERED,
    _O.RELEASED: UnitStatus.RELEASED,
    _O.SHIPPED: UnitStatus.SHIPPED,
    _O.DELIVERED: UnitStatus.DELIVERED,
    _O.INFUSED: UnitStatus.INFUSED,
    _O.NOT_USED: UnitStatus.NOT_USED,
    _O.FAILED: UnitStatus.SHIPMENT_FAILED,
}
ORDER_TONE: Final[dict[str, str]] = {
    _O.ASKED: "warn",
    _O.APPROVED: "info",
    _O.RELEASED: "info",
    _O.SHIPPED: "info",
    _O.DELIVERED: "good",
    _O.INFUSED: "good",
    _O.NOT_USED: "bad",
    _O.FAILED: "bad",
    _O.DECLINED: "bad",
}


class Meaning(TextChoices):
    """What a signature of an order says. One of each holds; it is void once what was signed has changed."""

    PRESCRIPTION = "prescription", _("Prescribed")
    RELEASE = "release", _("Released by quality assurance")
    RELEASE_SECOND = "release_second", _("Released as the second person")


class TypingState(TextChoices):
    """Of a confirmatory typing of a unit."""

    ASKED = "asked", pgettext_lazy("confirmatory typing", "Asked for")
    SAMPLED = "sampled", pgettext_lazy("confirmatory typing", "Sample taken")
    REPORTED = "reported", pgettext_lazy("confirmatory typing", "To be verified")
    CONFIRMED = "confirmed", pgettext_lazy("confirmatory typing", "Confirmed")
    DISCREPANT = "discrepant", pgettext_lazy("confirmatory typing", "Discrepant")
    CANCELLED = "cancelled", pgettext_lazy("confirmatory typing", "Cancelled")


OPEN_TYPINGS: Final = frozenset({TypingState.ASKED, TypingState.SAMPLED, TypingState.REPORTED})


class EventKind(TextChoices):
    """What happened to a shipment on its way."""

    PACKED = "packed", _("Packed")
    DISPATCHED = "dispatched", _("Dispatched")
    HANDOVER = "handover", _("Handed over")
    CUSTOMS = "customs", _("Customs")
    REFILLED = "refilled", _("Nitrogen refilled")
    DELAYED = "delayed", _("Delayed")
    ARRIVED = "arrived", _("Arrived")
    RETURNED = "returned", _("Returned to the bank")
    OTHER = "other", pgettext_lazy("shipment", "Other")


class ShipperPlace(TextChoices):
    """Where a shipper is. One that was away is looked at before anything is packed into it again."""

    READY = "ready", pgettext_lazy("shipper", "Here and ready")
    AWAY = "away", pgettext_lazy("shipper", "Away")
    BACK = "back", pgettext_lazy("shipper", "Back, to be inspected")


class Answer(TextChoices):
    """Of a checklist. Not checked is no yes."""

    YES = "yes", _("yes")
    NO = "no", _("no")
    NOT_CHECKED = "not_checked", _("not checked")


class Acceptance(TextChoices):
    ACCEPTED = "accepted", _("Accepted")
    DEVIATION = "deviation", _("Accepted with a deviation")
    REFUSED = "refused", pgettext_lazy("shipment", "Refused")


class LoggerVerdict(TextChoices):
    WITHIN = "within", _("Within the limit")
    ABOVE = "above", _("Above the limit")
    INCOMPLETE = "incomplete", _("Does not cover the whole way")


class FailureCause(TextChoices):
    """Why a shipment failed, or a delivered unit was not used."""

    TEMPERATURE = "temperature", _("Temperature out of range")
    DAMAGED = "damaged", pgettext_lazy("shipment", "Bag or shipper damaged")
    LOST = "lost", pgettext_lazy("shipment", "Lost")
    REFUSED = "refused", _("Refused at receipt")
    PATIENT = "patient", _("The patient cannot be transplanted")
    OTHER_GRAFT = "other_graft", _("Another graft was used")
    THAW = "thaw", _("Failed at thaw")
    OTHER = "other", pgettext_lazy("shipment", "Other")


class ThawMethod(TextChoices):
    """CIBMTR form 2006: how the product was prepared for infusion."""

    DIRECT = "direct", _("Thawed, not washed")
    DILUTED = "diluted", _("Thawed and diluted")
    WASHED = "washed", _("Thawed and washed")
    OTHER = "other", pgettext_lazy("thaw", "Other")


class ReactionGrade(TextChoices):
    NONE = "none", pgettext_lazy("reaction", "None")
    MILD = "mild", pgettext_lazy("reaction", "Mild")
    MODERATE = "moderate", pgettext_lazy("reaction", "Moderate")
    SEVERE = "severe", pgettext_lazy("reaction", "Severe")
    LIFE_THREATENING = "life_threatening", pgettext_lazy("reaction", "Life-threatening")


class GraftPoint(TextChoices):
    """When a count of the thawed graft was made."""

    ARRIVAL = "arrival", _("At arrival")
    INFUSION = "infusion", _("At infusion")


class GraftType(TextChoices):
    """Each is a stratum of its own in outcomes (domain notes, workflow 0)."""

    SINGLE = "single", _("One cord blood unit")
    DOUBLE = "double", _("Two cord blood units")
    CORD_HAPLO = "cord_haplo", _("Cord blood with a haploidentical graft")
    SUPPORTIVE = "supportive", _("Supportive cord blood")


class ReturnDecision(TextChoices):
    """What becomes of a unit that came back."""

    LISTED = "listed", _("On offer again, as an exception")
    DISCARDED = "discarded", _("Discarded")
    RESEARCH = "research", _("Given to research")


# Above this a frozen unit counts as warmed (ISBT storage class ≤ -150 °C; the New York and Singapore banks ship so).
SHIPPING_LIMIT_C: Final = -150.0
