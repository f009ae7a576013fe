"""Pages of units that came back: the list, and what becomes of one, with two signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import Target
from core.pages import paginate
from core.posting import carried_out, show_now
from core.roles import Permission
from core.signing import signing
from transplants import presenters_returns as presenters
from transplants import services_returns as services
from transplants.forms_returns import ProposeForm, ReturnedForm, SecondForm, WithdrawForm
from transplants.models import UnitReturn
from transplants.relisting import open_checks

# Of the bank: who sees the whole inventory and the orders.
_VIEW = (Permission.INVENTORY_VIEW_ALL, Permission.ORDER_VIEW)


@require_GET
@permission_required(*_VIEW)
def return_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = presenters.selection(request)
    page = paginate(request, rows)
    context = {
        "page": page,
        "rows": [presenters.list_row(row) for row in page],
        "form": form,
        "sort": sort,
        "columns": presenters.COLUMNS,
    }
    return render(request, "transplants/return_list.html", context)


@require_GET
@permission_required(*_VIEW)
def return_decide(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, _return(request, pk))


@require_POST
@permission_required(*_VIEW)
def return_arrive(request: HttpRequest, pk: Any) -> HttpResponse:
    """The unit is back; whoever sees orders and is not to take it gets a 403 of the service."""
    row = _return(request, pk)
    form = ReturnedForm(request.POST, auto_id="arrive_%s")
    return _act(
        request,
        row,
        "arrive",
        form,
        lambda: services.unit_returned(order_id=row.pk, user=person_of(request), **form.cleaned_data),
        _("The unit is back and under review. Put it into its place, then decide."),
    )


@require_POST
@sensitive_post_parameters("password")
@permission_required(*_VIEW, Permission.RETURN_DECIDE)
def return_propose(request: HttpRequest, pk: Any) -> HttpResponse:
    """The first signature."""
    row = _return(request, pk)
    form = ProposeForm(request.POST, auto_id="propose_%s", listable=True)  # the service says why it is not

    def sign() -> UnitReturn:
        with signing(request, target=_target(row), action="return.sign_refused") as user:
            return services.return_propose(order_id=row.pk, user=user, **form.cleaned_data)

    return _act(request, row, "propose", form, sign, _("It is proposed. Another person signs."))


@require_POST
@sensitive_post_parameters("password")
@permission_required(*_VIEW, Permission.RETURN_DECIDE)
def return_second(request: HttpRequest, pk: Any) -> HttpResponse:
    """The second signature: what was proposed is done."""
    row = _return(request, pk)
    form = SecondForm(request.POST, auto_id="second_%s")

    def sign() -> UnitReturn:
        with signing(request, target=_target(row), action="return.sign_refused") as user:
            return services.return_second(order_id=row.pk, user=user, **form.cleaned_data)

    return _act(request, row, "second", form, sign, _("It is decided."))


@require_POST
@permission_required(*_VIEW, Permission.RETURN_DECIDE)
def return_withdraw(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _return(request, pk)
    form = WithdrawForm(request.POST, auto_id="withdraw_%s")
    return _act(
        request,
        row,
        "withdraw",
        form,
        lambda: services.return_withdraw(order_id=row.pk, user=person_of(request), **form.cleaned_data),
        _("The proposal is withdrawn; the unit stays under review."),
    )


def _target(row: UnitReturn) -> Target:
    return (row._meta.label, str(row.pk), f"{row.order.number} · {row.unit.public_no}")


def _return(request: HttpRequest, pk: Any) -> UnitReturn:
    rows = UnitReturn.objects.with_names().select_related("order__shipment__receipt")
    found: UnitReturn = get_visible_or_404(rows, person_of(request), pk=pk)
    return found


def _act(
    request: HttpRequest,
    row: UnitReturn,
    act: str,
    form: forms.Form,
    service: Callable[[], UnitReturn],
    done: str,
) -> HttpResponse:
    """One service with what the form gives; a refusal stands beside its field, with what was typed."""
    outcome = carried_out(request, form, service)
    if outcome.done:
        messages.success(request, done)
        return redirect("transplants:return-decide", pk=row.pk)
    fresh = _return(request, row.pk)
    if not presenters.may(fresh, person_of(request))[act]:  # the form is on the page no more
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
    return _page(request, fresh, act, form, outcome.status)


def _page(
    request: HttpRequest, row: UnitReturn, act: str = "", form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    person = person_of(request)
    may, said = presenters.may(row, person), presenters.proposal(row)
    is_back = presenters.is_open(row) and row.returned_at is not None
    shown = _forms(listable=may["propose"] and not open_checks(row), digest=said.get("digest", ""))
    if form is not None:
        show_now(form, shown[act])
        shown[act] = form
    context = {
        "row": row,
        "state": presenters.state_tag(row, of_bank=True),
        "facts": presenters.facts(row),
        "checks": presenters.check_rows(row) if is_back else [],
        "proposal": said,
        "may": may,
        "waits_for": presenters.waits_for(row, person),
        "disposal": presenters.disposal_text(row),
        "forms": shown,
        "act": act,
        "timeline": presenters.timeline(row),
        "crumbs": [
            (reverse("transplants:return-list"), _("Units that came back")),
            ("", row.unit.public_no),
        ],
    }
    return render(request, "transplants/return_decide.html", context, status=status)


def _forms(*, listable: bool, digest: str) -> dict[str, forms.Form]:
    return {
        "arrive": ReturnedForm(auto_id="arrive_%s"),
        "propose": ProposeForm(auto_id="propose_%s", listable=listable),
        "second": SecondForm(auto_id="second_%s", initial={"seen": digest}),
        "withdraw": WithdrawForm(auto_id="withdraw_%s"),
    }
