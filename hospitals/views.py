"""Pages of hospitals and their people."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.pages import paginate
from core.posting import show_error
from core.roles import Permission
from hospitals import lists, services
from hospitals.forms import HospitalForm, MembershipForm
from hospitals.models import Hospital, Membership


@require_GET
@permission_required(Permission.HOSPITAL_VIEW)
def hospital_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists.hospital_selection(request)
    context = {
        "page": paginate(request, rows),
        "form": form,
        "sort": sort,
        "columns": lists.HOSPITAL_COLUMNS,
    }
    return render(request, "hospitals/hospital_list.html", context)


@require_GET
@permission_required(Permission.HOSPITAL_VIEW)
def hospital_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists.hospital_selection(request)
    return csv_response("qidai-hospitals.csv", lists.HOSPITAL_CSV, lists.hospital_rows(rows))


@require_GET
@permission_required(Permission.HOSPITAL_VIEW)
def hospital_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _detail(request, pk, MembershipForm())


def _detail(request: HttpRequest, pk: Any, form: MembershipForm, status: int = 200) -> HttpResponse:
    hospital = get_visible_or_404(Hospital.objects.with_activity(), person_of(request), pk=pk)
    people = (
        Membership.objects.visible_to(person_of(request)).filter(hospital=hospital).select_related("user")
    )
    context = {"hospital": hospital, "people": people, "form": form}
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


def _editable(request: HttpRequest, pk: Any) -> Hospital:
    rows = Hospital.objects.open_for(person_of(request), Permission.HOSPITAL_EDIT)
    hospital: Hospital = get_visible_or_404(rows, person_of(request), pk=pk)
    return hospital


@require_http_methods(["GET", "POST"])
@permission_required(Permission.HOSPITAL_EDIT)
def hospital_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    hospital = _editable(request, pk)
    form = HospitalForm(request.POST or None, instance=copy(hospital))
    if request.method == "POST" and form.is_valid():
        try:
            services.hospital_update(
                hospital_id=hospital.pk, data=form.data_for_service(), by=actor_of(request)
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The changes were saved."))
            return redirect("hospitals:hospital-detail", pk=hospital.pk)
    return render(request, "hospitals/hospital_form.html", {"form": form, "hospital": hospital})


@require_POST
@permission_required(Permission.HOSPITAL_EDIT)
def membership_add(request: HttpRequest, pk: Any) -> HttpResponse:
    hospital = _editable(request, pk)
    form = MembershipForm(request.POST)
    if form.is_valid():
        try:
            services.membership_add(
                hospital_id=hospital.pk,
                user_id=form.person.pk,
                title=form.cleaned_data["title"],
                department=form.cleaned_data["department"],
                by=actor_of(request),
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("%(person)s was added.") % {"person": form.person})
            return redirect("hospitals:hospital-detail", pk=hospital.pk)
    return _detail(request, hospital.pk, form)


@require_POST
@permission_required(Permission.HOSPITAL_EDIT)
def membership_remove(request: HttpRequest, pk: Any) -> HttpResponse:
    rows = Membership.objects.open_for(person_of(request), Permission.HOSPITAL_EDIT)
    membership = get_visible_or_404(rows, person_of(request), pk=pk)
    reason = request.POST.get("reason", "").replace("\0", "")[:400]  # the database takes no NUL in a text
    services.membership_remove(membership_id=membership.pk, reason=reason, by=actor_of(request))
    messages.success(request, _("The person was removed from the hospital. The account remains."))
    return redirect("hospitals:hospital-detail", pk=membership.hospital_id)
