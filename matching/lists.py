"""The list of match requests: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.pages import Sort, sort_from
from matching.forms import RequestFilterForm
from matching.models import MatchRequest
from matching.querysets import MatchRequestQuerySet

REQUEST_SORTS = {
    "number": "number",
    "patient": "patient__code",
    "hospital": "hospital__code",
    "state": "state",
    "created": "created_at",
    "searched": "latest_run_at",
    "candidates": "latest_candidates",
}
REQUEST_CSV = [
    "number",
    "patient",
    "hospital",
    "state",
    "urgency",
    "loci",
    "min_tnc_e7_per_kg",
    "created_at",
    "submitted_at",
    "searched_at",
    "candidates",
]


def request_columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    columns = [
        {"label": _("Request"), "key": "number"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("State"), "key": "state"},
        {"label": _("Created"), "key": "created"},
        {"label": _("Last search"), "key": "searched"},
        {"label": _("Candidates"), "key": "candidates", "num": True},
    ]
    return [column for column in columns if with_hospital or column["key"] != "hospital"]


def request_selection(request: HttpRequest) -> tuple[MatchRequestQuerySet, RequestFilterForm, Sort]:
    """The visible requests that the address asks for, in its order."""
    person = person_of(request)
    form = RequestFilterForm(request.GET, user=person)
    sort = sort_from(request, REQUEST_SORTS, "-created")
    rows: MatchRequestQuerySet = MatchRequest.objects.visible_to(person)
    rows = form.apply(rows.with_patient().with_latest_run().with_latest_job())
    first, *rest = sort.fields
    field = F(first.lstrip("-"))
    order = field.desc(nulls_last=True) if sort.descending else field.asc(nulls_last=True)
    return rows.order_by(order, *rest), form, sort


def request_rows(rows: MatchRequestQuerySet) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        yield [
            row.number,
            row.patient.code,
            row.hospital.code,
            row.state,
            row.urgency,
            row.loci,
            row.min_tnc_e7_per_kg,
            moment(row.created_at),
            moment(row.submitted_at),
            moment(row.latest_run_at),
            row.latest_candidates,
        ]


def moment(at: Any) -> str:
    """An instant in local time, ISO 8601; "" for none."""
    return timezone.localtime(at).isoformat(timespec="seconds") if at else ""
