"""Haplotype frequency sets: which there are, what one holds, which are in use."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import Conflict, DomainError
from core.roles import Permission
from hla.frequencies.demo import demo_set
from matching import frequency_sets, services
from matching.choices import Quantity
from matching.models import FrequencySet
from matching.presenters import calibration, crumbs, frequencies


@require_GET
@permission_required(Permission.REFERENCE_VIEW)
def frequency_list(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    rows = [frequencies.listed(row) for row in FrequencySet.objects.visible_to(person)]
    context = {
        "rows": rows,
        "may_load": person.has_permission(Permission.REFERENCE_LOAD),
        "may_see_calibration": person.has_permission(Permission.INVENTORY_VIEW_ALL),
        "crumbs": crumbs.frequencies(),
    }
    return render(request, "matching/frequency_list.html", context)


@require_GET
@permission_required(Permission.REFERENCE_VIEW)
def frequency_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What cannot be read any more is said; the row and its state are shown all the same."""
    person = person_of(request)
    row = get_visible_or_404(FrequencySet, person, pk=pk)
    unreadable = ""
    content: dict[str, Any] | None = None
    try:
        content = frequencies.content(frequency_sets.haplotypes_of(frequency_sets.SetInfo.of(row)))
    except Conflict as error:
        unreadable = str(error)
    context = {
        "row": row,
        "set": frequencies.detail(row),
        "content": content,
        "unreadable": unreadable,
        "calibration_url": _calibration_url(request, row.checksum),
        "may_load": person.has_permission(Permission.REFERENCE_LOAD),
        "crumbs": crumbs.frequencies(crumbs.here(row.version)),
    }
    return render(request, "matching/frequency_detail.html", context)


@require_GET
@permission_required(Permission.REFERENCE_VIEW)
def frequency_built_in(request: HttpRequest) -> HttpResponse:
    found = demo_set()
    context = {
        "set": frequencies.built_in_detail(),
        "content": frequencies.content(found),
        "calibration_url": _calibration_url(request, found.checksum),
        "crumbs": crumbs.frequencies(crumbs.here(found.name)),
    }
    return render(request, "matching/frequency_detail.html", context)


def _calibration_url(request: HttpRequest, checksum: str) -> str:
    """How the predictions of a set turned out; "" for who may not see it."""
    may = person_of(request).has_permission(Permission.INVENTORY_VIEW_ALL)
    return calibration.address(Quantity.OF8, checksum) if may else ""


def _change(request: HttpRequest, pk: UUID, service: Any, said: str) -> HttpResponse:
    found = get_visible_or_404(FrequencySet, person_of(request), pk=pk)
    try:
        service(found=found, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said % {"version": found.version})
    return redirect("matching:frequency-detail", pk=pk)


@require_POST
@permission_required(Permission.REFERENCE_VIEW, Permission.REFERENCE_LOAD)
def frequency_activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _change(request, pk, services.frequency_set_activate, _("%(version)s is in use from now on."))


@require_POST
@permission_required(Permission.REFERENCE_VIEW, Permission.REFERENCE_LOAD)
def frequency_deactivate(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _change(request, pk, services.frequency_set_deactivate, _("%(version)s is no longer in use."))


@require_POST
@permission_required(Permission.REFERENCE_VIEW, Permission.REFERENCE_LOAD)
def frequency_make_default(request: HttpRequest, pk: UUID) -> HttpResponse:
    said = _("%(version)s is the bank's default from now on.")
    return _change(request, pk, services.frequency_set_make_default, said)


@require_POST
@permission_required(Permission.REFERENCE_VIEW, Permission.REFERENCE_LOAD)
def frequency_make_global(request: HttpRequest, pk: UUID) -> HttpResponse:
    said = _("%(version)s is the global set from now on.")
    return _change(request, pk, services.frequency_set_make_global, said)
