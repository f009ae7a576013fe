"""Lots in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from bank import lots
from bank.choices import STATUS_TONE, UnitStatus
from bank.models import CordBloodUnit, Lot
from core.models import AuditEntry

ACTIONS = {
    "lot.register": lambda: _("Registered"),
    "lot.correct": lambda: _("Corrected"),
    "lot.block": lambda: _("Blocked"),
    "lot.hold": lambda: _("Units put on hold"),
    "lot.unblock": lambda: _("Given back to use"),
    "lot.merge": lambda: _("Another lot merged into it"),
    "lot.merged": lambda: _("Merged into another lot"),
    "lot.sign_refused": lambda: _("Signature refused"),
}
MOST_ENTRIES = 50


def state(lot: Lot, today: dt.date) -> dict[str, str]:
    """As a tag: blocked before expired."""
    if lot.merged_into_id:
        return {"text": _("Merged"), "tone": ""}
    if lot.is_blocked:
        return {"text": str(lot.get_state_display()), "tone": "bad"}
    if lot.has_expired(today):
        return {"text": _("Expired"), "tone": "warn"}
    return {"text": str(lot.get_state_display()), "tone": "good"}


def list_row(lot: Lot, units: int, today: dt.date) -> dict[str, Any]:
    return {"lot": lot, "units": units, "state": state(lot, today)}


def facts(lot: Lot, today: dt.date) -> list[dict[str, Any]]:
    told = state(lot, today)
    first = lots.first_day(lot)
    return [
        {"label": _("Kind"), "value": lot.get_kind_display()},
        {"label": _("Manufacturer"), "value": lot.manufacturer},
        {"label": _("Number"), "value": lot.number},
        {"label": _("Expires on"), "value": lot.expires_on and lot.expires_on.isoformat()},
        {"label": _("Received on"), "value": lot.received_on and lot.received_on.isoformat()},
        {"label": _("First used on"), "value": first and first.isoformat()},
        {"label": _("State"), "value": told["text"], "tone": told["tone"]},
        {"label": _("Registered by"), "value": str(lot.registered_by or ""), "note": _not_registered(lot)},
    ]


def _not_registered(lot: Lot) -> str:
    known = lot.registered_by_id or lot.manufacturer
    return "" if known else _("known from the number written with a result")


def figures(lot: Lot) -> list[dict[str, Any]]:
    """How many units, and in which states they are now."""
    units = CordBloodUnit.objects.filter(pk__in=lot.uses.order_by().values("unit"))
    counted = {row["status"]: row["n"] for row in units.order_by().values("status").annotate(n=Count("pk"))}
    whole = {"value": f"{sum(counted.values()):,}", "label": _("Units"), "tone": ""}
    tones = {"bad": "bad", "warn": "warn"}
    return [whole] + [
        {
            "value": f"{counted[status]:,}",
            "label": str(status.label),
            "tone": tones.get(STATUS_TONE.get(status, ""), ""),
        }
        for status in UnitStatus
        if status in counted
    ]


def history(lot: Lot) -> list[dict[str, Any]]:
    """What was done with the lot itself, newest first."""
    rows = AuditEntry.objects.filter(target_type=Lot._meta.label, target_key=str(lot.pk))
    return [
        {
            "at": row.at,
            "text": ACTIONS[row.action]() if row.action in ACTIONS else row.action,
            "actor": row.actor_label,
            "detail": " · ".join(filter(None, (row.reason, _held(row)))),
            "tone": "bad" if row.action == "lot.block" else "",
        }
        for row in rows.order_by("-at", "pk")[:MOST_ENTRIES]
    ]


def _held(row: AuditEntry) -> str:
    after = row.after or {}
    if row.action in ("lot.merge", "lot.merged"):
        return str(after.get("lot", ""))
    held = after.get("held", 0)
    return _("%(n)s units put on hold") % {"n": held} if held else ""
