"""Files with HLA typings: ask for one, decide on one, how much was taken in a year, from how many on one is asked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import genetic, genetic_pages, services_genetic
from bank.choices_genetic import ApprovalState, GeneticKind
from bank.forms_genetic import ApprovalForm, AskForm, GeneticLimitsForm
from bank.models import ExportApproval, GeneticLimits
from core.access import get_visible_or_404, permission_required, person_of
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import signing

TONES = {"open": "warn", "approved": "good", "refused": "bad", "used": ""}


def _crumbs(request: HttpRequest, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """Whoever watches over genetic data comes from the register, others from their own requests."""
    watches = person_of(request).has_permission(Permission.GENETIC_VIEW)
    above = (
        (reverse("bank:genetic-register"), _("Genetic data taken"))
        if watches
        else (reverse("bank:genetic-mine"), _("Your requests for files"))
    )
    return [(reverse("bank:unit-list"), _("Inventory")), above, *more]


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW)
def genetic_ask(request: HttpRequest) -> HttpResponse:
    """Ask for a file that a page just refused; what it is comes sealed in the address."""
    wanted = genetic_pages.read_token(request, request.GET.get("of", ""))
    if wanted is None:
        messages.error(request, _("This page is over. Choose the file again on its own page."))
        return redirect("bank:genetic-mine")
    form = AskForm(posted(request), kind=wanted["kind"])
    outcome = carried_out(
        request,
        form,
        lambda: services_genetic.approval_ask(user=person_of(request), said=form.said(), **wanted),
    )
    if outcome.done:
        messages.success(request, _("It is asked for. You are told when somebody has decided."))
        return redirect("bank:genetic-detail", pk=outcome.value.pk)
    context = {
        "form": form,
        "facts": [
            {"label": _("File"), "value": GeneticKind(wanted["kind"]).label},
            {"label": _("What"), "value": wanted["title"]},
            {"label": _("Units"), "value": f"{wanted['units']:,}"},
        ],
        "crumbs": [
            (reverse("bank:unit-list"), _("Inventory")),
            (reverse("bank:genetic-mine"), _("Your requests for files")),
            ("", _("Ask for a file")),
        ],
    }
    return render(request, "bank/genetic_ask.html", context, status=outcome.status)


@require_GET
@permission_required(Permission.INVENTORY_VIEW)
def genetic_mine(request: HttpRequest) -> HttpResponse:
    """One's own requests, newest first."""
    rows = ExportApproval.objects.filter(asked_by=person_of(request))
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), ("", _("Your requests for files"))]
    context = {"page": paginate(request, rows), "tones": TONES, "crumbs": crumbs}
    return render(request, "bank/genetic_mine.html", context)


@require_GET
@permission_required(Permission.GENETIC_VIEW)
def genetic_register(request: HttpRequest) -> HttpResponse:
    """Who took how many typings in the last 365 days, in all and by account; what is asked for."""
    user = person_of(request)
    rows = ExportApproval.objects.visible_to(user).select_related("asked_by").order_by("-asked_at")
    context = {
        "totals": genetic.totals(),
        "page": paginate(request, genetic.by_account()),
        "kinds": dict(GeneticKind.choices),
        "open": rows.open().order_by("asked_at"),
        "decided": rows.exclude(state=ApprovalState.OPEN)[:20],
        "tones": TONES,
        "limits": GeneticLimits.load(),
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Genetic data taken"))],
    }
    return render(request, "bank/genetic_register.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW)
def genetic_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _detail(request, _approval(request, pk))


@require_POST
@sensitive_post_parameters("password")
@permission_required(Permission.GENETIC_VIEW, Permission.GENETIC_APPROVE)
def genetic_decide(request: HttpRequest, pk: Any) -> HttpResponse:
    """The second person signs, or refuses with a reason."""
    row = _approval(request, pk)
    form = ApprovalForm(request.POST)
    outcome = carried_out(request, form, lambda: _decide(request, row, form))
    if not outcome.done:
        return _detail(request, _approval(request, pk), form=form, status=outcome.status)
    messages.success(request, outcome.value)
    return redirect("bank:genetic-detail", pk=row.pk)


def _decide(request: HttpRequest, row: ExportApproval, form: ApprovalForm) -> str:
    data = form.cleaned_data
    with signing(request, target=row, action="genetic.sign_refused") as user:
        given: dict[str, Any] = {"approval_id": row.pk, "user": user, "password": data["password"]}
        if "refuse" in request.POST:
            services_genetic.approval_refuse(**given, reason=data["reason"])
            return _("It is refused; whoever asked is told.")
        services_genetic.approval_give(**given)
    return _("It is approved, once, for exactly this file; whoever asked is told.")


def _approval(request: HttpRequest, pk: Any) -> ExportApproval:
    rows = ExportApproval.objects.select_related("asked_by", "decided_by")
    return get_visible_or_404(rows, person_of(request), pk=pk)


def _detail(
    request: HttpRequest, row: ExportApproval, *, form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    user = person_of(request)
    is_own = row.asked_by_id == user.pk
    may_decide = user.has_permission(Permission.GENETIC_APPROVE) and not is_own and row.is_open
    context = {
        "row": row,
        "facts": _facts(row),
        "tone": TONES[row.state],
        "is_own": is_own,
        "form": (form or ApprovalForm()) if may_decide else None,
        "late": form if form and not may_decide else None,
        "file_url": genetic_pages.file_url(row.address, row.pk) if is_own and row.is_good else "",
        "taken": genetic.of_year(row.asked_by),
        "crumbs": _crumbs(request, ("", str(row.get_kind_display()))),
    }
    return render(request, "bank/genetic_detail.html", context, status=status)


def moment(at: dt.datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def _facts(row: ExportApproval) -> list[dict[str, Any]]:
    facts = [
        (_("File"), row.get_kind_display()),
        (_("Units"), f"{row.units:,}"),
        (_("Purpose"), f"{row.get_purpose_display()}: {row.purpose_text}"),
        (_("Recipient"), f"{row.recipient} ({row.recipient_country})"),
        (_("HGR permit number"), row.permit_no or "–"),
        (_("Asked by"), f"{row.asked_by.full_name} · {moment(row.asked_at)}"),
        (_("Address"), row.address),
    ]
    if row.decided_by and row.decided_at:
        facts.append((_("Decided by"), f"{row.signed_by} · {moment(row.decided_at)}"))
    if row.decision_reason:
        facts.append((_("Reason"), row.decision_reason))
    if row.expires_at:
        facts.append((_("Good until"), f"{moment(row.expires_at)}"))
    if row.used_at:
        facts.append((_("Fetched"), f"{moment(row.used_at)}"))
    return [{"label": label, "value": value} for label, value in facts]


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(Permission.GENETIC_VIEW, Permission.GENETIC_APPROVE)
def genetic_limits(request: HttpRequest) -> HttpResponse:
    """The limits are changed with the password."""
    row = GeneticLimits.load()
    form = GeneticLimitsForm(posted(request), instance=row)

    def update() -> object:
        values = {name: form.cleaned_data[name] for name in services_genetic.LIMITS}
        given = {name: form.cleaned_data[name] for name in ("password", "reason")}
        with signing(request, target=row, action="genetic.sign_refused") as user:
            return services_genetic.genetic_limits_update(values=values, user=user, **given)

    outcome = carried_out(request, form, update)
    if outcome.done:
        messages.success(request, _("The limits are in force for every file from now on."))
        return redirect("bank:genetic-register")
    context = {"form": form, "crumbs": _crumbs(request, ("", _("Limits of genetic data")))}
    return render(request, "bank/genetic_limits.html", context, status=outcome.status)
