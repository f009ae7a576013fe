"""Pages of match requests: list, form, page, submit, cancel."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import Conflict, DomainError
from core.exports import csv_response
from core.pages import paginate
from core.posting import show_error
from core.roles import Permission
from hospitals.models import Patient
from hospitals.patient_page import conflict_texts
from hospitals.querysets import open_in
from matching import lists, services
from matching.choices import OPEN, SEARCHABLE, STATE_TONE
from matching.forms import (
    CancelForm,
    RequestFilterForm,
    RequestForm,
    request_initial,
    request_taken_over,
)
from matching.models import MatchRequest, SearchRun, SelectionPolicy
from matching.presenters import crumbs, new_units, people, requests, watches
from matching.selection.policies import proposed, set_up

_ACTING = (Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def request_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists.request_selection(request)
    context = {
        "page": paginate(request, rows),
        "form": form,
        "sort": sort,
        "columns": lists.request_columns(with_hospital="hospital" in form.fields),
        "tones": STATE_TONE,
        "active": _patient_chip(request, form),
        "export_url": f"{reverse('matching:request-export')}?{request.GET.urlencode()}",
    }
    return render(request, "matching/request_list.html", context)


def _patient_chip(request: HttpRequest, form: RequestFilterForm) -> list[dict[str, str]]:
    """Says that the list is about one patient, and leads to all of them."""
    wanted = form.cleaned_data.get("patient")
    patient = Patient.objects.visible_to(request.user).filter(pk=wanted).first() if wanted else None
    if patient is None:
        return []
    query = request.GET.copy()
    del query["patient"]
    return [{"label": _("Patient"), "value": patient.code, "remove": f"?{query.urlencode()}"}]


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def request_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists.request_selection(request)
    return csv_response("qidai-requests.csv", lists.REQUEST_CSV, lists.request_rows(rows))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
def request_create(request: HttpRequest) -> HttpResponse:
    """`?patient=<id>`; "search" saves and searches, "draft" only saves."""
    wanted = request.GET.get("patient", "")
    if not wanted:
        messages.info(request, _("Choose the patient first, then “New match request” on the patient's page."))
        return redirect("hospitals:patient-list")
    patient = get_visible_or_404(_patients().open_for(request.user, *_ACTING), request.user, pk=wanted)
    form = _form(request, patient)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                saved = services.request_create(
                    patient=patient, data=form.data_for_service(), actor=actor_of(request)
                )
                run = _submitted(request, saved)
        except DomainError as error:
            show_error(form, error)
        else:
            return _after_saving(request, saved, run)
    return _form_page(request, form, patient)


def _changeable(request: HttpRequest, pk: Any) -> MatchRequest:
    """A request of a hospital for which the person may submit, not only look."""
    rows = MatchRequest.objects.with_patient().open_for(request.user, *_ACTING)
    found: MatchRequest = get_visible_or_404(rows, request.user, pk=pk)
    return found


def _patients() -> Any:
    return Patient.objects.select_related("hospital").with_current_typing()


def _form(request: HttpRequest, patient: Patient, saved: MatchRequest | None = None) -> RequestForm:
    """Bound to what was sent; "defaults" only takes over floors and dose of the chosen policy."""
    offered = list(
        SelectionPolicy.objects.for_hospital(patient.hospital).offered().order_by("hospital", "name", "pk")
    )
    posted = request.POST if request.method == "POST" else None
    proposal = proposed(offered, patient, people.today())
    policy = set_up(_policy(offered, saved, posted) or proposal)
    initial = request_initial(patient, policy, saved)
    if posted is not None and "defaults" in posted:
        initial, posted = request_taken_over(patient, policy, posted), None
    return RequestForm(
        posted,
        policies=offered,
        policy=policy,
        proposal=proposal,
        weight_known=patient.weight_kg is not None,
        initial=initial,
    )


def _policy(
    offered: list[SelectionPolicy], saved: MatchRequest | None, posted: QueryDict | None
) -> SelectionPolicy | None:
    """The one chosen, else the draft's or its newest version."""
    by_id = {str(one.pk): one for one in offered}
    found = by_id.get(posted.get("policy", "")) if posted is not None else None
    if found is not None or saved is None:
        return found
    held = saved.policy
    same = (one for one in offered if (one.hospital_id, one.name) == (held.hospital_id, held.name))
    return by_id.get(str(held.pk)) or next(same, None)


def _submitted(request: HttpRequest, saved: MatchRequest) -> SearchRun | None:
    """The first search, unless the person only wanted to keep a draft."""
    if "draft" in request.POST:
        return None
    return services.request_submit(request_id=saved.pk, actor=actor_of(request))


