"""Records that may be of one person: the list of the bank, what is said of a pair, merges and their end."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from hospitals import services_duplicates, services_merge
from hospitals.forms_merge import MergeForm
from hospitals.models import Patient, PatientMerge, PossibleDuplicate
from hospitals.querysets import PatientQuerySet


@require_GET
@permission_required(Permission.PATIENT_MERGE)
def duplicate_list(request: HttpRequest) -> HttpResponse:
    """Open pairs; with `?state=dismissed` those that are two persons, and who said so."""
    person = person_of(request)
    rows = PossibleDuplicate.objects.visible_to(person).with_names()
    dismissed = request.GET.get("state") == "dismissed"
    shown = rows.filter(dismissed_at__isnull=False) if dismissed else rows.open()
    context = {
        "page": paginate(request, shown),
        "dismissed": dismissed,
        "opens_patients": person.has_permission(Permission.PATIENT_VIEW),
        "counts": {
            "open": rows.open().count(),
            "dismissed": rows.filter(dismissed_at__isnull=False).count(),
        },
    }
    return render(request, "hospitals/duplicate_list.html", context)


@require_POST
@permission_required(Permission.PATIENT_MERGE)
def duplicate_dismiss(request: HttpRequest, pk: Any) -> HttpResponse:
    row: PossibleDuplicate = get_visible_or_404(PossibleDuplicate, person_of(request), pk=pk)
    _dismiss(request, row.first_id, row.second_id)
    return redirect("hospitals:duplicate-list")


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PATIENT_MERGE)
def merge_list(request: HttpRequest) -> HttpResponse:
    """Merges, and the form for another one; `?kept=…&merged=…` fills it in."""
    person = person_of(request)
    initial = {name: request.GET.get(name, "") for name in ("kept", "merged")}
    form = MergeForm(posted(request), user=person, initial=initial)
    outcome = carried_out(
        request,
        form,
        lambda: services_merge.patient_merge(
            kept_id=form.cleaned_data["kept"].pk,
            merged_id=form.cleaned_data["merged"].pk,
            reason=form.cleaned_data["reason"],
            by=actor_of(request),
        ),
    )
    if outcome.done:
        texts = {"merged": outcome.value.merged.code, "kept": outcome.value.kept.code}
        messages.success(request, _("%(merged)s now leads to %(kept)s.") % texts)
        return redirect("hospitals:merge-list")
    context = {
        "form": form,
        "page": paginate(request, PatientMerge.objects.visible_to(person).with_names()),
        "opens_patients": person.has_permission(Permission.PATIENT_VIEW),
    }
    return render(request, "hospitals/merge_list.html", context, status=outcome.status)


@require_POST
@permission_required(Permission.PATIENT_MERGE)
def merge_undo(request: HttpRequest, pk: Any) -> HttpResponse:
    row: PatientMerge = get_visible_or_404(PatientMerge, person_of(request), pk=pk)
    try:
        services_merge.patient_unmerge(
            merge_id=row.pk, reason=request.POST.get("reason", ""), by=actor_of(request)
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The merge was undone: both records stand for themselves again."))
    return redirect("hospitals:merge-list")


@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def duplicate_deny(request: HttpRequest, pk: Any, other_pk: Any) -> HttpResponse:
    """By the hospital itself, of two patients of its own."""
    rows: PatientQuerySet = Patient.objects.open_for(person_of(request), Permission.PATIENT_EDIT)
    patient: Patient = get_visible_or_404(rows, person_of(request), pk=pk)
    other: Patient = get_visible_or_404(rows, person_of(request), pk=other_pk)
    if other.hospital_id != patient.hospital_id or other.pk == patient.pk:
        raise Http404
    _dismiss(request, patient.pk, other.pk)
    return redirect("hospitals:patient-detail", pk=patient.pk)


def _dismiss(request: HttpRequest, one: Any, other: Any) -> None:
    reason = request.POST.get("reason", "").replace("\0", "")  # the database takes no NUL in a text
    try:
        services_duplicates.duplicate_dismiss(
            first_id=one, second_id=other, reason=reason, by=actor_of(request)
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("It is recorded that they are two persons."))
