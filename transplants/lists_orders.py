"""The list of orders: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.access import person_of
from core.pages import Sort, sort_from
from matching.lists import moment
from transplants.forms_orders import OrderFilterForm
from transplants.models import Order
from transplants.querysets_orders import OrderQuerySet

SORTS = {
    "number": "number",
    "unit": "unit__unit_no",
    "patient": "patient__code",
    "hospital": "hospital__code",
    "state": "state",
    "deliver": "deliver_on",
    "infusion": "infusion_on",
}
CSV = [
    "number", "unit", "patient", "hospital", "reservation", "state", "weight_kg", "conditioning_on", "deliver_on",
    "infusion_on", "country", "asked_at", "approved_at", "released_at", "ended_at", "end_reason",
]  # fmt: skip


def columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    found = [
        {"label": pgettext_lazy("of a unit", "Order"), "key": "number"},
        {"label": _("Unit"), "key": "unit"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("State"), "key": "state"},
        {"label": _("Wanted on"), "key": "deliver"},
        {"label": _("Infusion"), "key": "infusion"},
    ]
    return [column for column in found if with_hospital or column["key"] != "hospital"]


def selection(request: HttpRequest) -> tuple[OrderQuerySet, OrderFilterForm, Sort]:
    """The visible orders that the address asks for, in its order; without one, what is wanted first stands first."""
    person = person_of(request)
    form = OrderFilterForm(request.GET, user=person)
    sort = sort_from(request, SORTS, "deliver")
    rows = form.apply(Order.objects.visible_to(person)).with_names().with_signed()
    return rows.order_by(*sort.fields), form, sort


def csv_rows(rows: OrderQuerySet) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        yield [
            row.number,
            row.unit.public_no,
            row.patient.code,
            row.hospital.code,
            row.reservation.number,
            row.state,
            row.weight_kg,
            row.conditioning_on,
            row.deliver_on,
            row.infusion_on,
            row.country,
            moment(row.asked_at),
            moment(row.approved_at),
            moment(row.released_at),
            moment(row.ended_at),
            row.end_reason,
        ]
