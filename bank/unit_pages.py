"""What the pages about one own unit have in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from bank.choices import Source
from bank.models import CordBloodUnit
from core.access import get_visible_or_404, person_of

Crumbs = list[tuple[str, str]]


def own_unit(request: HttpRequest, pk: Any) -> CordBloodUnit:
    """A partner's unit is the partner's: there is no such page of it."""
    units = CordBloodUnit.objects.select_related("bank", "donation").filter(source=Source.OWN)
    return get_visible_or_404(units, person_of(request), pk=pk)


def crumbs_of(unit: CordBloodUnit, here: str) -> Crumbs:
    return [
        (reverse("bank:unit-list"), _("Inventory")),
        (reverse("bank:unit-detail", args=[unit.pk]), unit.public_no),
        ("", here),
    ]
