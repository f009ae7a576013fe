"""The list of statements: one selection for page and file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.pages import Column, Sort, sort_from
from transplants.forms_fees import FeeFilterForm
from transplants.models import Charge
from transplants.querysets_fees import ChargeQuerySet

SORTS = {"month": "month", "hospital": "code", "charges": "charges"}
CSV = ("month", "hospital", "currency", "amount", "charges")


def columns(*, with_hospital: bool) -> list[Column]:
    found = [
        Column(_("Month"), "month"),
        Column(_("Hospital"), "hospital"),
        Column(_("Charges"), "charges", num=True),
        Column(_("Voided"), num=True),
        Column(_("Total"), num=True),
    ]
    return [column for column in found if with_hospital or column.key != "hospital"]


def selection(request: HttpRequest) -> tuple[ChargeQuerySet, FeeFilterForm, Sort]:
    """The visible charges that the address asks for, and the order of their months; the newest month first."""
    person = person_of(request)
    form = FeeFilterForm(request.GET, user=person)
    return form.apply(Charge.objects.visible_to(person)), form, sort_from(request, SORTS, "-month")


def in_order(charges: ChargeQuerySet, sort: Sort) -> ChargeQuerySet:
    """One row per month and hospital, in that order."""
    field = F(sort.fields[0].lstrip("-"))
    first = field.desc() if sort.descending else field.asc()
    return charges.by_month().order_by(first, "-month", "code")


def csv_rows(charges: ChargeQuerySet) -> Iterator[list[Any]]:
    for row in charges.sums().order_by("-month", "code", "currency").iterator(chunk_size=500):
        yield [f"{row['month']:%Y-%m}", row["code"], row["currency"], row["amount"], row["charges"]]
