"""The list of shipments: filters, order and CSV are one selection for page and file."""

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
from transplants.forms_shipments import ShipmentFilterForm
from transplants.models import Shipment
from transplants.querysets_orders import ShipmentQuerySet

SORTS = {
    "number": "number",
    "unit": "order__unit__unit_no",
    "patient": "order__patient__code",
    "hospital": "hospital__code",
    "shipper": "shipper__serial",
    "dispatched": "dispatched_at",
    "expected": "expected_at",
}
CSV = [
    "number",
    "order",
    "unit",
    "patient",
    "hospital",
    "shipper",
    "hold_hours",
    "logger",
    "seals",
    "courier",
    "waybill",
    "packed_at",
    "checked_at",
    "dispatched_at",
    "expected_at",
    "delivered_at",
    "failed_at",
    "failure",
]


def columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    found = [
        {"label": _("Shipment"), "key": "number"},
        {"label": _("Unit"), "key": "unit"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("State"), "key": ""},
        {"label": _("Shipper"), "key": "shipper"},
        {"label": pgettext_lazy("ordered units", "Expected"), "key": "expected"},
    ]
    return [column for column in found if with_hospital or column["key"] != "hospital"]


def selection(request: HttpRequest, now: dt.datetime) -> tuple[ShipmentQuerySet, ShipmentFilterForm, Sort]:
    """The visible shipments that the address asks for; without an order, what is expected first stands first."""
    person = person_of(request)
    form = ShipmentFilterForm(request.GET, user=person)
    default = "-expected" if request.GET.get("state") in ("delivered", "failed", "all") else "expected"
    sort = sort_from(request, SORTS, default)
    rows = form.apply(Shipment.objects.visible_to(person), now).with_names()
    first, *rest = sort.fields
    field = F(first.lstrip("-"))
    order = field.desc(nulls_last=True) if sort.descending else field.asc(nulls_first=True)
    return rows.order_by(order, *rest), form, sort


def csv_rows(rows: ShipmentQuerySet) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        yield [
            row.number,
            row.order.number,
            row.order.unit.public_no,
            row.order.patient.code,
            row.hospital.code,
            row.shipper.serial,
            row.hold_hours,
            row.logger_serial,
            row.seals,
            row.courier,
            row.waybill,
            moment(row.packed_at),
            moment(row.checked_at),
            moment(row.dispatched_at),
            moment(row.expected_at),
            moment(row.delivered_at),
            moment(row.failed_at),
            row.failure,
        ]
