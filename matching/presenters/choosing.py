"""The bar below a match list: which units are ticked, on this page and on others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from matching.chosen import LEAST, MOST, UNIT, chosen, with_units
from matching.match_list import MatchList


def compare_bar(shown: MatchList, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Context of matching/_compare_bar.html. Ticks the rows of the page that are chosen (`picked`)."""
    found = chosen(shown)
    units = [str(one.unit_id) for one in found]
    for row in rows:
        row["picked"] = row["key"] in units
    on_page = {row["key"] for row in rows}
    query = shown.query
    return {
        "url": reverse("matching:run-compare", args=[shown.run.pk]),
        "here": reverse("matching:run-detail", args=[shown.run.pk]),
        "least": LEAST,
        "most": MOST,
        "kept": [(name, value) for name in query for value in query.getlist(name) if name != UNIT],
        "units": [
            {
                "key": unit,
                "unit": one.unit.public_no,
                "on_page": unit in on_page,
                "remove_url": with_units(query, [other for other in units if other != unit]),
            }
            for one, unit in zip(found, units, strict=True)
        ],
    }
