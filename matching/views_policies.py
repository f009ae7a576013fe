"""Selection policies: which there are, what one says, copies of one's own, new versions with a preview."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import Conflict, DomainError
from core.pages import paginate
from core.posting import show_error
from core.roles import Permission
from matching import services
from matching.engine.selection.rules import BadRules
from matching.forms_policies import PolicyCopyForm, PolicyFilterForm, PolicyForm, RetireForm
from matching.models import SearchRun, SelectionPolicy
from matching.presenters import crumbs, policy_pages, policy_preview
from matching.selection.policies import Writes, plain_name, rules_of, shown_name, writes_of
from matching.selection.preview import preview
from matching.selection.refusals import refusal

LISTS_OFFERED = 50  # newest lists to try a draft on
_SEEN = Permission.REFERENCE_VIEW
_EDITED = (Permission.REFERENCE_VIEW, Permission.POLICY_EDIT)


@require_GET
@permission_required(_SEEN)
def policy_list(request: HttpRequest) -> HttpResponse:
    """Few rows: filtered in memory, the bank's first."""
    person = person_of(request)
    rows = list(SelectionPolicy.objects.visible_to(person).select_related("hospital"))
    rows.sort(key=lambda one: (one.hospital.code if one.hospital else "", plain_name(one), -one.version))
    form = PolicyFilterForm(request.GET)
    found = form.apply(rows)
    query = request.GET.copy()
    with_retired = query.pop("retired", None) is not None
    if not with_retired:
        query["retired"] = "on"
    page = paginate(request, found)
    context = {
        "page": page,
        "rows": [policy_pages.row(one) for one in page],
        "form": form,
        "with_retired": with_retired,
        "retired_count": sum(not one.is_offered for one in rows),
        "retired_query": query.urlencode(),
        "writes": writes_of(person).any,
        "crumbs": crumbs.policies(),
    }
    return render(request, "matching/policy_list.html", context)


@require_GET
@permission_required(_SEEN)
def policy_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _detail(request, _visible(request, pk), RetireForm())


def _visible(request: HttpRequest, pk: UUID) -> SelectionPolicy:
    rows = SelectionPolicy.objects.select_related("hospital", "copied_from__hospital")
    found: SelectionPolicy = get_visible_or_404(rows, person_of(request), pk=pk)
    return found


def _editable(request: HttpRequest, pk: UUID) -> SelectionPolicy:
    """404 for one that the person does not see, 403 for one that is another's to write."""
    found = _visible(request, pk)
    if not writes_of(person_of(request)).may(found):
        raise PermissionDenied
    return found


def _detail(request: HttpRequest, policy: SelectionPolicy, retire_form: RetireForm) -> HttpResponse:
    person = person_of(request)
    writes = writes_of(person)
    mine = writes.may(policy)
    before = policy_pages.before_of(policy)
    offered = SelectionPolicy.objects.versions_of(policy).offered().exclude(pk=policy.pk).first()
    context = {
        "policy": policy,
        "shown": policy_pages.detail(policy),
        "versions": policy_pages.history(policy),
        "changed": policy_pages.changed(before, policy),
        "before": shown_name(before) if before else "",
        "offered": offered,
        "retire_form": retire_form,
        "may_edit": mine and policy.is_offered,
        "may_copy": _may_copy(policy, writes),
        "may_be_default": mine and policy.is_offered and policy.hospital_id is None and not policy.is_default,
        "may_retire": mine and policy.is_offered and not policy.is_default,
        "crumbs": crumbs.of_policy(policy),
    }
    return render(request, "matching/policy_detail.html", context)


def _may_copy(policy: SelectionPolicy, writes: Writes) -> bool:
    return writes.any if policy.hospital_id is None else writes.may(policy)


