"""Shipments in words: what they wait for, facts, what happened, what a person may do."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy

from core.models import User
from core.roles import Permission
from hospitals.querysets import open_in
from transplants.choices_orders import Acceptance, Answer, EventKind, FailureCause, OrderState, ShipperPlace
from transplants.models import Order, Receipt, Shipment, Shipper, ShippingRules
from transplants.presenters_orders import department_fact
from transplants.services_receipts import ANSWERS, events_open
from transplants.shipping import HOUR, holds_until, hours_to_spare, is_fresh, is_shipping

ANSWER_TONE: Final = {Answer.YES: "good", Answer.NO: "bad", Answer.NOT_CHECKED: "warn"}
EVENT_TONE: Final = {
    EventKind.DISPATCHED: "good",
    EventKind.ARRIVED: "good",
    EventKind.REFILLED: "good",
    EventKind.DELAYED: "bad",
}


def state_of(row: Shipment, now: dt.datetime) -> dict[str, str]:
    """code: for templates; text and tone: what stands in the tag."""
    if row.failed_at:
        refused = row.failure == FailureCause.REFUSED
        text = _("Refused by the hospital") if refused else pgettext("shipment", "Failed")
        return {"code": "failed", "text": text, "tone": "bad"}
    if row.delivered_at:
        return {"code": "delivered", "text": pgettext("shipment", "Delivered"), "tone": "good"}
    if row.dispatched_at:
        if row.expected_at < now:
            return {"code": "overdue", "text": _("Overdue"), "tone": "bad"}
        return {"code": "under_way", "text": pgettext("shipment", "Under way"), "tone": "info"}
    return _at_home(row)


def _at_home(row: Shipment) -> dict[str, str]:
    if row.order.state != OrderState.RELEASED:
        text = _("Packing void, order: %(state)s") % {"state": row.order.get_state_display()}
        return {"code": "void", "text": text, "tone": ""}
    if not is_fresh(row):
        return {"code": "stale", "text": _("To be packed again"), "tone": "warn"}
    if row.checked_at:
        return {"code": "checked", "text": _("Ready to leave"), "tone": "warn"}
    return {"code": "packed", "text": _("To be checked by a second person"), "tone": "warn"}


def steps(row: Shipment, state: str) -> list[dict[str, str]]:
    """How far it is (context of _components/stepper.html)."""
    names = [
        _("Packed"),
        _("Checked by a second person"),
        _("Dispatched"),
        pgettext("shipment", "Failed") if state == "failed" else pgettext("shipment", "Delivered"),
    ]
    done = {"packed": 1, "checked": 2, "under_way": 3, "overdue": 3, "delivered": 4, "failed": 4}.get(
        state, 0
    )
    return [
        {"label": name, "state": "done" if place < done else "now" if place == done else ""}
        for place, name in enumerate(names)
    ]


def list_row(row: Shipment, now: dt.datetime) -> dict[str, Any]:
    return {
        "row": row,
        "url": reverse("transplants:shipment-detail", args=[row.pk]),
        "state": state_of(row, now),
        "late": late_by(row, now),
    }


def late_by(row: Shipment, now: dt.datetime) -> str:
    """How long it is overdue, in words; "" for what is not."""
    if not row.dispatched_at or row.delivered_at or row.failed_at or row.expected_at >= now:
        return ""
    hours = int((now - row.expected_at) / HOUR)
    if hours < 48:
        return ngettext("%(n)d hour late", "%(n)d hours late", hours) % {"n": hours} if hours else _("late")
    return ngettext("%(n)d day late", "%(n)d days late", hours // 24) % {"n": hours // 24}


def order_row(row: Order, today: dt.date) -> dict[str, Any]:
    """An order that waits to be packed."""
    left = (row.deliver_on - today).days
    if left < 0:
        due = {"text": _("overdue"), "tone": "bad"}
    elif left <= 1:
        due = {"text": _("today") if left == 0 else _("tomorrow"), "tone": "bad" if left == 0 else "warn"}
    else:
        due = {"text": ngettext("in %(n)d day", "in %(n)d days", left) % {"n": left}, "tone": ""}
    packed: Shipment | None = getattr(row, "shipment", None)
    return {
        "row": row,
        "due": due,
        "again": packed is not None,
        "pack_url": pack_url(row, packed),
        "order_url": order_url(row),
    }


def pack_url(row: Order, packed: Shipment | None) -> str:
    """Where an order is packed; again, where it was before its release was revoked."""
    if packed is not None:
        return reverse("transplants:shipment-pack", args=[packed.pk])
    return reverse("transplants:shipment-create", args=[row.pk])


def order_url(row: Order) -> str:
    return reverse("transplants:order-detail", args=[row.pk])


def may(row: Shipment, user: User) -> dict[str, bool]:
    """What the page offers; the services decide."""
    ships = is_shipping(user)
    own = open_in(user, Permission.SHIPMENT_RECEIVE, row.hospital_id)
    at_home = row.dispatched_at is None and row.order.state == OrderState.RELEASED
    ready = at_home and is_fresh(row)
    away = row.dispatched_at is not None and not row.delivered_at and not row.failed_at
    return {
        "repack": ships and at_home,
        "check": ships and ready and not row.checked_at and row.packed_by_id != user.pk,
        "wait": ships and ready and not row.checked_at and row.packed_by_id == user.pk,
        "dispatch": ships and ready and row.checked_at is not None,
        "event": ships and bool(events_open(row)),
        "fail": ships and away,
        "receive": own and away,
        "logger": (ships or own) and row.dispatched_at is not None,
        "picking": at_home and user.has_permission(Permission.INVENTORY_VIEW_ALL),
    }


def hold(row: Shipment, rules: ShippingRules, refilled_at: dt.datetime | None) -> dict[str, Any]:
    """Until when the shipper stays cold, and whether that is enough; {} once it arrived, or is to be packed anew."""
    waits = row.dispatched_at is None and (row.order.state != OrderState.RELEASED or not is_fresh(row))
    if row.delivered_at or row.failed_at or waits:
        return {}
    spare = hours_to_spare(row, refilled_at)
    until = timezone.localtime(holds_until(row, refilled_at))
    values = {"until": f"{until:%Y-%m-%d %H:%M}", "spare": round(spare), "margin": rules.margin_hours}
    if until < timezone.now():
        return {
            "tone": "bad",
            "title": _("The hold time is over"),
            "text": _("It ended at %(until)s.") % values,
        }
    if spare < 0:
        text = _("The shipper stays cold until %(until)s, and it is expected later. Refill it on the way.")
        return {"tone": "bad", "title": _("The hold time does not reach the arrival"), "text": text % values}
    if spare < rules.margin_hours:
        text = _(
            "The shipper stays cold until %(until)s, %(spare)d hours beyond the expected arrival; the rules ask for "
            "%(margin)d."
        )
        return {"tone": "warn", "title": _("Little hold time to spare"), "text": text % values}
    return {}


def facts(row: Shipment, refilled_at: dt.datetime | None) -> list[dict[str, Any]]:
    """The way: where to, by whom, in what."""
    until = timezone.localtime(holds_until(row, refilled_at))
    return [
        {"label": _("Hospital"), "value": f"{row.hospital.code} {row.hospital.display_name}"},
        *department_fact(row.order),
        {"label": _("Address of delivery"), "value": row.order.ship_to},
        {"label": _("Who receives it"), "value": f"{row.order.contact} · {row.order.contact_phone}"},
        {"label": _("Expected at the hospital"), "value": moment(row.expected_at)},
        {"label": _("Courier"), "value": row.courier},
        {"label": _("Waybill number"), "value": row.waybill},
        {"label": _("Seal numbers"), "value": row.seals},
        {"label": _("Shipper"), "value": f"{row.shipper.serial} {row.shipper.model}".strip()},
        {"label": _("Shipper validated on"), "value": f"{row.validated_on:%Y-%m-%d}"},
        {
            "label": _("Hold time (hours)"),
            "value": row.hold_hours,
            "note": _("until %(date)s") % {"date": moment(until)},
        },
        {"label": _("Shipper charged at"), "value": moment(row.charged_at)},
        {"label": _("Weight when charged (kg)"), "value": row.charge_weight_kg},
        {"label": _("Unit put into the shipper at"), "value": moment(row.loaded_at)},
        {"label": _("Serial number of the logger"), "value": row.logger_serial},
        {"label": _("Packed by"), "value": str(row.packed_by), "note": moment(row.packed_at)},
        {"label": _("Checked by"), "value": str(row.checked_by or ""), "note": moment(row.checked_at)},
    ]


def moment(at: dt.datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def timeline(row: Shipment) -> list[dict[str, Any]]:
    """What happened, newest first."""
    rows = row.events.select_related("entered_by").order_by("-at", "-entered_at", "pk")
    return [
        {
            "at": event.at,
            "text": event.get_kind_display(),
            "actor": str(event.entered_by),
            "detail": " · ".join(filter(None, (event.place, _hands(event), event.note))),
            "tone": EVENT_TONE.get(event.kind, ""),
        }
        for event in rows
    ]


def _hands(event: Any) -> str:
    return " → ".join(filter(None, (event.handed_by, event.taken_by)))


def receipt_facts(receipt: Receipt) -> list[dict[str, Any]]:
    labels = {field.name: field.verbose_name for field in receipt._meta.concrete_fields}
    answers = [
        {
            "label": labels[name],
            "value": getattr(receipt, f"get_{name}_display")(),
            "tone": ANSWER_TONE[Answer(getattr(receipt, name))],
        }
        for name in ANSWERS
    ]
    tone = {Acceptance.ACCEPTED: "good", Acceptance.DEVIATION: "warn", Acceptance.REFUSED: "bad"}
    return [
        {
            "label": _("Decision"),
            "value": receipt.get_acceptance_display(),
            "tone": tone[Acceptance(receipt.acceptance)],
        },
        {"label": _("Deviation"), "value": receipt.deviation},
        {"label": _("Received at"), "value": moment(receipt.received_at)},
        {"label": _("Received by"), "value": str(receipt.received_by)},
        *answers,
    ]


def failure(row: Shipment) -> str:
    """One sentence; "" for one that did not fail."""
    return f"{row.get_failure_display()}: {row.failure_note}" if row.failed_at else ""


# What comes next for a shipper that was away: the state that it has then, and the words of the button.
_SHIPPER_STEPS: Final = {
    ShipperPlace.AWAY: (ShipperPlace.BACK, pgettext_lazy("shipper", "It is back")),
    ShipperPlace.BACK: (ShipperPlace.READY, pgettext_lazy("shipper", "Inspected, ready")),
}


def shipper_row(row: Shipper, holding: Shipment | None, today: dt.date) -> dict[str, Any]:
    left = (row.valid_until - today).days
    if not row.active:
        state = {"text": _("out of use"), "tone": ""}
    elif left < 0:
        state = {"text": _("validation over"), "tone": "bad"}
    elif holding is not None and holding.dispatched_at:
        state = {"text": _("under way"), "tone": "info"}
    elif holding is not None:
        state = {"text": _("packed"), "tone": "info"}
    elif row.place != ShipperPlace.READY:
        tone = "warn" if row.place == ShipperPlace.BACK else "info"
        state = {"text": str(ShipperPlace(row.place).label), "tone": tone}
    else:
        state = {"text": _("free"), "tone": "good"}
    step = _SHIPPER_STEPS.get(ShipperPlace(row.place)) if row.active and holding is None else None
    soon = row.active and 0 <= left <= 30
    return {
        "row": row,
        "state": state,
        "step": {"to": step[0], "label": step[1]} if step else None,
        "holding": holding,
        "holding_url": reverse("transplants:shipment-detail", args=[holding.pk]) if holding else "",
        "soon": ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left} if soon else "",
    }
