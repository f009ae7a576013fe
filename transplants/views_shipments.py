"""Pages of shipments: the desk, pack, page, check, dispatch, what happens on the way, failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.exports import csv_response
from core.pages import paginate
from core.posting import carried_out, posted, show_now
from core.roles import Permission
from hospitals.models import Patient
from transplants import curves_shipments, lists_shipments, shipping
from transplants import presenters_shipments as presenters
from transplants import services_receipts as receipts
from transplants import services_shipments as services
from transplants.checklist import open_since_release
from transplants.choices_orders import OrderState
from transplants.forms_shipments import CheckForm, EventForm, FailForm, LoggerForm, PackForm, ShownForm
from transplants.models import Order, Receipt, Shipment, ShippingRules
from transplants.moments import zone_for, zone_of
from transplants.presenters import today

_VIEW = Permission.SHIPMENT_VIEW
_WORK = Permission.SHIPMENT_WORK
MOST_TO_PACK = 50
MOST_CURVES = 6


@require_GET
@permission_required(_VIEW)
def shipment_list(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    rows, form, sort = lists_shipments.selection(request, now)
    page = paginate(request, rows)
    context = {
        "page": page,
        "rows": [presenters.list_row(row, now) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists_shipments.columns(with_hospital="hospital" in form.fields),
        "active": _patient_chip(request, form),
        "export_url": f"{reverse('transplants:shipment-export')}?{request.GET.urlencode()}",
        "overdue": Shipment.objects.visible_to(person).overdue(now).count(),
        "ships": shipping.is_shipping(person),
        **_to_pack(request),
    }
    with timezone.override(zone_of(person)):
        return render(request, "transplants/shipment_list.html", context)


def _to_pack(request: HttpRequest) -> dict[str, Any]:
    """Orders that wait to be packed, what is wanted first on top; only for who packs."""
    person = person_of(request)
    if not shipping.is_shipping(person):
        return {}
    orders = Order.objects.visible_to(person).to_pack().with_names().select_related("shipment")
    rows = orders.order_by("deliver_on", "asked_at", "pk")
    return {
        "to_pack": [presenters.order_row(row, today()) for row in rows[:MOST_TO_PACK]],
        "to_pack_count": rows.count(),
    }


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
def shipment_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists_shipments.selection(request, timezone.now())
    return csv_response("qidai-shipments.csv", lists_shipments.CSV, lists_shipments.csv_rows(rows))


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, _WORK, Permission.ORDER_VIEW)
def shipment_create(request: HttpRequest, order_pk: Any) -> HttpResponse:
    """Pack a released unit."""
    person = person_of(request)
    order = get_visible_or_404(Order.objects.with_names(), person, pk=order_pk)
    packed = Shipment.objects.filter(order=order).first()
    if packed is not None and request.method == "GET":
        return redirect("transplants:shipment-detail", pk=packed.pk)
    form = PackForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services.shipment_pack(order_id=order.pk, packing=form.packing(), user=person),
    )
    if outcome.done:
        return _packed(request, outcome.value)
    crumbs = [(reverse("transplants:shipment-list"), pgettext("ordered units", "Shipments")), ("", _("Pack"))]
    context = {
        "form": form,
        "order": order,
        "since": open_since_release(order) if order.state == OrderState.RELEASED else [],
        "crumbs": crumbs,
        "cancel": reverse("transplants:shipment-list"),
    }
    return render(request, "transplants/shipment_pack.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, _WORK)
def shipment_repack(request: HttpRequest, pk: Any) -> HttpResponse:
    row, person = _visible(request, pk), person_of(request)
    form = PackForm(posted(request), row=row)
    outcome = carried_out(
        request,
        form,
        lambda: services.shipment_repack(
            shipment_id=row.pk, packing=form.packing(), user=person, shown=form.cleaned_data["shown"]
        ),
    )
    if outcome.done:
        return _packed(request, outcome.value)
    page = reverse("transplants:shipment-detail", args=[row.pk])
    crumbs = [
        (reverse("transplants:shipment-list"), pgettext("ordered units", "Shipments")),
        (page, row.number),
        ("", _("Pack again")),
    ]
    context = {
        "form": form,
        "order": row.order,
        "row": row,
        "since": open_since_release(row.order) if row.order.state == OrderState.RELEASED else [],
        "crumbs": crumbs,
        "cancel": page,
    }
    return render(request, "transplants/shipment_pack.html", context, status=outcome.status)


def _packed(request: HttpRequest, row: Shipment) -> HttpResponse:
    text = _("%(number)s is packed. Another person must now look at the unit's identity.")
    messages.success(request, text % {"number": row.number})
    return redirect("transplants:shipment-detail", pk=row.pk)


def _visible(request: HttpRequest, pk: Any) -> Shipment:
    found: Shipment = get_visible_or_404(Shipment.objects.with_names(), person_of(request), pk=pk)
    return found


@require_GET
@permission_required(_VIEW)
def shipment_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return page_of(request, _visible(request, pk))


def page_of(
    request: HttpRequest, row: Shipment, act: str = "", form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    """The page of a shipment, by the reader's clock; `act` names the form that was refused and is shown as sent."""
    with timezone.override(zone_for(person_of(request), row.hospital)):
        return _page_of(request, row, act, form, status)


