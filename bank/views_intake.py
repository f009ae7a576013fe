"""The intake: kits, units on their way to the quarantine, and the typing of a unit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bank import consents, services_kits, services_typing
from bank.choices import STATUS_TONE, Source, UnitStatus
from bank.forms import ReasonForm
from bank.forms_intake import KitForm, UnitTypingForm
from bank.models import Bank, CordBloodUnit
from bank.services_typing import unit_typing_record
from bank.unit_pages import crumbs_of, own_unit
from core.access import permission_required, person_of
from core.audit import actor_of
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission

ON_THEIR_WAY = (UnitStatus.PLANNED, UnitStatus.COLLECTED, UnitStatus.RECEIVED, UnitStatus.PROCESSING)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL)
def intake(request: HttpRequest) -> HttpResponse:
    """Units that are not in quarantine yet, oldest first, and a new kit."""
    user = person_of(request)
    may = user.has_permission(Permission.UNIT_COLLECT)
    if request.method == "POST" and not may:
        raise PermissionDenied
    banks = [(str(one.pk), one.name) for one in Bank.objects.filter(source=Source.OWN)]
    items = consents.items_in_force()
    form = KitForm(posted(request), banks=banks, items=items)

    def issue() -> CordBloodUnit:
        bank_id = UUID(form.cleaned_data["bank"])
        return services_kits.kit_issue(bank_id=bank_id, kit=form.kit(), actor=actor_of(request))

    outcome = carried_out(request, form, issue)
    if outcome.done:
        unit = outcome.value
        messages.success(request, _("The kit of %(unit)s is given out.") % {"unit": unit.public_no})
        return redirect("bank:unit-detail", pk=unit.pk)
    units = (
        CordBloodUnit.objects.visible_to(user)
        .filter(status__in=ON_THEIR_WAY)
        .select_related("donation", "reception")
        .order_by("status_changed_at", "unit_no")
    )
    context = {
        "page": paginate(request, units),
        "tones": STATUS_TONE,
        "form": form if may and banks and items else None,
        "no_form": may and not items,
        "sent": request.method == "POST",
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Intake"))],
    }
    return render(request, "bank/intake.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def unit_typing(request: HttpRequest, pk: Any) -> HttpResponse:
    """The typing of the unit itself."""
    unit = own_unit(request, pk)
    form = UnitTypingForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: unit_typing_record(unit_id=unit.pk, given=form.given(), actor=actor_of(request)),
    )
    if outcome.done:
        _tell(request, is_current=outcome.value.is_current)
        return redirect("bank:unit-detail", pk=unit.pk)
    context = {"unit": unit, "form": form, "crumbs": crumbs_of(unit, _("HLA typing"))}
    return render(request, "bank/unit_typing.html", context, status=outcome.status)


def _tell(request: HttpRequest, *, is_current: bool) -> None:
    if is_current:
        messages.success(request, _("The typing is recorded; a second person verifies it."))
    else:
        text = _("The typing contradicts the one in force. Both are kept; somebody else has to settle it.")
        messages.warning(request, text)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_CONFIRM)
def unit_typing_settle(request: HttpRequest, pk: Any) -> HttpResponse:
    """Which of the typings that contradict one another is right."""
    unit = own_unit(request, pk)
    form = ReasonForm(posted(request))

    def settle() -> CordBloodUnit:
        return services_typing.unit_typing_settle(
            unit_id=unit.pk,
            typing_id=_uuid(request.POST.get("typing", "")),
            reason=form.cleaned_data["reason"],
            actor=actor_of(request),
        )

    outcome = carried_out(request, form, settle)
    if outcome.done:
        messages.success(request, _("The conflict is settled."))
        return redirect("bank:unit-detail", pk=unit.pk)
    rows = unit.typings.filter(subject="unit").select_related("entered_by").order_by("-created_at")
    crumbs = crumbs_of(unit, _("Settle the typing conflict"))
    context = {"unit": unit, "form": form, "rows": rows, "crumbs": crumbs}
    return render(request, "bank/unit_typing_settle.html", context, status=outcome.status)


def _uuid(text: str) -> UUID:
    """Of what a form sent; one that nobody has where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
