"""The main navigation: the apps register their entry; a person sees what a permission opens."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

from core.models import User
from core.roles import Permission


@dataclass(frozen=True)
class NavItem:
    """`order` sorts; `prefix` is the path under which the entry counts as current."""

    order: int
    label: str | Promise
    url_name: str
    permission: Permission | None
    prefix: str


_items: list[NavItem] = []


def register(item: NavItem) -> None:
    if item not in _items:
        _items.append(item)


def items_for(user: User) -> list[NavItem]:
    seen = [i for i in _items if i.permission is None or user.has_permission(i.permission)]
    return sorted(seen, key=lambda item: item.order)
