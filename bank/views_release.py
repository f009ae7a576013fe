"""The release of one unit, and the versions of the release specification."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import presenters_release as words
from bank import services_release as services
from bank import specifications
from bank.choices import Source, UnitStatus
from bank.forms_release import ReleaseForm, SpecificationForm
from bank.lots import blocked_lots_of
from bank.models import Bank, CordBloodUnit, ReleaseSpecification
from bank.release.judge import Finding
from bank.services_interview import deferring_answers
from bank.services_specification import (
    specification_approve,
    specification_draft,
)
from bank.stock_pages import open_proposal
from bank.unit_pages import crumbs_of, own_unit
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import SignatureForm, signing


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_release(request: HttpRequest, pk: Any) -> HttpResponse:
    """What the specification says of a unit; whoever may signs that it is released, or is not."""
    unit = own_unit(request, pk)
    may = person_of(request).has_permission(Permission.UNIT_RELEASE)
    if request.method == "POST" and not may:
        raise PermissionDenied
    form = ReleaseForm(posted(request))
    outcome = carried_out(request, form, lambda: _sign(request, unit, form))
    if outcome.done:
        return redirect("bank:unit-detail", pk=unit.pk)
    return _release_page(request, unit, form if may else None, outcome.status)


def _sign(request: HttpRequest, unit: CordBloodUnit, form: ReleaseForm) -> None:
    with signing(request, target=unit, action="unit.release_sign_refused") as user:
        given: dict[str, Any] = {"unit_id": unit.pk, "user": user, **form.cleaned_data}
        if "refuse" in request.POST:
            services.unit_release_refuse(**given)
            messages.success(request, _("The refusal is signed; the unit stays in quarantine."))
        else:
            services.unit_release(**given)
            messages.success(request, _("The unit is released and listed; searches find it now."))


def _release_page(
    request: HttpRequest, unit: CordBloodUnit, form: ReleaseForm | None, status: int
) -> HttpResponse:
    found = services.judged([unit])[unit.pk]
    if form is not None:
        form.show(found.digest)
    own_work = str(person_of(request).pk) in found.facts.performers
    in_quarantine = unit.status == UnitStatus.QUARANTINE
    proposal = open_proposal(unit)
    context = {
        "unit": unit,
        "specification": found.specification,
        "findings": words.findings(found.findings),
        "met": len(found.findings) - len(found.open),
        "hard": [words.name_of(one) for one in found.open if not one.may_be_excepted],
        "open": found.open,
        "form": form if in_quarantine and found.specification else None,
        "own_work": own_work,
        "proposal": proposal,
        "is_kept_back": bool(unit.blocks or proposal),
        "deferring": deferring_answers(unit.donation),
        "blocked_lots": blocked_lots_of(unit),
        "may_except": person_of(request).has_permission(Permission.UNIT_RELEASE_EXCEPTION),
        "releases": [
            {"row": row, "open": words.what_is_open(map(Finding.of_json, row.findings))}
            for row in unit.releases.select_related("specification")
        ],
        "crumbs": crumbs_of(unit, _("Release checks")),
    }
    return render(request, "bank/unit_release.html", context, status=status)


# --- specifications ------------------------------------------------------------------------------


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def specification_list(request: HttpRequest) -> HttpResponse:
    context = {
        "banks": specifications.by_bank(person_of(request)),
        "may_edit": person_of(request).has_permission(Permission.SPECIFICATION_EDIT),
        "crumbs": [
            (reverse("bank:unit-list"), _("Inventory")),
            (reverse("bank:release-desk"), _("Release desk")),
            ("", _("Release specifications")),
        ],
    }
    return render(request, "bank/specification_list.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def specification_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _specification_page(request, _specification(request, pk), SignatureForm(), 200)


@require_POST
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.SPECIFICATION_APPROVE)
def specification_approved(request: HttpRequest, pk: Any) -> HttpResponse:
    """Put a version in force, with the password."""
    row = _specification(request, pk)
    form = SignatureForm(request.POST)
    outcome = carried_out(request, form, lambda: _approve(request, row, form))
    if outcome.done:
        messages.success(request, _("The version is approved."))
        return redirect("bank:specification-detail", pk=row.pk)
    return _specification_page(request, _specification(request, pk), form, outcome.status)


def _approve(request: HttpRequest, row: ReleaseSpecification, form: SignatureForm) -> None:
    with signing(request, target=row, action="specification.sign_refused") as user:
        specification_approve(specification_id=row.pk, user=user, password=form.cleaned_data["password"])


def _specification(request: HttpRequest, pk: Any) -> ReleaseSpecification:
    rows = ReleaseSpecification.objects.select_related("bank", "created_by", "approved_by")
    row: ReleaseSpecification = get_visible_or_404(rows, person_of(request), pk=pk)
    return row


def _specification_page(
    request: HttpRequest, row: ReleaseSpecification, form: SignatureForm, status: int
) -> HttpResponse:
    user = person_of(request)
    may = row.approved_at is None and user.has_permission(Permission.SPECIFICATION_APPROVE)
    context = {
        "row": row,
        "criteria": [words.criterion(one) for one in row.criteria.all()],
        "form": form if may else None,
        "own": row.created_by_id == user.pk,
        "may_edit": user.has_permission(Permission.SPECIFICATION_EDIT),
        "crumbs": [
            (reverse("bank:release-desk"), _("Release desk")),
            (reverse("bank:specification-list"), _("Release specifications")),
            ("", str(row)),
        ],
    }
    return render(request, "bank/specification_detail.html", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.SPECIFICATION_EDIT)
def specification_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    """Another version for a bank: from its newest one, or from the shipped proposal."""
    bank = get_visible_or_404(Bank.objects.filter(source=Source.OWN), person_of(request), pk=pk)
    rows = specifications.beginning(bank)
    initial = specifications.head(bank)
    form = SpecificationForm(posted(request), rows=rows, initial=initial)
    is_stale = request.method == "POST" and request.POST.get("base", "") != initial["base"]
    if is_stale:
        form.add_error(None, _("Another version was written since you opened this page. Open it again."))

    def keep() -> ReleaseSpecification:
        return specification_draft(
            bank_id=bank.pk,
            title=form.cleaned_data["title"],
            effective_from=form.cleaned_data["effective_from"],
            criteria=form.criteria(),
            actor=actor_of(request),
        )

    outcome = carried_out(request, form, keep)
    if outcome.done:
        messages.success(request, _("The draft is kept; another person approves it."))
        return redirect("bank:specification-detail", pk=outcome.value.pk)
    context = {
        "bank": bank,
        "form": form,
        "lines": specifications.lines(form),
        "crumbs": [
            (reverse("bank:release-desk"), _("Release desk")),
            (reverse("bank:specification-list"), _("Release specifications")),
            ("", _("New version")),
        ],
    }
    status = 409 if is_stale else outcome.status
    return render(request, "bank/specification_edit.html", context, status=status)
