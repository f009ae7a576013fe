"""Pages of confirmatory typings: list, ask, page, segment, result, verification, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.exports import csv_response
from core.pages import paginate
from core.posting import carried_out, posted, show_now
from core.roles import Permission
from transplants import lists_typings as lists
from transplants import presenters_typings as presenters
from transplants import services_typings as services
from transplants.choices_orders import TypingState
from transplants.forms import ReasonForm
from transplants.forms_typings import AskForm, ResultForm, SampleForm, ShownForm, TakeBackForm
from transplants.models import ConfirmatoryTyping, Reservation
from transplants.presenters import today, unit_facts, unit_url

_VIEW = Permission.TYPING_VIEW
# what may be done on the page itself, each with its form
_FORMS: dict[str, type[forms.Form]] = {
    "sample": SampleForm,
    "verify": ShownForm,
    "take_back": TakeBackForm,
    "cancel": ReasonForm,
}


@require_GET
@permission_required(_VIEW)
def typing_list(request: HttpRequest) -> HttpResponse:
    rows, form, sort = lists.selection(request, today())
    page, days, person = paginate(request, rows), presenters.days_to_confirm(), person_of(request)
    context = {
        "page": page,
        "rows": [presenters.list_row(row, today(), days, person) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists.columns(with_hospital="hospital" in form.fields),
        "export_url": f"{reverse('transplants:typing-export')}?{request.GET.urlencode()}",
    }
    return render(request, "transplants/typing_list.html", context)


@require_GET
@permission_required(_VIEW)
def typing_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists.selection(request, today())
    return csv_response("qidai-confirmatory-typings.csv", lists.CSV, lists.csv_rows(rows))


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.RESERVATION_VIEW, Permission.ORDER_ASK)
def typing_create(request: HttpRequest, reservation_pk: Any) -> HttpResponse:
    """Ask that the unit of a reservation be typed anew."""
    person = person_of(request)
    rows = Reservation.objects.with_names().open_for(person, _VIEW, Permission.ORDER_ASK)
    reservation: Reservation = get_visible_or_404(rows, person, pk=reservation_pk)
    form = AskForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services.typing_ask(reservation_id=reservation.pk, user=person, **form.cleaned_data),
    )
    if outcome.done:
        messages.success(
            request, _("%(number)s was sent to the laboratory.") % {"number": outcome.value.number}
        )
        return redirect("transplants:typing-detail", pk=outcome.value.pk)
    own_url = reverse("transplants:reservation-detail", args=[reservation.pk])
    context = {
        "form": form,
        "row": reservation,
        "days": presenters.days_to_confirm(),
        "unit_facts": unit_facts(reservation.unit, reservation.patient),
        "cancel_url": own_url,
        "crumbs": [
            (reverse("transplants:reservation-list"), _("Reservations")),
            (own_url, reservation.number),
            ("", _("Confirmatory typing")),
        ],
    }
    return render(request, "transplants/typing_create.html", context, status=outcome.status)


def _visible(request: HttpRequest, pk: Any, *acting: Permission) -> ConfirmatoryTyping:
    person = person_of(request)
    rows = ConfirmatoryTyping.objects.with_names().select_related("compared_with").open_for(person, *acting)
    found: ConfirmatoryTyping = get_visible_or_404(rows, person, pk=pk)
    found.reservation.unit, found.reservation.patient = found.unit, found.patient
    return found


def _crumbs(row: ConfirmatoryTyping, *more: str) -> list[tuple[str, str]]:
    own = reverse("transplants:typing-detail", args=[row.pk]) if more else ""
    first = (reverse("transplants:typing-list"), _("Confirmatory typings"))
    return [first, (own, row.number), *(("", label) for label in more)]


@require_GET
@permission_required(_VIEW)
def typing_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, _visible(request, pk))


def _page(
    request: HttpRequest,
    row: ConfirmatoryTyping,
    act: str = "",
    form: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    person, found = person_of(request), presenters.compared(row)
    seen = {"shown": presenters.shown(row)}
    shown = {name: of(auto_id=f"{name}_%s", initial=seen) for name, of in _FORMS.items()}
    if form is not None:
        show_now(form, shown[act])
        shown[act] = form
    context = {
        "row": row,
        "forms": shown,
        "act": act,
        "may": presenters.may(row, person),
        "state": presenters.state_tag(row),
        "due": presenters.due_tag(row, today(), presenters.days_to_confirm()),
        "facts": presenters.facts(row, person),
        "loci": presenters.locus_rows(found),
        "notice": presenters.notice(row, found),
        "next_step": presenters.next_step(row),
        "withdrawn": presenters.withdrawn(row, person),
        "timeline": presenters.timeline(row),
        "patient_url": presenters.patient_url(row, person),
        "unit_url": unit_url(row.reservation, person),
        "reservation_url": _reservation_url(request, row),
        "crumbs": _crumbs(row),
    }
    return render(request, "transplants/typing_detail.html", context, status=status)


def _reservation_url(request: HttpRequest, row: ConfirmatoryTyping) -> str:
    opens = person_of(request).has_permission(Permission.RESERVATION_VIEW)
    return reverse("transplants:reservation-detail", args=[row.reservation_id]) if opens else ""


def _act(
    request: HttpRequest,
    row: ConfirmatoryTyping,
    act: str,
    service: Callable[..., ConfirmatoryTyping],
    say: Callable[[ConfirmatoryTyping], None],
) -> HttpResponse:
    """One service with what its form holds; a refusal stands beside its field, with what was typed."""
    person = person_of(request)
    form = _FORMS[act](request.POST, auto_id=f"{act}_%s")
    outcome = carried_out(request, form, lambda: service(typing_id=row.pk, user=person, **form.cleaned_data))
    if outcome.done:
        say(outcome.value)
        return redirect("transplants:typing-detail", pk=row.pk)
    fresh = _visible(request, row.pk)
    if not presenters.may(fresh, person)[act]:  # the form is on the page no more
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
    return _page(request, fresh, act, form, outcome.status)


@require_POST
@permission_required(_VIEW, Permission.TYPING_WORK)
def typing_sample(request: HttpRequest, pk: Any) -> HttpResponse:
    def say(_row: ConfirmatoryTyping) -> None:
        messages.success(request, _("The segment is out of the stock. Enter the result once it is there."))

    return _act(request, _visible(request, pk, Permission.TYPING_WORK), "sample", services.typing_sample, say)


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.TYPING_WORK)
def typing_report(request: HttpRequest, pk: Any) -> HttpResponse:
    """The result, as the laboratory's report says it. The listed typing is not shown: nobody copies it."""
    row, person = _visible(request, pk, Permission.TYPING_WORK), person_of(request)
    form = ResultForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services.typing_report(
            typing_id=row.pk, given=form.given(), method=form.cleaned_data["method"], user=person
        ),
    )
    if outcome.done:
        messages.success(request, _("The result is entered; a second person verifies it."))
        return redirect("transplants:typing-detail", pk=row.pk)
    context = {
        "row": row,
        "form": form,
        "open": row.state == TypingState.SAMPLED,
        "crumbs": _crumbs(row, _("Result")),
    }
    return render(request, "transplants/typing_report.html", context, status=outcome.status)


@require_POST
@permission_required(_VIEW, Permission.RESULT_VERIFY)
def typing_verify(request: HttpRequest, pk: Any) -> HttpResponse:
    def say(row: ConfirmatoryTyping) -> None:
        if row.state == TypingState.CONFIRMED:
            messages.success(request, _("The typing of the unit is confirmed."))
        else:
            text = _(
                "The result contradicts the listed typing: an incident is open, and both sides are told."
            )
            messages.warning(request, text)

    return _act(
        request, _visible(request, pk, Permission.RESULT_VERIFY), "verify", services.typing_verify, say
    )


@require_POST
@permission_required(_VIEW)
def typing_take_back(request: HttpRequest, pk: Any) -> HttpResponse:
    def say(_row: ConfirmatoryTyping) -> None:
        messages.success(request, _("The result is taken back. Enter it again."))

    return _act(request, _visible(request, pk), "take_back", services.typing_take_back, say)


@require_POST
@permission_required(_VIEW)
def typing_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    def say(_row: ConfirmatoryTyping) -> None:
        messages.success(request, _("The confirmatory typing is cancelled."))

    return _act(request, _visible(request, pk), "cancel", services.typing_cancel, say)
