"""Orders in words: tags, facts, the checklist, signatures, what happened, what a person may do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from core.models import AuditEntry, User
from core.roles import Permission
from hospitals.models import kg_text
from transplants import orders_guards as guards
from transplants import prescription
from transplants.checks import Check, Outcome, Stage
from transplants.choices import ReservationState
from transplants.choices_orders import ORDER_TONE, OrderState
from transplants.models import ExportPermit, Order, OrderSignature
from transplants.order_signatures import signer_words

_O = OrderState


def list_row(row: Order, today: dt.date, user: User) -> dict[str, Any]:
    """row: with_signed."""
    return {
        "row": row,
        "url": reverse("transplants:order-detail", args=[row.pk]),
        "patient_url": patient_url(row, user),
        "state": state_tag(row),
        "waits": waits_for(row, is_signed=row.is_signed),
        "left": countdown(row, today),
        "stuck": is_stuck(row),
        "ending": _ending(row, today),
    }


def state_tag(row: Order) -> dict[str, str]:
    return {"text": str(row.get_state_display()), "tone": ORDER_TONE.get(row.state, "")}


def waits_for(row: Order, *, is_signed: bool) -> str:
    """Whose turn it is; "" where nobody's of hospital or bank before the unit leaves."""
    if row.state in guards.AMENDABLE and not is_signed:
        return _("a physician signs")
    if row.state == _O.ASKED:
        return _("the bank decides")
    if row.state == _O.APPROVED:
        return _("the bank prepares the release")
    return ""


def countdown(row: Order, today: dt.date) -> dict[str, str]:
    """Days until the unit is wanted at the hospital, while it is not there yet."""
    if row.state not in (_O.ASKED, _O.APPROVED, _O.RELEASED, _O.SHIPPED):
        return {}
    left = (row.deliver_on - today).days
    if left < 0:
        return {"text": _("overdue"), "tone": "bad"}
    if left == 0:
        return {"text": _("today"), "tone": "bad"}
    text = ngettext("in %(n)d day", "in %(n)d days", left) % {"n": left}
    return {"text": text, "tone": "warn" if left <= SOON_DAYS else ""}


SOON_DAYS: Final = 7  # a label of the list, nothing depends on it


def is_stuck(row: Order) -> bool:
    """It cannot go on: the unit is held, or the patient waits no more."""
    if row.state not in (_O.ASKED, _O.APPROVED, _O.RELEASED):
        return False
    return not guards.lies_ready(row) or not row.patient.is_active


def _ending(row: Order, today: dt.date) -> str:
    """What is only asked for expires with its reservation."""
    until = row.reservation.until
    if row.state != _O.ASKED or until is None or (until - today).days > SOON_DAYS:
        return ""
    return _("reserved until %(date)s") % {"date": f"{until:%Y-%m-%d}"}


def patient_url(row: Order, user: User) -> str:
    opens = user.has_permission(Permission.PATIENT_VIEW)
    return reverse("hospitals:patient-detail", args=[row.patient_id]) if opens else ""


def links(row: Order, user: User) -> list[dict[str, str]]:
    """Where the page leads, for whom it opens."""
    found = []
    if user.has_permission(Permission.INVENTORY_VIEW_ALL) or row.reservation.is_active:
        url = reverse("bank:unit-detail", args=[row.unit_id])
        found.append({"label": _("Unit passport"), "url": url})
    if url := patient_url(row, user):
        found.append({"label": _("Patient"), "url": url})
    if user.has_permission(Permission.RESERVATION_VIEW):
        url = reverse("transplants:reservation-detail", args=[row.reservation_id])
        found.append({"label": _("Reservation"), "url": url})
    return found


def facts(row: Order) -> list[dict[str, Any]]:
    late = prescription.of_order(row).arrives_late
    return [
        {"label": _("Patient"), "value": row.patient.code},
        {"label": _("Hospital"), "value": f"{row.hospital.code} {row.hospital.display_name}"},
        {"label": _("Weight"), "value": kg_text(row.weight_kg), "unit": "kg"},
        {"label": _("Conditioning"), "value": row.conditioning},
        {"label": _("Conditioning begins on"), "value": f"{row.conditioning_on:%Y-%m-%d}"},
        {
            "label": _("Wanted at the hospital on"),
            "value": f"{row.deliver_on:%Y-%m-%d}",
            "note": _("after the conditioning begins") if late else "",
        },
        {"label": _("Planned infusion"), "value": f"{row.infusion_on:%Y-%m-%d}"},
        {"label": _("Country of delivery"), "value": row.country},
        *department_fact(row),
        {"label": _("Address of delivery"), "value": row.ship_to},
        {"label": _("Who receives it"), "value": row.contact},
        {"label": _("Telephone"), "value": row.contact_phone},
        {"label": _("Note to the bank"), "value": row.note},
        {"label": _("Asked by"), "value": row.asked_by.full_name or row.asked_by.email},
    ]


