"""The look-back of a unit in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bank import action_words, presenters_lots
from bank.choices import STATUS_TONE, Subject
from bank.choices_stocks import SampleKind
from bank.lookback import Hands, Lookback
from bank.models import CordBloodUnit, LotUse
from bank.stays import Neighbour

MOST_SHOWN = 500  # neighbours; the dossier of each says the same from its side


def context(found: Lookback, today: dt.date) -> dict[str, Any]:
    unit = found.unit
    return {
        "unit": unit,
        "tone": "" if unit.blocks else STATUS_TONE.get(unit.status, ""),
        "origin": origin(unit),
        "siblings": [_unit(one) for one in found.siblings],
        "samples": found.samples,
        "segments": segments(found),
        "uses": [use_row(use, today) for use in found.uses],
        "hands": [hands_row(one) for one in found.hands],
        "results": [result_row(row) for row in found.results],
        "stays": found.stays,
        "alarms": found.alarms,
        "neighbours": [neighbour_row(one) for one in found.neighbours[:MOST_SHOWN]],
        "more_neighbours": max(0, len(found.neighbours) - MOST_SHOWN),
        "now": sum(1 for one in found.neighbours if one.now),
        "figures": figures(found),
    }


def segments(found: Lookback) -> dict[str, Any] | None:
    """How many hang at the bag; None where a stock among the samples says it."""
    unit = found.unit
    is_told = unit.samples.filter(subject=Subject.UNIT, kind=SampleKind.SEGMENT).exists()
    return None if is_told else {"count": unit.segments}


def figures(found: Lookback) -> list[dict[str, Any]]:
    """How much there is of each, as links into the page."""
    lots_tone = "bad" if any(use.lot.is_blocked for use in found.uses) else ""
    lots = {use.lot_id for use in found.uses}
    alarms_tone = "warn" if found.alarms else ""
    people = {name for one in found.hands for name in one.people}
    return [
        {"value": len(lots), "label": _("Lots"), "url": "#lots", "tone": lots_tone},
        {"value": len(people), "label": _("People"), "url": "#people"},
        {"value": len(found.results), "label": _("Results"), "url": "#results"},
        {"value": len(found.stays), "label": _("Places"), "url": "#places"},
        {"value": len(found.alarms), "label": _("Tank alarms"), "url": "#places", "tone": alarms_tone},
        {"value": len(found.neighbours), "label": _("Stored beside it"), "url": "#neighbours"},
        {"value": len(found.siblings), "label": _("Same mother"), "url": "#origin"},
    ]  # fmt: skip


def origin(unit: CordBloodUnit) -> list[dict[str, Any]]:
    donation = unit.donation
    if donation is None:
        return []
    born, taken = donation.born_at, donation.collected_at
    return [
        {"label": _("Mother's code"), "value": donation.mother_code},
        {"label": _("Infant"), "value": donation.infant_no, "note": donation.get_infant_sex_display()},
        {"label": _("Born at"), "value": _moment(born)},
        {"label": _("Collected at"), "value": _moment(taken)},
        {"label": _("Collection site"), "value": donation.collection_site},
        {"label": _("Bag"), "value": donation.bag_id},
        {"label": _("Anticoagulant"), "value": donation.anticoagulant},
    ]


def _moment(at: dt.datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


def _unit(unit: CordBloodUnit) -> dict[str, Any]:
    return {
        "no": unit.public_no,
        "url": reverse("bank:unit-lookback", args=[unit.pk]),
        "status": unit.get_status_display(),
        "tone": "" if unit.blocks else STATUS_TONE.get(unit.status, ""),
        "infant": unit.donation.infant_no if unit.donation else "",
        "collected_on": unit.collected_on,
    }


def use_row(use: LotUse, today: dt.date) -> dict[str, Any]:
    """Expired is what was so on the day of the use: that it is by now says nothing of the unit."""
    return {
        "use": use,
        "url": reverse("bank:lot-detail", args=[use.lot_id]),
        "state": presenters_lots.state(use.lot, use.used_on or today),
    }


def hands_row(one: Hands) -> dict[str, Any]:
    said = action_words.ACTIONS.get(one.action)
    return {
        "what": said() if said else one.action,
        "people": ", ".join(one.people),
        "first": one.first.at,
        "last": one.last.at if one.last.at != one.first.at else None,
    }


def result_row(row: Any) -> dict[str, Any]:
    """Any of the results: what, where, with what, by whom; whether it counts."""
    with_what = filter(None, (getattr(row, name, "") for name in ("method", "instrument", "kit_lot")))
    return {
        "told": row.told,
        "day": row.day,
        "laboratory": getattr(row, "laboratory", ""),
        "with": ", ".join(with_what) if row._meta.model_name != "hlatyping" else row.get_source_display(),
        "entered_by": row.entered_by,
        "verified_by": row.verified_by,
        "past": _is_past(row),
    }


def _is_past(row: Any) -> bool:
    """A later one took its place, or it was retracted: it stays to be seen."""
    retracted = bool(getattr(row, "retracted_at", None))
    return bool(getattr(row, "superseded", False)) or retracted or not getattr(row, "is_current", True)


def neighbour_row(one: Neighbour) -> dict[str, Any]:
    unit = one.unit
    return {
        "no": unit.public_no,
        "url": reverse("bank:unit-lookback", args=[unit.pk]),
        "status": unit.get_status_display(),
        "tone": "" if unit.blocks else STATUS_TONE.get(unit.status, ""),
        "stay": one.stay,
        "now": one.now,
    }
