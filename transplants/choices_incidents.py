"""Coded lists of incidents, recalls and fees."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class IncidentKind(TextChoices):
    """WMDA S(P)EAR: a reaction in a person, or an event in the way of the product; beside them the bank's own.

    What kind it is says nothing of how serious it was: a serious one has a name of its own (SERIOUS_KINDS).
    """

    REACTION = "reaction", _("Adverse reaction")
    EVENT = "event", _("Adverse event")
    DEVIATION = "deviation", _("Deviation")
    TYPING = "typing", _("Typing discrepancy")
    COMPLAINT = "complaint", _("Complaint")


class IncidentState(TextChoices):
    OPEN = "open", pgettext_lazy("incident", "Open")
    INVESTIGATED = "investigated", pgettext_lazy("incident", "Being investigated")
    CLOSED = "closed", pgettext_lazy("incident", "Closed")


class Seriousness(TextChoices):
    """The definitions of the European directives; the first is no serious incident."""

    NOT_SERIOUS = "not_serious", _("Not serious")
    HOSPITAL = "hospital", _("Hospital stay or longer illness")
    DISABLING = "disabling", _("Disabling")
    LIFE_THREATENING = "life_threatening", pgettext_lazy("incident", "Life-threatening")
    FATAL = "fatal", _("Fatal")


SERIOUS_KINDS: Final[dict[str, Any]] = {
    IncidentKind.REACTION: _("Serious adverse reaction (SAR)"),
    IncidentKind.EVENT: _("Serious adverse event (SAE)"),
}
SERIOUS: Final = frozenset(Seriousness) - {Seriousness.NOT_SERIOUS}
# What a hospital may report; a deviation is the bank's own.
OF_HOSPITALS: Final = (
    IncidentKind.REACTION,
    IncidentKind.EVENT,
    IncidentKind.TYPING,
    IncidentKind.COMPLAINT,
)
STATE_TONE: Final[dict[str, str]] = {IncidentState.OPEN: "warn", IncidentState.INVESTIGATED: "info"}
MOST_DAYS: Final = 90  # in which anything serious is reported; no authority waits longer
LONGEST_TITLE, LONGEST_TEXT, LONGEST_REASON = 160, 4000, 400


class Imputability(TextChoices):
    """How far the product is the cause. The scale 0 to 3 is unconfirmed: see the domain notes, workflow 1.1."""

    NOT_ASSESSED = "na", _("Not assessed")
    EXCLUDED = "0", _("0 · Excluded or unlikely")
    POSSIBLE = "1", _("1 · Possible")
    LIKELY = "2", _("2 · Likely")
    CERTAIN = "3", _("3 · Certain")


class FeeKind(TextChoices):
    RESERVATION = "reservation", pgettext_lazy("fee", "Reservation")
    EXTENSION = "extension", pgettext_lazy("fee", "Extension of a reservation")
    TYPING = "typing", pgettext_lazy("fee", "Confirmatory typing")
    UNIT = "unit", pgettext_lazy("fee", "Cord blood unit")
    SHIPMENT = "shipment", pgettext_lazy("fee", "Shipment within the country")
    SHIPMENT_ABROAD = "shipment_abroad", pgettext_lazy("fee", "Shipment abroad")


# ISO 4217, those that a bank of this region bills in.
CURRENCIES: Final = ("CNY", "EUR", "GBP", "HKD", "JPY", "SGD", "USD")
WHOLE_CURRENCIES: Final = frozenset({"JPY"})  # no smaller unit
