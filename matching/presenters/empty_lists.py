"""Why a match list shows no unit, and the way out."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from matching.match_list import ELIGIBLE, EXCLUDED, MatchList


def empty_state(shown: MatchList) -> dict[str, str]:
    """Context of _components/empty.html."""
    if shown.active:
        return {
            "title": _("No unit passes these filters"),
            "text": _("Take one away, or clear them all."),
            "url": shown.without_filters(),
            "label": _("Clear all filters"),
        }
    if shown.evaluation.units and shown.show == EXCLUDED:
        return {
            "title": _("No rule excludes a unit"),
            "text": _("Every unit of this list is eligible by the policy that judges it."),
            "url": shown.showing(ELIGIBLE),
            "label": _("Show the eligible units"),
        }
    if shown.evaluation.units:
        return {
            "title": _("Every listed unit is excluded by a rule"),
            "text": _(
                "Each unit says which rule excludes it. Another policy, or two smaller units together, may be a way."
            ),
            "url": shown.showing(EXCLUDED),
            "label": _("Show the excluded units"),
        }
    return {
        "title": _("No unit reaches the floor"),
        "text": _(
            "The figures above say where the units of the inventory went. A new request with a lower floor or a "
            "smaller dose may find some; two smaller units together are another way."
        ),
        "url": reverse("matching:request-detail", args=[shown.run.request_id]),
        "label": _("Open the request"),
    }
