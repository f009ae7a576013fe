"""The page of one order: the checklist in the middle, whose turn it is, and what a person can do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core.access import person_of
from core.errors import DomainError
from core.models import User
from core.panels import Place, panels
from core.posting import show_now
from transplants import orders_guards as guards
from transplants import prescription
from transplants import presenters_orders as presenters
from transplants.checklist import Checklist, checklist_of, open_since_release, permit_file_of, permit_of
from transplants.choices_orders import IN_HOUSE, Meaning, OrderState
from transplants.forms import ReasonForm
from transplants.forms_orders import ApproveForm, PermitForm, ReleaseForm, SignForm
from transplants.models import ExportPermit, Order, OrderSignature, Reservation
from transplants.order_signatures import signer_words
from transplants.services_signing import Releasing, performers_of, releasing

Crumbs = list[tuple[str, str]]


def crumbs(row: Order, *, last: bool = True) -> Crumbs:
    own = "" if last else reverse("transplants:order-detail", args=[row.pk])
    return [(reverse("transplants:order-list"), _("Orders")), (own, row.number)]


def target(row: Order) -> tuple[str, str, str]:
    """For the audit entry of a refused signature."""
    return row._meta.label, str(row.pk), f"{row.number} · {row.unit.public_no} · {row.patient.code}"


def why_not_ordered(kept: Reservation) -> str:
    """What keeps a reservation from being ordered, before somebody fills in a form; "" for nothing."""
    own = Order.objects.open().filter(unit=kept.unit_id, hospital=kept.hospital_id).first()
    if own is not None:  # of another hospital's order nobody is told, not even by its number
        return _("This unit is ordered already: %(number)s.") % {"number": own.number}
    try:
        guards.guard_patient(kept.patient)
        guards.guard_promise(kept)
    except DomainError as error:
        return error.message
    return ""


def release_words(signature: OrderSignature) -> str:
    if signature.meaning == Meaning.RELEASE_SECOND:
        return _("The unit is released; shipping and the hospital are told.")
    return _("Your signature is the first. Another person signs as the second.")


def page(
    request: HttpRequest, row: Order, act: str = "", form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    person = person_of(request)
    rows = sorted(row.signatures.all(), key=lambda one: (one.signed_at, one.pk))
    is_signed = any(one.meaning == Meaning.PRESCRIPTION and one.void_at is None for one in rows)
    found = checklist_of(row) if row.state in IN_HOUSE else None
    is_abroad = _is_abroad(row, found)
    may = presenters.may(row, person, is_signed=is_signed, is_abroad=is_abroad)
    permit = permit_of(row)
    shown = _forms(row, permit)
    context: dict[str, Any] = {"forms": shown, "act": act, "may": may}
    if found and row.state == OrderState.APPROVED:
        context |= _release_context(row, person, releasing(row, found))
        shown["release"] = context["release_form"]
    if form is not None:
        if act in shown:
            show_now(form, shown[act])
        shown[act] = form
        if not may[act]:  # the form is on the page no more
            for errors in form.errors.values():
                messages.error(request, " ".join(map(str, errors)))
    context |= {
        "row": row,
        "state": presenters.state_tag(row),
        "left": presenters.countdown(row, presenters.today()),
        "waits": presenters.waits_for(row, is_signed=is_signed),
        "alarm": presenters.alarm(row),
        "is_late": prescription.of_order(row).arrives_late and row.state in IN_HOUSE,
        "is_abroad": is_abroad,
        "permit": presenters.permit_facts(permit),
        "permit_file": permit_file_of(permit),
        "facts": presenters.facts(row),
        "links": presenters.links(row, person),
        "signatures": presenters.signatures(rows),
        "timeline": presenters.timeline(row),
        "panels": panels(Place.ORDER, person, row),
        "crumbs": crumbs(row),
        **_checks(row, person, found),
    }
    return render(request, "transplants/order_detail.html", context, status=status)


def _is_abroad(row: Order, found: Checklist | None) -> bool:
    if found is None:
        return prescription.is_abroad(row)
    return any(one.code == "permit" for one in found.checks)


def _forms(row: Order, permit: ExportPermit | None) -> dict[str, forms.Form]:
    shown = {"version": row.version}
    known = (
        {name: getattr(permit, name) for name in ("permit_no", "authority", "country", "valid_until")}
        if permit
        else {}
    )
    return {
        "sign": SignForm(auto_id="sign_%s", initial=shown),
        "approve": ApproveForm(auto_id="approve_%s", initial=shown),
        "permit": PermitForm(auto_id="permit_%s", initial=known),
        **{act: ReasonForm(auto_id=f"{act}_%s") for act in ("decline", "withdraw", "revoke")},
    }


def _checks(row: Order, person: User, found: Checklist | None) -> dict[str, Any]:
    """Before the unit leaves: the checklist as it is now; afterwards as it was signed."""
    if found is None:
        return {"kept": presenters.kept_checks(row, person)}
    return {
        "stages": presenters.checklist(found.checks, person, found.excepted),
        "since": open_since_release(row, found) if row.state == OrderState.RELEASED else [],
    }


def _release_context(row: Order, person: User, now: Releasing) -> dict[str, Any]:
    """What stands beside the signature under a release: who signed first, and what keeps it from being signed."""
    asks_why = bool(now.checklist.open) and not (now.first and now.first.justification)
    form = ReleaseForm(auto_id="release_%s", initial={"seen": now.digest}, asks_why=asks_why)
    ready = not now.checklist.open or now.checklist.may_be_excepted
    return {
        "release_form": form,
        "release_ready": ready,
        "release_excepted": now.checklist.open if ready else [],
        "release_first": now.first,
        "release_stale": bool(now.stale),
        "release_own": bool(now.first and now.first.signed_by_id == person.pk),
        "release_performer": str(person.pk) in performers_of(row, now.checklist)
        if guards.may_release(person)
        else False,
        "first_signer": signer_words(now.first.signer) if now.first else "",
    }
