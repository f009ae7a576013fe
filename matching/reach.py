"""How far a list reaches: of each antigen class its largest dose. Kept with the search, for questions over thousands.

{"possible": {"6": 7.25, "5": null}, "certain": {…}}: matches, possible or certain -> largest TNC ×10⁷/kg of the units
with so many that were on offer to everybody; null where no dose is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Max

from bank.choices import UnitStatus
from matching.models import SearchResult

Reach = dict[str, dict[str, float | None]]
_COLUMNS = {"possible": "antigen6_max", "certain": "antigen6_min"}


def reach_of(runs: Iterable[UUID]) -> dict[UUID, Reach]:
    """Of stored searches, in two queries; of one without units both are empty."""
    wanted = list(runs)
    found: dict[UUID, Reach] = {run: {name: {} for name in _COLUMNS} for run in wanted}
    for name, column in _COLUMNS.items():
        on_offer = SearchResult.objects.filter(run__in=wanted, status=UnitStatus.LISTED)
        rows: Any = on_offer.filter(**{f"{column}__isnull": False}).order_by()
        rows = rows.values_list("run_id", column).annotate(dose=Max("tnc_e7_per_kg"))
        for run, matches, dose in rows:
            found[run][name][str(matches)] = dose
    return found
