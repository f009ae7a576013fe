"""The picking list: a page to look at, and the paper that two people sign."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bank import storage_map
from bank.forms_picking import PickedForm, PickingForm
from bank.labels import selection
from bank.labels.picking import picking_pdf
from bank.labels.selection import Selection
from bank.models import CordBloodUnit
from bank.services_picking import MAX_PICKED, picking_list_made
from core.access import permission_required, person_of
from core.audit import actor_of
from core.posting import carried_out
from core.roles import Permission


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def picking(request: HttpRequest) -> HttpResponse:
    """`?units=` (numbers, DINs, scans), or the inventory's own filters; looking records nothing."""
    user = person_of(request)
    form = PickingForm(request.GET if "units" in request.GET else None)
    chosen = Selection()
    if form.is_valid():
        chosen = selection.of_text(",".join(form.cleaned_data["units"]), user)
    elif not form.is_bound:
        chosen = selection.of_request(request, user)
        if chosen.units:
            form.initial = {
                "units": "\n".join(unit.din or unit.unit_no for unit in chosen.units[:MAX_PICKED])
            }
    return _page(request, form, chosen)


def _page(
    request: HttpRequest,
    form: PickingForm,
    chosen: Selection,
    *,
    errors: PickedForm | None = None,
    status: int = 200,
) -> HttpResponse:
    units = chosen.units[:MAX_PICKED]
    found: dict[str, Any] = storage_map.picking(units)
    keys = " ".join(str(row["unit"].pk) for row in found["rows"])
    context = {
        **found,
        "unknown": chosen.unknown,
        "cut": MAX_PICKED if chosen.cut or len(chosen.units) > MAX_PICKED else 0,
        "form": form,
        "print_form": errors or PickedForm(),
        "picked": keys,
        "crumbs": storage_map.crumbs(last=_("Picking list")),
    }
    return render(request, "bank/storage_picking.html", context, status=status)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def picking_print(request: HttpRequest) -> HttpResponse:
    """The paper, and that it was made; none where a unit lies in no place any more."""
    form = PickedForm(request.POST)
    outcome = carried_out(
        request,
        form,
        lambda: picking_list_made(unit_ids=form.cleaned_data["units"], actor=actor_of(request)),
    )
    if outcome.done:
        pdf = picking_pdf(outcome.value, str(person_of(request)), get_language() or "en")
        answer = HttpResponse(pdf, content_type="application/pdf")
        answer["Content-Disposition"] = 'attachment; filename="picking-list.pdf"'
        return answer
    keys = (form.cleaned_data.get("units") or [])[:MAX_PICKED]
    rows = CordBloodUnit.objects.visible_to(person_of(request)).select_related("bank").in_bulk(keys)
    again = Selection([rows[key] for key in keys if key in rows])
    return _page(request, PickingForm(), again, errors=form, status=outcome.status)
