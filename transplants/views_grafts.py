"""Pages of thaw and infusion, of units that were not used, and of transplants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.errors import Conflict
from core.exports import csv_response
from core.models import User
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from transplants import lists_grafts, presenters_follow_up, services_grafts, services_returns
from transplants import presenters_grafts as presenters
from transplants.choices_orders import OrderState
from transplants.forms_grafts import InfusionForm, NotUsedForm
from transplants.models import Infusion, Order, Transplant
from transplants.moments import zone_for
from transplants.presenters import today

_REPORT = (Permission.ORDER_VIEW, Permission.SHIPMENT_RECEIVE)
_VIEW = Permission.TRANSPLANT_VIEW


# --- reports of the hospital ----------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@permission_required(*_REPORT)
def infusion_create(request: HttpRequest, pk: Any) -> HttpResponse:
    """How a delivered unit was thawed and given; what looks unusual is asked about again."""
    order = _order(request, pk)
    zone = zone_for(person_of(request), order.hospital)
    form = InfusionForm(posted(request), order=order, zone=zone)
    doubts: list[Mapping[str, Any]] = []

    def send() -> Infusion:
        confirmed = frozenset(request.POST.get("confirmed", "").split())
        try:
            return services_grafts.infusion_report(
                order_id=order.pk, report=form.report(confirmed), user=person_of(request)
            )
        except Conflict as error:
            doubts.extend(error.details)
            raise

    outcome = carried_out(request, form, send)
    if outcome.done:
        row: Infusion = outcome.value
        text = _("%(unit)s is reported as infused: %(number)s.")
        messages.success(request, text % {"unit": row.unit.public_no, "number": row.transplant.number})
        return redirect("transplants:transplant-detail", pk=row.transplant_id)
    order = _order(request, pk)
    with timezone.override(zone):
        crumbs = _crumbs(order, _("Report the infusion"))
        context = {**_of_order(order, form), "doubts": doubts, "crumbs": crumbs}
        return render(request, "transplants/infusion_create.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@permission_required(*_REPORT)
def order_not_used(request: HttpRequest, pk: Any) -> HttpResponse:
    """A delivered unit is not given to its patient."""
    order, person = _order(request, pk), person_of(request)
    form = NotUsedForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services_returns.graft_not_used(order_id=order.pk, user=person, **form.cleaned_data),
    )
    if outcome.done:
        text = _("The bank is told that %(unit)s was not used; it says where the unit goes.")
        messages.success(request, text % {"unit": order.unit.public_no})
        return redirect("hospitals:patient-detail", pk=order.patient_id)
    order = _order(request, pk)
    context = {**_of_order(order, form), "crumbs": _crumbs(order, _("Not used"))}
    return render(request, "transplants/order_not_used.html", context, status=outcome.status)


def _order(request: HttpRequest, pk: Any) -> Order:
    person = person_of(request)
    rows = Order.objects.with_names().select_related("shipment__receipt", "infusion__transplant")
    found: Order = get_visible_or_404(rows.open_for(person, *_REPORT), person, pk=pk)
    return found


def _of_order(order: Order, form: forms.Form) -> dict[str, Any]:
    """The form is offered while the unit is at the hospital; else the page says where the order stands."""
    infusion: Infusion | None = getattr(order, "infusion", None)
    return {
        "order": order,
        "form": form,
        "is_open": order.state == OrderState.DELIVERED,
        "transplant": infusion.transplant if infusion else None,
        "blocks": order.unit.block_labels,
        "above_c": services_grafts.above_on_way(order),
        "facts": presenters.order_facts(order, services_grafts.arrived_at(order)),
    }


def _crumbs(order: Order, last: str) -> list[tuple[str, str]]:
    return [
        (reverse("hospitals:patient-list"), _("Patients")),
        (reverse("hospitals:patient-detail", args=[order.patient_id]), order.patient.code),
        ("", f"{order.number} · {last}"),
    ]


# --- transplants ----------------------------------------------------------------------------------


@require_GET
@permission_required(_VIEW)
def transplant_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists_grafts.selection(request)
    page = paginate(request, rows)
    context = {
        "page": page,
        "rows": [presenters.list_row(row) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists_grafts.columns(with_hospital="hospital" in form.fields),
        "export_url": f"{reverse('transplants:transplant-export')}?{request.GET.urlencode()}",
    }
    return render(request, "transplants/transplant_list.html", context)


@require_GET
@permission_required(_VIEW)
def transplant_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists_grafts.selection(request)
    return csv_response("qidai-transplants.csv", lists_grafts.CSV, lists_grafts.csv_rows(rows))


@require_GET
@permission_required(_VIEW)
def transplant_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    row, person = _transplant(request, pk), person_of(request)
    with timezone.override(zone_for(person, row.hospital)):
        return _transplant_page(request, row, person)


def _transplant_page(request: HttpRequest, row: Transplant, person: User) -> HttpResponse:
    infusions = list(row.infusions.select_related("unit", "order").prefetch_related("measurements"))
    context = {
        "row": row,
        "facts": presenters.facts(row),
        "units": [presenters.unit_card(one) for one in infusions],
        "doses": presenters.dose_facts(infusions) if len(infusions) > 1 else [],
        "reaction": presenters.reaction_tag(infusions),
        "may_deactivate": presenters.may_deactivate(row, person),
        "kept": presenters.still_kept(row, person),
        "timeline": presenters.timeline(row, infusions),
        "listed_units": row.units.filter(infusion__isnull=True).select_related("unit"),
        "follow_up": presenters_follow_up.panel(row, person, today()),
        "crumbs": [(reverse("transplants:transplant-list"), _("Transplants")), ("", row.number)],
    }
    return render(request, "transplants/transplant_detail.html", context)


@require_POST
@permission_required(_VIEW, Permission.PATIENT_EDIT)
def transplant_deactivate(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _transplant(request, pk, Permission.PATIENT_EDIT)
    form = forms.Form(request.POST)
    outcome = carried_out(
        request,
        form,
        lambda: services_grafts.transplant_deactivate(transplant_id=row.pk, user=person_of(request)),
    )
    if outcome.done:
        text = _("%(patient)s is inactive: transplanted.")
        messages.success(request, text % {"patient": row.who})
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return redirect("transplants:transplant-detail", pk=row.pk)


def _transplant(request: HttpRequest, pk: Any, *acting: Permission) -> Transplant:
    person = person_of(request)
    rows = Transplant.objects.with_names().open_for(person, *acting)
    found: Transplant = get_visible_or_404(rows, person, pk=pk)
    return found
