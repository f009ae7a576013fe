"""Coded lists of the papers that travel with a unit."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from transplants.choices_orders import OrderState


class PaperKind(TextChoices):
    SUMMARY = "summary", _("Summary of records")
    THAW = "thaw", _("Thaw instruction")
    CUSTOMS = "customs", _("Declaration for customs and carriers")
    LABEL = "label", _("Address sheet for the shipper")


class PaperLanguage(TextChoices):
    """The codes of Django's languages, and both in one file."""

    EN = "en", "English"
    ZH = "zh-hans", "简体中文"
    BOTH = "both", pgettext_lazy("languages", "Both")


class TextKind(TextChoices):
    """What a bank says in its own words, on which papers."""

    THAW = "thaw", _("How to thaw and infuse")
    CARRIERS = "carriers", _("Statement for customs and carriers")
    SENDER = "sender", _("Address and telephone of the bank")


LANGUAGES: Final[dict[str, tuple[str, ...]]] = {
    PaperLanguage.EN: ("en",),
    PaperLanguage.ZH: ("zh-hans",),
    PaperLanguage.BOTH: ("en", "zh-hans"),
}
# Only the bank's word that the unit is this patient's makes papers of an order; a unit that is not his has none.
NO_PAPERS: Final = frozenset({OrderState.ASKED, OrderState.DECLINED, OrderState.WITHDRAWN})
# These name shipper, seals and waybill.
OF_SHIPMENT: Final = frozenset({PaperKind.CUSTOMS, PaperKind.LABEL})
TEXTS_OF: Final[dict[str, tuple[TextKind, ...]]] = {
    PaperKind.SUMMARY: (TextKind.SENDER,),
    PaperKind.THAW: (TextKind.THAW, TextKind.SENDER),
    PaperKind.CUSTOMS: (TextKind.CARRIERS, TextKind.SENDER),
    PaperKind.LABEL: (TextKind.SENDER,),
}
