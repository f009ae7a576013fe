"""Pages of fees: statements of hospitals by month, a charge that is voided, the price list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.exports import csv_response
from core.pages import paginate
from core.posting import carried_out
from core.roles import Permission
from hospitals.models import Hospital
from transplants import lists_fees, presenters_fees, services_fees, statements
from transplants.forms import ReasonForm
from transplants.forms_fees import PriceForm
from transplants.models import Charge, Price

_VIEW, _EDIT = Permission.FEE_VIEW, Permission.FEE_EDIT
_YEARS = range(2000, 2100)


@require_GET
@permission_required(_VIEW)
def statement_list(request: HttpRequest) -> HttpResponse:
    charges, form, sort = lists_fees.selection(request)
    page = paginate(request, lists_fees.in_order(charges, sort))
    rows = statements.month_rows(page, charges)
    context = {
        "page": page,
        "rows": [(row, presenters_fees.statement_url(row.hospital.pk, row.month)) for row in rows],
        "totals": statements.totals_in(charges) if rows else [],
        "form": form,
        "sort": sort,
        "columns": lists_fees.columns(with_hospital="hospital" in form.fields),
        "export_url": f"{reverse('transplants:statement-export')}?{request.GET.urlencode()}",
        "is_priced": Price.objects.exists(),
        "may_edit": services_fees.may_edit(person_of(request)),
    }
    return render(request, "transplants/statement_list.html", context)


@require_GET
@permission_required(_VIEW)
def statement_export(request: HttpRequest) -> HttpResponseBase:
    charges, _form, _sort = lists_fees.selection(request)
    return csv_response("qidai-fees.csv", lists_fees.CSV, lists_fees.csv_rows(charges))


def statement_of(request: HttpRequest, pk: Any, year: int, month: int) -> statements.Statement:
    """404 for another's hospital, and for a month that no calendar has."""
    if month not in range(1, 13) or year not in _YEARS:
        raise Http404
    person = person_of(request)
    hospital = get_visible_or_404(Hospital.objects.open_for(person, _VIEW), person, pk=pk)
    return statements.statement(hospital, dt.date(year, month, 1))


@require_GET
@permission_required(_VIEW)
def statement_detail(request: HttpRequest, pk: Any, year: int, month: int) -> HttpResponse:
    return _statement_page(request, statement_of(request, pk, year, month))


def _statement_page(
    request: HttpRequest,
    found: statements.Statement,
    voiding: Any = None,
    form: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    """voiding: the charge whose form was refused, with what was typed."""
    shown = presenters_fees.statement_context(found, person_of(request))
    context = {**shown, "voiding": voiding, "form": form or ReasonForm(auto_id=False)}
    return render(request, "transplants/statement_detail.html", context, status=status)


@require_GET
@permission_required(_VIEW)
def statement_csv(request: HttpRequest, pk: Any, year: int, month: int) -> HttpResponseBase:
    found = statement_of(request, pk, year, month)
    return csv_response(
        statements.file_name(found), statements.STATEMENT_CSV, statements.statement_rows(found)
    )


@require_POST
@permission_required(_VIEW, _EDIT)
def charge_void(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)
    row = get_visible_or_404(Charge.objects.open_for(person, _EDIT), person, pk=pk)
    form = ReasonForm(request.POST, auto_id=False)
    outcome = carried_out(
        request,
        form,
        lambda: services_fees.charge_void(charge_id=row.pk, user=person, **form.cleaned_data),
    )
    if outcome.done:
        text = _("%(reference)s is voided: the hospital does not owe it.")
        messages.success(request, text % {"reference": row.reference})
        return redirect(presenters_fees.statement_url(row.hospital_id, row.on))
    if outcome.status == 409:  # the line shows no form any more
        messages.error(request, " ".join(map(str, form.non_field_errors())))
    found = statement_of(request, row.hospital_id, row.on.year, row.on.month)
    return _statement_page(request, found, row.pk, form, outcome.status)


@require_GET
@permission_required(_VIEW)
def price_list(request: HttpRequest) -> HttpResponse:
    return _price_page(request, PriceForm(initial=_proposed()))


def _proposed() -> dict[str, Any]:
    """Tomorrow, in the currency of the price that was set last."""
    last = Price.objects.order_by("-entered_at").first()
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    return {"valid_from": tomorrow, **({"currency": last.currency} if last else {})}


def _price_page(request: HttpRequest, form: PriceForm, status: int = 200) -> HttpResponse:
    context = {
        "kinds": presenters_fees.price_list(timezone.localdate()),
        "form": form,
        "may_edit": services_fees.may_edit(person_of(request)),
        "crumbs": [(reverse("transplants:statement-list"), _("Fees")), ("", _("Price list"))],
    }
    return render(request, "transplants/price_list.html", context, status=status)


@require_POST
@permission_required(_VIEW, _EDIT)
def price_set(request: HttpRequest) -> HttpResponse:
    form = PriceForm(request.POST)
    outcome = carried_out(
        request, form, lambda: services_fees.price_set(user=person_of(request), **form.cleaned_data)
    )
    if not outcome.done:
        return _price_page(request, form, outcome.status)
    row = outcome.value
    text = _("The price holds from %(day)s on.") % {"day": f"{row.valid_from:%Y-%m-%d}"}
    messages.success(request, text)
    return redirect("transplants:price-list")


@require_POST
@permission_required(_VIEW, _EDIT)
def price_withdraw(request: HttpRequest, pk: Any) -> HttpResponse:
    form = ReasonForm(request.POST)
    outcome = carried_out(
        request,
        form,
        lambda: services_fees.price_withdraw(price_id=pk, user=person_of(request), **form.cleaned_data),
    )
    if outcome.done:
        messages.success(request, _("The price was withdrawn before it began."))
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return redirect("transplants:price-list")
