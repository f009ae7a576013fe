"""Pages of the patient's second typing: entered beside the one in force, and settled where they contradict."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.posting import carried_out, posted, show_error
from core.roles import Permission
from hospitals import services_confirmation
from hospitals.confirmation import states_sample, typing_confirmation
from hospitals.forms import uuid_or_none
from hospitals.models import Patient, PatientHlaTyping
from hospitals.plausibility import Doubt
from hospitals.typing_form import SecondTypingForm, SettleForm


def _editable(request: HttpRequest, pk: Any) -> Patient:
    rows = Patient.objects.select_related("hospital").with_current_typing()
    editable = rows.open_for(person_of(request), Permission.PATIENT_EDIT)
    patient: Patient = get_visible_or_404(editable, person_of(request), pk=pk)
    return patient


def _confirmed(request: HttpRequest) -> set[str]:
    return set(request.POST.get("confirmed", "").split())


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def typing_second(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _editable(request, pk)
    current = patient.current_typing
    if current is None:
        messages.info(request, _("There is no typing to confirm: enter the first one."))
        return redirect("hospitals:patient-typing", pk=patient.pk)
    form = SecondTypingForm(posted(request), asks_first=not states_sample(current))
    doubts: list[Doubt] = []
    if form.is_bound and form.is_valid():
        doubts = [doubt for doubt in form.doubts() if doubt.code not in _confirmed(request)]
        if not doubts and (row := _enter(request, patient, form)):
            _say(request, patient, row)
            return redirect("hospitals:patient-detail", pk=patient.pk)
    context = {"patient": patient, "typing": form, "doubts": doubts, "current": current}
    return render(request, "hospitals/patient_typing_second.html", context)


def _enter(request: HttpRequest, patient: Patient, form: SecondTypingForm) -> PatientHlaTyping | None:
    try:
        return services_confirmation.patient_typing_confirm(
            patient_id=patient.pk,
            typing=form.given(),
            first=form.first(),
            confirmed=_confirmed(request),
            by=actor_of(request),
        )
    except DomainError as error:
        show_error(form, error)
        return None


def _say(request: HttpRequest, patient: Patient, row: PatientHlaTyping) -> None:
    found = typing_confirmation(patient)
    if any(one.row.pk == row.pk for one in found.contradictions):
        messages.error(request, _("The second typing was saved. It contradicts the first."))
    else:
        messages.success(request, _("The second typing was saved.") + f" {found.why}")


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def typing_settle(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _editable(request, pk)
    form = SettleForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services_confirmation.patient_typing_settle(
            patient_id=patient.pk,
            typing_id=uuid_or_none(request.POST.get("typing", "")) or UUID(int=0),
            reason=form.cleaned_data["reason"],
            by=actor_of(request),
        ),
    )
    if outcome.done:
        messages.success(request, _("The discrepancy is settled. What was set aside stays in the history."))
        return redirect("hospitals:patient-detail", pk=patient.pk)
    found = typing_confirmation(patient)
    context = {"patient": patient, "form": form, "found": found, "current": patient.current_typing}
    return render(request, "hospitals/patient_typing_settle.html", context, status=outcome.status)
