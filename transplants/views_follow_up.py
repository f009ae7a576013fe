"""Pages of follow-up: what is due, one form, corrections, the facts of a transplant, rules of reminders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.pages import paginate
from core.posting import Outcome, carried_out, posted
from core.roles import Permission
from transplants import lists_follow_up, services_facts, services_outcome_rules
from transplants import presenters_follow_up as presenters
from transplants import services_follow_up as services
from transplants.choices_outcomes import FormState
from transplants.forms_follow_up import FactsForm, FollowUpForm, OutcomeRulesForm, initial_of
from transplants.models import FollowUp, OutcomeRules, Transplant
from transplants.outcomes.answers import ANSWERS, is_to_complete
from transplants.outcomes.schedule import VISIT
from transplants.presenters import today
from transplants.visit_words import visit_title

_VIEW, _EDIT = Permission.TRANSPLANT_VIEW, Permission.FOLLOW_UP_EDIT


# --- lists ----------------------------------------------------------------------------------------


@require_GET
@permission_required(_VIEW)
def follow_up_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists_follow_up.selection(request, today())
    page = paginate(request, rows)
    person = person_of(request)
    context = {
        "page": page,
        "rows": [presenters.list_row(row, person, today()) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists_follow_up.columns(with_hospital="hospital" in form.fields),
        "export_url": f"{reverse('transplants:follow-up-export')}?{request.GET.urlencode()}",
    }
    return render(request, "transplants/follow_up_list.html", context)


@require_GET
@permission_required(_VIEW)
def follow_up_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists_follow_up.selection(request, today())
    return csv_response("qidai-follow-up.csv", lists_follow_up.CSV, lists_follow_up.csv_rows(rows, today()))


# --- one form -------------------------------------------------------------------------------------


def told(request: HttpRequest, form: forms.Form, service: Callable[[], Any]) -> Outcome:
    """As carried_out; of several findings each stands beside its field."""
    found: list[Mapping[str, Any]] = []

    def tried() -> Any:
        try:
            return service()
        except DomainError as error:
            found.extend(error.details)
            raise

    outcome = carried_out(request, form, tried)
    for one in found[1:]:
        field = one["field"] if one["field"] in form.fields else None
        form.add_error(field, forms.ValidationError(one["text"], code=one["code"]))
    return outcome


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, _EDIT)
def follow_up_edit(request: HttpRequest, pk: Any, visit: str) -> HttpResponse:
    """The one page of a form: kept as a draft, or handed in."""
    row, person = transplant(request, pk, _EDIT), person_of(request)
    if visit not in VISIT:
        raise Http404
    found = FollowUp.objects.filter(transplant=row, visit=visit).current().order_by("state", "-version")
    known = list(found)
    if request.method == "GET" and (final := next((o for o in known if o.state == FormState.FINAL), None)):
        return redirect("transplants:follow-up-detail", pk=final.pk)
    draft = next((one for one in known if one.state == FormState.DRAFT), None)
    form = FollowUpForm(posted(request), initial=_initial(row, visit, draft))
    kept = request.POST.get("action") == "draft"
    service = services.follow_up_save if kept else services.follow_up_hand_in
    outcome = told(
        request,
        form,
        lambda: service(
            transplant_id=row.pk,
            visit=visit,
            answers=form.answers(),
            seen=form.cleaned_data["seen"],
            user=person,
        ),
    )
    if outcome.done:
        text = _("The draft is kept. Nothing counts of it yet.") if kept else _("The form is handed in.")
        messages.success(request, text)
        return redirect("transplants:transplant-detail", pk=row.pk)
    context = {**_of_form(row, form, visit), "draft": draft, "begun": not draft and request.method == "GET"}
    return render(request, "transplants/follow_up_edit.html", context, status=outcome.status)


def _initial(row: Transplant, visit: str, draft: FollowUp | None) -> dict[str, Any]:
    values = (
        {name: getattr(draft, name) for name in ANSWERS} if draft else presenters.begun(row, VISIT[visit])
    )
    return {**initial_of(values), "seen": services.stamp(draft)}


def _of_form(row: Transplant, form: FollowUpForm, visit: str) -> dict[str, Any]:
    title = visit_title(visit)
    return {
        "row": row,
        "form": form,
        "title": title,
        "window": presenters.window_text(row, visit),
        "crumbs": crumbs(row, title),
    }


def crumbs(row: Transplant, last: str) -> list[tuple[str, str]]:
    return [
        (reverse("transplants:transplant-list"), _("Transplants")),
        (reverse("transplants:transplant-detail", args=[row.pk]), row.number),
        ("", last),
    ]


@require_GET
@permission_required(_VIEW)
def follow_up_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    """What was handed in, version by version."""
    form, person = _form(request, pk), person_of(request)
    row = form.transplant
    may = services.may_edit(row, person)
    context = {
        "form": form,
        "row": row,
        "title": visit_title(form.visit),
        "sections": presenters.form_sections(form),
        "versions": presenters.versions(form),
        "changes": presenters.corrections(form),
        "may_correct": may and form.state == FormState.FINAL and form.visit in VISIT,
        "is_draft": form.state == FormState.DRAFT,
        "to_complete": is_to_complete(form),
        "may_edit": may,
        "seen": services.stamp(form),
        "crumbs": crumbs(row, visit_title(form.visit)),
    }
    return render(request, "transplants/follow_up_detail.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, _EDIT)
def follow_up_correct(request: HttpRequest, pk: Any) -> HttpResponse:
    old = _form(request, pk, _EDIT)
    values = {name: getattr(old, name) for name in ANSWERS}
    initial = {**initial_of(values), "seen": services.stamp(old)}
    form = FollowUpForm(posted(request), initial=initial, correcting=True)
    outcome = told(
        request,
        form,
        lambda: services.follow_up_correct(
            follow_up_id=old.pk,
            answers=form.answers(),
            reason=form.cleaned_data["reason"],
            seen=form.cleaned_data["seen"],
            user=person_of(request),
        ),
    )
    if outcome.done:
        messages.success(request, _("The form is corrected; what was handed in before stays in its history."))
        return redirect("transplants:follow-up-detail", pk=outcome.value.pk)
    context = {**_of_form(old.transplant, form, old.visit), "correcting": old}
    return render(request, "transplants/follow_up_edit.html", context, status=outcome.status)


@require_POST
@permission_required(_VIEW, _EDIT)
def follow_up_discard(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _form(request, pk, _EDIT)
    form = forms.Form(request.POST)
    outcome = carried_out(
        request,
        form,
        lambda: services.follow_up_discard(
            follow_up_id=row.pk, seen=request.POST.get("seen", ""), user=person_of(request)
        ),
    )
    if outcome.done:
        messages.success(request, _("The draft is thrown away."))
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return redirect("transplants:transplant-detail", pk=row.transplant_id)


def _form(request: HttpRequest, pk: Any, *acting: Permission) -> FollowUp:
    person = person_of(request)
    rows = FollowUp.objects.with_names().open_for(person, *acting)
    found: FollowUp = get_visible_or_404(rows, person, pk=pk)
    return found


def transplant(request: HttpRequest, pk: Any, *acting: Permission) -> Transplant:
    person = person_of(request)
    rows = Transplant.objects.with_names().open_for(person, *acting)
    found: Transplant = get_visible_or_404(rows, person, pk=pk)
    return found


# --- facts and rules ------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, _EDIT)
def transplant_facts(request: HttpRequest, pk: Any) -> HttpResponse:
    """What the transplant was given for and how."""
    row = transplant(request, pk, _EDIT)
    initial = {name: getattr(row, name) for name in services_facts.FACTS}
    form = FactsForm(posted(request), initial={**initial, "seen": services_facts.facts_stamp(row)})
    outcome = carried_out(
        request,
        form,
        lambda: services_facts.transplant_facts_update(
            transplant_id=row.pk,
            values=form.facts(),
            seen=form.cleaned_data["seen"],
            user=person_of(request),
        ),
    )
    if outcome.done:
        messages.success(request, _("The facts of the transplant are saved."))
        return redirect("transplants:transplant-detail", pk=row.pk)
    context = {"row": row, "form": form, "crumbs": crumbs(row, _("Disease and treatment"))}
    return render(request, "transplants/transplant_facts.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.FOLLOW_UP_RULES)
def rules_edit(request: HttpRequest) -> HttpResponse:
    row = OutcomeRules.objects.first() or OutcomeRules()
    form = OutcomeRulesForm(posted(request), instance=row)

    def save() -> OutcomeRules:
        values = dict(form.cleaned_data)
        return services_outcome_rules.outcome_rules_update(
            reason=values.pop("reason"), values=values, actor=actor_of(request)
        )

    outcome = carried_out(request, form, save)
    if outcome.done:
        messages.success(request, _("The rules are saved; they hold from now on."))
        return redirect("transplants:follow-up-list")
    context = {
        "form": form,
        "crumbs": [
            (reverse("transplants:follow-up-list"), _("Follow-up")),
            ("", _("Rules of reminders")),
        ],
    }
    return render(request, "transplants/follow_up_rules.html", context, status=outcome.status)
