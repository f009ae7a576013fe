"""Units that a reader ticks in a match list to see them side by side; the address holds them: `?unit=…&unit=…`."""

from __future__ import annotations

from uuid import UUID

from django.http import QueryDict

from matching.match_list import MatchList
from matching.models import SearchResult

UNIT = "unit"
LEAST, MOST = 2, 4  # columns that one can compare


def asked(query: QueryDict) -> list[str]:
    """What the address names, each once."""
    return list(dict.fromkeys(query.getlist(UNIT)))


def chosen(shown: MatchList) -> list[SearchResult]:
    """The named units that stand in this list, whatever its filters, in its order, with unit and bank."""
    wanted = [text for text in asked(shown.query) if _is_id(text)]
    if not wanted:
        return []
    rows = shown.judged().filter(unit_id__in=wanted).with_unit().select_related("unit__bank")
    return list(rows.order_by(*shown.order.fields()))


def with_units(query: QueryDict, units: list[str]) -> str:
    """The address's query with these units in the place of those that it names."""
    changed = query.copy()
    changed.setlist(UNIT, units)
    return f"?{changed.urlencode(safe=',')}" if changed else "?"


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
