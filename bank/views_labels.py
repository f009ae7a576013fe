"""Pages of labels and of product codes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import services_labels
from bank.forms_codes import LabelForm, PlaceLabelForm
from bank.labels import places, printing, selection
from bank.labels.selection import MOST, Selection
from bank.models import CordBloodUnit, ProductCode
from core.access import permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.pages import Column, paginate
from core.roles import Permission


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LABEL_PRINT)
def label_sheet(request: HttpRequest) -> HttpResponse:
    """`?units=` (numbers, DINs, keys) or the inventory's own filters choose the units; looking prints nothing."""
    return _sheet(request, selection.of_request(request, person_of(request)))


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LABEL_PRINT)
def label_print(request: HttpRequest) -> HttpResponse:
    form = LabelForm(request.POST)
    if not form.is_valid():
        return _sheet(request, _again(request, form), form, 400)
    asked = form.cleaned_data
    try:
        units = services_labels.labels_printed(
            unit_ids=asked["units"], kind=asked["kind"], count=asked["count"], actor=actor_of(request)
        )
    except DomainError as error:
        form.add_error(error.field if error.field in ("count", "paper") else None, error.message)
        return _sheet(request, _again(request, form), form, error.status)
    return _pdf(printing.unit_labels(units, asked["kind"], asked["paper"], asked["count"], asked["language"]))


def _again(request: HttpRequest, form: LabelForm) -> Selection:
    """The units that the form was about."""
    keys = form.cleaned_data.get("units") or []
    rows = CordBloodUnit.objects.visible_to(person_of(request)).select_related("bank").in_bulk(keys[:MOST])
    return Selection([rows[key] for key in keys if key in rows])


def _sheet(
    request: HttpRequest, chosen: Selection, form: LabelForm | None = None, status: int = 200
) -> HttpResponse:
    refused = [text for unit in chosen.units if (text := services_labels.refusal_text(unit))]
    units = [unit for unit in chosen.units if not services_labels.refusal(unit)]
    initial = {"units": " ".join(str(unit.pk) for unit in units)}
    context = {
        "form": form or LabelForm(initial=initial),
        "units": units,
        "refused": refused,
        "unknown": chosen.unknown,
        "cut": chosen.cut,
        "most": MOST,
        "asked": request.GET.get("units", ""),
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Labels"))],
    }
    return render(request, "bank/label_sheet.html", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LABEL_PRINT)
def place_labels(request: HttpRequest) -> HttpResponse:
    """`?place=T1-R3-C2` fills the form; POST gives the file."""
    form = PlaceLabelForm(
        request.POST if request.method == "POST" else None, initial={"place": request.GET.get("place", "")}
    )
    status = 200
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            found = places.labelled(asked["place"])
            services_labels.place_labels_printed(
                node=found.node, count=len(found.places), actor=actor_of(request)
            )
            return _pdf(printing.place_labels(found.places, asked["paper"], asked["language"]))
        except DomainError as error:
            form.add_error("place", error.message)
            status = error.status
    elif request.method == "POST":
        status = 400
    crumbs = [
        (reverse("bank:unit-list"), _("Inventory")),
        (reverse("bank:label-sheet"), _("Labels")),
        ("", _("Labels of places")),
    ]
    return render(request, "bank/label_places.html", {"form": form, "crumbs": crumbs}, status=status)


def _pdf(content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="qidai-labels.pdf"'
    return response


# --- product codes -------------------------------------------------------------------------------


@require_GET
@permission_required(Permission.REFERENCE_VIEW, Permission.INVENTORY_VIEW_ALL)
def product_code_list(request: HttpRequest) -> HttpResponse:
    """`?q=` the beginning of a code, or a part of a description."""
    text = request.GET.get("q", "").replace("\0", "")[:100]
    person = person_of(request)
    labels = (_("Code"), _("Description"), _("Product class"), _("Version"), _("Loaded"))
    context: dict[str, Any] = {
        "page": paginate(request, ProductCode.objects.visible_to(person).matching(text)),
        "columns": [Column(label) for label in labels],
        "q": text,
        "may_load": person.has_permission(Permission.REFERENCE_LOAD),
        "crumbs": [(reverse("matching:release-list"), _("Reference data")), ("", _("Product codes"))],
    }
    return render(request, "bank/product_code_list.html", context)
