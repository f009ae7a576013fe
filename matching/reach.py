"""How far a list reaches: of each antigen class its largest dose. Kept with the search, for questions over thousands.

{"possible": {"6": 7.25, "5": null}, "certain": {…}}: matches, possible or certain -> largest TNC ×10⁷/kg of the units
with so many that were on offer to everybody; null where no dose is known. Where adult donors stand in the list,
"listed" holds the classes of all: how far down it went.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Max

from bank.choices import DonorType, UnitStatus
from matching.models import SearchResult

Reach = dict[str, dict[str, float | None]]
_COLUMNS = {"possible": "antigen6_max", "certain": "antigen6_min"}


def reach_of(runs: Iterable[UUID]) -> dict[UUID, Reach]:
    """Of stored searches, in three queries; of one without units both are empty. Of cord blood: a donor has no dose."""
    wanted = list(runs)
    found: dict[UUID, Reach] = {run: {name: {} for name in _COLUMNS} for run in wanted}
    for name, column in _COLUMNS.items():
        on_offer = SearchResult.objects.filter(
            run__in=wanted, status=UnitStatus.LISTED, unit__donor_type=DonorType.CORD
        )
        rows: Any = on_offer.filter(**{f"{column}__isnull": False}).order_by()
        rows = rows.values_list("run_id", column).annotate(dose=Max("tnc_e7_per_kg"))
        for run, matches, dose in rows:
            found[run][name][str(matches)] = dose
    donors = SearchResult.objects.filter(
        run__in=wanted, status=UnitStatus.LISTED, unit__donor_type=DonorType.ADULT, antigen6_max__isnull=False
    )
    for run, matches in donors.order_by().values_list("run_id", "antigen6_max").distinct():
        listed = found[run].setdefault("listed", dict.fromkeys(found[run]["possible"]))
        listed[str(matches)] = None
    return found
