"""Pages of a patient's sera: entered with a preview, shown, withdrawn with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.posting import show_error
from core.roles import Permission
from hospitals import services_antibodies
from hospitals.antibody_forms import ROWS, SerumForm, WithdrawForm
from hospitals.antibody_page import UNTESTED, own_antigens, serum_facts
from hospitals.models import AntibodySerum, Patient
from hospitals.querysets import open_in


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def serum_create(request: HttpRequest, pk: Any) -> HttpResponse:
    """Check first, save then: the preview sends what was read once more, and it is checked once more."""
    rows = Patient.objects.select_related("hospital").with_current_typing()
    editable = rows.open_for(person_of(request), Permission.PATIENT_EDIT)
    patient: Patient = get_visible_or_404(editable, person_of(request), pk=pk)
    if request.method != "POST":
        return _form_page(request, patient, SerumForm())
    if "edit" in request.POST or "more" in request.POST:
        return _form_page(request, patient, SerumForm(initial=_kept(request)))
    form = SerumForm(request.POST, request.FILES)
    if not form.is_readable():
        return _form_page(request, patient, form)
    if "save" in request.POST and (serum := _record(request, patient, form)):
        return redirect("hospitals:serum-detail", pk=serum)
    return _form_page(request, patient, form) if form.errors else _preview(request, patient, form)


def _kept(request: HttpRequest) -> dict[str, Any]:
    """What was typed, for going on with it; with more rows if they were asked for."""
    kept: dict[str, Any] = request.POST.dict()
    if "more" in request.POST and kept.get("rows", "").isdecimal():
        kept["rows"] = str(int(kept["rows"][:4]) + ROWS)
    return kept


def _record(request: HttpRequest, patient: Patient, form: SerumForm) -> Any:
    """The id of the saved serum; None if it was refused."""
    wanted = form.cleaned_data["serum_id"]
    try:
        serum = services_antibodies.serum_record(
            patient_id=patient.pk, serum=form.data_for_service(), serum_id=wanted, by=actor_of(request)
        )
    except DomainError as error:
        if error.code == "serum_exists":  # the form was sent twice: show what the first one saved
            return wanted
        show_error(form, error)
        return None
    messages.success(request, _("The serum was saved."))
    return serum.pk


def _form_page(request: HttpRequest, patient: Patient, form: SerumForm) -> HttpResponse:
    return render(request, "hospitals/serum_form.html", {"patient": patient, "form": form})


def _preview(request: HttpRequest, patient: Patient, form: SerumForm) -> HttpResponse:
    beads = form.reading.beads
    data = form.data_for_service()
    classes = services_antibodies.tested_classes(data, (bead.specificity for bead in beads))
    context = {
        "patient": patient,
        "form": form,
        "beads": beads,
        "remarks": form.reading.remarks,
        "own": own_antigens(patient, ((bead.specificity, bead.mfi, bead.called) for bead in beads)),
        "untested": UNTESTED.get(classes, ""),
        "facts": serum_facts(
            AntibodySerum(**{n: getattr(data, n) for n in _FACTS}, classes=classes), read=not data.classes
        ),
    }
    return render(request, "hospitals/serum_preview.html", context)


_FACTS = ("sampled_on", "tested_on", "method", "laboratory", "note")


@require_GET
@permission_required(Permission.PATIENT_VIEW)
def serum_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _serum_page(request, _serum(request, pk), WithdrawForm())


def _serum(request: HttpRequest, pk: Any, *acting: Permission) -> AntibodySerum:
    rows = AntibodySerum.objects.select_related("patient__hospital", "entered_by", "withdrawn_by")
    serum: AntibodySerum = get_visible_or_404(
        rows.open_for(person_of(request), *acting), person_of(request), pk=pk
    )
    return serum


def _serum_page(request: HttpRequest, serum: AntibodySerum, form: WithdrawForm) -> HttpResponse:
    patient = serum.patient
    context = {
        "serum": serum,
        "patient": patient,
        "facts": serum_facts(serum),
        "beads": sorted(serum.beads.all(), key=lambda bead: bead.specificity.sort_key),
        "form": form,
        "may_withdraw": patient.is_active
        and not serum.is_withdrawn
        and open_in(person_of(request), Permission.PATIENT_EDIT, patient.hospital_id),
    }
    return render(request, "hospitals/serum_detail.html", context)


@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def serum_withdraw(request: HttpRequest, pk: Any) -> HttpResponse:
    serum = _serum(request, pk, Permission.PATIENT_EDIT)
    form = WithdrawForm(request.POST)
    if form.is_valid():
        try:
            services_antibodies.serum_withdraw(
                serum_id=serum.pk, reason=form.cleaned_data["reason"], by=actor_of(request)
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(
                request, _("The serum was withdrawn. It stays to be seen, and no longer counts.")
            )
            return redirect("hospitals:patient-detail", pk=serum.patient_id)
    return _serum_page(request, serum, form)
