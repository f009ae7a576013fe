"""The list of transplants: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.pages import Sort, sort_from
from transplants.forms_grafts import TransplantFilterForm
from transplants.models import Transplant
from transplants.presenters_grafts import total, worst
from transplants.querysets_orders import TransplantQuerySet

SORTS = {
    "number": "number",
    "patient": "known_as",
    "hospital": "hospital__code",
    "day": "infused_on",
    "graft": "graft_type",
}
CSV = [
    "number",
    "patient",
    "hospital",
    "day_0",
    "sequence",
    "graft",
    "units",
    "tnc_e7_per_kg",
    "cd34_e5_per_kg",
    "weight_kg",
    "diagnosis",
    "stage",
    "reaction",
]


def columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    found: list[dict[str, Any]] = [
        {"label": _("Transplant"), "key": "number"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("Day 0"), "key": "day"},
        {"label": _("Graft"), "key": "graft"},
        {"label": _("Units"), "key": ""},
        {"label": _("TNC per kg"), "key": "", "num": True, "unit": "×10⁷"},
        {"label": _("CD34 per kg"), "key": "", "num": True, "unit": "×10⁵"},
        {"label": _("Reaction"), "key": ""},
    ]
    return [column for column in found if with_hospital or column["key"] != "hospital"]


def selection(request: HttpRequest) -> tuple[TransplantQuerySet, TransplantFilterForm, Sort]:
    """The visible transplants that the address asks for, in its order; without one the newest first."""
    person = person_of(request)
    form = TransplantFilterForm(request.GET, user=person)
    sort = sort_from(request, SORTS, "-day")
    rows = form.apply(Transplant.objects.visible_to(person)).with_units()
    return rows.order_by(*sort.fields), form, sort


def csv_rows(rows: TransplantQuerySet) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        infusions, units = list(row.infusions.all()), list(row.units.all())
        yield [
            row.number,
            row.who,
            row.hospital.code,
            row.infused_on,
            row.sequence,
            row.graft_type,
            " ".join(one.name for one in units),
            _rounded(total(units, "tnc_e7_per_kg")),
            _rounded(total(units, "cd34_e5_per_kg")),
            row.weight_kg,
            row.diagnosis,
            row.stage,
            worst(infusions),
        ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
