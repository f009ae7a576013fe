"""Pages of shippers and of the rules of shipping."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.posting import carried_out, posted
from core.roles import Permission
from transplants import presenters_shipments as presenters
from transplants import services_shippers as services
from transplants.forms_shipments import ShipperForm, ShippingRulesForm
from transplants.models import Shipment, Shipper, ShippingRules
from transplants.presenters import today

_WORK = Permission.SHIPMENT_WORK


@require_GET
@permission_required(_WORK)
def shipper_list(request: HttpRequest) -> HttpResponse:
    """A bank has dozens of them, so one page holds all; each with where it is."""
    rows = list(Shipper.objects.order_by("-active", "serial"))
    packed, away = (
        found.order_by().values("pk") for found in (Shipment.objects.packed(), Shipment.objects.under_way())
    )
    holding = Shipment.objects.filter(Q(pk__in=packed) | Q(pk__in=away)).select_related("hospital")
    of = {row.shipper_id: row for row in holding}
    context = {
        "rows": [presenters.shipper_row(row, of.get(row.pk), today()) for row in rows],
        "crumbs": [
            (reverse("transplants:shipment-list"), pgettext("ordered units", "Shipments")),
            ("", _("Shippers")),
        ],
    }
    return render(request, "transplants/shipper_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(_WORK)
def shipper_edit(request: HttpRequest, pk: Any = None) -> HttpResponse:
    """A new one, or what its new validation found."""
    row = Shipper.objects.filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise Http404
    form = ShipperForm(posted(request), row=row)
    outcome = carried_out(
        request,
        form,
        lambda: services.shipper_save(
            given=form.given(), user=person_of(request), shipper_id=pk, shown=form.cleaned_data["shown"]
        ),
    )
    if outcome.done:
        messages.success(request, _("Shipper %(serial)s is saved.") % {"serial": outcome.value.serial})
        return redirect("transplants:shipper-list")
    crumbs = [
        (reverse("transplants:shipment-list"), pgettext("ordered units", "Shipments")),
        (reverse("transplants:shipper-list"), _("Shippers")),
        ("", row.serial if row else _("New shipper")),
    ]
    context = {"form": form, "row": row, "crumbs": crumbs}
    return render(request, "transplants/shipper_form.html", context, status=outcome.status)


@require_POST
@permission_required(_WORK)
def shipper_move(request: HttpRequest, pk: Any) -> HttpResponse:
    """One that was away is back, or inspected and ready."""
    row = Shipper.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    try:
        services.shipper_move(shipper_id=row.pk, to=request.POST.get("to", ""), user=person_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Shipper %(serial)s is saved.") % {"serial": row.serial})
    return redirect("transplants:shipper-list")


@require_http_methods(["GET", "POST"])
@permission_required(Permission.SHIPMENT_VIEW, Permission.ORDER_RELEASE)
def rules_edit(request: HttpRequest) -> HttpResponse:
    """Whoever signs that units may leave says how cold they must stay."""
    form = ShippingRulesForm(posted(request), rules=ShippingRules.load())
    outcome = carried_out(
        request,
        form,
        lambda: services.shipping_rules_update(
            values=form.values(), actor=actor_of(request), reason=form.cleaned_data["reason"]
        ),
    )
    if outcome.done:
        messages.success(request, _("The rules are in force for every shipment from now on."))
        return redirect("transplants:shipping-rules")
    crumbs = [
        (reverse("transplants:shipment-list"), pgettext("ordered units", "Shipments")),
        ("", _("Rules")),
    ]
    context = {"form": form, "crumbs": crumbs}
    return render(request, "transplants/shipping_rules.html", context, status=outcome.status)
