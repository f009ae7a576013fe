"""Recalls in words: whom they concern, and what a hospital has to do now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from bank.choices import UnitStatus
from core.models import User
from core.roles import Permission
from hospitals.querysets import reached_by
from transplants.affected import Affected, Stake
from transplants.models import IncidentRules, Recall, RecallUnit
from transplants.presenters_incidents import moment, unit_tags

MOST_UNITS = 200  # in the house, on a page; the CSV has all


def figures(affected: Affected) -> list[dict[str, Any]]:
    """How much there is of each; what is outside the bank comes first."""
    outside = len(affected.outside)
    ordered = sum(1 for one in affected.stakes if one.order is not None and not one.is_outside)
    reserved = sum(1 for one in affected.stakes if one.order is None)
    return [
        {"value": f"{len(affected.units):,}", "label": _("Units")},
        {
            "value": outside,
            "label": _("Outside the bank"),
            "tone": "bad" if outside else "",
            "url": "#outside",
        },
        {"value": ordered, "label": _("Ordered"), "tone": "warn" if ordered else "", "url": "#stakes"},
        {"value": reserved, "label": _("Reserved or asked for"), "url": "#stakes"},
        {"value": len({one.patient.pk for one in affected.stakes}), "label": _("Patients"), "url": "#stakes"},
        {"value": len(affected.hospitals), "label": _("Hospitals"), "url": "#stakes"},
    ]


def states(affected: Affected) -> list[dict[str, Any]]:
    return [{"label": status.label, "value": f"{n:,}"} for status, n in affected.by_status]


def outside_rows(affected: Affected, user: User) -> list[dict[str, Any]]:
    """Units that left, each with whom it went to; one whose way nobody recorded here is said to be so."""
    by_unit: dict[UUID, list[Stake]] = {}
    reached = hospitals_reached(affected.stakes)
    for stake in affected.stakes:
        if stake.is_outside:
            by_unit.setdefault(stake.unit.pk, []).append(stake)
    return [
        {
            **unit_tags(unit),
            "url": reverse("bank:unit-lookback", args=[unit.pk]),
            "stakes": [stake_row(one, user, reached) for one in by_unit.get(unit.pk, ())],
        }
        for unit in affected.outside
    ]


def hospitals_reached(stakes: Iterable[Stake]) -> set[UUID]:
    """Those in which somebody can be told here; all others are called by telephone."""
    return reached_by(Permission.INCIDENT_VIEW, {one.hospital.pk for one in stakes})


def not_reached(stakes: Sequence[Stake]) -> list[str]:
    """Codes of the hospitals in which nobody is told, each with whom to call."""
    reached = hospitals_reached(stakes)
    found = {one.hospital.code: one for one in reversed(stakes) if one.hospital.pk not in reached}
    return [" ".join(filter(None, (code, one.contact, one.phone))) for code, one in sorted(found.items())]


def stake_rows(stakes: Sequence[Stake], user: User) -> list[dict[str, Any]]:
    """Those whose unit is still in the bank."""
    reached = hospitals_reached(stakes)
    return [stake_row(one, user, reached) for one in stakes if not one.is_outside]


def stake_row(one: Stake, user: User, reached: Collection[UUID]) -> dict[str, Any]:
    order, shipment, infusion = one.order, one.shipment, one.infusion
    reservation = one.reservation if user.has_permission(Permission.RESERVATION_VIEW) else None
    return {
        "unit": unit_tags(one.unit),
        "unit_url": reverse("bank:unit-detail", args=[one.unit.pk]),
        "hospital": one.hospital,
        "contact": one.contact,
        "phone": one.phone,
        "is_untold": one.hospital.pk not in reached,
        "patient": one.patient,
        "number": one.number,
        "state": one.state,
        "order_url": reverse("transplants:order-detail", args=[order.pk]) if order else "",
        "reservation_url": reverse("transplants:reservation-detail", args=[reservation.pk])
        if reservation
        else "",
        "shipment": shipment,
        "shipment_url": reverse("transplants:shipment-detail", args=[shipment.pk]) if shipment else "",
        "transplant": infusion.transplant if infusion else None,
        "transplant_url": reverse("transplants:transplant-detail", args=[infusion.transplant_id])
        if infusion
        else "",
    }


def list_row(row: Recall) -> dict[str, Any]:
    return {
        "row": row,
        "url": reverse("transplants:recall-detail", args=[row.pk]),
        "state": state_tag(row),
        "what": _("Lot %(lot)s") % {"lot": row.lot} if row.lot else "",
    }


def state_tag(row: Recall) -> dict[str, str]:
    return {"text": _("on"), "tone": "bad"} if row.is_on else {"text": _("lifted"), "tone": "good"}


def facts(row: Recall) -> list[dict[str, Any]]:
    items = [
        {"label": _("Reason"), "value": row.reason},
        {"label": _("Lot"), "value": str(row.lot or "")},
        {"label": _("Started by"), "value": f"{row.started_by.full_name}, {moment(row.started_at)}"},
    ]
    if row.lifted_by is not None:
        lifted = f"{row.lifted_by.full_name}, {moment(row.lifted_at)}"
        items += [
            {"label": _("Lifted by"), "value": lifted},
            {"label": _("Why it was lifted"), "value": row.lift_reason},
        ]
    return items


def unit_row(row: RecallUnit, *, may_free: bool) -> dict[str, Any]:
    is_held = row.freed_at is None
    free = reverse("transplants:recall-free-unit", args=[row.recall_id, row.unit_id])
    return {
        **unit_tags(row.unit),
        "row": row,
        "url": reverse("bank:unit-detail", args=[row.unit_id]),
        "then": UnitStatus(row.status_then).label,
        "is_held": is_held,
        "free_url": free if is_held and may_free else "",
    }


def may(row: Recall, user: User) -> dict[str, bool]:
    """What the page offers: whoever started it is told that somebody else ends it."""
    ends = row.is_on and user.has_permission(Permission.RECALL_START)
    return {"end": ends and row.started_by_id != user.pk, "own": ends and row.started_by_id == user.pk}


# --- what a hospital is told ----------------------------------------------------------------------


def warnings(stakes: Sequence[Stake], user: User) -> dict[str, Any]:
    """Recalled units of these stakes, loud, with what to do; {} where none is recalled."""
    held = RecallUnit.objects.on().of_units({one.unit.pk for one in stakes if one.unit.recalled})
    by_unit: dict[UUID, list[Recall]] = {}
    for row in held.select_related("recall__started_by").order_by("recall__started_at"):
        by_unit.setdefault(row.unit_id, []).append(row.recall)
    recalled = [one for one in stakes if one.unit.pk in by_unit]
    if not recalled:
        return {}
    opens = user.has_permission(Permission.RECALL_VIEW)
    return {
        "hotline": IncidentRules.load().hotline,
        "rows": [
            {
                "unit": one.unit.public_no,
                "patient": one.patient.code,
                "number": one.number,
                "to_do": to_do(one),
                "recalls": by_unit[one.unit.pk],
                "opens": opens,
            }
            for one in recalled
        ],
    }


def to_do(one: Stake) -> str:
    """What the hospital does now, by where the unit is."""
    status = one.unit.status
    if one.order is None or not one.is_outside:
        return _("The bank keeps it back: it will not be sent. Reserve a backup now.")
    if status == UnitStatus.INFUSED:
        return _(
            "It was infused. Call the bank now, watch the patient, and report what you see as an incident."
        )
    if status == UnitStatus.SHIPPED:
        return _(
            "It is on its way. Do not infuse it: keep it in the shipper when it arrives, and call the bank now."
        )
    return _(
        "Do not infuse it. Keep it frozen and apart, do not send it back unasked, and call the bank now."
    )


def with_outside(stakes: Sequence[Stake], user: User) -> list[dict[str, Any]]:
    """All of them, what is outside the bank first and marked so."""
    reached = hospitals_reached(stakes)
    return [{**stake_row(one, user, reached), "is_outside": one.is_outside} for one in stakes]
