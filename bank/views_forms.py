"""What mothers are asked by: versions of the consent form and of the questionnaire, and the bank's declarations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import services_declaration, services_versions
from bank.choices import Source
from bank.consent_defaults import PROPOSALS
from bank.forms import ReasonForm
from bank.forms_consent import DeclarationForm, VersionForm
from bank.models import Bank, ConsentDeclaration
from bank.services_versions import KINDS, Version
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import SignatureForm, signing

TITLES: dict[str, Any] = {
    "consent": gettext_lazy("Consent form"),
    "questions": gettext_lazy("Questionnaire on health"),
}


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def form_list(request: HttpRequest) -> HttpResponse:
    """Both texts with their versions, newest first."""
    may_edit = person_of(request).has_permission(Permission.SPECIFICATION_EDIT)
    texts = [
        {
            "kind": kind,
            "title": TITLES[kind],
            "versions": [
                {"row": row, **_state(row)}
                for row in what.model.objects.select_related("created_by", "approved_by")
            ],
        }
        for kind, what in KINDS.items()
    ]
    context = {"texts": texts, "may_edit": may_edit, "crumbs": _crumbs()}
    return render(request, "bank/form_list.html", context)


def _state(row: Version) -> dict[str, str]:
    if row.approved_at is None:
        return {"text": _("draft, not approved"), "tone": "warn"}
    if row.is_current:
        return {"text": _("in force"), "tone": "good"}
    return {"text": _("replaced"), "tone": ""}


def _crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    here = _("Consent form and questionnaire")
    first = (reverse("bank:unit-list"), _("Inventory"))
    return [first, (reverse("bank:form-list") if more else "", here), *more]


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def form_detail(request: HttpRequest, kind: str, pk: Any) -> HttpResponse:
    return _form_page(request, kind, _version(request, kind, pk), SignatureForm(), 200)


@require_POST
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.SPECIFICATION_APPROVE)
def form_approve(request: HttpRequest, kind: str, pk: Any) -> HttpResponse:
    """Put a version in force, with the password."""
    row = _version(request, kind, pk)
    form = SignatureForm(request.POST)
    outcome = carried_out(request, form, lambda: _approve(request, kind, row, form))
    if outcome.done:
        messages.success(request, _("The version is in force from today."))
        return redirect("bank:form-detail", kind=kind, pk=row.pk)
    return _form_page(request, kind, _version(request, kind, pk), form, outcome.status)


def _approve(request: HttpRequest, kind: str, row: Version, form: SignatureForm) -> None:
    password = form.cleaned_data["password"]
    with signing(request, target=row, action=f"{kind}.sign_refused") as user:
        services_versions.version_approve(kind=kind, version_id=row.pk, user=user, password=password)


def _version(request: HttpRequest, kind: str, pk: Any) -> Version:
    if kind not in KINDS:
        raise Http404
    rows: Any = KINDS[kind].model.objects.select_related("created_by", "approved_by")
    row: Version = get_visible_or_404(rows, person_of(request), pk=pk)
    return row


def _parts(kind: str, row: Version) -> Any:
    return KINDS[kind].part.objects.filter(**{KINDS[kind].link: row})


def _form_page(
    request: HttpRequest, kind: str, row: Version, form: SignatureForm, status: int
) -> HttpResponse:
    user = person_of(request)
    may = row.approved_at is None and user.has_permission(Permission.SPECIFICATION_APPROVE)
    context = {
        "kind": kind,
        "title": TITLES[kind],
        "row": row,
        "state": _state(row),
        "parts": _parts(kind, row),
        "form": form if may else None,
        "own": row.created_by_id == user.pk,
        "may_edit": user.has_permission(Permission.SPECIFICATION_EDIT),
        "crumbs": _crumbs(("", str(row))),
    }
    return render(request, "bank/form_detail.html", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.SPECIFICATION_EDIT)
def form_edit(request: HttpRequest, kind: str) -> HttpResponse:
    """Another version: from the newest one, or from the shipped proposal."""
    if kind not in KINDS:
        raise Http404
    newest, parts = _beginning(kind)
    initial = {"title": newest.title if newest else TITLES[kind], "base": str(newest.pk) if newest else ""}
    form = VersionForm(posted(request), kind=kind, parts=parts, initial=initial)
    is_stale = request.method == "POST" and request.POST.get("base", "") != initial["base"]
    if is_stale:
        form.add_error(None, _("Another version was written since you opened this page. Open it again."))

    def keep() -> Version:
        title, given = form.cleaned_data["title"], form.given()
        return services_versions.version_draft(kind=kind, title=title, parts=given, actor=actor_of(request))

    outcome = carried_out(request, form, keep)
    if outcome.done:
        messages.success(request, _("The draft is kept; another person approves it."))
        return redirect("bank:form-detail", kind=kind, pk=outcome.value.pk)
    crumbs = _crumbs(("", _("New version")))
    context = {"kind": kind, "title": TITLES[kind], "form": form, "lines": form.lines(), "crumbs": crumbs}
    return render(request, "bank/form_edit.html", context, status=409 if is_stale else outcome.status)


def _beginning(kind: str) -> tuple[Version | None, list[dict[str, Any]]]:
    """The newest version and its parts; purposes that it leaves out come after, empty."""
    what = KINDS[kind]
    newest: Version | None = what.model.objects.order_by("-version").first()
    if newest is None:
        return None, [dict(one) for one in PROPOSALS[kind]]
    parts = [{name: getattr(one, name) for name in what.columns} for one in _parts(kind, newest)]
    if kind == "consent":
        known = {one["purpose"] for one in parts}
        more = [one["purpose"] for one in PROPOSALS[kind] if one["purpose"] not in known]
        parts += [{"purpose": purpose, "text_en": "", "text_zh": ""} for purpose in more]
    return newest, parts


# --- declarations -----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def declaration_list(request: HttpRequest) -> HttpResponse:
    """What the bank vouches for of older units, and a form for another declaration."""
    form = DeclarationForm(posted(request), banks=list(Bank.objects.filter(source=Source.OWN)))

    def write() -> ConsentDeclaration:
        given = dict(form.cleaned_data)
        return services_declaration.declaration_write(
            bank_id=UUID(given.pop("bank")), actor=actor_of(request), **given
        )

    outcome = carried_out(request, form, write)
    if outcome.done:
        messages.success(request, _("The declaration is kept; it counts once another person has signed it."))
        return redirect("bank:declaration-list")
    return _declaration_page(request, form, outcome.status, {})


@require_POST
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.SPECIFICATION_APPROVE)
def declaration_approve(request: HttpRequest, pk: Any) -> HttpResponse:
    row: ConsentDeclaration = get_visible_or_404(ConsentDeclaration, person_of(request), pk=pk)
    form = SignatureForm(request.POST, auto_id=f"sign_{row.pk}_%s")
    outcome = carried_out(request, form, lambda: _approve_declaration(request, row, form))
    if outcome.done:
        messages.success(request, _("The declaration is signed and counts from now on."))
        return redirect("bank:declaration-list")
    return _declaration_page(request, None, outcome.status, {("sign", row.pk): form})


def _approve_declaration(request: HttpRequest, row: ConsentDeclaration, form: SignatureForm) -> None:
    password = form.cleaned_data["password"]
    with signing(request, target=row, action="declaration.sign_refused") as user:
        services_declaration.declaration_approve(declaration_id=row.pk, user=user, password=password)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def declaration_end(request: HttpRequest, pk: Any) -> HttpResponse:
    row: ConsentDeclaration = get_visible_or_404(ConsentDeclaration, person_of(request), pk=pk)
    form = ReasonForm(request.POST, auto_id=f"end_{row.pk}_%s")

    def end() -> object:
        return services_declaration.declaration_end(
            declaration_id=row.pk, actor=actor_of(request), reason=form.cleaned_data["reason"]
        )

    outcome = carried_out(request, form, end)
    if outcome.done:
        messages.success(request, _("The declaration is ended."))
        return redirect("bank:declaration-list")
    return _declaration_page(request, None, outcome.status, {("end", row.pk): form})


def _declaration_page(
    request: HttpRequest, form: DeclarationForm | None, status: int, sent: dict[tuple[str, Any], Any]
) -> HttpResponse:
    """sent: forms of a declaration that were sent and not accepted."""
    user = person_of(request)
    may_sign = user.has_permission(Permission.SPECIFICATION_APPROVE)
    found = ConsentDeclaration.objects.visible_to(user)
    rows = [
        {
            "row": row,
            "sign": sent.get(("sign", row.pk)) or SignatureForm(auto_id=f"sign_{row.pk}_%s")
            if may_sign and row.approved_at is None and row.entered_by_id != user.pk
            else None,
            "sign_open": ("sign", row.pk) in sent,
            "end": sent.get(("end", row.pk)) or ReasonForm(auto_id=f"end_{row.pk}_%s"),
            "end_open": ("end", row.pk) in sent,
        }
        for row in found.select_related("bank", "entered_by", "approved_by", "ended_by")
    ]
    context = {
        "rows": rows,
        "form": form or DeclarationForm(banks=list(Bank.objects.filter(source=Source.OWN))),
        "sent": form is not None and form.is_bound,
        "crumbs": _crumbs(("", _("Declarations"))),
    }
    return render(request, "bank/declaration_list.html", context, status=status)
