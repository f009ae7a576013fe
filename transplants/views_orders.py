"""Pages of orders: list, ask, page, change, sign, approve, decline, withdraw, permit, release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank.services_documents import extension_of
from core.access import get_visible_or_404, permission_required, person_of
from core.exports import csv_response
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import signing
from hospitals.models import Department, Membership, Patient
from transplants import lists_orders, order_page, prescription
from transplants import presenters_orders as presenters
from transplants import services_orders as services
from transplants import services_signing as signatures
from transplants.forms import ReasonForm
from transplants.forms_orders import (
    AmendForm,
    ApproveForm,
    PermitForm,
    PrescriptionForm,
    ReleaseForm,
    SignForm,
)
from transplants.models import Order, PermitFile, Reservation
from transplants.presenters import unit_facts
from transplants.services_orders import OrderWish

_VIEW = Permission.ORDER_VIEW


@require_GET
@permission_required(_VIEW)
def order_list(request: HttpRequest) -> HttpResponse:
    today, person = presenters.today(), person_of(request)
    rows, form, sort = lists_orders.selection(request)
    page = paginate(request, rows)
    context = {
        "page": page,
        "rows": [presenters.list_row(row, today, person) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists_orders.columns(with_hospital="hospital" in form.fields),
        "active": _patient_chip(request, form),
        "export_url": f"{reverse('transplants:order-export')}?{request.GET.urlencode()}",
    }
    return render(request, "transplants/order_list.html", context)


def _patient_chip(request: HttpRequest, form: forms.Form) -> list[dict[str, str]]:
    """Says that the list is about one patient, and leads to all of them."""
    wanted = form.cleaned_data.get("patient")
    patient = Patient.objects.visible_to(person_of(request)).filter(pk=wanted).first() if wanted else None
    if patient is None:
        return []
    query = request.GET.copy()
    del query["patient"]
    return [{"label": _("Patient"), "value": patient.code, "remove": f"?{query.urlencode()}"}]


@require_GET
@permission_required(_VIEW)
def order_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists_orders.selection(request)
    return csv_response("qidai-orders.csv", lists_orders.CSV, lists_orders.csv_rows(rows))


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.ORDER_ASK, Permission.RESERVATION_VIEW)
def order_create(request: HttpRequest, reservation_pk: Any) -> HttpResponse:
    """Order the unit of a reservation."""
    person = person_of(request)
    rows = Reservation.objects.with_names().select_related("patient__hospital")
    kept: Reservation = get_visible_or_404(
        rows.open_for(person, Permission.ORDER_ASK), person, pk=reservation_pk
    )
    departments = list(Department.objects.active().filter(hospital=kept.hospital_id))
    chosen = _department(request, departments)
    begins = prescription.proposed(kept.patient, chosen)
    form = PrescriptionForm(posted(request), initial=begins, hospital_id=kept.hospital_id)
    outcome = carried_out(request, form, lambda: services.order_ask(wish=_wish(form, kept), user=person))
    if outcome.done:
        messages.success(
            request,
            _("%(number)s was sent. A physician signs the prescription next.")
            % {"number": outcome.value.number},
        )
        return redirect("transplants:order-detail", pk=outcome.value.pk)
    context = {
        "form": form,
        "kept": kept,
        "unit_facts": unit_facts(kept.unit, kept.patient),
        "refused": order_page.why_not_ordered(kept),
        "departments": departments,
        "chosen": chosen,
        "crumbs": [
            (reverse("transplants:reservation-list"), _("Reservations")),
            (reverse("transplants:reservation-detail", args=[kept.pk]), kept.number),
            ("", _("Order the unit")),
        ],
    }
    return render(request, "transplants/order_create.html", context, status=outcome.status)


def _department(request: HttpRequest, departments: list[Department]) -> Department | None:
    """Whose contact the form begins with: the one that the address names, else the person's own."""
    wanted = request.GET.get("department")
    if wanted is None:
        own = Membership.objects.filter(user=person_of(request), department__in=departments)
        wanted = str(own.values_list("department", flat=True).first() or "")
    return next((one for one in departments if str(one.pk) == wanted), None)


def _wish(form: PrescriptionForm, kept: Reservation) -> OrderWish:
    return OrderWish(
        reservation_id=kept.pk, prescribed=form.prescribed(), order_id=form.cleaned_data["order_id"]
    )


def _visible(request: HttpRequest, pk: Any, *acting: Permission) -> Order:
    person = person_of(request)
    rows = Order.objects.with_all().open_for(person, *acting)
    found: Order = get_visible_or_404(rows, person, pk=pk)
    return found


