"""The yield of the bank, counted unit by unit in plain Python: what the database has to agree with."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bank.models import CordBloodUnit

RANK = {
    "COLLECTED": 1, "RECEIVED": 2, "PROCESSING": 3, "QUARANTINE": 4, "RESEARCH": 4, "LISTED": 5, "RESERVED": 5,
    "ORDERED": 5, "RELEASED": 5, "SHIPPED": 6, "DELIVERED": 6, "SHIPMENT_FAILED": 6, "NOT_USED": 6,
    "RETURNED_QA": 6, "INFUSED": 6, "DISCARDED": 1,
}  # fmt: skip


def in_cohort(unit: CordBloodUnit, since: dt.date | None, until: dt.date | None, site: str) -> bool:
    if unit.source != "own" or unit.donor_type != "cord" or unit.collected_on is None:
        return False
    if unit.status in ("PLANNED", "VOID"):
        return False
    if (since and unit.collected_on < since) or (until and unit.collected_on > until):
        return False
    return not site or site_of(unit) == site


def site_of(unit: CordBloodUnit) -> str:
    return unit.donation.collection_site if unit.donation else ""


def stage_of(unit: CordBloodUnit) -> int:
    stage = RANK[unit.status_before_hold or unit.status]
    if hasattr(unit, "reception"):
        stage = max(stage, 2)
    if hasattr(unit, "processing"):
        stage = max(stage, 4 if unit.processing.frozen_at else 3)
    if unit.releases.filter(outcome__in=["passed", "exceptional"]).exists():
        stage = max(stage, 5)
    return max([stage, *(RANK[status] for status in told_at_leaving(unit))])


def told_at_leaving(unit: CordBloodUnit) -> list[str]:
    return [
        row.status_then
        for row in unit.discard_proposals.all()
        if row.state == "carried_out" and row.status_then
    ]


def fate_of(unit: CordBloodUnit) -> str:
    if unit.status == "RESEARCH":
        return "research"
    if unit.status != "DISCARDED":
        return "open"
    told_here = hasattr(unit, "reception") or hasattr(unit, "processing") or stage_of(unit) > 1
    told_here = told_here or bool(told_at_leaving(unit))
    return "untold" if unit.import_batch_id and not told_here else "lost"


def counted(units: Sequence[CordBloodUnit]) -> dict[str, Any]:
    """reached by stage, what stopped where, discarded by reason, collected by site."""
    found: dict[str, Any] = {
        "reached": {stage: sum(stage_of(unit) >= stage for unit in units) for stage in range(1, 7)},
        "stopped": Counter((stage_of(unit), fate_of(unit)) for unit in units),
        "reasons": Counter(unit.discard_reason for unit in units if unit.status == "DISCARDED"),
        "sites": Counter(site_of(unit) for unit in units),
    }
    return found


def percentile(values: Sequence[float], fraction: float) -> float | None:
    """Between two neighbours in a straight line."""
    if not values:
        return None
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def took(unit: CordBloodUnit, leg: str) -> float | None:
    """Seconds."""
    born = unit.donation.born_at if unit.donation else None
    arrived = unit.reception.received_at if hasattr(unit, "reception") else None
    frozen = unit.processing.frozen_at if hasattr(unit, "processing") else None
    positive = unit.releases.filter(outcome__in=["passed", "exceptional"]).order_by("released_at").first()
    released = positive.released_at if positive else None
    start, end = {
        "arrival": (born, arrived), "freezing": (arrived, frozen), "release": (frozen, released)
    }[leg]  # fmt: skip
    return (end - start).total_seconds() if start and end else None


def value(unit: CordBloodUnit, point: str, analyte: str) -> float | None:
    row = unit.measurements.filter(superseded=False, time_point=point, analyte=analyte).first()
    return row.value if row else None


def amount(unit: CordBloodUnit, key: str) -> float | None:
    if key == "recovery":
        before, after = value(unit, "collection", "tnc"), value(unit, "processing", "tnc")
        return 100 * after / before if before and after is not None else None
    point, analyte = {
        "tnc-before": ("collection", "tnc"), "tnc-after": ("processing", "tnc"),
        "cd34-after": ("processing", "cd34"), "cd34-viable": ("processing", "cd34_viable"),
    }[key]  # fmt: skip
    return value(unit, point, analyte)
