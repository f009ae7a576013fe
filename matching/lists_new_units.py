"""The list of new units for waiting patients: filters, order and columns, for page and API."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.models import User
from core.pages import Column, Sort, sort_from
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from matching.models import NewUnitFinding
from matching.querysets import NewUnitFindingQuerySet

SORTS = {
    "unit": "unit__unit_no",
    "request": "request__number",
    "class": "class_max",
    "dose": "tnc_e7_per_kg",
    "found": "found_at",
}
SHOWN = [
    ("", _("in no list yet")),
    ("unseen", _("not seen by the hospital")),
    ("all", _("all")),
]


def columns() -> list[Column]:
    return [
        Column(_("Unit"), "unit"),
        Column(_("Request"), "request"),
        Column(_("Class"), "class"),
        Column(_("No mismatch")),
        Column(_("TNC"), "dose", num=True),
        Column(_("Found"), "found"),
    ]


class NewUnitFilterForm(forms.Form):
    """What it says stays in the address; what is unknown there filters nothing."""

    use_required_attribute = False

    q = forms.CharField(label=_("Unit, request or patient"), required=False, max_length=40)
    shown = forms.ChoiceField(label=_("Show"), required=False, choices=SHOWN)
    hospital = HospitalChoiceField(
        label=_("Hospital"), required=False, queryset=Hospital.objects.none(), empty_label=_("all")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hospitals: Any = self.fields["hospital"]
        hospitals.queryset = Hospital.objects.visible_to(user).order_by("code")
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]

    def apply(self, rows: NewUnitFindingQuerySet) -> NewUnitFindingQuerySet:
        """Of the current findings those that the valid fields ask for."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        rows = rows.current().with_list()
        if data.get("shown", "") != "all":
            rows = rows.filter(ledger_number__gt=F("covered_number"))
        if data.get("shown") == "unseen":
            rows = rows.filter(seen_at__isnull=True)
        if data.get("q"):
            text = data["q"].replace("\0", "").strip()
            unit = Q(unit__unit_no__istartswith=text) | Q(unit__din__istartswith=text, unit__din__gt="")
            unit |= Q(unit__grid__istartswith=text.replace(" ", ""), unit__grid__gt="")
            rows = rows.filter(
                unit | Q(request__number__icontains=text) | Q(request__patient__code__icontains=text)
            )
        if data.get("hospital"):
            rows = rows.filter(request__hospital=data["hospital"])
        return rows


def selection(request: HttpRequest) -> tuple[NewUnitFindingQuerySet, NewUnitFilterForm, Sort]:
    """The visible findings that the address asks for, in its order: the newest first, of these the best."""
    person = person_of(request)
    form = NewUnitFilterForm(request.GET, user=person)
    sort = sort_from(request, SORTS, "-found")
    rows: NewUnitFindingQuerySet = form.apply(NewUnitFinding.objects.visible_to(person))
    first = F(sort.fields[0].lstrip("-"))
    order = first.desc(nulls_last=True) if sort.descending else first.asc(nulls_last=True)
    return rows.with_names().order_by(order, *best(), "pk"), form, sort


def best() -> list[Any]:
    """The best first, where nothing else orders."""
    doses = [F(name).desc(nulls_last=True) for name in ("tnc_e7_per_kg", "tnc_e7")]
    return ["-class_max", "-class_min", *doses]
