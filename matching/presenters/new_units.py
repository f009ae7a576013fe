"""New units for waiting patients in words, by unit and by request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from bank.choices import STATUS_TONE
from core.models import User
from matching.choices import CLASS_SIZE
from matching.lists_new_units import best
from matching.models import MatchRequest, NewUnitFinding
from matching.presenters.probabilities import percent_text
from matching.presenters.results import (
    SCALE,
    SCALE_OF_TOTAL,
    UNIT,
    UNIT_OF_TOTAL,
    is_open_to,
    meta,
    meter,
)
from matching.shares import of_finding
from matching.unit_patients import PatientOfUnit

MOST_SHOWN = 10  # on the page of a request


def classes(spans: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Context of _components/class_cell.html."""
    return {name: {"min": low, "max": high, "of": CLASS_SIZE[name]} for name, (low, high) in spans.items()}


def dose(row: NewUnitFinding | PatientOfUnit) -> dict[str, Any]:
    """Context of _components/dose_meter.html, without a line: what is needed differs by request.

    Per kg; without a weight the cells of the whole unit, as in a match list.
    """
    if row.tnc_e7_per_kg is None:
        return meter(row.tnc_e7, None, SCALE_OF_TOTAL["tnc"], UNIT_OF_TOTAL["tnc"])
    return meter(row.tnc_e7_per_kg, None, SCALE["tnc"], UNIT["tnc"])


def probability(shares: Mapping[str, float], name: str) -> dict[str, Any]:
    """Context of _components/prob_cell.html: no mismatch in the classes of 6, 8 and 10."""
    lines = [
        {
            "label": f"{size}/{size}",
            "text": percent_text(share),
            "percent": round(share * 100),
            "lead": int(size) == CLASS_SIZE[name],
        }
        for size, share in sorted(shares.items(), key=lambda item: int(item[0]))
    ]
    return {"lines": lines, "none": "–", "why": "" if lines else _("no estimate")}


def finding(row: NewUnitFinding, user: User) -> dict[str, Any]:
    """One new unit of one request, the unit as it stands now."""
    unit = row.unit
    return {
        "request": row.request,
        "unit": unit.public_no,
        "unit_url": reverse("bank:unit-detail", args=[unit.pk]) if is_open_to(unit, user) else "",
        "patients_url": reverse("matching:unit-patients", args=[unit.pk]) if is_open_to(unit, user) else "",
        "meta": meta(unit),
        "status": unit.get_status_display(),
        "tone": STATUS_TONE.get(unit.status, ""),
        "classes": classes(row.classes),
        "probability": probability(of_finding(row), row.class_name),
        "dose": dose(row),
        "found_at": row.found_at,
        "unseen": row.seen_at is None,
        "listed": row.ledger_number <= getattr(row, "covered_number", 0),
    }


def of_request(request: MatchRequest, user: User) -> dict[str, Any]:
    """Context of _new_units.html: the best of those that no list of the request holds; `seen` are those shown."""
    findings = NewUnitFinding.objects.filter(request=request).since_search()
    count = findings.count()
    shown = list(findings.with_names().order_by(*best(), "pk")[:MOST_SHOWN]) if count else []
    return {
        "rows": [finding(row, user) for row in shown],
        "count": count,
        "more": count > MOST_SHOWN,
        "url": f"{reverse('matching:new-unit-list')}?q={request.number}",
        "seen": shown,
    }


def patient(row: PatientOfUnit) -> dict[str, Any]:
    """One waiting request of the page of a unit."""
    return {
        "request": row.request,
        "classes": classes(row.classes),
        "probability": probability(row.probabilities, row.class_name),
        "dose": dose(row),
        "since": row.since,
        "rank": row.rank,
        "run": row.run,
        "run_url": reverse("matching:run-detail", args=[row.run.pk]) if row.run else "",
    }
