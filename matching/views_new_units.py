"""Units that came on offer since a patient was searched, and the patients that one unit is for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from bank.choices import STATUS_TONE
from bank.models import CordBloodUnit
from bank.querysets import ALL_DONORS, OFFERED_BY, is_offered
from core.access import get_visible_or_404, permission_required, person_of
from core.pages import paginate
from core.roles import Permission
from matching import lists_new_units
from matching.presenters import crumbs, new_units
from matching.unit_patients import patients_of_unit


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def new_unit_list(request: HttpRequest) -> HttpResponse:
    """Of all waiting patients for the bank, of the own ones for a hospital."""
    rows, form, sort = lists_new_units.selection(request)
    page = paginate(request, rows)
    context = {
        "page": page,
        "rows": [new_units.finding(row, person_of(request)) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists_new_units.columns(),
        "crumbs": crumbs.requests(crumbs.here(_("New units"))),
    }
    return render(request, "matching/new_unit_list.html", context)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def unit_patients(request: HttpRequest, pk: Any) -> HttpResponse:
    """Which waiting patients is this unit for? Best first; a hospital sees its own."""
    person = person_of(request)
    unit = get_visible_or_404(CordBloodUnit.objects.select_related("bank").with_kept(), person, pk=pk)
    page = paginate(request, patients_of_unit(unit, person))
    context = {
        "unit": unit,
        "tone": "" if unit.blocks else STATUS_TONE.get(unit.status, ""),
        "page": page,
        "rows": [new_units.patient(row) for row in page],
        "offered": is_offered({name: getattr(unit, name) for name in OFFERED_BY}, ALL_DONORS),
        "crumbs": crumbs.inventory(
            (reverse("bank:unit-detail", args=[unit.pk]), unit.public_no), crumbs.here(_("Waiting patients"))
        ),
    }
    return render(request, "matching/unit_patients.html", context)
