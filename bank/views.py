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

from bank import (
    lists,
    passport,
    services,
    services_codes,
    services_intake,
    services_quality,
    services_release,
    services_screening,
)
from bank.choices import STATUS_TONE, UnitStatus
from bank.choices_genetic import GeneticKind
from bank.forms import ConfirmValuesForm, PopulationForm, ReasonForm, VerifyForm
from bank.forms_codes import ProductForm
from bank.forms_intake import CollectForm, FreezeForm, ProcessForm, ReceiveForm
from bank.forms_quality import HaemoglobinopathyForm, MeasurementForm, ProcessingForm
from bank.forms_release import EligibilityForm
from bank.forms_screening import BloodGroupForm, CultureForm
from bank.genetic_pages import file_asked, refused
from bank.models import BloodGroupResult, CordBloodUnit, HaemoglobinopathyResult, Measurement
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.panels import Place, panels
from core.posting import show_error
from core.roles import Permission

# Forms of the passport's actions that ask for something else than a reason.
FORMS: dict[str, type[forms.Form]] = {
    "population": PopulationForm,
    "processing": ProcessingForm,
    "measurement": MeasurementForm,
    "haemoglobinopathy": HaemoglobinopathyForm,
    "culture": CultureForm,
    "blood-group": BloodGroupForm,
    "eligibility": EligibilityForm,
    "collect": CollectForm,
    "receive": ReceiveForm,
    "process": ProcessForm,
    "freeze": FreezeForm,
    "product": ProductForm,
    "verify": VerifyForm,
    "confirm": ConfirmValuesForm,
}
# Values of the unit with which such a form begins.
INITIAL = ("populations", "red_cells", "processing_method", "product_code")


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
        "label_url": f"{reverse('bank:label-sheet')}?{request.GET.urlencode()}",
        "picking_url": f"{reverse('bank:storage-picking')}?{request.GET.urlencode()}",
    }
    return render(request, "bank/unit_list.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW)
def unit_export(request: HttpRequest) -> HttpResponseBase:
    units, _form, _sort = lists.unit_selection(request, request.user)
    asked = file_asked(
        request,
        GeneticKind.UNIT_CSV,
        title=_("Inventory"),
        count=units.count(),
        ids=lambda: list(units.order_by().values_list("pk", flat=True)),
    )
    if (elsewhere := refused(request, asked)) is not None:
        return elsewhere
    header = lists.csv_header(person_of(request))
    return csv_response("qidai-units.csv", header, lists.csv_rows(units, header))


@require_GET
@permission_required(Permission.INVENTORY_VIEW)
def unit_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _passport(request, _visible(request, pk))


def _visible(request: HttpRequest, pk: Any) -> CordBloodUnit:
    units = CordBloodUnit.objects.select_related("bank", "donation", "import_batch").with_kept()
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
    context = passport.context(unit, request.user) | {"panels": panels(Place.UNIT, request.user, unit)}
    initial = {name: getattr(unit, name) for name in INITIAL}
    for action in context.get("actions", []):
        name = action["name"]
        empty = FORMS.get(name, ReasonForm)(auto_id=f"{name}_%s", initial=initial)
        action["form"] = form if form and name == act else empty
        if isinstance(action["form"], VerifyForm):
            action["form"].show({row.pk for row in action["results"]})
        if isinstance(action["form"], ConfirmValuesForm):
            action["form"].show(action["shown"].digest)
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
    return _act(request, pk, "confirm", services.unit_confirm_values, _confirmed)


def _confirmed(unit: CordBloodUnit) -> str:
    if unit.status == UnitStatus.LISTED:
        return _("The values are confirmed; the unit is listed.")
    return _("The values are confirmed; the unit waits in quarantine for its release.")


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
def unit_product(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The product code of the unit is recorded.")
    return _act(request, pk, "product", services_codes.unit_product_record, done)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_measurement(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "measurement", services_quality.measurement_record, _told)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_haemoglobinopathy(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "haemoglobinopathy", services_quality.haemoglobinopathy_record, _told)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_culture(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The result is recorded; a second person verifies it.")
    return _act(request, pk, "culture", services_screening.culture_record, done)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_blood_group(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "blood-group", services_screening.blood_group_record, _told)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def unit_eligibility(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The decision is recorded; a second person verifies it.")
    return _act(request, pk, "eligibility", services_release.eligibility_decide, done)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_COLLECT)
def unit_collect(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(
        request, pk, "collect", services_intake.unit_collect, gettext_lazy("The collection is recorded.")
    )


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_COLLECT)
def unit_void(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "void", services_intake.unit_void, gettext_lazy("The kit is void."))


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_PROCESS)
def unit_receive(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(
        request, pk, "receive", services_intake.unit_receive, gettext_lazy("The arrival is recorded.")
    )


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_PROCESS)
def unit_process(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The processing has begun; record its counts next.")
    return _act(request, pk, "process", services_intake.unit_process, done)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_PROCESS)
def unit_freeze(request: HttpRequest, pk: Any) -> HttpResponse:
    done = gettext_lazy("The unit is frozen and waits in quarantine for its release.")
    return _act(request, pk, "freeze", services_intake.unit_freeze, done)


def _told(row: Measurement | HaemoglobinopathyResult | BloodGroupResult) -> str:
    """What became of a result that was entered."""
    if row.superseded:
        return _("The result is recorded, and the one in force stays: it is of a later day.")
    return _("The result is recorded; a second person verifies it.")


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.RESULT_VERIFY)
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
        show_error(form, error)
        return _passport(request, _visible(request, pk), form=form, act=name, status=error.status)
    messages.success(request, str(done) if isinstance(done, Promise) else done(written))
    return redirect("bank:unit-detail", pk=unit.pk)
