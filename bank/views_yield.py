"""The yield of the bank: page, and its tables as CSV."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from bank.forms_yield import YieldForm
from bank.models import CordBloodUnit
from bank.yields import cohort as cohorts
from bank.yields import files, page, spread, stock, turnaround
from bank.yields.cohort import OWN, Cohort
from bank.yields.funnel import funnel
from core.access import permission_required, person_of
from core.exports import csv_response
from core.roles import Permission


def _form(request: HttpRequest) -> tuple[YieldForm, int]:
    """And how many own units have no day of collection. Usual is the last whole year: most of it is at its end."""
    today = timezone.localdate()
    first, _last, undated = cohorts.known_days(person_of(request))
    begin = first.year if first else today.year
    usual = today.year - 1 if begin < today.year else today.year
    return YieldForm(request.GET, years=range(today.year, begin - 1, -1), usual=usual), undated


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def yield_page(request: HttpRequest) -> HttpResponse:
    user = person_of(request)
    form, undated = _form(request)
    asked = form.cohort
    of_all = cohorts.groups(Cohort(asked.since, asked.until), user)
    form.name_sites(group.site for group in of_all)
    groups = [one for one in of_all if one.site == asked.site] if asked.site else of_all
    found = funnel(groups)
    context = {
        "form": form,
        "query": request.GET.urlencode(),
        "period": page.period(asked, timezone.localdate()),
        "found": found,
        "funnel": page.funnel_rows(found, asked),
        "sites": page.site_rows(groups, asked),
        "reasons": page.reason_rows(groups, asked),
        "spreads": page.spread_cards(spread.spreads(asked, user), found.collected),
        "legs": page.leg_rows(turnaround.legs(asked, found)),
        "stock": page.stock_tables(stock.shelves(user)),
        "tanks": page.tanks(user),
        "undated": undated,
        "synthetic_units": CordBloodUnit.objects.filter(OWN, synthetic=True).exists(),
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Yield"))],
    }
    return render(request, "bank/yield.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def yield_export(request: HttpRequest, table: str) -> HttpResponseBase:
    if table not in files.TABLES:
        raise Http404
    form, _undated = _form(request)
    header, rows = files.TABLES[table]
    return csv_response(f"qidai-yield-{table}.csv", header, rows(form.cohort, person_of(request)))
