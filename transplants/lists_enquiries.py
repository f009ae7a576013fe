"""The list of enquiries: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.pages import Sort, sort_from
from matching.lists import moment
from transplants.forms_enquiries import EnquiryFilterForm
from transplants.models_enquiries import Enquiry
from transplants.querysets_enquiries import EnquiryQuerySet, side_of

SORTS = {
    "number": "number",
    "kind": "kind",
    "patient": "patient__code",
    "hospital": "hospital__code",
    "due": "due_on",
    "last": "last_at",
}
CSV = [
    "number",
    "kind",
    "subject",
    "patient",
    "hospital",
    "unit",
    "asked_from",
    "asked_at",
    "state",
    "waits_for",
    "due_on",
    "ended_at",
    "declined_for",
]


def columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    found: list[dict[str, Any]] = [
        {"label": _("Enquiry"), "key": "number"},
        {"label": _("Kind"), "key": "kind"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("State")},
        {"label": _("Due"), "key": "due"},
        {"label": _("Last message"), "key": "last"},
    ]
    return [column for column in found if with_hospital or column.get("key") != "hospital"]


def selection(request: HttpRequest, today: dt.date) -> tuple[EnquiryQuerySet, EnquiryFilterForm, Sort]:
    """The visible enquiries that the address asks for; without an order, what is due first stands first."""
    person = person_of(request)
    form = EnquiryFilterForm(request.GET, user=person)
    sort = sort_from(request, SORTS, "due")
    rows = form.apply(Enquiry.objects.visible_to(person), today=today, side=side_of(person)).with_names()
    first, *rest = sort.fields
    field = F(first.lstrip("-"))
    order = field.desc(nulls_last=True) if sort.descending else field.asc(nulls_last=True)
    return rows.order_by(order, *rest), form, sort


def csv_rows(rows: EnquiryQuerySet) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        yield [
            row.number,
            row.kind,
            row.subject,
            row.patient.code,
            row.hospital.code,
            row.unit.public_no if row.unit else "",
            row.asked_from,
            moment(row.asked_at),
            row.state,
            row.waits_for,
            row.due_on,
            moment(row.ended_at),
            row.declined_for,
        ]
