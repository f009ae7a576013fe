"""Pages of what a unit and its mother were tested for: the panel of markers, and results that were wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bank import services_screening
from bank.forms import ReasonForm
from bank.forms_screening import PanelForm
from bank.models import MarkerResult
from bank.unit_pages import crumbs_of, own_unit
from core.access import permission_required, person_of
from core.audit import actor_of
from core.models import User
from core.posting import carried_out, posted
from core.roles import Permission

KIT_DAYS = 7  # a kit that somebody used this week is proposed again


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_markers(request: HttpRequest, pk: Any) -> HttpResponse:
    """The panel of one sample, entered at once."""
    unit = own_unit(request, pk)
    initial = {"subject": "mother", **PanelForm.initial_of(kits_of(person_of(request)))}
    form = PanelForm(posted(request), initial=initial)

    def record() -> object:
        return services_screening.markers_record(
            unit_id=unit.pk,
            subject=form.cleaned_data["subject"],
            drawn=form.drawn(),
            results=form.results(),
            lot_reason=form.cleaned_data["lot_reason"],
            actor=actor_of(request),
        )

    outcome = carried_out(request, form, record)
    if outcome.done:
        messages.success(request, _("The results are recorded; a second person verifies them."))
        return redirect("bank:unit-detail", pk=unit.pk)
    context = {"unit": unit, "form": form, "crumbs": crumbs_of(unit, _("Infectious disease markers"))}
    return render(request, "bank/unit_markers.html", context, status=outcome.status)


def kits_of(user: User) -> dict[str, tuple[str, str]]:
    """Test -> method and lot that this person entered last, if lately: one kit serves many units."""
    since = timezone.now() - timedelta(days=KIT_DAYS)
    rows = MarkerResult.objects.standing().filter(entered_by=user, entered_at__gte=since)
    newest = rows.order_by("entered_at").values_list("test", "method", "kit_lot")[:500]
    return {test: (method, lot) for test, method, lot in newest}


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def result_retract(request: HttpRequest, pk: Any, kind: str, result_pk: Any) -> HttpResponse:
    """One result and why it is wrong."""
    unit = own_unit(request, pk)
    model = services_screening.RETRACTABLE.get(kind)
    row = model.objects.filter(unit=unit, pk=result_pk).first() if model else None
    if row is None:
        raise Http404
    form = ReasonForm(posted(request))

    def retract() -> object:
        return services_screening.result_retract(
            unit_id=unit.pk,
            kind=kind,
            result_id=row.pk,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
        )

    outcome = carried_out(request, form, retract)
    if outcome.done:
        messages.success(request, _("The result is retracted; it stays on the page, and counts no more."))
        return redirect("bank:unit-detail", pk=unit.pk)
    context = {"unit": unit, "row": row, "form": form, "crumbs": crumbs_of(unit, _("Retract a result"))}
    return render(request, "bank/result_retract.html", context, status=outcome.status)
