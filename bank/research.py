"""Whether a unit and its samples may be used for research."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bank.choices_consent import ConsentPurpose
from bank.consents import permits
from bank.models import CordBloodUnit
from core.errors import Conflict


def may_use_for_research(unit: CordBloodUnit) -> bool:
    """The one place that says so: her consent to research stands, and that to the donation as well."""
    return permits(unit, ConsentPurpose.RESEARCH)


def guard_research(unit: CordBloodUnit, field: str | None = None) -> None:
    if not may_use_for_research(unit):
        raise Conflict(
            "no_research_consent",
            _("The mother's consent does not cover research: neither the unit nor its samples may go there."),
            field=field,
        )
