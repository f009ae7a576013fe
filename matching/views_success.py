"""Match success as observed: page and CSV."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.access import permission_required, person_of
from core.exports import csv_response
from core.roles import Permission
from matching import success
from matching.forms_success import SuccessForm
from matching.presenters import success as presenter


def _form(request: HttpRequest) -> SuccessForm:
    return SuccessForm(request.GET, for_hospital=presenter.own_hospitals(person_of(request)) is not None)


@require_GET
@permission_required(Permission.SUCCESS_VIEW)
def match_success(request: HttpRequest) -> HttpResponse:
    """Of all patients for the bank; a hospital sees its own figure beside that of all."""
    form = _form(request)
    asked = form.definition
    rows = success.firsts(asked)
    context = {
        "form": form,
        "export_url": f"{reverse('matching:success-export')}?{request.GET.urlencode()}",
        **presenter.page(rows, asked, form.by_what, person_of(request)),
    }
    return render(request, "matching/success.html", context)


@require_GET
@permission_required(Permission.SUCCESS_VIEW)
def success_export(request: HttpRequest) -> HttpResponseBase:
    form = _form(request)
    asked = form.definition
    rows = presenter.csv_rows(success.firsts(asked), asked, form.by_what, person_of(request))
    return csv_response("qidai-match-success.csv", presenter.CSV_HEAD, rows)
