"""The lists of incidents and recalls: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.models import User
from core.pages import Sort, sort_from
from matching.lists import moment
from transplants.forms_incidents import IncidentFilterForm
from transplants.models import Incident
from transplants.presenters_incidents import lot_of
from transplants.querysets_incidents import IncidentQuerySet
from transplants.services_incidents import is_of_bank

SORTS = {
    "number": "number",
    "kind": "kind",
    "seriousness": "seriousness",
    "happened": "happened_on",
    "due": "due_on",
    "opened": "opened_at",
}
COLUMNS: list[dict[str, Any]] = [
    {"label": _("Incident"), "key": "number"},
    {"label": _("Kind"), "key": "kind"},
    {"label": _("Seriousness"), "key": "seriousness"},
    {"label": _("Concerns")},
    {"label": _("Units"), "num": True},
    {"label": _("Happened on"), "key": "happened"},
    {"label": _("State")},
    {"label": _("To be reported until"), "key": "due"},
]
CSV = (
    "number", "kind", "title", "seriousness", "imputability", "rapid_alert", "hospital", "patient", "order", "lot",
    "units", "happened_on", "opened_at", "state", "due_on", "reported_out_at", "reported_to", "closed_at",
)  # fmt: skip


def selection(request: HttpRequest, today: dt.date) -> tuple[IncidentQuerySet, IncidentFilterForm, Sort]:
    """The visible incidents that the address asks for; without an order, what is due first stands first."""
    form = IncidentFilterForm(request.GET)
    sort = sort_from(request, SORTS, "due")
    person = person_of(request)
    rows = form.apply(Incident.objects.visible_to(person), today=today, user=person)
    first, *rest = sort.fields
    field = F(first.lstrip("-"))
    order = field.desc(nulls_last=True) if sort.descending else field.asc(nulls_last=True)
    return rows.with_names().with_unit_count(person).order_by(order, "-opened_at", *rest), form, sort


def csv_rows(rows: IncidentQuerySet, user: User) -> Iterator[list[Any]]:
    of_bank = is_of_bank(user)
    for row in rows.iterator(chunk_size=500):
        yield [
            row.number, row.kind, row.title, row.seriousness, row.imputability, row.rapid_alert,
            row.hospital.code if row.hospital else "", row.patient.code if row.patient else "",
            row.order.number if row.order else "", lot_of(row, of_bank=of_bank), row.unit_count, row.happened_on,
            moment(row.opened_at), row.state, row.due_on, moment(row.reported_out_at), row.reported_to,
            moment(row.closed_at),
        ]  # fmt: skip
