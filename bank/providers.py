"""What this app tells core: where units are found, what waits for whom, the navigation."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bank.models import CordBloodUnit
from core import find, nav, work
from core.find import Hit
from core.models import User
from core.nav import NavItem
from core.roles import Permission
from core.work import WorkItem

_MAX_HITS = 10


def register() -> None:
    find.register(find_units)
    work.register(work_items)
    nav.register(
        NavItem(40, gettext_lazy("Inventory"), "bank:unit-list", Permission.INVENTORY_VIEW, "/units/")
    )


def find_units(user: User, text: str) -> list[Hit]:
    """Units by the beginning of a number; a whole number, or a DIN typed or scanned, is exact."""
    units = CordBloodUnit.objects.visible_to(user)
    exact = units.by_number(text)
    rows = [exact] if exact else list(units.numbered(text).order_by("unit_no", "pk")[:_MAX_HITS])
    return [
        Hit(
            kind=_("Unit"),
            label=unit.public_no,
            url=reverse("bank:unit-detail", args=[unit.pk]),
            detail=f"{unit.unit_no} · {unit.get_status_display()}",
            exact=unit == exact,
        )
        for unit in rows
    ]


def work_items(user: User) -> list[WorkItem]:
    """For whoever may confirm: units whose values wait for a person."""
    if not user.has_permission(Permission.UNIT_CONFIRM):
        return []
    waiting = CordBloodUnit.objects.to_confirm()
    count = waiting.count()
    if not count:
        return []
    title = ngettext("%(n)d unit waits for confirmation", "%(n)d units wait for confirmation", count)
    return [
        WorkItem(
            title=title % {"n": count},
            url=reverse("bank:unit-list") + "?waiting=on",
            detail=_("Cell counts outside the plausible range, or values missing."),
            since=waiting.order_by("created_at").values_list("created_at", flat=True).first(),
            kind="unit",
            count=count,
        )
    ]
