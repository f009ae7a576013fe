"""Pages of patients: list, page, forms, the live check of a typing, the audited look at an identity."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import Conflict, DomainError
from core.exports import csv_response
from core.hla_messages import remarks, typing_error_text
from core.pages import paginate
from core.panels import Place, panels
from core.posting import carried_out, show_error
from core.roles import Permission
from core.typing_form import reading_text, shortened
from core.typings import (
    MAX_GL_LENGTH,
    MAX_VALUE_LENGTH,
    TypingInput,
    interpret,
    read_pair,
    serology_beside,
)
from hla.loci import LOCI
from hla.typing import Blank
from hospitals import lists, services, services_disease
from hospitals.choices import PatientState
from hospitals.duplicates import alike_in_hospital, duplicate_doubts
from hospitals.forms import (
    DeactivateForm,
    EnzymeForm,
    IdentityForm,
    NewPatientForm,
    PatientForm,
    WeightForm,
    patient_initial,
)
from hospitals.models import Patient
from hospitals.patient_page import patient_context
from hospitals.plausibility import Doubt
from hospitals.querysets import open_in
from hospitals.typing_form import TypingForm, typing_initial

MAX_ERRORS_SHOWN, MAX_READING = 8, 300  # of a pasted GL string
_VERSION = re.compile(r"[0-9]{1,9}")


@require_GET
@permission_required(Permission.PATIENT_VIEW)
def patient_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists.patient_selection(request)
    state = form.state_shown()
    counts = {value: rows.filter(state=value).count() for value in PatientState.values}
    context = {
        "page": paginate(request, rows.filter(state=state)),
        "form": form,
        "sort": sort,
        "columns": lists.patient_columns(form),
        "state": state,
        "counts": counts,
    }
    return render(request, "hospitals/patient_list.html", context)


@require_GET
@permission_required(Permission.PATIENT_VIEW)
def patient_export(request: HttpRequest) -> HttpResponseBase:
    rows, form, _sort = lists.patient_selection(request)
    selection = rows.filter(state=form.state_shown())
    return csv_response("qidai-patients.csv", lists.PATIENT_CSV, lists.patient_rows(selection))


@require_GET
@permission_required(Permission.PATIENT_VIEW)
def patient_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, _patient(request, pk))


def _patient(request: HttpRequest, pk: Any, *acting: Permission) -> Patient:
    """A visible patient whose hospital `acting` reaches too."""
    rows = Patient.objects.select_related("hospital", "created_by").with_current_typing()
    patient: Patient = get_visible_or_404(
        rows.open_for(person_of(request), *acting), person_of(request), pk=pk
    )
    return patient


def _page(request: HttpRequest, patient: Patient, **parts: Any) -> HttpResponse:
    forms = {
        "weight_form": WeightForm(birth_date=patient.birth_date),
        "deactivate_form": DeactivateForm(birth_date=patient.birth_date),
        "enzyme_form": EnzymeForm(),
    }
    person = person_of(request)
    shown = {
        "alerts": panels(Place.ALERT, person, patient),
        "panels": panels(Place.PATIENT, person, patient),
    }
    context = {**forms, **patient_context(patient, person), **shown, **parts}
    return render(request, "hospitals/patient_detail.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def patient_create(request: HttpRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = NewPatientForm(posted, user=person_of(request))
    typing = TypingForm(posted)
    identity = IdentityForm(posted, prefix="identity")
    doubts: list[Doubt] = []
    if posted is not None and _all_valid(form, typing, identity):
        doubts = _open_doubts(request, [*form.doubts(), *typing.doubts(), *_alike(form, typing)])
        if not doubts:
            saved = _create(request, form, typing, identity)
            if saved:
                return redirect("hospitals:patient-detail", pk=saved.pk)
    context = {
        "form": form,
        "typing": typing,
        "identity": identity,
        "forms": [form, typing, identity],
        "doubts": doubts,
    }
    return render(request, "hospitals/patient_create.html", context)


def _alike(form: NewPatientForm, typing: TypingForm) -> list[Doubt]:
    """Other patients of the chosen hospital that may be the same person; what other hospitals have is not looked at."""
    alike = alike_in_hospital(
        hospital_id=form.cleaned_data["hospital"].pk,
        sex=form.cleaned_data["sex"],
        birth_date=form.cleaned_data["birth_date"],
        digest=typing.digest,
        but=form.cleaned_data.get("patient_id"),  # the form was sent twice
    )
    return duplicate_doubts(alike)


def _all_valid(*forms: BaseForm) -> bool:
    """Every form is checked, so that all errors are shown at once."""
    return sum(form.is_valid() for form in forms) == len(forms)


def _create(
    request: HttpRequest, form: NewPatientForm, typing: TypingForm, identity: IdentityForm
) -> Patient | None:
    hospital = form.cleaned_data["hospital"]
    may_identify = open_in(person_of(request), Permission.PATIENT_IDENTITY, hospital.pk)
    wanted = form.cleaned_data.get("patient_id")
    try:
        patient = services.patient_create(
            hospital_id=hospital.pk,
            data=form.data_for_service(),
            weight=form.weight_for_service(),
            typing=typing.given(),
            identity=identity.data_for_service() if may_identify else None,
            patient_id=wanted,
            confirmed=_confirmed(request),
            by=actor_of(request),
        )
    except DomainError as error:
        if error.code == "patient_exists":  # the form was sent twice: show what the first one saved
            return get_visible_or_404(Patient, person_of(request), pk=wanted)
        show_error(form, error)
        return None
    messages.success(request, _("Patient %(code)s was saved.") % {"code": patient.code})
    return patient


def _open_doubts(request: HttpRequest, doubts: list[Doubt]) -> list[Doubt]:
    """The doubts, unless the person confirmed exactly these before."""
    return [] if {doubt.code for doubt in doubts} <= _confirmed(request) else doubts


def _confirmed(request: HttpRequest) -> set[str]:
    return set(request.POST.get("confirmed", "").split())


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def patient_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _patient(request, pk, Permission.PATIENT_EDIT)
    posted = request.POST if request.method == "POST" else None
    form = PatientForm(posted, initial=patient_initial(patient))
    doubts: list[Doubt] = []
    if posted is not None and form.is_valid():
        doubts = _open_doubts(request, form.doubts())
        if not doubts and _update(request, patient, form):
            return redirect("hospitals:patient-detail", pk=patient.pk)
    version = posted.get("version", "") if posted else patient.version
    context = {"form": form, "patient": patient, "doubts": doubts, "version": version}
    return render(request, "hospitals/patient_edit.html", context)


def _update(request: HttpRequest, patient: Patient, form: PatientForm) -> bool:
    version = request.POST.get("version", "")
    try:
        services.patient_update(
            patient_id=patient.pk,
            data=form.data_for_service(),
            version=int(version) if _VERSION.fullmatch(version) else 0,
            by=actor_of(request),
        )
    except DomainError as error:
        show_error(form, error)
        return False
    messages.success(request, _("The changes were saved."))
    return True


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def patient_typing(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _patient(request, pk, Permission.PATIENT_EDIT)
    posted = request.POST if request.method == "POST" else None
    current = patient.current_typing
    initial = (
        typing_initial(current.loci, current.blank_rule, serology_beside(current.canonical_gl))
        if current
        else {}
    )
    form = TypingForm(posted, initial=initial)
    doubts: list[Doubt] = []
    if posted is not None and form.is_valid():
        alike = alike_in_hospital(
            hospital_id=patient.hospital_id,
            sex=patient.sex,
            birth_date=patient.birth_date,
            digest=form.digest,
            but=patient.pk,
        )
        doubts = _open_doubts(request, [*form.doubts(), *duplicate_doubts(alike)])
        if not doubts:
            try:
                services.patient_typing_record(
                    patient_id=patient.pk,
                    typing=form.given(),
                    confirmed=_confirmed(request),
                    by=actor_of(request),
                )
            except DomainError as error:
                show_error(form, error)
            else:
                messages.success(request, _("The typing was saved; the former one stays in the history."))
                return redirect("hospitals:patient-detail", pk=patient.pk)
    context = {"patient": patient, "typing": form, "doubts": doubts}
    return render(request, "hospitals/patient_typing.html", context)


@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def patient_weight(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _patient(request, pk, Permission.PATIENT_EDIT)
    form = WeightForm(request.POST, birth_date=patient.birth_date)
    doubts: list[Doubt] = []
    if form.is_valid():
        doubts = _open_doubts(request, form.doubts())
        if not doubts:
            try:
                services.patient_weight_record(
                    patient_id=patient.pk, weight=form.data_for_service(), by=actor_of(request)
                )
            except DomainError as error:
                show_error(form, error)
            else:
                messages.success(request, _("The weight was saved."))
                return redirect("hospitals:patient-detail", pk=patient.pk)
    return _page(request, patient, weight_form=form, weight_doubts=doubts)


@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def patient_enzyme(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _patient(request, pk, Permission.PATIENT_EDIT)
    form = EnzymeForm(request.POST)
    outcome = carried_out(
        request,
        form,
        lambda: services_disease.patient_enzyme_record(
            patient_id=patient.pk, level=form.data_for_service(), by=actor_of(request)
        ),
    )
    if outcome.done:
        messages.success(request, _("The enzyme level was saved."))
        return redirect("hospitals:patient-detail", pk=patient.pk)
    return _page(request, patient, enzyme_form=form)


@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def patient_deactivate(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _patient(request, pk, Permission.PATIENT_EDIT)
    form = DeactivateForm(request.POST, birth_date=patient.birth_date)
    if form.is_valid():
        services.patient_deactivate(
            patient_id=patient.pk,
            reason=form.cleaned_data["reason"],
            note=form.cleaned_data["note"],
            on=form.cleaned_data["on"],
            by=actor_of(request),
        )
        messages.success(request, _("The patient is inactive now. You can reactivate at any time."))
        return redirect("hospitals:patient-detail", pk=patient.pk)
    return _page(request, patient, deactivate_form=form)


@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
def patient_reactivate(request: HttpRequest, pk: Any) -> HttpResponse:
    patient = _patient(request, pk, Permission.PATIENT_EDIT)
    services.patient_reactivate(patient_id=patient.pk, by=actor_of(request))
    messages.success(request, _("The patient is active again."))
    return redirect("hospitals:patient-detail", pk=patient.pk)


@never_cache
@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_IDENTITY)
def patient_identity(request: HttpRequest, pk: Any) -> HttpResponse:
    """Shows the identity once, on an explicit wish. A reload asks again and is recorded again."""
    patient = _patient(request, pk, Permission.PATIENT_IDENTITY)
    identity = services.patient_identity_view(patient_id=patient.pk, by=actor_of(request))
    return _page(request, patient, identity=identity, identity_shown=True)


@never_cache
@require_POST
@permission_required(Permission.PATIENT_VIEW, Permission.PATIENT_EDIT, Permission.PATIENT_IDENTITY)
def patient_identity_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    """`open` asks for the filled form (a look, so it is recorded); otherwise the form is saved."""
    patient = _patient(request, pk, Permission.PATIENT_EDIT, Permission.PATIENT_IDENTITY)
    if "open" in request.POST:
        row = services.patient_identity_view(patient_id=patient.pk, by=actor_of(request))
        initial = {name: getattr(row, name, "") for name in IdentityForm.base_fields}
        return _page(request, patient, identity_form=IdentityForm(initial=initial))
    form = IdentityForm(request.POST)
    if form.is_valid():
        try:
            services.patient_identity_update(
                patient_id=patient.pk, identity=form.data_for_service(), by=actor_of(request)
            )
        except Conflict as error:
            show_error(form, error)
        else:
            messages.success(request, _("The identity was saved, encrypted."))
            return redirect("hospitals:patient-detail", pk=patient.pk)
    return _page(request, patient, identity_form=form)


@require_POST
@permission_required(Permission.PATIENT_VIEW)
def typing_check(request: HttpRequest) -> HttpResponse:
    """The live check of one locus, or of the GL string: how it is read, or what is wrong. Saves nothing."""
    locus = request.POST.get("locus", "")
    blank: Blank = "homozygous" if "blank_homozygous" in request.POST else "unknown"
    row: dict[str, Any] = {}
    if locus in LOCI:
        first, second = (request.POST.get(f"hla_{locus}_{n}", "")[: MAX_VALUE_LENGTH + 1] for n in (1, 2))
        row = _reading(locus, first, second, blank)
    elif locus == "gl":
        row = _gl_reading(request.POST.get("gl", "")[: MAX_GL_LENGTH + 1], blank)
    return render(request, "_components/typing_reading.html", {"row": row})


def _reading(locus: str, first: str, second: str, blank: Blank) -> dict[str, Any]:
    if not first.strip() and not second.strip():
        return {}
    read = read_pair(locus, first, second, blank)
    if isinstance(read, tuple):
        return {"errors": [typing_error_text(problem.error) for problem in read]}
    return {"reading": reading_text(read), "remarks": remarks(read.notes)}


def _gl_reading(gl: str, blank: Blank) -> dict[str, Any]:
    if not gl.strip():
        return {}
    read = interpret(TypingInput(gl=gl, blank=blank))
    if read.problems:
        return {"errors": [typing_error_text(problem.error) for problem in read.problems[:MAX_ERRORS_SHOWN]]}
    notes = [*read.general, *(note for locus in read.loci.values() for note in locus.notes)]
    return {"reading": shortened(read.typing().gl(), MAX_READING), "remarks": remarks(notes)}
