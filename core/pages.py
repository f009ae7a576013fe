"""Lists: sorting and pages that live in the URL, so that a list can be bookmarked and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

PER_PAGE = 50
PER_PAGE_CHOICES = (25, 50, 100, 250)


@dataclass(frozen=True)
class Sort:
    """`key` as in the URL (`tnc` or `-tnc`), `fields` as in the ORM, with a unique last field for stable pages."""

    key: str
    fields: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.key.lstrip("-")

    @property
    def descending(self) -> bool:
        return self.key.startswith("-")


def sort_from(request: HttpRequest, allowed: Mapping[str, str], default: str, *, last: str = "pk") -> Sort:
    """The order asked for by `?sort=`; anything unknown gives the default."""
    key = request.GET.get("sort", default)
    if key.lstrip("-") not in allowed:
        key = default
    sign = "-" if key.startswith("-") else ""
    return Sort(key, (sign + allowed[key.lstrip("-")], last))


def per_page_from(request: HttpRequest, default: int = PER_PAGE) -> int:
    raw = request.GET.get("per_page", "")
    return int(raw) if raw in map(str, PER_PAGE_CHOICES) else default


def paginate(request: HttpRequest, rows: Any, *, per_page: int | None = None) -> Page[Any]:
    """The asked page, or the nearest that exists: a stale link shows a list, not an error."""
    paginator = Paginator(rows, per_page or per_page_from(request))
    return paginator.get_page(request.GET.get("page"))


@dataclass(frozen=True)
class Column:
    """A column of a list for _components/table_head.html: `?sort=key` orders by it; without a key it does not sort."""

    label: Any
    key: str = ""
    num: bool = False
    unit: str = ""
