"""Pages of enquiries: list, ask, thread, answer, decline, withdraw, take on, files, deadlines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank.models import CordBloodUnit
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.exports import csv_response
from core.models import User
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from hospitals.models import Patient
from matching.presenters import people
from transplants import lists_enquiries as lists
from transplants import presenters_enquiries as presenters
from transplants import presenters_typings
from transplants import services_enquiries as services
from transplants.choices_enquiries import EnquiryKind
from transplants.forms_enquiries import AskForm, DeadlinesForm, DeclineForm, MessageForm, TakeForm
from transplants.models import Reservation
from transplants.models_enquiries import Enquiry, EnquiryFile
from transplants.presenters import today
from transplants.querysets_enquiries import side_of

_VIEW = Permission.ENQUIRY_VIEW
# what may be written into an enquiry, each with its form
_FORMS: dict[str, type[forms.Form]] = {
    "reply": MessageForm,
    "answer": MessageForm,
    "decline": DeclineForm,
    "cancel": MessageForm,
    "take": TakeForm,
}
_EXTENSION = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


@require_GET
@permission_required(_VIEW)
def enquiry_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists.selection(request, today())
    page, side = paginate(request, rows), side_of(person_of(request))
    context = {
        "page": page,
        "rows": [presenters.list_row(row, today(), side) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists.columns(with_hospital="hospital" in form.fields),
        "export_url": f"{reverse('transplants:enquiry-export')}?{request.GET.urlencode()}",
    }
    return render(request, "transplants/enquiry_list.html", context)


@require_GET
@permission_required(_VIEW)
def enquiry_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists.selection(request, today())
    return csv_response("qidai-enquiries.csv", lists.CSV, lists.csv_rows(rows))


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.ENQUIRY_ASK)
def enquiry_create(request: HttpRequest, patient_pk: Any, unit_pk: Any = None) -> HttpResponse:
    """About a patient, or about a unit for him."""
    person = person_of(request)
    patients = Patient.objects.select_related("hospital").open_for(person, _VIEW, Permission.ENQUIRY_ASK)
    patient = get_visible_or_404(patients, person, pk=patient_pk)
    unit = _unit(request, unit_pk) if unit_pk else None
    side = side_of(person)
    form = AskForm(posted(request), request.FILES or None, has_unit=unit is not None, side=side)
    outcome = carried_out(
        request,
        form,
        lambda: services.enquiry_open(
            patient_id=patient.pk,
            kind=form.cleaned_data["kind"],
            subject=form.cleaned_data["subject"],
            written=form.written(),
            user=person,
            unit_id=unit.pk if unit else None,
            enquiry_id=form.cleaned_data["enquiry_id"],
        ),
    )
    if outcome.done:
        messages.success(request, _("%(number)s was sent.") % {"number": outcome.value.number})
        return redirect("transplants:enquiry-detail", pk=outcome.value.pk)
    context = {
        "form": form,
        "patient": patient,
        "unit": unit,
        "typing_url": _typing_url(person, patient.pk, unit.pk if unit else None),
        "line": people.patient_line(patient, patient.weight_kg, people.today()),
        "crumbs": [
            (reverse("hospitals:patient-list"), _("Patients")),
            (reverse("hospitals:patient-detail", args=[patient.pk]), patient.code),
            ("", _("New enquiry")),
        ],
    }
    return render(request, "transplants/enquiry_create.html", context, status=outcome.status)


def _unit(request: HttpRequest, pk: Any) -> CordBloodUnit:
    """One that the person may see, or that is kept for the own hospital, or promised to somebody."""
    rows = CordBloodUnit.objects.select_related("bank")
    person = person_of(request)
    found = rows.with_kept().visible_to(person).filter(pk=pk).first()
    return found or get_visible_or_404(rows.askable(), person, pk=pk)


def _visible(request: HttpRequest, pk: Any) -> Enquiry:
    found: Enquiry = get_visible_or_404(Enquiry.objects.with_names(), person_of(request), pk=pk)
    return found


@require_GET
@permission_required(_VIEW)
def enquiry_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk)
    response = _page(request, row)
    services.enquiry_see(enquiry=row, user=person_of(request))
    return response


def _page(
    request: HttpRequest, row: Enquiry, act: str = "", form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    person = person_of(request)
    side = side_of(person)
    shown = {name: of(auto_id=f"{name}_%s") for name, of in _FORMS.items()}
    if form is not None:
        shown[act] = form
    files = Prefetch("files", queryset=EnquiryFile.objects.light(), to_attr="light_files")
    written = row.messages.select_related("written_by").prefetch_related(files).order_by("written_at", "pk")
    is_typing = row.kind == EnquiryKind.CONFIRMATORY_TYPING
    context = {
        "row": row,
        "forms": shown,
        "act": act,
        "may": presenters.may(row, person),
        "state": presenters.state_tag(row, side),
        "due": presenters.due_tag(row, today()),
        "facts": presenters.facts(row, person),
        "thread": presenters.thread(written, side),
        "unit_url": _unit_url(request, row),
        "typing_url": _typing_url(person, row.patient_id, row.unit_id if is_typing else None),
        "crumbs": [(reverse("transplants:enquiry-list"), _("Enquiries")), ("", row.number)],
    }
    return render(request, "transplants/enquiry_detail.html", context, status=status)


def _typing_url(person: User, patient_id: UUID, unit_id: UUID | None) -> str:
    """Where confirmatory typing is ordered, if the unit is kept for this patient: not by an enquiry."""
    rows = Reservation.objects.with_names().visible_to(person).active()
    row = rows.filter(patient=patient_id, unit=unit_id).first() if unit_id else None
    return presenters_typings.ask_url(row, person) if row is not None else ""


def _unit_url(request: HttpRequest, row: Enquiry) -> str:
    if row.unit_id is None:
        return ""
    rows = CordBloodUnit.objects.with_kept().visible_to(person_of(request)).filter(pk=row.unit_id)
    return reverse("bank:unit-detail", args=[row.unit_id]) if rows.exists() else ""


def _act(
    request: HttpRequest,
    pk: Any,
    act: str,
    service: Callable[..., Enquiry],
    values: Callable[[Any], Any],
    done: str,
) -> HttpResponse:
    """One service with what its form holds; a refusal stands beside its field, with what was typed.

    Files must be chosen again.
    """
    row, person = _visible(request, pk), person_of(request)
    form: Any = _FORMS[act](request.POST, request.FILES, auto_id=f"{act}_%s")
    outcome = carried_out(request, form, lambda: service(enquiry_id=row.pk, user=person, **values(form)))
    if outcome.done:
        messages.success(request, done)
        return redirect("transplants:enquiry-detail", pk=row.pk)
    fresh = _visible(request, pk)
    if not presenters.may(fresh, person)[act]:  # the form is on the page no more
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
    return _page(request, fresh, act, form, outcome.status)


def _message(form: MessageForm) -> dict[str, Any]:
    return {"written": form.written()}


def _declined(form: DeclineForm) -> dict[str, Any]:
    return {"cause": form.cleaned_data["cause"], **_message(form)}


@require_POST
@permission_required(_VIEW, Permission.ENQUIRY_ASK)
def enquiry_reply(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "reply", services.enquiry_reply, _message, _("The message was sent."))


@require_POST
@permission_required(_VIEW, Permission.ENQUIRY_ASK)
def enquiry_answer(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(
        request,
        pk,
        "answer",
        services.enquiry_answer,
        _message,
        _("The answer was sent; nothing waits any more."),
    )


@require_POST
@permission_required(_VIEW, Permission.ENQUIRY_ANSWER)
def enquiry_decline(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(
        request, pk, "decline", services.enquiry_decline, _declined, _("Declined; the hospital is told.")
    )


@require_POST
@permission_required(_VIEW, Permission.ENQUIRY_ASK)
def enquiry_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(
        request, pk, "cancel", services.enquiry_cancel, _message, _("Withdrawn; the other side is told.")
    )


@require_POST
@permission_required(_VIEW, Permission.ENQUIRY_ANSWER)
def enquiry_take(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(
        request,
        pk,
        "take",
        services.enquiry_take,
        lambda form: {"due": form.cleaned_data["due"]},
        _("You have taken it on."),
    )


@require_GET
@permission_required(_VIEW)
def enquiry_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """As a download, never shown in the page: it is a stranger's file."""
    person = person_of(request)
    file = get_visible_or_404(EnquiryFile.objects.light(), person, pk=pk)
    row, data = services.file_open(file=file, user=person)
    response = HttpResponse(data, content_type=row.content_type)
    name = f"{row.message.enquiry.number}-{row.sha256[:8]}.{_EXTENSION[row.content_type]}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.ENQUIRY_ANSWER)
def deadlines_edit(request: HttpRequest) -> HttpResponse:
    form = DeadlinesForm(posted(request), days=services.deadlines())
    outcome = carried_out(
        request,
        form,
        lambda: services.deadlines_update(
            days=form.days(), actor=actor_of(request), reason=form.cleaned_data["reason"]
        ),
    )
    if outcome.done:
        messages.success(request, _("The deadlines are in force for every enquiry from now on."))
        return redirect("transplants:enquiry-deadlines")
    crumbs = [(reverse("transplants:enquiry-list"), _("Enquiries")), ("", _("Deadlines"))]
    context = {
        "form": form,
        "crumbs": crumbs,
        "title": _("Deadlines"),
        "text": _(
            "Within how many days each enquiry is to be answered. The numbers proposed here are unconfirmed: set "
            "those of your bank. What is open keeps its day."
        ),
        "back": reverse("transplants:enquiry-list"),
    }
    return render(request, "transplants/settings_form.html", context, status=outcome.status)
