"""What fees tell core, bank and hospitals: navigation, the hospital's page and figures, why no dossier holds them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from bank.dossier.registry import leave_out
from core import nav, panels
from core.models import User
from core.nav import NavItem
from core.panels import Panel, Place
from core.roles import Permission
from hospitals.querysets import open_in
from transplants import hospital_figures, presenters_fees
from transplants.models_fees import Charge


def register() -> None:
    leave_out(
        Charge._meta.label, "money between bank and hospital, no record of the unit; it stands in statements"
    )
    nav.register(
        NavItem(72, gettext_lazy("Fees"), "transplants:statement-list", Permission.FEE_VIEW, "/fees/")
    )
    panels.register(Place.HOSPITAL, hospital_panel)
    hospital_figures.register()


def hospital_panel(user: User, hospital: Any) -> Panel | None:
    """What this month has come to, and the way to all statements."""
    if not open_in(user, Permission.FEE_VIEW, hospital.pk):
        return None
    return Panel("transplants/_fees_panel.html", presenters_fees.of_hospital(hospital))
