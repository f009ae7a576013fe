"""Pages of reservations: list, ask, page, decide, extend, cancel, rules."""

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

from bank.choices import UnitStatus
from bank.models import CordBloodUnit
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.exports import csv_response
from core.pages import paginate
from core.panels import Place, panels
from core.posting import carried_out, posted
from core.roles import Permission
from hospitals.models import Patient
from matching.presenters import people
from transplants import lists, order_links, presenters, services, services_rules
from transplants.choices_incidents import FeeKind
from transplants.forms import AskForm, ConfirmForm, ExtendForm, ReasonForm, RulesForm
from transplants.models import Reservation, ReservationRules
from transplants.presenters_fees import price_now
from transplants.services import Wish

_VIEW = Permission.RESERVATION_VIEW


@require_GET
@permission_required(_VIEW)
def reservation_list(request: HttpRequest) -> HttpResponse:
    today, person = presenters.today(), person_of(request)
    rows, form, sort = lists.selection(request, today)
    page = paginate(request, rows)
    warn_days = ReservationRules.load().warn_days
    context = {
        "page": page,
        "rows": [presenters.list_row(row, today, warn_days, person) for row in page],
        "form": form,
        "sort": sort,
        "columns": lists.columns(with_hospital="hospital" in form.fields),
        "active": _patient_chip(request, form),
        "export_url": f"{reverse('transplants:reservation-export')}?{request.GET.urlencode()}",
    }
    return render(request, "transplants/reservation_list.html", context)


def _patient_chip(request: HttpRequest, form: forms.Form) -> list[dict[str, str]]:
    """Says that the list is about one patient, and leads to all of them."""
    wanted = form.cleaned_data.get("patient")
    patient = Patient.objects.visible_to(person_of(request)).filter(pk=wanted).first() if wanted else None
    if patient is None:
        return []
    query = request.GET.copy()
    del query["patient"]
    return [{"label": _("Patient"), "value": patient.code, "remove": f"?{query.urlencode()}"}]


@require_GET
@permission_required(_VIEW)
def reservation_export(request: HttpRequest) -> HttpResponseBase:
    rows, _form, _sort = lists.selection(request, presenters.today())
    return csv_response("qidai-reservations.csv", lists.CSV, lists.csv_rows(rows))


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW, Permission.RESERVATION_ASK)
def reservation_create(request: HttpRequest, patient_pk: Any, unit_pk: Any) -> HttpResponse:
    """Ask for a unit; `?request=<id>` names the match request in whose list it stands."""
    person = person_of(request)
    patients = Patient.objects.select_related("hospital").open_for(person, _VIEW, Permission.RESERVATION_ASK)
    patient = get_visible_or_404(patients, person, pk=patient_pk)
    units = CordBloodUnit.objects.select_related("bank").askable(sent=request.method == "POST")
    unit = get_visible_or_404(units, person, pk=unit_pk)
    form = AskForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: services.reservation_ask(wish=_wish(request, form, patient, unit), user=person),
    )
    if outcome.done:
        _tell(request, outcome.value)
        return redirect("transplants:reservation-detail", pk=outcome.value.pk)
    own = services.may_decide(person) or services.reserves_itself(patient.hospital)
    free = unit.status == UnitStatus.LISTED
    context = {
        "form": form,
        "patient": patient,
        "unit": unit,
        "line": people.patient_line(patient, patient.weight_kg, people.today()),
        "free": free,
        "at_once": own and free,
        "last": services.default_end(),
        "fee": price_now(FeeKind.RESERVATION),
        "unit_facts": presenters.unit_facts(unit, patient),
        "crumbs": [
            (reverse("hospitals:patient-list"), _("Patients")),
            (reverse("hospitals:patient-detail", args=[patient.pk]), patient.code),
            ("", _("Reserve a unit")),
        ],
    }
    return render(request, "transplants/reservation_create.html", context, status=outcome.status)


def _wish(request: HttpRequest, form: AskForm, patient: Patient, unit: CordBloodUnit) -> Wish:
    named = forms.UUIDField(required=False).to_python(request.GET.get("request") or None)
    return Wish(
        unit_id=unit.pk,
        patient_id=patient.pk,
        purpose=form.cleaned_data["purpose"],
        note=form.cleaned_data["note"],
        request_id=named,
        reservation_id=form.cleaned_data["reservation_id"],
    )


def _tell(request: HttpRequest, row: Reservation) -> None:
    if row.is_active:
        text = _("%(unit)s is reserved for %(patient)s until %(until)s.")
        values = {"until": f"{row.until:%Y-%m-%d}"}
        messages.success(request, text % {"unit": row.unit.public_no, "patient": row.patient.code, **values})
    else:
        messages.success(request, _("%(number)s was sent to the bank.") % {"number": row.number})


def _visible(request: HttpRequest, pk: Any, *acting: Permission) -> Reservation:
    person = person_of(request)
    rows = Reservation.objects.with_names().with_promise().open_for(person, *acting)
    found: Reservation = get_visible_or_404(rows, person, pk=pk)
    return found


@require_GET
@permission_required(_VIEW)
def reservation_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, _visible(request, pk))


