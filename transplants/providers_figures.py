"""What figures of outcomes tell core: the entry of the navigation."""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

from core import nav
from core.nav import NavItem
from core.roles import Permission


def register() -> None:
    nav.register(
        NavItem(
            48,
            pgettext_lazy("navigation", "Outcomes"),
            "transplants:outcome-survival",
            Permission.OUTCOME_VIEW,
            "/outcomes/",
        )
    )
