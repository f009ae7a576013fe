"""The main navigation: the apps register their entry; a person sees what a permission opens."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

from core.models import User
from core.roles import Permission


@dataclass(frozen=True)
class NavItem:
    """`order` sorts; `prefix` is the path under which the entry counts as current.

    unless: who holds this finds the page from another; the row of entries stays short.
    """

    order: int
    label: str | Promise
    url_name: str
    permission: Permission | None
    prefix: str
    unless: Permission | None = None


_items: list[NavItem] = []
IN_ROW = 8  # more do not fit beside the search box; those behind them stand in the menu of the account


def register(item: NavItem) -> None:
    if item not in _items:
        _items.append(item)


def items_for(user: User) -> list[NavItem]:
    seen = [
        item
        for item in _items
        if (item.permission is None or user.has_permission(item.permission))
        and not (item.unless and user.has_permission(item.unless))
    ]
    return sorted(seen, key=lambda item: item.order)
