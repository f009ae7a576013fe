"""What every search rests on: nomenclature releases, code tables, policies; and what a change of them did."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import reference
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.models import User
from core.pages import paginate
from core.roles import Permission
from matching import lists_changes, services
from matching.models import (
    CiwdTableVersion,
    FrequencySet,
    LoadedReference,
    MacTableVersion,
    MatchRequest,
    NomenclatureRelease,
    Rereading,
    SelectionPolicy,
    TypingChange,
)
from matching.presenters import crumbs, references
from matching.querysets import may_see_requests_touched

COMPARISONS_SHOWN = 5


@require_GET
@permission_required(Permission.REFERENCE_VIEW)
def release_list(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    releases, tables, common = (
        [references.loaded(row) for row in model.objects.visible_to(person)]
        for model in (NomenclatureRelease, MacTableVersion, CiwdTableVersion)
    )
    policies = SelectionPolicy.objects.visible_to(person).offered().select_related("hospital")
    frequencies = FrequencySet.objects.visible_to(person).active().order_by("population")
    with_requests = may_see_requests_touched(person)
    comparisons = list(Rereading.objects.visible_to(person).with_data()[:COMPARISONS_SHOWN])
    context = {
        "releases": releases,
        "tables": tables,
        "common": common,
        "frequencies": frequencies,
        "policies": [references.policy(row) for row in policies],
        "comparisons": _comparisons(comparisons, person),
        "with_requests": with_requests,
        "nomenclature": reference.nomenclature(),
        "built_in": not any(row["active"] for row in releases),
        "has_mac": any(row["active"] for row in tables),
        "may_load": person.has_permission(Permission.REFERENCE_LOAD),
    }
    return render(request, "matching/release_list.html", context)


def _comparisons(rows: list[Rereading], person: User) -> list[dict[str, Any]]:
    """With the figures that the person may see: those of all typings, or the number of changes seen."""
    if may_see_requests_touched(person):
        return [references.comparison(row) for row in rows]
    seen = TypingChange.objects.visible_to(person).filter(rereading__in=rows).order_by()
    counted = dict(seen.values_list("rereading").annotate(count=Count("pk")))
    return [references.comparison(row, changed=counted.get(row.pk, 0)) for row in rows]


def _activate(request: HttpRequest, found: LoadedReference, service: Any, name: str) -> HttpResponse:
    try:
        service(**{name: found}, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(version)s is in use from now on.") % {"version": found.version})
    return redirect("matching:release-list")


@require_POST
@permission_required(Permission.REFERENCE_VIEW, Permission.REFERENCE_LOAD)
def release_activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_visible_or_404(NomenclatureRelease, person_of(request), pk=pk)
    return _activate(request, found, services.release_activate, "release")


@require_POST
@permission_required(Permission.REFERENCE_VIEW, Permission.REFERENCE_LOAD)
def mac_activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_visible_or_404(MacTableVersion, person_of(request), pk=pk)
    return _activate(request, found, services.mac_activate, "table")


@require_POST
@permission_required(Permission.REFERENCE_VIEW, Permission.REFERENCE_LOAD)
def ciwd_activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_visible_or_404(CiwdTableVersion, person_of(request), pk=pk)
    return _activate(request, found, services.ciwd_activate, "table")


@require_GET
@permission_required(Permission.REFERENCE_VIEW)
def change_list(request: HttpRequest) -> HttpResponse:
    """`?comparison=` chooses one; without it the newest that changed something is shown."""
    person = person_of(request)
    rows, form, sort = lists_changes.change_selection(request)
    page = paginate(request, rows)
    with_requests = may_see_requests_touched(person)
    context = {
        "page": page,
        "rows": _with_requests([references.change(row) for row in page], person),
        "form": form,
        "sort": sort,
        "columns": lists_changes.change_columns(with_requests=with_requests),
        "with_requests": with_requests,
        "comparison": _comparisons([form.chosen], person)[0] if form.chosen else None,
        "export_url": f"{reverse('matching:change-export')}?{request.GET.urlencode()}",
        "crumbs": crumbs.reference(crumbs.here(_("Changed typings"))),
    }
    return render(request, "matching/change_list.html", context)


def _with_requests(rows: list[dict[str, Any]], person: User) -> list[dict[str, Any]]:
    """The open requests that the person may see, by one query for the page; the rest stays a number."""
    wanted = {key for row in rows for key in row["requests"]}
    seen = (
        MatchRequest.objects.visible_to(person).filter(pk__in=wanted)
        if wanted
        else MatchRequest.objects.none()
    )
    numbers = dict(seen.values_list("pk", "number"))
    for row in rows:
        links = [{"pk": key, "number": numbers[key]} for key in row["requests"] if key in numbers]
        row["requests"] = sorted(links, key=lambda link: link["number"])
    return rows


@require_GET
@permission_required(Permission.REFERENCE_VIEW)
def change_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists_changes.change_selection(request)
    with_requests = may_see_requests_touched(person_of(request))
    header = [*lists_changes.CHANGE_CSV, *(["open_requests"] if with_requests else [])]
    return csv_response(
        "qidai-changed-typings.csv", header, lists_changes.change_rows(rows, with_requests=with_requests)
    )
