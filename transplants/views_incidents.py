"""Pages of incidents: list, report, page with notes and assessment, close, take up again, form as PDF, rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.exports import csv_response
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import signing
from transplants import incident_paper, lists_incidents, services_incident_rules, subjects_incidents
from transplants import presenters_incidents as presenters
from transplants import services_incidents as services
from transplants.forms_incidents import (
    AssessForm,
    CloseForm,
    IncidentNoteForm,
    IncidentReportForm,
    IncidentRulesForm,
    ReopenForm,
    ReportedOutForm,
)
from transplants.forms_units import rebound
from transplants.models import Incident, IncidentRules
from transplants.presenters import today
from transplants.services_incidents import Assessment
from transplants.writing_incidents import stamp

_VIEW, _WORK = Permission.INCIDENT_VIEW, Permission.INCIDENT_WORK


@require_GET
@permission_required(_VIEW)
def incident_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists_incidents.selection(request, today())
    person = person_of(request)
    page = paginate(request, rows)
    context = {
        "page": page,
        "rows": [presenters.list_row(row, today(), person) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists_incidents.COLUMNS,
        "export_url": f"{reverse('transplants:incident-export')}?{request.GET.urlencode()}",
    }
    return render(request, "transplants/incident_list.html", context)


@require_GET
@permission_required(_VIEW)
def incident_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists_incidents.selection(request, today())
    return csv_response(
        "qidai-incidents.csv", lists_incidents.CSV, lists_incidents.csv_rows(rows, person_of(request))
    )


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.INCIDENT_REPORT)
def incident_create(request: HttpRequest) -> HttpResponse:
    """`?order=`, `?patient=`, `?unit=`, `?lot=`: what it is about, from the page of that."""
    person = person_of(request)
    about = subjects_incidents.about(request)
    form = IncidentReportForm(
        posted(request),
        user=person,
        of_bank=services.is_of_bank(person),
        about=about.is_of_patient,
        initial={"units": about.unit_numbers},
    )
    outcome = carried_out(
        request, form, lambda: services.incident_report(report=about.report(form.cleaned_data), user=person)
    )
    if outcome.done:
        messages.success(request, _("%(number)s is open.") % {"number": outcome.value.number})
        return redirect("transplants:incident-detail", pk=outcome.value.pk)
    crumbs = [(reverse("transplants:incident-list"), _("Incidents")), ("", _("Report an incident"))]
    context = {"form": form, "about": about, "crumbs": crumbs}
    return render(request, "transplants/incident_create.html", context, status=outcome.status)


# --- one incident ---------------------------------------------------------------------------------


def _visible(request: HttpRequest, pk: Any) -> Incident:
    found: Incident = get_visible_or_404(Incident.objects.with_names(), person_of(request), pk=pk)
    return found


@require_GET
@permission_required(_VIEW)
def incident_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, _visible(request, pk))


def _form_of(request: HttpRequest, row: Incident, act: str, data: Any = None) -> Any:
    """What may be done with it, each with its form; with what is known so far in it."""
    person, auto_id = person_of(request), f"{act}_%s"
    seen = {"seen": stamp(row)}
    if act == "note":
        of_bank = services.is_of_bank(person)
        return IncidentNoteForm(data, auto_id=auto_id, of_bank=of_bank, shared=row.hospital_id is not None)
    if act == "assess":
        known = {name: getattr(row, name) for name in ("kind", "seriousness", "imputability", "rapid_alert")}
        more = {"due_on": row.due_on, "owner": row.owner_id or person.pk}
        return AssessForm(data, auto_id=auto_id, user=person, initial={**known, **more, **seen})
    if act == "reported_out":
        at = {"at": row.reported_out_at or timezone.now(), "reported_to": row.reported_to}
        return ReportedOutForm(data, auto_id=auto_id, initial={**at, **seen})
    if act == "close":
        words = {"cause": row.cause, "measures": row.measures}
        return CloseForm(data, auto_id=auto_id, initial={**words, **seen})
    return ReopenForm(data, auto_id=auto_id)


def _page(
    request: HttpRequest, row: Incident, act: str = "", form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    person = person_of(request)
    of_bank = services.is_of_bank(person)
    may = presenters.may(row, person)
    acts = [name for name in ("note", "assess", "reported_out", "close", "reopen") if may[name]]
    shown = {name: _form_of(request, row, name) for name in acts}
    if form is not None:
        shown[act] = _shown_anew(form, row)
    units = presenters.unit_rows(row, person)
    context = {
        "row": row,
        "forms": shown,
        "act": act,
        "may": may,
        "state": presenters.state_tag(row),
        "serious": presenters.serious_tag(row),
        "due": presenters.due_tag(row, today()),
        "facts": presenters.facts(row, of_bank=of_bank),
        "units": units,
        "more_units": presenters.units_of(row, person).count() - len(units),
        "none_named": presenters.none_named(person),
        "thread": presenters.thread(row, person),
        "recalls": presenters.recall_rows(row, person),
        "first": presenters.first_of(row, person) if may["close"] else "",
        "history": presenters.history(row) if of_bank else [],
        "patient_link": row.patient_id and person.has_permission(Permission.PATIENT_VIEW),
        "order_url": reverse("transplants:order-detail", args=[row.order_id]) if row.order_id else "",
        "crumbs": [(reverse("transplants:incident-list"), _("Incidents")), ("", row.number)],
    }
    return render(request, "transplants/incident_detail.html", context, status=status)


def _shown_anew(form: forms.Form, row: Incident) -> forms.Form:
    """What was typed stays; what the next try is of, is what the page shows now."""
    if "seen" in form.fields:
        form.data = rebound(form.data, seen=stamp(row))
    return form


def _act(
    request: HttpRequest, pk: Any, act: str, service: Callable[[Incident, Any], Any], done: str
) -> HttpResponse:
    """One service with what its form holds; a refusal stands beside its field, with what was typed."""
    row = _visible(request, pk)
    form = _form_of(request, row, act, request.POST)
    outcome = carried_out(request, form, lambda: service(row, form))
    if outcome.done:
        messages.success(request, done)
        return redirect("transplants:incident-detail", pk=row.pk)
    fresh = _visible(request, pk)
    if not presenters.may(fresh, person_of(request))[act]:  # the form is on the page no more
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
    return _page(request, fresh, act, form, outcome.status)


@require_POST
@permission_required(_VIEW, Permission.INCIDENT_REPORT)
def incident_note(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)

    def write(row: Incident, form: IncidentNoteForm) -> Incident:
        return services.incident_note(incident_id=row.pk, user=person, **form.given())

    return _act(request, pk, "note", write, _("The note is written."))


@require_POST
@permission_required(_VIEW, _WORK)
def incident_assess(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)

    def assess(row: Incident, form: AssessForm) -> Incident:
        given = form.given()
        seen, units = given.pop("seen"), given.pop("units")
        found = Assessment(**given, add_unit_ids=units)
        return services.incident_assess(incident_id=row.pk, assessment=found, seen=seen, user=person)

    return _act(request, pk, "assess", assess, _("The assessment is saved."))


@require_POST
@permission_required(_VIEW, _WORK)
def incident_reported_out(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)

    def note(row: Incident, form: ReportedOutForm) -> Incident:
        return services.incident_reported_out(incident_id=row.pk, user=person, **form.cleaned_data)

    return _act(request, pk, "reported_out", note, _("It is noted that it was reported outside."))


@require_POST
@sensitive_post_parameters("password")
@permission_required(_VIEW, _WORK)
def incident_close(request: HttpRequest, pk: Any) -> HttpResponse:
    def close(row: Incident, form: CloseForm) -> Incident:
        target = (row._meta.label, str(row.pk), row.number)
        with signing(request, target=target, action="incident.sign_refused") as user:
            return services.incident_close(incident_id=row.pk, user=user, **form.cleaned_data)

    return _act(request, pk, "close", close, _("The incident is closed."))


@require_POST
@permission_required(_VIEW, _WORK)
def incident_reopen(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)

    def reopen(row: Incident, form: ReopenForm) -> Incident:
        return services.incident_reopen(incident_id=row.pk, user=person, **form.cleaned_data)

    return _act(request, pk, "reopen", reopen, _("The incident is investigated again."))


@require_GET
@permission_required(_VIEW)
def incident_form(request: HttpRequest, pk: Any) -> HttpResponse:
    """The S(P)EAR form; `?lang=` or the language of the page."""
    row = _visible(request, pk)
    asked = request.GET.get("lang", "")
    language = asked if asked in incident_paper.LANGUAGES else get_language() or incident_paper.LANGUAGES[0]
    content = incident_paper.incident_pdf(incident=row, user=person_of(request), language=language)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="qidai-{row.number}.pdf"'
    return response


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, _WORK)
def rules_edit(request: HttpRequest) -> HttpResponse:
    form = IncidentRulesForm(posted(request), rules=IncidentRules.load())

    def update() -> IncidentRules:
        values = {name: form.cleaned_data[name] for name in services_incident_rules.RULES}
        reason = form.cleaned_data["reason"]
        return services_incident_rules.incident_rules_update(
            values=values, actor=actor_of(request), reason=reason
        )

    outcome = carried_out(request, form, update)
    if outcome.done:
        messages.success(request, _("The rules are in force for every incident from now on."))
        return redirect("transplants:incident-rules")
    crumbs = [(reverse("transplants:incident-list"), _("Incidents")), ("", _("Rules"))]
    context = {"form": form, "crumbs": crumbs}
    return render(request, "transplants/incident_rules.html", context, status=outcome.status)