@require_http_methods(["GET", "POST"])
@permission_required(*_EDITED)
def policy_copy(request: HttpRequest, pk: UUID) -> HttpResponse:
    source = _visible(request, pk)
    writes = writes_of(person_of(request))
    if not _may_copy(source, writes):
        raise PermissionDenied
    form = PolicyCopyForm(request.POST or None, source=source, writes=writes)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.policy_copy(
                source=source,
                hospital=form.hospital,
                name=form.cleaned_data["name"],
                actor=actor_of(request),
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("%(policy)s was made. Change what you need.") % {"policy": made})
            return redirect("matching:policy-edit", pk=made.pk)
    context = {
        "form": form,
        "source": shown_name(source),
        "policy": source,
        "crumbs": crumbs.of_policy(source, crumbs.here(_("Copy"))),
    }
    return render(request, "matching/policy_copy.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(*_EDITED)
def policy_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """ "save" makes a new version, "preview" judges a list by the draft and writes nothing."""
    policy = _editable(request, pk)
    form = _form(request, policy)
    if request.method == "GET" and not policy.is_offered:
        messages.info(request, _("This version is retired: only the one that is offered can be edited."))
        return redirect("matching:policy-detail", pk=pk)
    if request.method == "POST" and "preview" in request.POST:
        return _previewed(request, policy, form)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.policy_revise(
                policy_id=policy.pk, data=form.data_for_service(), actor=actor_of(request)
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("%(policy)s is offered from now on.") % {"policy": shown_name(made)})
            return redirect("matching:policy-detail", pk=made.pk)
    return _edit_page(request, policy, form)


def _form(request: HttpRequest, policy: SelectionPolicy) -> PolicyForm:
    try:
        return PolicyForm(request.POST if request.method == "POST" else None, policy=policy)
    except BadRules as error:
        raise Conflict("policy_unreadable", refusal(error).message) from error


def _lists(request: HttpRequest, policy: SelectionPolicy) -> Any:
    """The newest finished searches that the person sees and that this policy may judge."""
    rows = SearchRun.objects.visible_to(person_of(request)).with_request().without_figures()
    if policy.hospital_id is not None:
        rows = rows.filter(request__hospital=policy.hospital_id)
    return rows.newest().order_by("-completed_at", "pk")


def _edit_page(
    request: HttpRequest, policy: SelectionPolicy, form: PolicyForm, answer: dict[str, Any] | None = None
) -> HttpResponse:
    lists = list(_lists(request, policy)[:LISTS_OFFERED])
    context = {
        "policy": policy,
        "title": shown_name(policy),
        "next_version": policy.version + 1,
        "form": form,
        "lists": [{"pk": str(run.pk), "label": policy_preview.list_label(run)} for run in lists],
        "chosen": request.POST.get("run", ""),
        "answer": answer,
        "crumbs": crumbs.of_policy(policy, crumbs.here(_("Edit"))),
    }
    return render(request, "matching/policy_edit.html", context)


def _previewed(request: HttpRequest, policy: SelectionPolicy, form: PolicyForm) -> HttpResponse:
    answer = _answer(request, policy, form)
    if getattr(request, "htmx", False):
        return render(request, "matching/_policy_preview.html", {"answer": answer})
    return _edit_page(request, policy, form, answer)


def _answer(request: HttpRequest, policy: SelectionPolicy, form: PolicyForm) -> dict[str, Any]:
    """What the draft would change, or what keeps one from telling."""
    if not form.is_valid():
        return {"error": _("The draft has mistakes: correct them first."), "mistakes": _mistakes(form)}
    if not request.POST.get("run"):
        return {"error": _("Choose a list to try this draft on.")}
    rows = _lists(request, policy)
    run = get_visible_or_404(rows, person_of(request), pk=request.POST["run"])
    found = preview(
        run,
        rules_of(policy),
        form.selection_rules(),
        (policy.antigen_rule, form.cleaned_data["antigen_rule"]),
    )
    return policy_preview.shown(run, found, search_changed=form.search_changed)


def _mistakes(form: PolicyForm) -> list[dict[str, str]]:
    """Field and what is wrong with it, for the part of the page that stands apart from the fields."""
    return [
        {"place": str(form.fields[name].label) if name in form.fields else "", "text": str(text)}
        for name, texts in form.errors.items()
        for text in texts
    ]


@require_POST
@permission_required(*_EDITED)
def policy_retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    policy = _editable(request, pk)
    form = RetireForm(request.POST)
    if form.is_valid():
        try:
            services.policy_retire(
                policy_id=policy.pk, reason=form.cleaned_data["reason"], actor=actor_of(request)
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("%(policy)s is offered no more.") % {"policy": shown_name(policy)})
            return redirect("matching:policy-detail", pk=pk)
    return _detail(request, policy, form)


@require_POST
@permission_required(*_EDITED)
def policy_make_default(request: HttpRequest, pk: UUID) -> HttpResponse:
    policy = _editable(request, pk)
    try:
        services.policy_make_default(policy_id=policy.pk, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, _("%(policy)s is the bank's default from now on.") % {"policy": shown_name(policy)}
        )
    return redirect("matching:policy-detail", pk=pk)
