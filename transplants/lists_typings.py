"""The list of confirmatory typings: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.pages import Sort, sort_from
from matching.lists import moment
from transplants.forms_typings import TypingFilterForm
from transplants.models import ConfirmatoryTyping
from transplants.presenters_typings import days_to_confirm
from transplants.querysets_orders import ConfirmatoryTypingQuerySet

SORTS = {
    "number": "number",
    "unit": "unit__unit_no",
    "patient": "patient__code",
    "hospital": "hospital__code",
    "state": "state",
    "asked": "asked_at",
}
CSV = [
    "number",
    "reservation",
    "unit",
    "patient",
    "hospital",
    "state",
    "asked_at",
    "sampled_on",
    "method",
    "reported_at",
    "ended_at",
    "differing",
    "end_reason",
]


def columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    found: list[dict[str, Any]] = [
        {"label": _("Confirmatory typing"), "key": "number"},
        {"label": _("Unit"), "key": "unit"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("State"), "key": "state"},
        {"label": _("Asked for on"), "key": "asked"},
        {"label": _("Due")},
    ]
    return [column for column in found if with_hospital or column.get("key") != "hospital"]


def selection(
    request: HttpRequest, today: dt.date
) -> tuple[ConfirmatoryTypingQuerySet, TypingFilterForm, Sort]:
    """The visible ones that the address asks for; without an order, what was asked for first stands first."""
    person = person_of(request)
    form = TypingFilterForm(request.GET, user=person)
    sort = sort_from(request, SORTS, "asked")
    seen = ConfirmatoryTyping.objects.visible_to(person)
    rows = form.apply(seen, today=today, days=days_to_confirm()).with_names()
    return rows.order_by(*sort.fields), form, sort


def csv_rows(rows: ConfirmatoryTypingQuerySet) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        yield [
            row.number,
            row.reservation.number,
            row.unit.public_no,
            row.patient.code,
            row.hospital.code,
            row.state,
            moment(row.asked_at),
            row.sampled_on,
            row.method,
            moment(row.reported_at),
            moment(row.ended_at),
            " ".join(row.differing),
            row.end_reason,
        ]