def _page(
    request: HttpRequest, row: Reservation, act: str = "", form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    person, today, rules = person_of(request), presenters.today(), ReservationRules.load()
    by_bank = services.may_decide(person)
    shown: dict[str, forms.Form] = {
        "confirm": _confirm_form(row, last=services.default_end()),
        "decline": ReasonForm(auto_id="decline_%s"),
        "extend": ExtendForm(auto_id="extend_%s", by_bank=by_bank),
        "cancel": ReasonForm(auto_id="cancel_%s"),
    }
    if form is not None:
        shown[act] = form
    context = {
        "row": row,
        "forms": shown,
        "act": act,
        "may": presenters.may(row, person),
        "state": presenters.state_tag(row),
        "left": presenters.countdown(row, today, rules.warn_days),
        "rules": rules,
        "by_bank": by_bank,
        "extension_fee": "" if by_bank else price_now(FeeKind.EXTENSION),
        "facts": presenters.facts(row, person),
        "unit_facts": presenters.unit_facts(row.unit, row.patient),
        "timeline": presenters.timeline(row),
        "ended": presenters.why_ended(row),
        "line": presenters.line(row, person),
        "unit_url": presenters.unit_url(row, person),
        "held": presenters.is_held(row),
        "alerts": panels(Place.ALERT, person, row),
        "unnamed": presenters.is_unnamed(row),
        "order": order_links.of_reservation(row, person),
        "panels": panels(Place.RESERVATION, person, row),
        "crumbs": [(reverse("transplants:reservation-list"), _("Reservations")), ("", row.number)],
    }
    return render(request, "transplants/reservation_detail.html", context, status=status)


def _act(
    request: HttpRequest,
    row: Reservation,
    act: str,
    form: forms.Form,
    service: Callable[..., Reservation],
    done: str,
) -> HttpResponse:
    """One service with what the form gives; a refusal stands beside its field, with what was typed."""
    outcome = carried_out(
        request,
        form,
        lambda: service(reservation_id=row.pk, user=person_of(request), **form.cleaned_data),
    )
    if not outcome.done:
        fresh = _visible(request, row.pk)
        if not presenters.may(fresh, person_of(request))[act]:  # the form is on the page no more
            for errors in form.errors.values():
                messages.error(request, " ".join(map(str, errors)))
        return _page(request, fresh, act, form, outcome.status)
    messages.success(request, done)
    return redirect("transplants:reservation-detail", pk=row.pk)


def _confirm_form(row: Reservation, *args: Any, **kwargs: Any) -> ConfirmForm:
    unnamed = presenters.is_unnamed(row)
    return ConfirmForm(*args, auto_id="confirm_%s", unnamed=unnamed, first=row.is_first, **kwargs)


@require_POST
@permission_required(_VIEW, Permission.RESERVATION_DECIDE)
def unit_free(request: HttpRequest, pk: Any) -> HttpResponse:
    """From the passport of a unit that came into this system as reserved."""
    person = person_of(request)
    unit = get_visible_or_404(CordBloodUnit, person, pk=pk)
    form = ReasonForm(request.POST)
    outcome = carried_out(
        request, form, lambda: services.unit_free(unit_id=unit.pk, user=person, **form.cleaned_data)
    )
    if outcome.done:
        messages.success(request, _("The unit is free."))
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return redirect("bank:unit-detail", pk=unit.pk)


@require_POST
@permission_required(_VIEW, Permission.RESERVATION_DECIDE)
def reservation_confirm(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk, Permission.RESERVATION_DECIDE)
    form = _confirm_form(row, request.POST)
    return _act(request, row, "confirm", form, services.reservation_confirm, _("The unit is reserved."))


@require_POST
@permission_required(_VIEW, Permission.RESERVATION_DECIDE)
def reservation_decline(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk, Permission.RESERVATION_DECIDE)
    form = ReasonForm(request.POST, auto_id="decline_%s")
    return _act(
        request, row, "decline", form, services.reservation_decline, _("Declined; the hospital is told.")
    )


@require_POST
@permission_required(_VIEW)
def reservation_extend(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk)
    form = ExtendForm(request.POST, auto_id="extend_%s", by_bank=services.may_decide(person_of(request)))
    return _act(request, row, "extend", form, services.reservation_extend, _("The reservation is extended."))


@require_POST
@permission_required(_VIEW)
def reservation_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk)
    form = ReasonForm(request.POST, auto_id="cancel_%s")
    return _act(request, row, "cancel", form, services.reservation_cancel, _("The reservation is cancelled."))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.RESERVATION_RULES)
def rules_edit(request: HttpRequest) -> HttpResponse:
    form = RulesForm(posted(request), rules=ReservationRules.load())
    outcome = carried_out(
        request,
        form,
        lambda: services_rules.rules_update(
            values={name: form.cleaned_data[name] for name in services_rules.BOUNDS},
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
        ),
    )
    if outcome.done:
        messages.success(request, _("The rules are in force for every reservation from now on."))
        return redirect("transplants:reservation-rules")
    crumbs = [(reverse("transplants:reservation-list"), _("Reservations")), ("", _("Rules"))]
    context = {
        "form": form,
        "crumbs": crumbs,
        "title": _("Rules of reservations"),
        "text": _(
            "No public standard says how long a unit is kept: the numbers proposed here are unconfirmed, set those of "
            "your bank. What is promised already keeps its day."
        ),
        "back": reverse("transplants:reservation-list"),
    }
    return render(request, "transplants/settings_form.html", context, status=outcome.status)
