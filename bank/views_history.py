"""The mother's health history, and the documents of a unit."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from bank import services_documents, services_interview
from bank.choices_consent import PERSONAL_KINDS
from bank.forms import ReasonForm
from bank.forms_consent import DocumentForm, InterviewForm
from bank.models import Interview, Questionnaire, UnitDocument
from bank.unit_pages import crumbs_of, own_unit
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.posting import carried_out, posted
from core.roles import Permission


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_interview(request: HttpRequest, pk: Any) -> HttpResponse:
    """What was said in each interview, and for whoever may the questions of another one."""
    unit = own_unit(request, pk)
    may = person_of(request).has_permission(Permission.CONSENT_RECORD)
    if request.method == "POST" and not may:
        raise PermissionDenied
    questionnaire: Questionnaire | None = Questionnaire.objects.in_force()
    form = InterviewForm(posted(request), questionnaire=questionnaire) if questionnaire and may else None

    def record() -> object:
        assert form is not None
        return services_interview.interview_record(
            unit_id=unit.pk,
            questionnaire_id=form.cleaned_data["questionnaire"],
            interviewed_on=form.cleaned_data["interviewed_on"],
            answers=form.answers(),
            actor=actor_of(request),
        )

    outcome = carried_out(request, form, record) if form else None
    if outcome and outcome.done:
        messages.success(request, _("The answers are recorded."))
        return redirect("bank:unit-interview", pk=unit.pk)
    rows = Interview.objects.filter(donation=unit.donation_id).newest_first() if unit.donation_id else None
    context = {
        "unit": unit,
        "interviews": list(rows.with_answers()) if rows else [],
        "questionnaire": questionnaire,
        "form": form,
        "sent": request.method == "POST",
        "forms_url": reverse("bank:form-list"),
        "crumbs": crumbs_of(unit, _("Health history")),
    }
    return render(request, "bank/unit_interview.html", context, status=outcome.status if outcome else 200)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_documents(request: HttpRequest, pk: Any) -> HttpResponse:
    """The documents of a unit, and a form to add one."""
    unit, user = own_unit(request, pk), person_of(request)
    may = user.has_permission(Permission.DOCUMENT_EDIT)
    if request.method == "POST" and not may:
        raise PermissionDenied
    form = DocumentForm(posted(request), request.FILES if request.method == "POST" else None)

    def add() -> UnitDocument:
        data = form.cleaned_data
        services_documents.guard_size(data["file"].size)
        content = data["file"].read()
        return services_documents.document_add(
            unit_id=unit.pk, kind=data["kind"], title=data["title"], data=content, actor=actor_of(request)
        )

    outcome = carried_out(request, form, add)
    if outcome.done:
        messages.success(request, _("The document is kept, encrypted."))
        return redirect("bank:unit-documents", pk=unit.pk)
    rows = unit.documents.visible_to(user).select_related("added_by", "withdrawn_by")
    hidden = unit.documents.filter(kind__in=PERSONAL_KINDS).count()
    context = {
        "unit": unit,
        "rows": rows,
        "hidden": 0 if user.has_permission(Permission.DONOR_CONTACT) else hidden,
        "form": form if may else None,
        "sent": request.method == "POST",
        "crumbs": crumbs_of(unit, _("Documents")),
    }
    return render(request, "bank/unit_documents.html", context, status=outcome.status)


@never_cache
@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def document_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """The file, never shown inside a page: as an attachment, under a name of ours."""
    row: UnitDocument = get_visible_or_404(UnitDocument, person_of(request), pk=pk)
    opened = services_documents.document_open(document=row, actor=actor_of(request))
    response = HttpResponse(opened.content, content_type=opened.row.content_type)
    response["Content-Disposition"] = f'attachment; filename="{opened.file_name}"'
    return response


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.DOCUMENT_EDIT)
def document_withdraw(request: HttpRequest, pk: Any) -> HttpResponse:
    rows = UnitDocument.objects.select_related("added_by")
    row: UnitDocument = get_visible_or_404(rows, person_of(request), pk=pk)
    unit = own_unit(request, row.unit_id)
    form = ReasonForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services_documents.document_withdraw(
            document_id=row.pk, actor=actor_of(request), reason=form.cleaned_data["reason"]
        ),
    )
    if outcome.done:
        messages.success(request, _("The document is withdrawn; it stays in the list."))
        return redirect("bank:unit-documents", pk=unit.pk)
    context = {"unit": unit, "row": row, "form": form, "crumbs": crumbs_of(unit, _("Withdraw a document"))}
    return render(request, "bank/document_withdraw.html", context, status=outcome.status)