def department_fact(row: Order) -> list[dict[str, Any]]:
    """Who takes it in the hospital; nothing where none is named."""
    found = row.department
    return [{"label": _("Department"), "value": found.display_name}] if found is not None else []


def permit_facts(permit: ExportPermit | None) -> list[dict[str, Any]]:
    if permit is None:
        return []
    return [
        {"label": _("Permit number"), "value": permit.permit_no},
        {"label": _("Authority"), "value": permit.authority},
        {"label": _("Country that it names"), "value": permit.country},
        {"label": _("Valid until"), "value": f"{permit.valid_until:%Y-%m-%d}"},
        {"label": _("Recorded by"), "value": permit.recorded_by.full_name or permit.recorded_by.email},
    ]


# --- the checklist --------------------------------------------------------------------------------

# What these look at is the bank's own affair: a hospital learns whether it is so, not what lies behind.
BANKS_OWN: Final = frozenset(
    {
        "unit",
        "listed",
        "markers",
        "cultures",
        "eligibility",
        "quality",
        "potency",
        "consent",
        "lots",
        "incidents",
        "slot",
    }
)
MARKS: Final = {Outcome.PASSED: "ok", Outcome.FAILED: "no", Outcome.OPEN: "na"}
OUTCOMES: Final[dict[Outcome, Any]] = {
    Outcome.PASSED: pgettext_lazy("check", "done"),
    Outcome.FAILED: pgettext_lazy("check", "not so"),
    Outcome.OPEN: pgettext_lazy("check", "open"),
}
STAGES: Final[dict[Stage, Any]] = {
    Stage.APPROVE: gettext_lazy("Before the bank approves"),
    Stage.RELEASE: gettext_lazy("Before the unit may leave"),
    Stage.DISPATCH: gettext_lazy("Before the shipment is dispatched"),
}


def checklist(
    checks: Iterable[Check], user: User, excepted: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """By stage, what is missing first."""
    rows = [_line(one, user, excepted) for one in checks]
    found = []
    for stage, title in STAGES.items():
        mine = [row for row in rows if row["stage"] == stage]
        if not mine:
            continue
        missing = [row for row in mine if row["verdict"] != "ok"]
        found.append(
            {
                "title": title,
                "missing": missing,
                "passed": [row for row in mine if row["verdict"] == "ok"],
                "total": len(mine),
            }
        )
    return found


def _says(one: Check, user: User) -> str:
    """What lies behind it; of the bank's own matters a hospital learns whether they are done."""
    if one.code not in BANKS_OWN or user.has_permission(Permission.INVENTORY_VIEW_ALL):
        return one.says
    return "" if one.is_passed else _("The bank looks after it.")


def _line(one: Check, user: User, excepted: frozenset[str]) -> dict[str, Any]:
    return {
        "code": one.code,
        "label": one.label,
        "stage": one.stage,
        "verdict": MARKS[one.outcome],
        "outcome": OUTCOMES[one.outcome],
        "says": _says(one, user),
        "url": one.url if _opens(one, user) else "",
        "excepted": one.code in excepted,
    }


def told_check(one: Check, user: User) -> dict[str, str]:
    """The same for other programs."""
    return {
        "code": one.code,
        "name": str(one.label),
        "stage": str(one.stage),
        "outcome": str(one.outcome),
        "says": _says(one, user),
    }


def kept_checks(row: Order, user: User) -> list[dict[str, str]]:
    """The checklist as it was signed with the release; of the bank's own matters a hospital reads the outcome only."""
    may = user.has_permission(Permission.INVENTORY_VIEW_ALL)
    return [
        {
            "label": _(one["label"]),  # kept in English: its own message
            "verdict": MARKS[Outcome(one["outcome"])],
            "outcome": str(OUTCOMES[Outcome(one["outcome"])]),
            "says": one["says"] if may or one["code"] not in BANKS_OWN else "",
            "excepted": one.get("excepted", ""),
        }
        for one in row.release_checks
    ]


_NEEDS: Final = {
    "reservation": Permission.RESERVATION_VIEW,
    "patient": Permission.PATIENT_VIEW,
    "weight": Permission.PATIENT_VIEW,
    "hospital": Permission.HOSPITAL_VIEW,
    "patient_typing": Permission.PATIENT_VIEW,
    "antibodies": Permission.PATIENT_VIEW,
    "unit_typing": Permission.TYPING_VIEW,
    "days": Permission.ORDER_ASK,
    "prescription": Permission.ORDER_PRESCRIBE,
    "permit": Permission.ORDER_APPROVE,
    "dose": Permission.INVENTORY_VIEW_ALL,
    "consent_abroad": Permission.INVENTORY_VIEW_ALL,
}


def _opens(one: Check, user: User) -> bool:
    if one.code in BANKS_OWN:
        return user.has_permission(Permission.INVENTORY_VIEW_ALL)
    needed = _NEEDS.get(one.code)
    return needed is None or user.has_permission(needed)


# --- signatures and the trail ---------------------------------------------------------------------


def signatures(rows: Sequence[OrderSignature]) -> list[dict[str, Any]]:
    """Those that hold and those that are void, in the order in which they were given."""
    return [
        {
            "meaning": row.get_meaning_display(),
            "signer": signer_words(row.signer),
            "at": row.signed_at,
            "void": row.void_at,
            "justification": row.justification,
        }
        for row in rows
    ]


WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "order.ask": (lambda: _("Ordered by the hospital"), ""),
    "order.amend": (lambda: _("Prescription changed"), "warn"),
    "order.sign": (lambda: _("Prescription signed"), "good"),
    "order.sign_refused": (lambda: _("Signature refused"), "bad"),
    "order.approve": (lambda: _("Approved by the bank"), "good"),
    "order.decline": (lambda: _("Declined"), "bad"),
    "order.withdraw": (lambda: _("Withdrawn"), "bad"),
    "order.permit": (lambda: _("Export permit recorded"), ""),
    "order.permit_open": (lambda: _("Document of the export permit fetched"), ""),
    "order.release_sign": (lambda: _("Release signed"), "good"),
    "order.release": (lambda: _("Released for shipment"), "good"),
    "order.release_revoke": (lambda: _("Release revoked"), "bad"),
    "order.tell_held": (lambda: _("Cannot go on: both sides were told"), "bad"),
    "order.tell_unheld": (lambda: _("Can go on again"), "good"),
    "order.ship": (lambda: _("Sent"), "good"),
    "order.deliver": (lambda: _("Delivered"), "good"),
    "order.fail": (lambda: _("Shipment failed"), "bad"),
    "order.infuse": (lambda: _("Infused"), "good"),
    "order.not_used": (lambda: _("Not used"), "bad"),
}


