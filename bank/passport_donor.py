"""The donor on the passport: what the mother permits, answers that speak against the donor, documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from bank import consents
from bank.choices import Source
from bank.models import CordBloodUnit
from bank.presenters_consent import rows
from bank.services_interview import deferring_of, newest_interview

CONSENT_ACTIONS: dict[str, Callable[[], str]] = {
    "unit.consent_record": lambda: _("Consent recorded"),
    "unit.consent_withdraw": lambda: _("Consent withdrawn"),
    "unit.consent_block": lambda: _("Blocked: consent withdrawn"),
    "unit.consent_correct": lambda: _("Withdrawal corrected"),
    "unit.consent_unblock": lambda: _("Block lifted: the withdrawal was a mistake"),
    "unit.consent_sign_refused": lambda: _("Signature refused"),
    "unit.contact": lambda: _("Contact data saved"),
    "unit.contact_viewed": lambda: _("Contact data looked at"),
    "unit.interview": lambda: _("Health history recorded"),
    "unit.document": lambda: _("Document added"),
    "unit.document_open": lambda: _("Document opened"),
    "unit.document_withdraw": lambda: _("Document withdrawn"),
}


def donor(unit: CordBloodUnit) -> dict[str, Any] | None:
    """None of a partner's unit: its donor is the partner's."""
    if unit.source != Source.OWN:
        return None
    interview = newest_interview(unit.donation)
    return {
        "consents": rows(consents.standings(unit)),
        "interview": interview,
        "deferring": deferring_of(interview) if interview else [],
        "documents": unit.documents.standing().count(),
    }
