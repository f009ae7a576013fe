"""Markers and cultures of a unit in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from bank.choices import COMMON_MARKERS, CultureValue, MarkerResultValue, Source
from bank.models import CordBloodUnit, CultureResult, MarkerResult
from core.models import User
from core.roles import Permission

TONES: dict[str, str] = {
    MarkerResultValue.POSITIVE: "bad",
    MarkerResultValue.INDETERMINATE: "warn",
    CultureValue.GROWTH: "bad",
}
Result = MarkerResult | CultureResult


def screening(unit: CordBloodUnit, user: User) -> list[dict[str, Any]]:
    """Rows of bank/_screening.html. Of a retracted result only the bank's people know."""
    internal = user.has_permission(Permission.INVENTORY_VIEW_ALL)
    return [_row(unit, row, user, internal=internal) for row in _results(unit, internal=internal)]


def _results(unit: CordBloodUnit, *, internal: bool) -> Iterator[Result]:
    for rows in (unit.markers, unit.cultures):
        found = rows.all() if internal else rows.standing()
        yield from found.select_related("verified_by", "entered_by", "retracted_by")


def _row(unit: CordBloodUnit, row: Result, user: User, *, internal: bool) -> dict[str, Any]:
    is_marker = isinstance(row, MarkerResult)
    may_retract = internal and unit.source == Source.OWN and user.has_permission(Permission.UNIT_CONFIRM)
    open_ = row.retracted_at is None and row.entered_by_id != user.pk
    args = [unit.pk, "marker" if is_marker else "culture", row.pk]
    organism = getattr(row, "organism", "")
    return {
        "what": row.get_test_display() if isinstance(row, MarkerResult) else row.get_kind_display(),
        "of": row.get_subject_display() if isinstance(row, MarkerResult) else _("Unit"),
        "result": f"{row.get_result_display()} ({organism})" if organism else row.get_result_display(),
        "tone": _tone(row),
        "day": row.day,
        "detail": ", ".join(filter(None, (row.method, row.kit_lot))),
        "state": _state(row),
        "retracted": row.retracted_at is not None,
        "retract_url": reverse("bank:result-retract", args=args) if may_retract and open_ else "",
    }


def _tone(row: Result) -> str:
    if isinstance(row, MarkerResult) and row.test in COMMON_MARKERS:
        return ""
    return TONES.get(row.result, "")


def _state(row: Result) -> str:
    if row.retracted_at is not None:
        return _("retracted by %(person)s: %(reason)s") % {
            "person": row.retracted_by,
            "reason": row.retraction_reason,
        }
    return _("verified") if row.verified_by_id else _("not verified")