def timeline(row: Order) -> list[dict[str, Any]]:
    """What happened, newest first, from the trail of this row."""
    entries = AuditEntry.objects.filter(target_type=row._meta.label, target_key=str(row.pk))
    return [_entry(entry) for entry in entries.order_by("-at", "-pk")]


def _entry(entry: AuditEntry) -> dict[str, Any]:
    words, tone = WORDS.get(entry.action, (lambda: entry.action, ""))
    amended = entry.action == "order.amend"
    changed = [_change(name, entry) for name in _SHOWN if amended and name in (entry.after or {})]
    detail = [*changed, *([entry.reason] if entry.reason else [])]
    return {
        "at": entry.at,
        "text": words(),
        "actor": _("automatically") if entry.actor_id.startswith("system:") else entry.actor_label,
        "detail": " · ".join(detail),
        "tone": tone,
    }


_SHOWN: Final = prescription.FIELDS


def _change(name: str, entry: AuditEntry) -> str:
    label = cast("models.Field[Any, Any]", Order._meta.get_field(name)).verbose_name
    before, after = (entry.before or {}).get(name, ""), (entry.after or {}).get(name, "")
    return f"{label}: {before or '–'} → {after or '–'}"


# --- what a person may do -------------------------------------------------------------------------


def may(row: Order, user: User, *, is_signed: bool, is_abroad: bool) -> dict[str, bool]:
    """What the page offers; the services decide."""
    bank, own = guards.may_approve(user), guards.may_ask(user, row.hospital_id)
    early, active = row.state in guards.AMENDABLE, row.patient.is_active
    # the bank declines what is asked for; the hospital withdraws it
    withdraws = own and not bank if row.state == _O.ASKED else own or bank
    return {
        "amend": early and own and active,
        "sign": early and not is_signed and active and guards.may_prescribe(user, row.hospital_id),
        "approve": bank and row.state == _O.ASKED and not guards.prescribed_it(user, row),
        "decline": bank and row.state == _O.ASKED,
        "withdraw": early and withdraws,
        "permit": bank and is_abroad and row.state in guards.PERMITTABLE,
        "release": guards.may_release(user) and row.state == _O.APPROVED,
        "revoke": guards.may_release(user) and row.state == _O.RELEASED,
    }


def alarm(row: Order) -> str:
    """What must be seen first, in words that a hospital may read; "" where all is well."""
    if row.state not in (_O.ASKED, _O.APPROVED, _O.RELEASED):
        return ""
    if not row.patient.is_active:
        return _("The patient's record is inactive. If no unit is needed any more, withdraw the order now.")
    if row.reservation.state != ReservationState.ACTIVE:
        return _("The unit is not reserved for this patient any more.")
    if not guards.lies_ready(row):
        return _("The unit is on hold. Do not begin the conditioning before the bank says that it can go on.")
    return ""


def today() -> dt.date:
    return timezone.localdate()
