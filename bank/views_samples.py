"""The page of a unit's samples: what is left, what was used, and the forms that write it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from bank import scanning, services_sample_places, stock_pages
from bank import services_samples as services
from bank.forms_stocks import CorrectForm, OpenForm, PlaceForm, UseForm
from bank.models import CordBloodUnit, SampleUse
from bank.unit_pages import crumbs_of, own_unit
from core.access import permission_required, person_of
from core.audit import actor_of
from core.posting import Outcome, carried_out
from core.roles import Permission
from core.signing import signing

MAX_USES = 200
ACTS = {
    "use": Permission.SAMPLE_USE,
    "open": Permission.SAMPLE_USE,
    "place": Permission.STORAGE_EDIT,
    "correct": Permission.RESULT_VERIFY,
}


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_samples(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, own_unit(request, pk))


@require_POST
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_samples_act(request: HttpRequest, pk: Any, act: str) -> HttpResponse:
    """One of the forms of the page was sent."""
    if act not in ACTS:
        raise Http404
    if not person_of(request).has_permission(ACTS[act]):
        raise PermissionDenied
    unit = own_unit(request, pk)
    form = _forms(unit, act, request)[act]
    outcome: Outcome = carried_out(request, form, lambda: _carry_out(request, unit, act, form))
    if not outcome.done:
        return _page(request, own_unit(request, pk), act=act, form=form, status=outcome.status)
    messages.success(request, outcome.value)
    return redirect("bank:unit-samples", pk=unit.pk)


def _carry_out(request: HttpRequest, unit: CordBloodUnit, act: str, form: Any) -> str:
    """What is said when it is done."""
    given: dict[str, Any] = {"unit_id": unit.pk, "which": form.which}
    if act == "use":
        used = services.sample_use(**given, use=form.use(), actor=actor_of(request))
        return _("It is recorded; %(n)s are left.") % {"n": used.sample.remaining}
    data = {name: value for name, value in form.cleaned_data.items() if name != "sample"}
    if act == "place":
        return _place(request, given, data)
    if act == "open":
        services.sample_open(**given, **data, actor=actor_of(request))
        return _("The sample is in the stock.")
    with signing(request, target=unit, action="unit.sample_sign_refused") as user:
        used = services.sample_correct(**given, **data, user=user)
    return _("The count is corrected; %(n)s are left.") % {"n": used.sample.remaining}


def _place(request: HttpRequest, given: dict[str, Any], data: dict[str, Any]) -> str:
    actor = actor_of(request)
    if not data["place"].strip():
        services_sample_places.sample_take_out(**given, actor=actor, reason=data["reason"])
        return _("The sample is taken out of its place.")
    slot = scanning.slot_of(data["place"], person_of(request))
    slot = services_sample_places.sample_put(**given, slot_id=slot.pk, actor=actor)
    return _("The sample lies in %(place)s now.") % {"place": slot.place}


def _forms(unit: CordBloodUnit, act: str = "", request: HttpRequest | None = None) -> dict[str, forms.Form]:
    """The forms of the page; that of `act` with what was sent."""
    stock = list(stock_pages.with_places(unit))

    def data(name: str) -> Any:
        return request.POST if request is not None and name == act else None

    kinds = stock_pages.kinds_to_open(unit, stock)
    return {
        "use": UseForm(data("use"), stock=stock, auto_id="use_%s"),
        "open": OpenForm(data("open"), kinds=kinds, auto_id="open_%s"),
        "place": PlaceForm(data("place"), stock=stock, auto_id="place_%s"),
        "correct": CorrectForm(data("correct"), stock=stock, auto_id="correct_%s"),
    }


def _page(
    request: HttpRequest, unit: CordBloodUnit, *, act: str = "", form: Any = None, status: int = 200
) -> HttpResponse:
    user = person_of(request)
    found = _forms(unit) | ({act: form} if act else {})
    shown = {name: one for name, one in found.items() if user.has_permission(ACTS[name])}
    uses = SampleUse.objects.filter(sample__unit=unit).select_related("sample", "used_by")
    context = {
        "unit": unit,
        "stock": [
            {
                "row": row,
                "name": stock_pages.name_of(row.subject, row.kind),
                "place": stock_pages.place_of(row),
            }
            for row in stock_pages.with_places(unit)
        ],
        "uses": [
            {"row": row, "name": stock_pages.name_of(row.sample.subject, row.sample.kind)}
            for row in uses[:MAX_USES]
        ],
        "forms": {name: one for name, one in shown.items() if one.fields["sample"].choices},
        "act": act,
        "crumbs": crumbs_of(unit, _("Samples")),
    }
    return render(request, "bank/unit_samples.html", context, status=status)
