"""A unit leaves the inventory: the list of what is to decide, and the page of one unit."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import services_disposal as services
from bank import stock_pages
from bank.choices import STATUS_TONE
from bank.forms_stocks import DecideForm, ProposeForm, WithdrawForm
from bank.models import CordBloodUnit, DiscardProposal
from bank.services_storage import slot_of
from bank.unit_pages import crumbs_of, own_unit
from core.access import permission_required, person_of
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import signing


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def discard_list(request: HttpRequest) -> HttpResponse:
    """Units of which somebody proposed that they leave, oldest first."""
    user = person_of(request)
    rows = DiscardProposal.objects.visible_to(user).open().select_related("unit", "proposed_by")
    context = {
        "page": paginate(request, rows.order_by("proposed_at", "pk")),
        "tones": STATUS_TONE,
        "may_decide": user.has_permission(Permission.UNIT_DISCARD),
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Proposed to leave"))],
    }
    return render(request, "bank/discard_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL)
def unit_disposal(request: HttpRequest, pk: Any) -> HttpResponse:
    """What was proposed and decided of a unit; whoever may proposes that it leave."""
    unit = own_unit(request, pk)
    user = person_of(request)
    if request.method == "POST" and not services.may_propose(user, unit):
        raise PermissionDenied
    form = ProposeForm(posted(request), ways=stock_pages.ways_of(unit))
    outcome = carried_out(
        request, form, lambda: services.discard_propose(unit_id=unit.pk, user=user, **form.cleaned_data)
    )
    if outcome.done:
        messages.success(request, _("It is proposed. Another person of quality assurance signs."))
        return redirect("bank:unit-disposal", pk=unit.pk)
    return _page(request, own_unit(request, pk), outcome.status, propose=form)


@require_POST
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_DISCARD)
def disposal_decide(request: HttpRequest, pk: Any) -> HttpResponse:
    """The second person signs, or refuses."""
    unit = own_unit(request, pk)
    form = DecideForm(request.POST)
    outcome = carried_out(request, form, lambda: _decide(request, unit, form))
    if not outcome.done:
        return _page(request, own_unit(request, pk), outcome.status, decide=form)
    messages.success(request, outcome.value)
    return redirect("bank:unit-disposal", pk=unit.pk)


def _decide(request: HttpRequest, unit: CordBloodUnit, form: DecideForm) -> str:
    """What is said when it is done; after a discard where the bag lies that has to be taken out."""
    data, slot = form.cleaned_data, slot_of(unit)
    given: dict[str, Any] = {"proposal_id": data["proposal"], "password": data["password"]}
    with signing(request, target=unit, action="unit.discard_sign_refused") as user:
        if "refuse" in request.POST:
            services.discard_refuse(**given, user=user, reason=data["reason"])
            return _("The proposal is refused; the unit stays where it is.")
        services.discard_carry_out(**given, user=user)
    if slot is None:
        return _("The unit has left the inventory.")
    return _("The unit has left the inventory. Take its bag out of %(place)s.") % {"place": slot.place}


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL)
def disposal_withdraw(request: HttpRequest, pk: Any) -> HttpResponse:
    """Whoever proposed it takes it back."""
    unit = own_unit(request, pk)
    form = WithdrawForm(request.POST, auto_id="withdraw_%s")

    def withdraw() -> object:
        data = form.cleaned_data
        return services.discard_withdraw(
            proposal_id=data["proposal"], user=person_of(request), reason=data["reason"]
        )

    outcome = carried_out(request, form, withdraw)
    if not outcome.done:
        return _page(request, own_unit(request, pk), outcome.status, withdraw=form)
    messages.success(request, _("The proposal is withdrawn; the unit stays where it is."))
    return redirect("bank:unit-disposal", pk=unit.pk)


def _page(
    request: HttpRequest,
    unit: CordBloodUnit,
    status: int,
    *,
    propose: forms.Form | None = None,
    decide: forms.Form | None = None,
    withdraw: forms.Form | None = None,
) -> HttpResponse:
    """With the form that this person may send now; what was sent and came too late is told above."""
    user = person_of(request)
    proposal = stock_pages.open_proposal(unit)
    is_own = proposal is not None and proposal.proposed_by_id == user.pk
    may_decide = user.has_permission(Permission.UNIT_DISCARD)
    may_propose = proposal is None and services.may_propose(user, unit)
    ways = stock_pages.ways_of(unit)
    initial = {"proposal": proposal.pk} if proposal else {}
    sent = [one for one in (propose, decide, withdraw) if one]
    decide, withdraw = _of(proposal, decide), _of(proposal, withdraw)
    found: dict[str, forms.Form | None] = {
        "propose": (propose or ProposeForm(ways=ways)) if may_propose and ways else None,
        "decide": (decide or DecideForm(initial=initial)) if proposal and may_decide and not is_own else None,
        "withdraw": (withdraw or WithdrawForm(initial=initial, auto_id="withdraw_%s")) if is_own else None,
    }
    context = {
        "unit": unit,
        "proposal": proposal,
        "is_own": is_own,
        "may_decide": may_decide,
        "forms": found,
        "late": [one for one in sent if one not in found.values()],
        "past": unit.discard_proposals.exclude(state="open").select_related("proposed_by", "decided_by"),
        "slot": slot_of(unit),
        "tone": STATUS_TONE.get(unit.status, ""),
        "crumbs": crumbs_of(unit, _("Leaving the inventory")),
    }
    return render(request, "bank/unit_disposal.html", context, status=status)


def _of(proposal: DiscardProposal | None, form: forms.Form | None) -> forms.Form | None:
    """What was sent about another proposal than the one that waits now is not sent again."""
    is_current = form is not None and proposal is not None and form.data.get("proposal") == str(proposal.pk)
    return form if is_current else None
