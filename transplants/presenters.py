"""Reservations in words: tags, countdowns, facts, what happened, what a person may do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.choices import LEFT, STATUS_TONE, TAKEN, UnitStatus
from bank.models import CordBloodUnit
from bank.promises import entered_as_reserved
from core.models import AuditEntry, User
from core.roles import Permission
from hospitals.models import Patient
from hospitals.querysets import open_in
from transplants.choices import EMDIS, STATE_TONE, ReservationState
from transplants.models import Reservation, ReservationRules
from transplants.services import extensions_left, may_decide


def countdown(row: Reservation, today: dt.date, warn_days: int) -> dict[str, str]:
    """How long the promise still holds, as a tag; {} where there is none."""
    left = row.days_left(today)
    if left is None:
        return {}
    if row.unit.status in TAKEN:
        return {"text": _("ordered in time"), "tone": "info"}
    if left < 0:
        return {"text": _("over"), "tone": "bad"}
    if left == 0:
        return {"text": _("last day"), "tone": "bad"}
    text = ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left}
    return {"text": text, "tone": "warn" if left <= warn_days else ""}


def state_tag(row: Reservation) -> dict[str, str]:
    """An asked one says what it waits for. row: with `with_promise`."""
    if row.state == ReservationState.ASKED:
        return {"text": f"{row.get_state_display()} · {waits_for(row)}", "tone": "warn"}
    return {"text": str(row.get_state_display()), "tone": STATE_TONE.get(row.state, "")}


def waits_for(row: Reservation) -> str:
    """What a wish waits for, as its hospital may know."""
    if row.is_free and row.is_first:
        return _("the bank decides")
    if row.is_free or row.unit.status == UnitStatus.RESERVED:
        return _("in line for the unit")
    return _("the unit is not on offer now")


def is_held(row: Reservation) -> bool:
    """A promised unit that cannot be counted on now."""
    ready = row.unit.status == UnitStatus.RESERVED and not row.unit.blocks
    return row.is_active and not ready and row.unit.status not in TAKEN


def is_unnamed(row: Reservation) -> bool:
    """A wish for a unit that came into this system as reserved. row: with `with_promise`."""
    asked = row.state == ReservationState.ASKED
    return asked and entered_as_reserved(row.unit) and not row.is_promised


def list_row(row: Reservation, today: dt.date, warn_days: int, user: User) -> dict[str, Any]:
    return {
        "row": row,
        "url": reverse("transplants:reservation-detail", args=[row.pk]),
        "unit_url": unit_url(row, user),
        "state": state_tag(row),
        "left": countdown(row, today, warn_days),
        "held": is_held(row),
    }


def unit_url(row: Reservation, user: User) -> str:
    """The passport, for whom it opens: the bank, and the hospital while the unit is kept for it."""
    opens = user.has_permission(Permission.INVENTORY_VIEW_ALL) or row.is_active or row.unit.is_listed
    return reverse("bank:unit-detail", args=[row.unit_id]) if opens else ""


def facts(row: Reservation, user: User) -> list[dict[str, Any]]:
    rules = ReservationRules.load()
    items = [
        {"label": _("Patient"), "value": row.patient.code},
        {"label": _("Hospital"), "value": f"{row.hospital.code} {row.hospital.display_name}"},
        {"label": _("What the unit is for"), "value": row.get_purpose_display()},
        {"label": _("Match request"), "value": row.request.number if row.request else ""},
        {"label": _("Note to the bank"), "value": row.note},
        {"label": _("Extended"), "value": _extended(row, rules)},
    ]
    if may_decide(user):
        items += [
            {
                "label": _("State of the unit"),
                "value": row.unit.state_label,
                "tone": STATUS_TONE.get(row.unit.status, "info"),
            },
            {"label": "EMDIS", "value": EMDIS[row.state]},
        ]
    return items


def unit_facts(unit: CordBloodUnit, patient: Patient) -> list[dict[str, Any]]:
    """What is promised, beside the weight of whom it is for: a slip of the mouse must be seen before it is sent."""
    kg = float(patient.weight_kg) if patient.weight_kg else None
    tnc, cd34 = unit.tnc_e7, unit.cd34_e6
    return [
        {"label": "TNC", "value": _figure(tnc), "unit": "×10⁷"},
        {"label": _("TNC per kg"), "value": _figure(tnc / kg if tnc and kg else None, 2), "unit": "×10⁷/kg"},
        {"label": "CD34", "value": _figure(cd34, 2), "unit": "×10⁶"},
        {
            "label": _("CD34 per kg"),
            "value": _figure(cd34 * 10 / kg if cd34 and kg else None, 2),
            "unit": "×10⁵/kg",
        },
        {"label": _("Blood group"), "value": unit.blood_group},
        {"label": "HLA", "value": _typing(unit)},
        {"label": _("Collected"), "value": f"{unit.collected_on:%Y}" if unit.collected_on else ""},
    ]


def _figure(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _typing(unit: CordBloodUnit) -> str:
    """A*11:01, A*24:02 · B*40:01, …"""
    pairs = [
        [getattr(unit, f"hla_{locus}_{place}") for place in (1, 2)]
        for locus in ("a", "b", "c", "drb1", "dqb1")
    ]
    return " · ".join(", ".join(filter(None, pair)) for pair in pairs if any(pair))


def _extended(row: Reservation, rules: ReservationRules) -> str:
    if not row.confirmed_at:
        return ""
    text = _("%(done)d of %(most)d times by the hospital")
    return text % {"done": row.extensions, "most": row.extensions + extensions_left(row, rules)}


WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "reservation.ask": (lambda: _("Asked for"), ""),
    "reservation.confirm": (lambda: _("Reserved"), "good"),
    "reservation.move_up": (lambda: _("The unit became free: reserved for the first in line"), "good"),
    "reservation.decline": (lambda: _("Declined"), "bad"),
    "reservation.cancel": (lambda: _("Cancelled"), "bad"),
    "reservation.extend": (lambda: _("Extended"), "good"),
    "reservation.match": (lambda: _("A lesser match was acknowledged"), "warn"),
    "reservation.warn": (lambda: _("The hospital was told that it ends soon"), "warn"),
    "reservation.expire": (lambda: _("Expired"), "bad"),
    "reservation.drop": (lambda: _("Ended"), "bad"),
    "reservation.tell_free": (lambda: _("The unit became free: the bank decides"), "good"),
    "reservation.tell_held": (lambda: _("Unit on hold: the hospital was told"), "bad"),
    "reservation.tell_unheld": (lambda: _("Unit no longer on hold"), "good"),
}


def timeline(row: Reservation) -> list[dict[str, Any]]:
    """What happened, newest first, from the trail of this row."""
    entries = AuditEntry.objects.filter(target_type=row._meta.label, target_key=str(row.pk))
    return [_entry(entry) for entry in entries.order_by("-at", "-pk")]


def _entry(entry: AuditEntry) -> dict[str, Any]:
    words, tone = WORDS.get(entry.action, (lambda: entry.action, ""))
    until = (entry.after or {}).get("until")
    detail = [_("until %(date)s") % {"date": until}] if until else []
    return {
        "at": entry.at,
        "text": words(),
        "actor": _("automatically") if entry.actor_id.startswith("system:") else entry.actor_label,
        "detail": " · ".join([*detail, entry.reason] if entry.reason else detail),
        "tone": tone,
    }


def why_ended(row: Reservation) -> str:
    """One sentence; "" for one that has not ended."""
    if row.is_open:
        return ""
    cause = row.get_end_cause_display()
    return f"{cause}: {row.end_reason}" if row.end_reason else str(cause)


def may(row: Reservation, user: User) -> dict[str, bool]:
    """What the page offers; the services decide."""
    bank = may_decide(user)
    own = open_in(user, Permission.RESERVATION_ASK, row.hospital_id)
    taken = row.is_active and row.unit.status in TAKEN
    asked = row.state == ReservationState.ASKED
    rules = ReservationRules.load()
    kept = row.is_active and row.unit.status not in TAKEN | LEFT
    return {
        "confirm": bank and asked and not row.is_promised and (row.is_free or is_unnamed(row)),
        "decline": bank and asked,
        "extend": kept and (bank or (own and extensions_left(row, rules) > 0)),
        "no_extension": kept and own and not bank and not extensions_left(row, rules),
        # the bank declines what is asked for; the hospital withdraws it
        "cancel": row.is_open and not taken and (not asked if bank else own),
    }


def line(row: Reservation, user: User) -> list[Reservation]:
    """For the bank: who else waits for the unit. Hospitals do not learn of one another."""
    if not may_decide(user) or not row.is_open:
        return []
    others = Reservation.objects.open().filter(unit=row.unit_id).exclude(pk=row.pk)
    return list(others.with_names().order_by("state", "asked_at", "pk"))


def today() -> dt.date:
    return timezone.localdate()


def end_of(day: dt.date) -> dt.datetime:
    """The moment at which a day is over, in the bank's time zone."""
    return timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min))
