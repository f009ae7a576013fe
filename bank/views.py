"""The inventory list and the passport of a unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from bank import lists, passport, services, services_quality
from bank.choices import STATUS_TONE
from bank.forms import PopulationForm, ReasonForm, VerifyForm
from bank.forms_quality import HaemoglobinopathyForm, MeasurementForm, ProcessingForm
from bank.models import CordBloodUnit, HaemoglobinopathyResult, Measurement
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.roles import Permission

# Forms of the passport's actions that ask for something else than a reason.
FORMS: dict[str, type[forms.Form]] = {
    "population": PopulationForm,
    "processing": ProcessingForm,
    "measurement": MeasurementForm,
    "haemoglobinopathy": HaemoglobinopathyForm,
    "verify": VerifyForm,
}
# Values of the unit with which such a form begins.
INITIAL = ("populations", "red_cells", "processing_method")


@require_GET
@permission_required(Permission.INVENTORY_VIEW)
def unit_list(request: HttpRequest) -> HttpResponse:
    units, form, sort = lists.unit_selection(request, request.user)
    context = {
        "page": lists.unit_page(request, units),
        "form": form,
        "sort": sort,
        "columns": lists.HEADS,
        "active": lists.chips(form, request),
        "tones": STATUS_TONE,
        "clear_url": reverse("bank:unit-list"),
        "export_url": f"{reverse('bank:unit-export')}?{request.GET.urlencode()}",
    }
    return render(request, "bank/unit_list.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW)
def unit_export(request: HttpRequest) -> HttpResponseBase:
    units, _form, _sort = lists.unit_selection(request, request.user)
    header = lists.csv_header(person_of(request))
    return csv_response("qidai-units.csv", header, lists.csv_rows(units, header))


@require_GET
@permission_required(Permission.INVENTORY_VIEW)
def unit_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _passport(request, _visible(request, pk))


def _visible(request: HttpRequest, pk: Any) -> CordBloodUnit:
    units = CordBloodUnit.objects.select_related("bank", "donation", "import_batch")
    return get_visible_or_404(units, request.user, pk=pk)


def _passport(
    request: HttpRequest,
    unit: CordBloodUnit,
    *,
    form: forms.Form | None = None,
    act: str = "",
    status: int = 200,
) -> HttpResponse:
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), ("", unit.public_no)]
    context = passport.context(unit, request.user)
    initial = {name: getattr(unit, name) for name in INITIAL}
    for action in context.get("actions", []):
        name = action["name"]
        empty = FORMS.get(name, ReasonForm)(auto_id=f"{name}_%s", initial=initial)
        action["form"] = form if form and name == act else empty
        if isinstance(action["form"], VerifyForm):
            action["form"].show({row.pk for row in action["results"]})
    _tell_errors(request, form, act, context.get("actions", []))
    return render(request, "bank/unit_detail.html", context | {"crumbs": crumbs, "act": act}, status=status)


def _tell_errors(
    request: HttpRequest, form: forms.Form | None, act: str, actions: Iterable[Mapping[str, Any]]
) -> None:
    """What was wrong with a form that the page has no more, since the unit has moved on meanwhile."""
    if form and act not in {action["name"] for action in actions}:
        for errors in form.errors.values():
            messages.error(request, " ".join(errors))


@require_POST
@permission_required(Permission.UNIT_HOLD)
def unit_hold(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The unit is on hold; no search offers it now.")
    return _act(request, pk, "hold", services.unit_hold, done)


@require_POST
@permission_required(Permission.UNIT_HOLD)
def unit_unhold(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "unhold", services.unit_unhold, gettext_lazy("The hold is lifted."))


@require_POST
@permission_required(Permission.UNIT_CONFIRM)
def unit_confirm(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(
        request, pk, "confirm", services.unit_confirm_values, gettext_lazy("The values are confirmed.")
    )


@require_POST
@permission_required(Permission.INVENTORY_IMPORT)
def unit_population(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The population of the unit is recorded.")
    return _act(request, pk, "population", services.unit_population_change, done)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_processing(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The processing of the unit is recorded.")
    return _act(request, pk, "processing", services_quality.unit_processing_record, done)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_measurement(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "measurement", services_quality.measurement_record, _told)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_haemoglobinopathy(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "haemoglobinopathy", services_quality.haemoglobinopathy_record, _told)


def _told(row: Measurement | HaemoglobinopathyResult) -> str:
    """What became of a result that was entered."""
    if row.superseded:
        return _("The result is recorded, and the one in force stays: it is of a later day.")
    return _("The result is recorded; a second person verifies it.")


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def unit_verify(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The results are verified.")
    return _act(request, pk, "verify", services_quality.unit_results_verify, done)


def _act(
    request: HttpRequest,
    pk: Any,
    name: str,
    service: Callable[..., Any],
    done: Promise | Callable[[Any], str],
) -> HttpResponse:
    """One service with what its form asks. What was typed stays on the page when the service says no.

    done: what is said then, perhaps of what the service returned.
    """
    unit = _visible(request, pk)
    form = FORMS.get(name, ReasonForm)(request.POST, auto_id=f"{name}_%s")
    if not form.is_valid():
        return _passport(request, unit, form=form, act=name, status=400)
    try:
        written = service(unit_id=unit.pk, actor=actor_of(request), **form.cleaned_data)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _passport(request, _visible(request, pk), form=form, act=name, status=error.status)
    messages.success(request, str(done) if isinstance(done, Promise) else done(written))
    return redirect("bank:unit-detail", pk=unit.pk)