def _after_saving(request: HttpRequest, saved: MatchRequest, run: SearchRun | None) -> HttpResponse:
    if run is not None:
        return redirect("matching:run-progress", pk=run.pk)
    messages.success(request, _("%(number)s was kept as a draft.") % {"number": saved.number})
    return redirect("matching:request-detail", pk=saved.pk)


def _form_page(
    request: HttpRequest, form: RequestForm, patient: Patient, saved: MatchRequest | None = None
) -> HttpResponse:
    typing = patient.current_typing
    missing = requests.missing_loci(typing)
    context = {
        "form": form,
        "patient": patient,
        "saved": saved,
        "line": people.patient_line(patient, patient.weight_kg, people.today()),
        "typed": requests.typed_loci(typing),
        "conflicts": conflict_texts(typing),
        "missing": ", ".join(f"HLA-{locus}" for locus in missing),
        "may_edit_patient": open_in(request.user, Permission.PATIENT_EDIT, patient.hospital_id),
        "searchable": not missing and patient.is_active,
        "replaced": saved.policy if saved and not saved.policy.is_offered else None,
        "crumbs": (
            crumbs.of_request(saved, crumbs.here(_("Edit")))
            if saved
            else crumbs.of_patient(patient, crumbs.here(_("New match request")))
        ),
    }
    return render(request, "matching/request_form.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
def request_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    """Other criteria for a draft."""
    saved = _changeable(request, pk)
    if not saved.is_draft:
        raise Conflict("request_not_draft", _("This request has been submitted; its criteria stand."))
    patient = get_visible_or_404(_patients(), request.user, pk=saved.patient_id)
    form = _form(request, patient, saved)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                saved = services.request_update(
                    request_id=saved.pk, data=form.data_for_service(), actor=actor_of(request)
                )
                run = _submitted(request, saved)
        except DomainError as error:
            show_error(form, error)
        else:
            return _after_saving(request, saved, run)
    return _form_page(request, form, patient, saved)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def request_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _detail(request, pk, CancelForm())


def _detail(request: HttpRequest, pk: Any, cancel_form: CancelForm) -> HttpResponse:
    found = get_visible_or_404(MatchRequest.objects.with_patient(), request.user, pk=pk)
    patient = get_visible_or_404(_patients(), request.user, pk=found.patient_id)
    runs = list(found.runs.shown().select_related("job").order_by("-run_no"))
    new = new_units.of_request(found, person_of(request))
    may_submit = open_in(request.user, Permission.REQUEST_SUBMIT, found.hospital_id)
    running = any(run.job.is_open for run in runs)
    missing = requests.missing_loci(patient.current_typing)
    context = {
        "found": found,
        "patient": patient,
        "line": people.patient_line(patient, patient.weight_kg, people.today()),
        "state": requests.state_tag(found),
        "criteria": requests.criteria_facts(found),
        "typed": requests.typed_loci(patient.current_typing),
        "conflicts": conflict_texts(patient.current_typing),
        "missing": ", ".join(f"HLA-{locus}" for locus in missing),
        "runs": [requests.run_row(run) for run in runs],
        "new": new,
        "watch": watches.card(found, person_of(request)),
        "checked": requests.checked_text(runs),
        "entries": requests.timeline(found, runs),
        "cancel_form": cancel_form,
        "may_edit_patient": open_in(request.user, Permission.PATIENT_EDIT, patient.hospital_id),
        "may_edit": may_submit and found.is_draft,
        "may_repeat": may_submit and found.state in SEARCHABLE and not running and not missing,
        "may_cancel": may_submit and found.state in OPEN,
        "crumbs": crumbs.of_request(found),
    }
    response = render(request, "matching/request_detail.html", context)
    services.new_units_see(request=found, findings=new["seen"], user=person_of(request))
    return response


@require_POST
@permission_required(Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
def request_submit(request: HttpRequest, pk: Any) -> HttpResponse:
    found = _changeable(request, pk)
    try:
        run = services.request_submit(request_id=found.pk, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("matching:request-detail", pk=found.pk)
    return redirect("matching:run-progress", pk=run.pk)


@require_POST
@permission_required(Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
def request_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    found = _changeable(request, pk)
    form = CancelForm(request.POST)
    if form.is_valid():
        try:
            services.request_cancel(
                request_id=found.pk, reason=form.cleaned_data["reason"], actor=actor_of(request)
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("%(number)s was cancelled.") % {"number": found.number})
            return redirect("matching:request-detail", pk=found.pk)
    return _detail(request, pk, form)
