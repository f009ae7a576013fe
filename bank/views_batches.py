"""What was imported: the batches, and the limits beyond which their counts wait for a person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bank import services
from bank.choices import Source
from bank.forms import LimitsForm
from bank.models import ImportBatch, PlausibilityLimits
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.pages import paginate
from core.roles import Permission


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def batch_list(request: HttpRequest) -> HttpResponse:
    batches = ImportBatch.objects.select_related("bank").order_by("-created_at", "pk")
    labels = (_("When"), _("File"), _("Who"), _("Rows"), _("New"), _("Waiting"), _("Failed"))
    columns = [{"label": label, "key": "", "num": place > 2} for place, label in enumerate(labels)]
    context = {
        "page": paginate(request, batches),
        "columns": columns,
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Imports"))],
    }
    return render(request, "bank/batch_list.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def batch_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    batch = get_visible_or_404(ImportBatch.objects.select_related("bank"), person_of(request), pk=pk)
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), (reverse("bank:batch-list"), _("Imports"))]
    context = {"batch": batch, "facts": _batch_facts(batch), "crumbs": [*crumbs, ("", batch.file_name)]}
    return render(request, "bank/batch_detail.html", context)


def _batch_facts(batch: ImportBatch) -> list[dict[str, Any]]:
    seed = batch.invented_counts_seed
    counts = _("from the file") if seed is None else _("invented (seed %(seed)s)") % {"seed": seed}
    return [
        {"label": _("Bank"), "value": batch.bank},
        {"label": _("Form"), "value": batch.get_kind_display()},
        {"label": _("Imported by"), "value": batch.actor},
        {"label": _("Rows"), "value": batch.rows},
        {"label": _("New"), "value": batch.imported},
        {"label": _("Waiting for confirmation"), "value": batch.held},
        *_listing_facts(batch),
        {"label": _("Unchanged"), "value": batch.unchanged},
        *_list_facts(batch),
        {"label": _("Failed"), "value": batch.failed},
        {"label": _("Nomenclature"), "value": batch.nomenclature},
        {"label": _("Multiple allele codes"), "value": batch.mac_version},
        {"label": _("Counts"), "value": counts},
        {"label": "SHA-256", "value": batch.file_sha256},
    ]


def _listing_facts(batch: ImportBatch) -> list[dict[str, Any]]:
    """Whether own units entered as listed, and on whose word."""
    if batch.declaration:
        return [{"label": _("Released before, as declared"), "value": batch.declaration}]
    if batch.undeclared:
        return [{"label": _("Listed in the file, entered the quarantine"), "value": batch.undeclared}]
    return []


def _list_facts(batch: ImportBatch) -> list[dict[str, Any]]:
    """Of a partner's list."""
    if batch.bank.source == Source.OWN:
        return []
    content = _("all units of the partner") if batch.full_list else _("changes only")
    return [
        {"label": _("The list holds"), "value": content},
        {"label": _("Changed"), "value": batch.changed},
        {"label": _("Gone from the list"), "value": batch.gone},
    ]


@require_http_methods(["GET", "POST"])
@permission_required(Permission.UNIT_CONFIRM)
def limits_edit(request: HttpRequest) -> HttpResponse:
    posted = request.method == "POST"
    form = LimitsForm(request.POST if posted else None, instance=PlausibilityLimits.load())
    if form.is_valid():
        values = {name: form.cleaned_data[name] for name in LimitsForm.Meta.fields}
        try:
            services.limits_update(values=values, actor=actor_of(request), reason=form.cleaned_data["reason"])
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("The limits are in force for every import from now on."))
            return redirect("bank:limits-edit")
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), ("", _("Plausibility limits"))]
    status = 400 if form.is_bound else 200
    return render(request, "bank/limits_form.html", {"form": form, "crumbs": crumbs}, status=status)
