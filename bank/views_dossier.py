"""What a unit had to do with: lots noted, its look-back, its dossier."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bank import lookback, presenters_lookback, services_dossier, services_lots
from bank.forms_lots import LotUseForm
from bank.models import CordBloodUnit
from bank.unit_pages import crumbs_of, own_unit
from core.access import permission_required, person_of
from core.audit import actor_of
from core.panels import Place, panels
from core.posting import carried_out, posted
from core.roles import Permission

LANGUAGES = [code for code, _name in settings.LANGUAGES]


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_lot(request: HttpRequest, pk: Any) -> HttpResponse:
    """Note a lot or instrument that was used on the unit."""
    unit = own_unit(request, pk)
    form = LotUseForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services_lots.lot_use_record(unit_id=unit.pk, actor=actor_of(request), **form.cleaned_data),
    )
    if outcome.done:
        messages.success(request, _("The lot is noted with the unit."))
        return redirect("bank:unit-lookback", pk=unit.pk)
    context = {"unit": unit, "form": form, "crumbs": crumbs_of(unit, _("Note a lot"))}
    return render(request, "bank/unit_lot.html", context, status=outcome.status)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_lookback(request: HttpRequest, pk: Any) -> HttpResponse:
    """Mother, siblings, samples, lots, people, places and neighbours of a unit, and whom it concerns, on one page."""
    unit, user = own_unit(request, pk), person_of(request)
    context = {
        **presenters_lookback.context(lookback.lookback_of(unit), timezone.localdate()),
        "panels": panels(Place.LOOKBACK, user, unit),
        "may_note": user.has_permission(Permission.INVENTORY_IMPORT),
        "may_fetch": user.has_permission(Permission.UNIT_DOSSIER),
        "crumbs": crumbs_of(unit, _("Look-back")),
    }
    return render(request, "bank/unit_lookback.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_DOSSIER)
def unit_dossier(request: HttpRequest, pk: Any) -> HttpResponse:
    """What the dossier holds, and its files. Looking at this page is no download."""
    unit = own_unit(request, pk)
    dossier = services_dossier.read(unit.pk, actor_of(request))
    context = {
        "unit": unit,
        "parts": [{"title": one.section.title, "n": len(one.records)} for one in dossier.parts],
        "languages": settings.LANGUAGES,
        "crumbs": crumbs_of(unit, _("Dossier")),
    }
    return render(request, "bank/unit_dossier.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_DOSSIER)
def unit_dossier_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """`?format=json`, else the PDF in `?lang=` or the language of the page; that it was fetched is audited."""
    unit = own_unit(request, pk)
    asked = request.GET.get("lang", "")
    language = asked if asked in LANGUAGES else get_language() or LANGUAGES[0]
    return file_response(request, unit, request.GET.get("format", ""), language)


def file_response(request: HttpRequest, unit: CordBloodUnit, form: str, language: str) -> HttpResponse:
    """The file as a download."""
    file = services_dossier.dossier_fetch(
        unit_id=unit.pk, form="json" if form == "json" else "pdf", language=language, actor=actor_of(request)
    )
    response = HttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["X-Content-SHA256"] = file.sha256
    return response
