"""Coded lists of confirmatory typings, and what a result must say."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hospitals.plausibility import SEARCH_NEEDS
from transplants.choices_orders import TypingState

_T = TypingState


class TypingMethod(TextChoices):
    """How the laboratory typed the segment."""

    NGS = "ngs", _("Next-generation sequencing")
    SBT = "sbt", _("Sanger sequencing (SBT)")
    SSO = "sso", _("Probes (SSO)")
    SSP = "ssp", _("Primers (SSP)")
    SEROLOGY = "serology", pgettext_lazy("HLA typing", "Serology")
    OTHER = "other", pgettext_lazy("HLA typing", "Other")


# Without these, both values of each, nothing is confirmed; the others are asked for.
NEEDED: Final = SEARCH_NEEDS
WANTED: Final = ("A", "B", "C", "DRB1", "DQB1")

STATE_TONE: Final[dict[str, str]] = {
    _T.ASKED: "warn",
    _T.SAMPLED: "info",
    _T.REPORTED: "warn",
    _T.CONFIRMED: "good",
    _T.DISCREPANT: "bad",
}
# EMDIS messages that say the same (domain notes, workflow 3.2); what happens inside the bank is told by none.
EMDIS: Final[dict[str, str]] = {
    _T.ASKED: "SMP_REQ",
    _T.SAMPLED: "",
    _T.REPORTED: "",
    _T.CONFIRMED: "SMP_RES",
    _T.DISCREPANT: "SMP_RES",
    _T.CANCELLED: "REQ_CAN",
}
