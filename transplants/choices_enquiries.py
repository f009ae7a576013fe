"""Kinds and states of enquiries between hospital and bank, with their EMDIS messages (domain notes, workflow 3.2)."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class EnquiryKind(TextChoices):
    """What one side wants of the other. A reservation has rows of its own."""

    MESSAGE = "message", pgettext_lazy("enquiry", "Message")
    UNIT_REPORT = "unit_report", _("Unit report")
    CONFIRMATORY_TYPING = "ct", _("Confirmatory typing")
    EXTRA_TYPING = "typing", _("Extended typing")
    EXTRA_MARKERS = "markers", _("Further markers")
    SEARCH_ADVICE = "advice", _("Search advice")


_K = EnquiryKind
EMDIS: dict[str, str] = {
    _K.MESSAGE: "TXT_MSG",
    _K.UNIT_REPORT: "CBR_REQ",
    _K.CONFIRMATORY_TYPING: "SMP_REQ",
    _K.EXTRA_TYPING: "TYP_REQ",
    _K.EXTRA_MARKERS: "IDM_REQ",
    _K.SEARCH_ADVICE: "TXT_MSG",
}
# About a unit; the others are about the patient.
OF_UNIT = frozenset({_K.UNIT_REPORT, _K.CONFIRMATORY_TYPING, _K.EXTRA_TYPING, _K.EXTRA_MARKERS})
# Days within which an answer is due, until a bank sets its own: unconfirmed, no public source says how long banks take.
DUE_DAYS: dict[str, int] = {
    _K.MESSAGE: 3,
    _K.UNIT_REPORT: 3,
    _K.CONFIRMATORY_TYPING: 21,
    _K.EXTRA_TYPING: 21,
    _K.EXTRA_MARKERS: 14,
    _K.SEARCH_ADVICE: 5,
}
MOST_DAYS = 180


class EnquiryState(TextChoices):
    """OPEN: one side waits for the other. ANSWERED may be taken up again by a further message."""

    OPEN = "open", pgettext_lazy("enquiry", "Open")
    ANSWERED = "answered", pgettext_lazy("enquiry", "Answered")
    DECLINED = "declined", pgettext_lazy("enquiry", "Declined")
    CANCELLED = "cancelled", pgettext_lazy("enquiry", "Withdrawn")


STATE_TONE: dict[str, str] = {
    EnquiryState.OPEN: "warn",
    EnquiryState.ANSWERED: "good",
    EnquiryState.DECLINED: "bad",
}


class Side(TextChoices):
    HOSPITAL = "hospital", _("Hospital")
    BANK = "bank", _("Bank")


class DeclineReason(TextChoices):
    """Why the bank does not do what is asked (EMDIS NO_RES)."""

    NO_SAMPLE = "no_sample", _("no sample left")
    UNIT_GONE = "unit_gone", _("the unit is not available any more")
    NOT_POSSIBLE = "not_possible", _("the test is not done here")
    NOT_CLEAR = "not_clear", _("it is not clear what is asked")
    OTHER = "other", pgettext_lazy("reason", "other")


LONGEST_SUBJECT = 120
LONGEST_MESSAGE = 4_000
MOST_FILES = 5
