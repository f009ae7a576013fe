"""The shortlist of a patient: units picked from match lists, their places, notes about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.panels import Place, panels
from core.roles import Permission
from hospitals.models import Patient
from matching import services
from matching.forms_shortlist import NoteForm, PlaceForm, ReasonForm
from matching.models import Evaluation, GraftNote, SearchResult, SearchRun, ShortlistEntry
from matching.presenters import crumbs, people, shortlist_marks
from matching.presenters import shortlist as presenter
from matching.views_runs import HtmxRequest

_VIEW = (Permission.REQUEST_VIEW, Permission.PATIENT_VIEW)
_CHOOSE = (*_VIEW, Permission.GRAFT_CHOOSE)


@require_GET
@permission_required(*_VIEW)
def shortlist(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, _patient(request, pk))


def _patient(request: HttpRequest, pk: Any, *acting: Permission) -> Patient:
    rows = Patient.objects.select_related("hospital").open_for(
        person_of(request), Permission.REQUEST_VIEW, *acting
    )
    found: Patient = get_visible_or_404(rows, person_of(request), pk=pk)
    return found


def _evaluation(run: SearchRun) -> Evaluation:
    return services.evaluation_of(run=run, policy=run.policy)


def _page(request: HttpRequest, patient: Patient, note_form: NoteForm | None = None) -> HttpResponse:
    person = person_of(request)
    context = {
        "patient": patient,
        "line": people.patient_line(patient, patient.weight_kg, people.today()),
        "may_choose": shortlist_marks.may_choose(patient, person),
        "note_form": note_form or NoteForm(),
        "reason_form": ReasonForm(),
        "requests_url": f"{reverse('matching:request-list')}?patient={patient.pk}",
        "crumbs": crumbs.of_patient(patient, crumbs.here(_("Shortlist"))),
        "panels": panels(Place.PATIENT, person, patient),
        **presenter.page(patient, person, _evaluation),
    }
    return render(request, "matching/shortlist.html", context)


@require_POST
@permission_required(*_CHOOSE)
def shortlist_add(request: HtmxRequest, pk: Any, unit_pk: Any) -> HttpResponse:
    """From a row of a match list; htmx gets the tag that takes the button's place."""
    person = person_of(request)
    rows = SearchRun.objects.with_request().open_for(person, Permission.GRAFT_CHOOSE)
    run = get_visible_or_404(rows, person, pk=pk)
    result = get_visible_or_404(SearchResult.objects.filter(run=run), person, unit_id=unit_pk)
    try:
        entry = services.shortlist_add(run=run, unit_id=result.unit_id, actor=actor_of(request))
    except DomainError as error:
        if request.htmx:
            return render(request, "matching/_shortlist_mark.html", {"mark": {"error": error.message}})
        messages.error(request, error.message)
        return redirect("matching:run-unit", pk=run.pk, unit_pk=result.unit_id)
    if request.htmx:
        shown = shortlist_marks.mark(run, entry.unit_id, entry, may=True)
        return render(request, "matching/_shortlist_mark.html", {"mark": shown})
    messages.success(
        request, _("The unit is on the shortlist of %(code)s.") % {"code": run.request.patient.code}
    )
    return redirect("matching:shortlist", pk=run.request.patient_id)


def _entry(request: HttpRequest, pk: Any) -> ShortlistEntry:
    rows = ShortlistEntry.objects.with_names().open_for(person_of(request), Permission.GRAFT_CHOOSE)
    found: ShortlistEntry = get_visible_or_404(rows, person_of(request), pk=pk)
    return found


@require_POST
@permission_required(*_CHOOSE)
def shortlist_remove(request: HttpRequest, pk: Any) -> HttpResponse:
    entry, actor = _entry(request, pk), actor_of(request)
    _act(
        request,
        ReasonForm(request.POST),
        lambda given: services.shortlist_remove(entry_id=entry.pk, actor=actor, **given),
        _("%(unit)s was removed from the shortlist.") % {"unit": entry.unit.public_no},
    )
    return redirect("matching:shortlist", pk=entry.patient_id)


@require_POST
@permission_required(*_CHOOSE)
def shortlist_place(request: HttpRequest, pk: Any) -> HttpResponse:
    entry, actor = _entry(request, pk), actor_of(request)
    _act(
        request,
        PlaceForm(request.POST),
        lambda given: services.shortlist_place(entry_id=entry.pk, actor=actor, **given),
    )
    return redirect("matching:shortlist", pk=entry.patient_id)


@require_POST
@permission_required(*_CHOOSE)
def note_add(request: HttpRequest, pk: Any) -> HttpResponse:
    """What was typed stays in the form when it is refused."""
    patient = _patient(request, pk, Permission.GRAFT_CHOOSE)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            services.note_add(
                patient=patient,
                text=form.cleaned_data["text"],
                unit_id=form.cleaned_data["unit"],
                note_id=form.cleaned_data["note_id"],
                actor=actor_of(request),
            )
        except DomainError as error:
            form = form.with_new_id()
            form.add_error("text", error.message)
        else:
            return redirect("matching:shortlist", pk=patient.pk)
    return _page(request, patient, form)


@require_POST
@permission_required(*_CHOOSE)
def note_strike(request: HttpRequest, pk: Any) -> HttpResponse:
    rows = GraftNote.objects.with_names().open_for(person_of(request), Permission.GRAFT_CHOOSE)
    note, actor = get_visible_or_404(rows, person_of(request), pk=pk), actor_of(request)
    _act(
        request,
        ReasonForm(request.POST),
        lambda given: services.note_strike(note_id=note.pk, actor=actor, **given),
    )
    return redirect("matching:shortlist", pk=note.patient_id)


def _act(request: HttpRequest, form: Form, act: Callable[[dict[str, Any]], Any], done: str = "") -> None:
    """Do it with what the form gives; what form or service refuse is said at the head of the next page."""
    if not form.is_valid():
        for text in (text for texts in form.errors.values() for text in texts):
            messages.error(request, str(text))
        return
    try:
        act(form.cleaned_data)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        if done:
            messages.success(request, done)