@require_GET
@permission_required(_VIEW)
def order_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return order_page.page(request, _visible(request, pk))


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.ORDER_ASK)
def order_amend(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk, Permission.ORDER_ASK)
    form = AmendForm(posted(request), order=row)
    outcome = carried_out(
        request,
        form,
        lambda: services.order_amend(
            order_id=row.pk,
            prescribed=form.prescribed(),
            user=person_of(request),
            version=form.cleaned_data["version"],
            reason=form.cleaned_data.get("reason", ""),
        ),
    )
    if outcome.done:
        changed = outcome.value.version != row.version
        text = (
            _("The prescription is changed. A physician signs it anew.")
            if changed
            else _("Nothing was changed.")
        )
        messages.success(request, text)
        return redirect("transplants:order-detail", pk=row.pk)
    context = {
        "form": form,
        "row": row,
        "crumbs": [*order_page.crumbs(row, last=False), ("", _("Change the prescription"))],
    }
    return render(request, "transplants/order_amend.html", context, status=outcome.status)


Done = str | Callable[[Any], str]


def _act(
    request: HttpRequest, row: Order, act: str, form: forms.Form, work: Callable[[], Any], done: Done
) -> HttpResponse:
    """One service; a refusal stands beside its field, with what was typed, or above where the form is gone."""
    outcome = carried_out(request, form, work)
    if not outcome.done:
        return order_page.page(request, _visible(request, row.pk), act, form, outcome.status)
    messages.success(request, done if isinstance(done, str) else done(outcome.value))
    return redirect("transplants:order-detail", pk=row.pk)


@require_POST
@sensitive_post_parameters("password")
@permission_required(_VIEW)
def order_sign(request: HttpRequest, pk: Any) -> HttpResponse:
    """A physician signs the prescription, with the password."""
    row = _visible(request, pk)
    form = SignForm(request.POST, auto_id="sign_%s")

    def work() -> Any:
        with signing(request, target=order_page.target(row), action="order.sign_refused") as user:
            return signatures.order_sign(order_id=row.pk, user=user, **form.cleaned_data)

    return _act(request, row, "sign", form, work, _("The prescription is signed. The bank decides next."))


@require_POST
@permission_required(_VIEW, Permission.ORDER_APPROVE)
def order_approve(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk, Permission.ORDER_APPROVE)
    form = ApproveForm(request.POST, auto_id="approve_%s")
    return _act(
        request,
        row,
        "approve",
        form,
        lambda: services.order_approve(order_id=row.pk, user=person_of(request), **form.cleaned_data),
        _("The unit is ordered; quality assurance prepares its release."),
    )


@require_POST
@permission_required(_VIEW, Permission.ORDER_APPROVE)
def order_decline(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk, Permission.ORDER_APPROVE)
    form = ReasonForm(request.POST, auto_id="decline_%s")
    return _act(
        request,
        row,
        "decline",
        form,
        lambda: services.order_decline(order_id=row.pk, user=person_of(request), **form.cleaned_data),
        _("Declined; the hospital is told. The unit stays reserved."),
    )


@require_POST
@permission_required(_VIEW)
def order_withdraw(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk)
    form = ReasonForm(request.POST, auto_id="withdraw_%s")
    return _act(
        request,
        row,
        "withdraw",
        form,
        lambda: services.order_withdraw(order_id=row.pk, user=person_of(request), **form.cleaned_data),
        _("The order is withdrawn. The unit is reserved as before."),
    )


@require_POST
@permission_required(_VIEW, Permission.ORDER_APPROVE)
def order_permit(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk, Permission.ORDER_APPROVE)
    form = PermitForm(request.POST, request.FILES, auto_id="permit_%s")
    return _act(
        request,
        row,
        "permit",
        form,
        lambda: services.permit_record(order_id=row.pk, permit=form.permit(), user=person_of(request)),
        _("The permit is recorded."),
    )


@require_GET
@permission_required(_VIEW)
def order_permit_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """As a download, never shown in the page: it is a stranger's file."""
    person = person_of(request)
    file = get_visible_or_404(PermitFile.objects.light(), person, pk=pk)
    row, data = services.permit_file_open(file=file, user=person)
    response = HttpResponse(data, content_type=row.content_type)
    name = f"{row.order.number}-permit-{row.sha256[:8]}.{extension_of(row.content_type)}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@sensitive_post_parameters("password")
@permission_required(_VIEW, Permission.ORDER_RELEASE)
def order_release(request: HttpRequest, pk: Any) -> HttpResponse:
    """Sign, as one of two, that the unit may leave."""
    row = _visible(request, pk, Permission.ORDER_RELEASE)
    form = ReleaseForm(request.POST, auto_id="release_%s", asks_why="justification" in request.POST)

    def work() -> Any:
        with signing(request, target=order_page.target(row), action="order.sign_refused") as user:
            return signatures.order_release_sign(order_id=row.pk, user=user, **form.cleaned_data)

    return _act(request, row, "release", form, work, order_page.release_words)


@require_POST
@permission_required(_VIEW, Permission.ORDER_RELEASE)
def order_revoke(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk, Permission.ORDER_RELEASE)
    form = ReasonForm(request.POST, auto_id="revoke_%s")
    return _act(
        request,
        row,
        "revoke",
        form,
        lambda: signatures.order_release_revoke(
            order_id=row.pk, user=person_of(request), **form.cleaned_data
        ),
        _("The release is revoked. Shipping and the hospital are told."),
    )
