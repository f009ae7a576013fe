"""The list of hospitals: filters, columns and CSV are one selection for page and file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.models import GeneticLimits
from core.access import person_of
from core.pages import Column, Sort, sort_from
from hospitals import activity
from hospitals.choices import DUE, Qualification
from hospitals.lists import ANY, ListFilter, nulls_last
from hospitals.models import Hospital
from hospitals.querysets import HospitalQuerySet


def home_country() -> str:
    """Of the bank: hospitals elsewhere are abroad. Two letters, ISO 3166-1."""
    return str(GeneticLimits.load().home_country)


class HospitalFilter(ListFilter):
    q = forms.CharField(label=_("Code, name or city"), required=False, max_length=100)
    where = forms.ChoiceField(
        label=_("Where"),
        required=False,
        choices=[*ANY, ("home", _("In the country")), ("abroad", _("Abroad"))],
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[*ANY, ("active", _("Active")), ("inactive", _("Inactive"))],
    )
    qualification = forms.ChoiceField(
        label=_("Qualification"),
        required=False,
        choices=[*ANY, (DUE, _("To be renewed")), *Qualification.choices],
    )

    def apply(self, rows: HospitalQuerySet, home: str) -> HospitalQuerySet:
        if self.value("q"):
            rows = rows.matching(self.value("q"))
        if self.value("where") == "home":
            rows = rows.filter(country=home)
        elif self.value("where"):
            rows = rows.exclude(country=home)
        if self.value("state"):
            rows = rows.filter(active=self.value("state") == "active")
        return self._by_qualification(rows)

    def _by_qualification(self, rows: HospitalQuerySet) -> HospitalQuerySet:
        wanted, today = self.value("qualification"), timezone.localdate()
        if wanted == DUE:
            return rows.due(today)
        return rows.by_qualification(wanted, today) if wanted else rows


def hospital_columns() -> list[Column]:
    return [
        Column(_("Code"), "code"),
        Column(pgettext_lazy("hospital", "Name"), "name"),
        Column(_("City"), "city"),
        Column(_("Qualified until"), "qualified"),
        Column(_("People"), "people", num=True),
        Column(_("Active patients"), "patients", num=True),
        *(Column(figure.label, figure.key, num=True) for figure in activity.figures()),
        Column(_("Last activity"), "activity"),
    ]


def _sorts() -> dict[str, str]:
    return {
        "code": "code",
        "name": "name",
        "city": "city",
        "qualified": "qualified_until",
        "people": "people_count",
        "patients": "active_patients",
        **{figure.key: figure.name for figure in activity.figures()},
        "activity": "last_activity_at",
    }


def hospital_selection(request: HttpRequest, home: str) -> tuple[HospitalQuerySet, HospitalFilter, Sort]:
    form = HospitalFilter(request.GET)
    sort = sort_from(request, _sorts(), "code")
    rows = form.apply(Hospital.objects.visible_to(person_of(request)), home)
    return activity.with_figures(rows).order_by(*nulls_last(sort)), form, sort


def figures_of(row: Hospital) -> list[tuple[Any, int]]:
    """Label and number of each figure of a row that `with_figures` gave."""
    return [(figure.label, getattr(row, figure.name)) for figure in activity.figures()]


def csv_head() -> list[str]:
    return [
        *("code", "name", "name_zh", "city", "province", "country", "abroad", "active"),
        *("qualification_no", "qualified_by", "qualified_from", "qualified_until", "qualification"),
        *("people", "active_patients", "all_patients"),
        *(figure.key for figure in activity.figures()),
        "last_activity",
    ]


def csv_rows(rows: HospitalQuerySet, home: str) -> Iterator[list[Any]]:
    today = timezone.localdate()
    for row in rows.iterator(chunk_size=500):
        yield [
            row.code,
            row.name,
            row.name_zh,
            row.city,
            row.province,
            row.country,
            "yes" if row.country != home else "no",
            "yes" if row.active else "no",
            row.qualification_no,
            row.qualification_authority,
            row.qualified_from,
            row.qualified_until,
            row.qualification(today).value,
            row.people_count,
            row.active_patients,
            row.all_patients,
            *(number for _label, number in figures_of(row)),
            timezone.localtime(row.last_activity_at).date() if row.last_activity_at else "",
        ]
