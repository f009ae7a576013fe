"""How far a unit came on its way from the birth to the patient, and what became of it."""

from __future__ import annotations

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import pgettext_lazy

from bank.choices import UnitStatus

_S = UnitStatus


class Stage(IntegerChoices):
    """Each holds all before it (domain notes, workflow 1.1); accepted and banked are two: most are lost between."""

    COLLECTED = 1, pgettext_lazy("yield", "Collected")
    RECEIVED = 2, pgettext_lazy("yield", "Arrived at the bank")
    ACCEPTED = 3, pgettext_lazy("yield", "Accepted for processing")
    BANKED = 4, pgettext_lazy("yield", "Banked (frozen)")
    LISTED = 5, pgettext_lazy("yield", "Released and listed")
    SHIPPED = 6, pgettext_lazy("yield", "Shipped")


class Fate(TextChoices):
    """What a unit does at its last stage. Untold: discarded, and taken over without the story of how far it came."""

    OPEN = "open", pgettext_lazy("yield", "Still here or under way")
    LOST = "lost", pgettext_lazy("yield", "Discarded")
    RESEARCH = "research", pgettext_lazy("yield", "Given to research")
    UNTOLD = "untold", pgettext_lazy("yield", "Discarded, stage not recorded")


# How far a unit came at the least, by its state; one that is discarded says nothing, its records do.
STAGE_OF: dict[UnitStatus, Stage] = {
    _S.COLLECTED: Stage.COLLECTED,
    _S.RECEIVED: Stage.RECEIVED,
    _S.PROCESSING: Stage.ACCEPTED,
    _S.QUARANTINE: Stage.BANKED,
    _S.RESEARCH: Stage.BANKED,
    _S.LISTED: Stage.LISTED,
    _S.RESERVED: Stage.LISTED,
    _S.ORDERED: Stage.LISTED,
    _S.RELEASED: Stage.LISTED,
    _S.SHIPPED: Stage.SHIPPED,
    _S.DELIVERED: Stage.SHIPPED,
    _S.SHIPMENT_FAILED: Stage.SHIPPED,
    _S.NOT_USED: Stage.SHIPPED,
    _S.RETURNED_QA: Stage.SHIPPED,
    _S.INFUSED: Stage.SHIPPED,
    _S.DISCARDED: Stage.COLLECTED,
}
# Never collected: a kit that is out, or was not used.
NOT_COLLECTED = (_S.PLANNED, _S.VOID)