def _page_of(
    request: HttpRequest, row: Shipment, act: str, form: forms.Form | None, status: int
) -> HttpResponse:
    person, now, rules = person_of(request), timezone.now(), ShippingRules.load()
    receipt = Receipt.objects.filter(shipment=row).select_related("received_by").first()
    refilled_at, may = shipping.last_refill(row), presenters.may(row, person)
    state = presenters.state_of(row, now)
    files = row.logger_files.in_force().defer("content").select_related("uploaded_by")
    count = row.logger_files.in_force().count()
    context = {
        "row": row,
        "state": state,
        "late": presenters.late_by(row, now),
        "steps": presenters.steps(row, state["code"]),
        "forms": _forms(row, act, form),
        "act": act,
        "may": may,
        # what is to be done now stands above all else, on a phone too
        "primary": may["receive"] or may["check"] or may["dispatch"] or state["code"] == "stale",
        "hold": presenters.hold(row, rules, refilled_at),
        "facts": presenters.facts(row, refilled_at),
        "timeline": presenters.timeline(row),
        "receipt": presenters.receipt_facts(receipt) if receipt else [],
        "failure": presenters.failure(row),
        "cards": [curves_shipments.card(file, row, receipt, rules) for file in files[:MOST_CURVES]],
        "more_files": max(0, count - MOST_CURVES),
        "voided": row.logger_files.light().filter(voided_at__isnull=False).select_related("voided_by"),
        "blocks": row.order.unit.block_labels,
        "order_url": presenters.order_url(row.order),
        "picking_url": f"{reverse('bank:storage-picking')}?units={row.order.unit.unit_no}"
        if may["picking"]
        else "",
        "crumbs": [
            (reverse("transplants:shipment-list"), pgettext("ordered units", "Shipments")),
            ("", row.number),
        ],
    }
    return render(request, "transplants/shipment_detail.html", context, status=status)


def _forms(row: Shipment, act: str, form: forms.Form | None) -> dict[str, forms.Form]:
    shown: dict[str, forms.Form] = {
        "check": CheckForm(auto_id="check_%s", row=row),
        "dispatch": ShownForm(auto_id="dispatch_%s", row=row),
        "event": EventForm(auto_id="event_%s", kinds=receipts.events_open(row)),
        "logger": LoggerForm(auto_id="logger_%s", zone=timezone.get_current_timezone()),
        "fail": FailForm(auto_id="fail_%s"),
    }
    if form is None:
        return shown
    show_now(form, shown[act])
    return shown | {act: form}


def act_on(
    request: HttpRequest,
    row: Shipment,
    act: str,
    form: forms.Form,
    service: Callable[[], Any],
    done: str,
) -> HttpResponse:
    """One service with what the form gives; a refusal stands beside its field, with what was typed."""
    outcome = carried_out(request, form, service)
    if outcome.done:
        messages.success(request, done)
        return redirect("transplants:shipment-detail", pk=row.pk)
    fresh = _visible(request, row.pk)
    if not presenters.may(fresh, person_of(request))[act]:  # the form is on the page no more
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
    return page_of(request, fresh, act, form, outcome.status)


@require_POST
@permission_required(_VIEW, _WORK)
def shipment_check(request: HttpRequest, pk: Any) -> HttpResponse:
    row, person = _visible(request, pk), person_of(request)
    form = CheckForm(request.POST, auto_id="check_%s")
    return act_on(
        request,
        row,
        "check",
        form,
        lambda: services.shipment_check(shipment_id=row.pk, user=person, **form.cleaned_data),
        _("Checked: it may leave."),
    )


@require_POST
@permission_required(_VIEW, _WORK)
def shipment_dispatch(request: HttpRequest, pk: Any) -> HttpResponse:
    row, person = _visible(request, pk), person_of(request)
    form = ShownForm(request.POST, auto_id="dispatch_%s")
    return act_on(
        request,
        row,
        "dispatch",
        form,
        lambda: services.shipment_dispatch(shipment_id=row.pk, user=person, **form.cleaned_data),
        _("The unit is under way; the hospital is told."),
    )


@require_POST
@permission_required(_VIEW, _WORK)
def shipment_event(request: HttpRequest, pk: Any) -> HttpResponse:
    row, person = _visible(request, pk), person_of(request)
    form = EventForm(request.POST, auto_id="event_%s", kinds=receipts.events_open(row))
    return act_on(
        request,
        row,
        "event",
        form,
        lambda: receipts.event_add(shipment_id=row.pk, happened=form.happened(), user=person),
        _("It is written down."),
    )


@require_POST
@permission_required(_VIEW, _WORK)
def shipment_fail(request: HttpRequest, pk: Any) -> HttpResponse:
    row, person = _visible(request, pk), person_of(request)
    form = FailForm(request.POST, auto_id="fail_%s")
    return act_on(
        request,
        row,
        "fail",
        form,
        lambda: services.shipment_fail(shipment_id=row.pk, user=person, **form.cleaned_data),
        _("The shipment has failed; hospital and quality assurance are told."),
    )
