"""What every search rests on: nomenclature releases, code tables, policies."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import reference
from core.access import permission_required, person_of
from core.roles import Permission
from matching.models import MacTableVersion, NomenclatureRelease, SelectionPolicy
from matching.presenters import references


@require_GET
@permission_required(Permission.REFERENCE_VIEW)
def release_list(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    releases = NomenclatureRelease.objects.visible_to(person)
    tables = MacTableVersion.objects.visible_to(person)
    policies = SelectionPolicy.objects.visible_to(person).select_related("hospital")
    context = {
        "releases": [references.loaded(row) for row in releases],
        "tables": [references.loaded(row) for row in tables],
        "policies": [references.policy(row) for row in policies],
        "nomenclature": reference.nomenclature(),
        "built_in": not any(row.is_active for row in releases),
        "has_mac": any(row.is_active for row in tables),
    }
    return render(request, "matching/release_list.html", context)
