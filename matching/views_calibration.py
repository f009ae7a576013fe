"""Calibration in service: how match probabilities turned out where units were typed again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.access import permission_required, person_of
from core.roles import Permission
from matching.calibration import calibrations
from matching.choices import Quantity
from matching.presenters import calibration, crumbs


@require_GET
@permission_required(Permission.REFERENCE_VIEW, Permission.INVENTORY_VIEW_ALL)
def calibration_page(request: HttpRequest) -> HttpResponse:
    """An unknown quantity shows 8/8: a stale link shows a page, not an error."""
    person = person_of(request)
    asked, checksum = request.GET.get("quantity", ""), request.GET.get("set", "").replace("\0", "")
    quantity = asked if asked in Quantity.values else Quantity.OF8.value
    found = calibrations(person, quantity, checksum)
    context = {
        "tabs": calibration.tabs(quantity, checksum),
        "subject": calibration.subject(quantity),
        "rows": calibration.listed(found),
        "method": calibration.method(found[0].alarm) if found else None,
        "checksum": checksum,
        "all_url": calibration.address(quantity),
        "crumbs": crumbs.frequencies(crumbs.here(_("Calibration"))),
    }
    return render(request, "matching/calibration.html", context)
