"""What a draft of a policy would change on a list, for its page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from matching.models import SearchRun
from matching.presenters.rule_words import NAMES, SHORT
from matching.selection.preview import SHOWN, Moved, Placed, Preview, RuleChange


def list_label(run: SearchRun) -> str:
    """A list as one chooses it: patient, request, search, length, day."""
    at = f"{run.completed_at:%Y-%m-%d}" if run.completed_at else ""
    units = ngettext("%(n)s unit", "%(n)s units", run.kept or 0) % {"n": f"{run.kept or 0:,}"}
    return f"{run.request.patient.code} · {run.request.number}/{run.run_no} · {units} · {at}"


def shown(run: SearchRun, found: Preview, *, search_changed: bool) -> dict[str, Any]:
    return {
        "list": list_label(run),
        "list_url": reverse("matching:run-detail", args=[run.pk]),
        "sentence": _sentence(found),
        "search_changed": search_changed,
        "figures": _figures(found),
        "excluding": [_change(one) for one in found.excluding],
        "warnings": [_change(one) for one in found.warnings],
        "excluded": [_moved(run, one) for one in found.excluded],
        "more_excluded": max(0, found.excluded_count - SHOWN),
        "again": [_moved(run, one) for one in found.again],
        "more_again": max(0, found.again_count - SHOWN),
        "first": [_placed(run, one) for one in found.first],
    }


def _sentence(found: Preview) -> str:
    if not (found.excluded_count or found.again_count or found.moved or found.warnings):
        return _("Nothing would change on this list.")
    said = _("%(before)s of %(units)s units eligible now, %(after)s by this draft.")
    return said % {
        "before": f"{found.eligible_before:,}",
        "after": f"{found.eligible_after:,}",
        "units": f"{found.units:,}",
    }


def _figures(found: Preview) -> list[dict[str, Any]]:
    return [
        {"value": f"{found.eligible_before:,} → {found.eligible_after:,}", "label": _("eligible")},
        {
            "value": f"{found.excluded_count:,}",
            "label": _("become excluded"),
            "tone": "bad" if found.excluded_count else "",
        },
        {
            "value": f"{found.again_count:,}",
            "label": _("become eligible again"),
            "tone": "good" if found.again_count else "",
        },
        {"value": f"{found.moved:,}", "label": _("eligible by both, at another place")},
    ]


def _change(one: RuleChange) -> dict[str, str]:
    return {"name": str(NAMES[one.code]), "before": f"{one.before:,}", "after": f"{one.after:,}"}


def _moved(run: SearchRun, one: Moved) -> dict[str, Any]:
    return {**_unit(run, one), "place": one.place, "rules": _rules(one.rules)}


def _placed(run: SearchRun, one: Placed) -> dict[str, Any]:
    old = _("place %(place)d before") % {"place": one.old_place} if one.old_place else ""
    if one.old_place == one.place:
        old = _("unchanged")
    return {
        **_unit(run, one),
        "place": one.place,
        "old": old,
        "rules": _rules(one.rules),
        "warnings": one.warnings,
    }


def _unit(run: SearchRun, one: Moved | Placed) -> dict[str, str]:
    return {
        "unit": one.unit.public_no,
        "url": reverse("matching:run-unit", args=[run.pk, one.unit.pk]),
    }


def _rules(codes: tuple[str, ...]) -> str:
    return ", ".join(str(SHORT[code]) for code in codes)
