"""The list of reservations: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.access import person_of
from core.pages import Sort, sort_from
from matching.lists import moment
from transplants.forms import ReservationFilterForm
from transplants.models import Reservation
from transplants.querysets import ReservationQuerySet

SORTS = {
    "number": "number",
    "unit": "unit__unit_no",
    "patient": "patient__code",
    "hospital": "hospital__code",
    "state": "state",
    "asked": "asked_at",
    "until": "until",
}
CSV = [
    "number",
    "unit",
    "patient",
    "hospital",
    "purpose",
    "state",
    "asked_at",
    "confirmed_at",
    "until",
    "extensions",
    "ended_at",
    "end_cause",
    "end_reason",
]


def columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    found = [
        {"label": _("Reservation"), "key": "number"},
        {"label": _("Unit"), "key": "unit"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("State"), "key": "state"},
        {"label": _("Asked for on"), "key": "asked"},
        {"label": pgettext_lazy("reservation", "Until"), "key": "until"},
    ]
    return [column for column in found if with_hospital or column["key"] != "hospital"]


def selection(
    request: HttpRequest, today: dt.date
) -> tuple[ReservationQuerySet, ReservationFilterForm, Sort]:
    """The visible reservations that the address asks for, in its order; without one, what ends first stands first."""
    person = person_of(request)
    form = ReservationFilterForm(request.GET, user=person)
    sort = sort_from(request, SORTS, "until")
    rows = form.apply(Reservation.objects.visible_to(person), today).with_names().with_promise()
    first, *rest = sort.fields
    field = F(first.lstrip("-"))
    order = field.desc(nulls_last=True) if sort.descending else field.asc(nulls_first=True)
    return rows.order_by(order, *rest), form, sort


def csv_rows(rows: ReservationQuerySet) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        yield [
            row.number,
            row.unit.public_no,
            row.patient.code,
            row.hospital.code,
            row.purpose,
            row.state,
            moment(row.asked_at),
            moment(row.confirmed_at),
            row.until,
            row.extensions,
            moment(row.ended_at),
            row.end_cause,
            row.end_reason,
        ]
