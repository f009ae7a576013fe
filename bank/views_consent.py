"""A donation's page: what its mother consented to and withdrew, how she is reached, what was erased."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import consents, presenters_consent, services_consent, services_contact
from bank.choices_consent import ConsentPurpose
from bank.forms_consent import AnswersForm, ContactForm, SignedReasonForm, WithdrawalForm
from bank.models import ConsentWithdrawal, CordBloodUnit
from bank.unit_pages import crumbs_of, own_unit
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.posting import Outcome, carried_out, posted
from core.roles import Permission
from core.signing import signing


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_consent(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, own_unit(request, pk))


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.CONSENT_RECORD)
def consent_record(request: HttpRequest, pk: Any) -> HttpResponse:
    unit = own_unit(request, pk)
    form = _answers_form(request, bound=True)
    outcome = carried_out(
        request,
        form,
        lambda: services_consent.consent_record(
            unit_id=unit.pk, given=form.answers(), actor=actor_of(request)
        ),
    )
    return _done(request, unit, outcome, _("The answers are recorded."), answers=form)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.CONSENT_RECORD)
def consent_withdraw(request: HttpRequest, pk: Any) -> HttpResponse:
    unit = own_unit(request, pk)
    form = WithdrawalForm(request.POST, standings=consents.standings(unit), auto_id="withdraw_%s")
    outcome = carried_out(
        request,
        form,
        lambda: services_consent.consent_withdraw(
            unit_id=unit.pk, given=form.withdrawal(), actor=actor_of(request)
        ),
    )
    said = presenters_consent.told(outcome.value) if outcome.done else ""
    return _done(request, unit, outcome, said, withdrawal=form)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def withdrawal_correct(request: HttpRequest, pk: Any) -> HttpResponse:
    """A withdrawal that was a mistake: why, and the password."""
    rows = ConsentWithdrawal.objects.select_related("donation", "recorded_by")
    row: ConsentWithdrawal = get_visible_or_404(rows, person_of(request), pk=pk)
    unit = own_unit(request, row.donation.unit.pk)
    form = SignedReasonForm(posted(request))
    outcome = carried_out(request, form, lambda: _sign(request, row, form))
    if outcome.done:
        messages.success(request, _("The withdrawal is corrected; it stays to be seen."))
        return redirect("bank:unit-consent", pk=unit.pk)
    context = {
        "unit": unit,
        "row": row,
        "own": row.recorded_by_id == person_of(request).pk,
        "form": form,
        "crumbs": crumbs_of(unit, _("Correct a withdrawal")),
    }
    return render(request, "bank/withdrawal_correct.html", context, status=outcome.status)


def _sign(request: HttpRequest, row: ConsentWithdrawal, form: SignedReasonForm) -> ConsentWithdrawal:
    with signing(request, target=row.donation.unit, action="unit.consent_sign_refused") as user:
        return services_consent.withdrawal_correct(withdrawal_id=row.pk, user=user, **form.cleaned_data)


# --- how she is reached -----------------------------------------------------------------------------


@never_cache
@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.DONOR_CONTACT)
def contact(request: HttpRequest, pk: Any) -> HttpResponse:
    """Shown once, on an explicit wish; with `edit` as a filled form. A reload asks again and is recorded again."""
    unit = own_unit(request, pk)
    row = services_contact.contact_view(unit_id=unit.pk, actor=actor_of(request))
    if "edit" not in request.POST:
        return _page(request, unit, contact=row, contact_shown=True)
    initial = {name: getattr(row, name, "") for name in services_contact.FIELDS}
    return _page(request, unit, contact_form=ContactForm(initial=initial))


@never_cache
@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.DONOR_CONTACT)
def contact_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    unit = own_unit(request, pk)
    form = ContactForm(request.POST)
    outcome = carried_out(
        request,
        form,
        lambda: services_contact.contact_update(
            unit_id=unit.pk, values=form.cleaned_data, actor=actor_of(request)
        ),
    )
    return _done(request, unit, outcome, _("The contact data were saved, encrypted."), contact_form=form)


def _done(
    request: HttpRequest, unit: CordBloodUnit, outcome: Outcome, said: str, **forms: Any
) -> HttpResponse:
    if not outcome.done:
        return _page(request, own_unit(request, unit.pk), status=outcome.status, **forms)
    messages.success(request, said)
    return redirect("bank:unit-consent", pk=unit.pk)


def _answers_form(request: HttpRequest, *, bound: bool) -> AnswersForm:
    data = request.POST if bound else None
    return AnswersForm(data, items=consents.items_in_force(), auto_id="answers_%s")


def _page(request: HttpRequest, unit: CordBloodUnit, *, status: int = 200, **given: Any) -> HttpResponse:
    """given: forms that were sent (answers, withdrawal, contact_form), contact data that are shown."""
    user = person_of(request)
    found = consents.standings(unit)
    may_record = user.has_permission(Permission.CONSENT_RECORD)
    ended = any(one.withdrawal for one in found if one.purpose == ConsentPurpose.DONATION)
    items = consents.items_in_force() if may_record and not ended else []
    context = {
        "unit": unit,
        "donation": unit.donation,
        "siblings": presenters_consent.siblings(unit),
        "rows": presenters_consent.rows(found),
        "withdrawals": presenters_consent.withdrawals(unit, user),
        "history": presenters_consent.history(unit),
        "answers_form": (given.get("answers") or _answers_form(request, bound=False)) if items else None,
        "answers_sent": "answers" in given,
        "withdraw_form": (given.get("withdrawal") or WithdrawalForm(standings=found, auto_id="withdraw_%s"))
        if may_record and any(one.may_be_withdrawn for one in found)
        else None,
        "withdraw_sent": "withdrawal" in given,
        "may_contact": user.has_permission(Permission.DONOR_CONTACT),
        "contact_permitted": any(one.permitted for one in found if one.purpose == ConsentPurpose.CONTACT),
        "contact": given.get("contact"),
        "contact_shown": "contact_shown" in given,
        "contact_form": given.get("contact_form"),
        "crumbs": crumbs_of(unit, _("Consent")),
    }
    return render(request, "bank/unit_consent.html", context, status=status)
