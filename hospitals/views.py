"""Pages of hospitals; those of their departments and people stand in views_people."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.pages import paginate
from core.posting import carried_out, posted, show_error
from core.roles import Permission
from hospitals import activity, lists_hospitals, services
from hospitals.forms import HospitalForm
from hospitals.forms_people import MembershipForm
from hospitals.hospital_page import hospital_context
from hospitals.models import Hospital


@require_GET
@permission_required(Permission.HOSPITAL_VIEW)
def hospital_list(request: HttpRequest) -> HttpResponse:
    home, today = lists_hospitals.home_country(), timezone.localdate()
    rows, form, sort = lists_hospitals.hospital_selection(request, home)
    page = paginate(request, rows)
    context = {
        "page": page,
        "rows": [(row, row.qualification(today), lists_hospitals.figures_of(row)) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists_hospitals.hospital_columns(),
        "home_country": home,
    }
    return render(request, "hospitals/hospital_list.html", context)


@require_GET
@permission_required(Permission.HOSPITAL_VIEW)
def hospital_export(request: HttpRequest) -> HttpResponseBase:
    home = lists_hospitals.home_country()
    rows, _form, _sort = lists_hospitals.hospital_selection(request, home)
    return csv_response(
        "qidai-hospitals.csv", lists_hospitals.csv_head(), lists_hospitals.csv_rows(rows, home)
    )


@require_GET
@permission_required(Permission.HOSPITAL_VIEW)
def hospital_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return hospital_page(request, pk)


def hospital_page(
    request: HttpRequest, pk: Any, form: MembershipForm | None = None, status: int = 200
) -> HttpResponse:
    """form: of a person who could not be added, with what was typed."""
    person = person_of(request)
    hospital = get_visible_or_404(activity.with_figures(Hospital.objects.all()), person, pk=pk)
    context = hospital_context(hospital, person) | {"form": form or MembershipForm(hospital=hospital)}
    return render(request, "hospitals/hospital_detail.html", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.HOSPITAL_EDIT)
def hospital_create(request: HttpRequest) -> HttpResponse:
    form = HospitalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            hospital = services.hospital_create(data=form.data_for_service(), by=actor_of(request))
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The hospital was added. Now add its people."))
            return redirect("hospitals:hospital-detail", pk=hospital.pk)
    return render(request, "hospitals/hospital_form.html", {"form": form})


def editable(request: HttpRequest, pk: Any) -> Hospital:
    rows = Hospital.objects.open_for(person_of(request), Permission.HOSPITAL_EDIT)
    hospital: Hospital = get_visible_or_404(rows, person_of(request), pk=pk)
    return hospital


@require_http_methods(["GET", "POST"])
@permission_required(Permission.HOSPITAL_EDIT)
def hospital_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    hospital = editable(request, pk)
    form = HospitalForm(posted(request), instance=copy(hospital))
    outcome = carried_out(
        request,
        form,
        lambda: services.hospital_update(
            hospital_id=hospital.pk,
            data=form.data_for_service(),
            version=form.cleaned_data["version"] or 0,
            by=actor_of(request),
        ),
    )
    if outcome.done:
        messages.success(request, _("The changes were saved."))
        return redirect("hospitals:hospital-detail", pk=hospital.pk)
    context = {"form": form, "hospital": hospital}
    return render(request, "hospitals/hospital_form.html", context, status=outcome.status)
