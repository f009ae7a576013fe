"""What a hospital does, in numbers. Apps further left say what there is to count: a page of this app knows no order.

Counts only, for whoever may see the hospital; what stands behind them opens by the permissions of those apps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce, ExtractYear, Greatest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hospitals.models import Hospital, Patient
from hospitals.querysets import HospitalQuerySet

YEARS_SHOWN = 10
Rows = Any  # a queryset of any app


@dataclass(frozen=True)
class Figure:
    """label: of the column of the list, which counts what `counted` leaves of all `rows`; by_year: of the table of
    years, which counts all rows by the year of `at`.

    rows have a field `hospital`; changed: the field that says when each was last worked on. key: in the address and
    the file, never changed.
    """

    key: str
    label: Promise
    by_year: Promise
    order: int
    rows: Callable[[], Rows]
    counted: Callable[[Rows], Rows]
    at: str
    changed: str = "updated_at"

    @property
    def name(self) -> str:
        """Of the annotation; a bare key would hide the relation of that name."""
        return f"n_{self.key}"


_figures: dict[str, Figure] = {}


def register(figure: Figure) -> None:
    _figures[figure.key] = figure


def figures() -> Sequence[Figure]:
    return sorted(_figures.values(), key=lambda one: one.order)


def with_figures(rows: HospitalQuerySet) -> HospitalQuerySet:
    """Adds beside `with_activity` each figure as `n_…`, and last_activity_at: a subquery each, never one per row."""
    rows = rows.with_activity()
    found = figures()
    counts = {figure.name: _counted(figure) for figure in found}
    moments: list[Any] = [F("last_patient_at"), *(_latest(figure) for figure in found)]
    latest = Greatest(*moments) if found else moments[0]
    result: HospitalQuerySet = rows.annotate(**counts, last_activity_at=latest)
    return result


def _of_hospital(rows: Rows) -> Rows:
    return rows.filter(hospital=OuterRef("pk")).order_by().values("hospital")


def _counted(figure: Figure) -> Any:
    rows = _of_hospital(figure.counted(figure.rows()))
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)


def _latest(figure: Figure) -> Any:
    return Subquery(_of_hospital(figure.rows()).annotate(last=Max(figure.changed)).values("last"))


@dataclass(frozen=True)
class Year:
    """cells: label and number, in the order of `year_labels`."""

    year: int
    cells: list[tuple[Any, int]]


def year_labels() -> list[Any]:
    return [_("New patients"), *(figure.by_year for figure in figures())]


def by_year(hospital: Hospital) -> list[Year]:
    """The newest years in which anything happened, newest first. One query per figure, whatever the number of years."""
    labels = year_labels()
    counted = [_years(Patient.objects, hospital, "created_at")]
    counted += [_years(figure.rows(), hospital, figure.at) for figure in figures()]
    years = sorted({year for counts in counted for year in counts}, reverse=True)
    return [
        Year(year, [(label, counts.get(year, 0)) for label, counts in zip(labels, counted, strict=True)])
        for year in years[:YEARS_SHOWN]
    ]


def _years(rows: Rows, hospital: Hospital, at: str) -> dict[int, int]:
    found = rows.filter(hospital=hospital, **{f"{at}__isnull": False}).order_by()
    grouped = found.annotate(of_year=ExtractYear(at)).values("of_year").annotate(n=Count("pk"))
    return dict(grouped.values_list("of_year", "n"))
