"""Page helpers, built into every template."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core import nav
from core.models import User
from core.roles import Permission

register = template.Library()


class NavLink(NamedTuple):
    url: str
    label: str
    active: bool
    more: bool = False  # behind those that fit into the row


@register.simple_tag(takes_context=True)
def nav_items(context: Context) -> list[NavLink]:
    """The main navigation for the person of this request."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or not isinstance(user, User):
        return []
    return [
        NavLink(
            reverse(item.url_name), str(item.label), _is_under(request.path, item.prefix), place >= nav.IN_ROW
        )
        for place, item in enumerate(nav.items_for(user))
    ]


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix if prefix == "/" else path.startswith(prefix)


@register.filter
def may(user: Any, permission: str) -> bool:
    """`{% if user|may:"patient.edit" %}`"""
    return isinstance(user, User) and user.has_permission(Permission(permission))


@register.filter
def dash(value: Any) -> Any:
    """An empty cell shows that it is empty."""
    return "–" if value is None or value == "" else value


@register.filter
def release_name(release: str) -> str:
    """What read a typing: a release by its number, or ours by name; never a release called "built-in"."""
    return _("built-in nomenclature") if release == "built-in" else f"IPD-IMGT/HLA {release}"


@register.simple_tag
def position_mark(mark: str) -> SafeString:
    """_components/mark.html; a page of a match list has thousands of them, of six kinds."""
    return _drawn(mark, get_language() or "")


@lru_cache(maxsize=64)
def _drawn(mark: str, language: str) -> SafeString:
    return mark_safe(render_to_string("_components/mark.html", {"mark": mark}).strip())  # noqa: S308 - our own template


@register.filter
def grouped(number: Any) -> Any:
    """12,345, to be read at a glance; what is no whole number as it is."""
    return f"{number:,}" if isinstance(number, int) else number


@register.filter
def percent(share: float) -> int:
    return round(share * 100)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value by a key that is itself a variable."""
    return mapping.get(key) if hasattr(mapping, "get") else None
