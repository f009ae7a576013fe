"""Pages of the departments of a hospital and of the people who work there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.posting import carried_out, posted
from core.roles import Permission
from hospitals import services_people
from hospitals.forms_people import DepartmentForm, MembershipEditForm, MembershipForm, department_initial
from hospitals.models import Department, Hospital, Membership
from hospitals.views import editable, hospital_page


@require_POST
@permission_required(Permission.HOSPITAL_EDIT)
def membership_add(request: HttpRequest, pk: Any) -> HttpResponse:
    hospital = editable(request, pk)
    form = MembershipForm(request.POST, hospital=hospital)
    outcome = carried_out(
        request,
        form,
        lambda: services_people.membership_add(
            hospital_id=hospital.pk,
            user_id=form.person.pk,
            title=form.cleaned_data["title"],
            department_id=form.department_id(),
            by=actor_of(request),
        ),
    )
    if not outcome.done:
        return hospital_page(request, hospital.pk, form, outcome.status)
    messages.success(request, _("%(person)s was added.") % {"person": form.person})
    return redirect("hospitals:hospital-detail", pk=hospital.pk)


def _membership(request: HttpRequest, pk: Any) -> Membership:
    rows = Membership.objects.select_related("hospital", "user")
    found: Membership = get_visible_or_404(
        rows.open_for(person_of(request), Permission.HOSPITAL_EDIT), person_of(request), pk=pk
    )
    return found


@require_http_methods(["GET", "POST"])
@permission_required(Permission.HOSPITAL_EDIT)
def membership_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _membership(request, pk)
    form = MembershipEditForm(posted(request), membership=row)
    outcome = carried_out(
        request,
        form,
        lambda: services_people.membership_update(
            membership_id=row.pk,
            title=form.cleaned_data["title"],
            department_id=form.department_id(),
            shown=form.cleaned_data["shown"],
            by=actor_of(request),
        ),
    )
    if outcome.done:
        messages.success(request, _("The changes were saved."))
        return redirect("hospitals:hospital-detail", pk=row.hospital_id)
    return _form_page(request, form, row.hospital, row.user.full_name, outcome.status)


@require_POST
@permission_required(Permission.HOSPITAL_EDIT)
def membership_remove(request: HttpRequest, pk: Any) -> HttpResponse:
    membership = _membership(request, pk)
    reason = request.POST.get("reason", "").replace("\0", "")[:400]  # the database takes no NUL in a text
    services_people.membership_remove(membership_id=membership.pk, reason=reason, by=actor_of(request))
    messages.success(request, _("The person was removed from the hospital. The account remains."))
    return redirect("hospitals:hospital-detail", pk=membership.hospital_id)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.HOSPITAL_EDIT)
def department_create(request: HttpRequest, pk: Any) -> HttpResponse:
    hospital = editable(request, pk)
    form = DepartmentForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services_people.department_add(
            hospital_id=hospital.pk, data=form.data_for_service(), by=actor_of(request)
        ),
    )
    if outcome.done:
        messages.success(request, _("%(department)s was added.") % {"department": outcome.value})
        return redirect("hospitals:hospital-detail", pk=hospital.pk)
    return _form_page(request, form, hospital, _("New department"), outcome.status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.HOSPITAL_EDIT)
def department_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)
    rows = Department.objects.select_related("hospital").open_for(person, Permission.HOSPITAL_EDIT)
    row = get_visible_or_404(rows, person, pk=pk)
    form = DepartmentForm(posted(request), initial=department_initial(row))
    outcome = carried_out(
        request,
        form,
        lambda: services_people.department_update(
            department_id=row.pk,
            data=form.data_for_service(),
            version=form.cleaned_data["version"] or 0,
            by=actor_of(request),
        ),
    )
    if outcome.done:
        messages.success(request, _("The changes were saved."))
        return redirect("hospitals:hospital-detail", pk=row.hospital_id)
    return _form_page(request, form, row.hospital, row.display_name, outcome.status)


def _form_page(
    request: HttpRequest, form: forms.Form, hospital: Hospital, title: str, status: int
) -> HttpResponse:
    crumbs = [
        (reverse("hospitals:hospital-list"), _("Hospitals")),
        (reverse("hospitals:hospital-detail", args=[hospital.pk]), hospital.code),
        ("", title),
    ]
    context = {"form": form, "hospital": hospital, "title": title, "crumbs": crumbs}
    return render(request, "hospitals/people_form.html", context, status=status)
