"""What every page does first that hands out a file of a patient's list."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase

from bank.choices_genetic import GeneticKind
from bank.genetic_pages import file_asked, refused
from matching.models import SearchRun
from matching.querysets import SearchResultQuerySet


def list_refused(
    request: HttpRequest, run: SearchRun, kind: GeneticKind, told: SearchResultQuerySet | Sequence[UUID]
) -> HttpResponseBase | None:
    """Where a foreign account is led that asks for more typings of a patient's list than it may take unasked.

    told: results of the list, or ids of the units that a report holds.
    """
    if isinstance(told, SearchResultQuerySet):
        rows = told
        count, ids = rows.count(), lambda: list(rows.order_by().values_list("unit_id", flat=True))
    else:
        count, ids = len(told), lambda: list(told)
    asked = file_asked(request, kind, title=run.label, count=count, ids=ids, patient=run.request.patient_id)
    return refused(request, asked)
