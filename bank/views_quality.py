"""What is known of units and banks beside the inventory: the mother's typing, accreditations, recovery after thaw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import banks, recovery, services_codes, services_mother, services_quality
from bank.forms_codes import BankCodesForm
from bank.forms_quality import AccreditationEndForm, AccreditationForm, MotherForm
from bank.models import Accreditation, Bank, CordBloodUnit
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.posting import show_error
from core.roles import Permission


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_mother(request: HttpRequest, pk: Any) -> HttpResponse:
    """The form of the mother's typing; where it contradicts the unit or itself it comes back and asks why."""
    unit = get_visible_or_404(CordBloodUnit.objects.select_related("bank"), person_of(request), pk=pk)
    form = MotherForm(request.POST if request.method == "POST" else None)
    contradictions: list[Mapping[str, Any]] = []
    if request.method == "POST" and form.is_valid():
        try:
            services_mother.mother_typing_record(
                unit_id=unit.pk,
                given=form.given(),
                reason=form.cleaned_data["reason"],
                confirmed=form.cleaned_data["confirmed"],
                actor=actor_of(request),
            )
        except DomainError as error:
            show_error(form, error)
            contradictions = [one for one in error.details if "locus" in one]
        else:
            messages.success(request, _("The mother's typing is recorded."))
            return redirect("bank:unit-detail", pk=unit.pk)
    crumbs = [
        (reverse("bank:unit-list"), _("Inventory")),
        (reverse("bank:unit-detail", args=[unit.pk]), unit.public_no),
        ("", _("Mother's typing")),
    ]
    context = {"unit": unit, "form": form, "contradictions": contradictions, "crumbs": crumbs}
    return render(request, "bank/unit_mother.html", context)


# --- banks ----------------------------------------------------------------------------------------


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def bank_list(request: HttpRequest) -> HttpResponse:
    return _bank_page(request)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def accreditation_record(request: HttpRequest, pk: Any) -> HttpResponse:
    bank = get_visible_or_404(Bank, person_of(request), pk=pk)
    form = AccreditationForm(request.POST, auto_id=f"record_{bank.pk}_%s")
    if not form.is_valid():
        return _bank_page(request, {bank.pk: form}, status=400)
    try:
        services_quality.accreditation_record(bank_id=bank.pk, actor=actor_of(request), **form.cleaned_data)
    except DomainError as error:
        form.add_error(error.field, error.message)
        return _bank_page(request, {bank.pk: form}, status=error.status)
    messages.success(request, _("The accreditation is recorded."))
    return redirect("bank:bank-list")


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def accreditation_end(request: HttpRequest, pk: Any) -> HttpResponse:
    row = get_visible_or_404(Accreditation, person_of(request), pk=pk)
    form = AccreditationEndForm(request.POST, auto_id=f"end_{row.pk}_%s")
    if not form.is_valid():
        return _bank_page(request, {row.pk: form}, status=400)
    try:
        services_quality.accreditation_end(
            accreditation_id=row.pk, actor=actor_of(request), **form.cleaned_data
        )
    except DomainError as error:
        form.add_error(error.field, error.message)
        return _bank_page(request, {row.pk: form}, status=error.status)
    messages.success(request, _("The last day is recorded."))
    return redirect("bank:bank-list")


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def bank_codes(request: HttpRequest, pk: Any) -> HttpResponse:
    """What the codes of its units begin with."""
    bank = get_visible_or_404(Bank, person_of(request), pk=pk)
    form = BankCodesForm(request.POST, auto_id=f"codes_{bank.pk}_%s")
    sent = {banks.codes_key(bank): form}
    if not form.is_valid():
        return _bank_page(request, sent, status=400)
    values = dict(form.cleaned_data)
    reason = values.pop("reason")
    try:
        services_codes.bank_codes_change(
            bank_id=bank.pk, values=values, actor=actor_of(request), reason=reason
        )
    except DomainError as error:
        show_error(form, error)
        return _bank_page(request, sent, status=error.status)
    messages.success(request, _("The codes of the bank are recorded."))
    return redirect("bank:bank-list")


def _bank_page(request: HttpRequest, forms: dict[Any, Any] | None = None, status: int = 200) -> HttpResponse:
    """forms: those that were sent and not accepted, by the bank or accreditation that they are of."""
    context = banks.context(person_of(request), timezone.localdate(), forms or {})
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), ("", _("Banks"))]
    return render(request, "bank/bank_list.html", context | {"crumbs": crumbs}, status=status)


# --- recovery -------------------------------------------------------------------------------------


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def recovery_list(request: HttpRequest) -> HttpResponse:
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), ("", _("Recovery after thaw"))]
    context = {"groups": banks.recovery_groups(), "at_least": recovery.AT_LEAST, "crumbs": crumbs}
    return render(request, "bank/recovery_list.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def recovery_export(request: HttpRequest) -> HttpResponseBase:
    return csv_response("qidai-recovery.csv", RECOVERY_HEADER, _recovery_rows())


RECOVERY_HEADER = (
    "analyte", "basis", "bank", "processing_method", "units", "p5_percent", "q1_percent", "median_percent",
    "q3_percent", "p95_percent", "enough_units",
)  # fmt: skip


def _recovery_rows() -> Iterator[list[Any]]:
    for row in recovery.recoveries():
        shares = (row.p5, row.q1, row.median, row.q3, row.p95)
        enough = "yes" if row.n >= recovery.AT_LEAST else "no"
        percents = [round(share * 100, 1) for share in shares]
        yield [row.analyte, row.basis, row.bank_code, row.method, row.n, *percents, enough]
