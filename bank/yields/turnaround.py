"""How long the steps of a cohort took, from the moments that are recorded."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from bank.choices_yield import Stage
from bank.models import ProcessingRecord, Reception, Release
from bank.yields.cohort import POSITIVE, Cohort
from bank.yields.funnel import Funnel
from bank.yields.percentile import Percentile

# key → what it is, and the stage that a unit has reached at the end of it.
LEGS = {
    "arrival": (_("Birth to arrival"), Stage.RECEIVED),
    "freezing": (_("Arrival to freezing"), Stage.BANKED),
    "release": (_("Freezing to release"), Stage.LISTED),
}


@dataclass(frozen=True)
class Leg:
    """n units of which both moments are known; missing: that came so far and of which one is not known."""

    key: str
    n: int
    missing: int
    median: dt.timedelta | None
    p90: dt.timedelta | None


def legs(cohort: Cohort, found: Funnel) -> list[Leg]:
    """Each from the records that end it, of which a bank that imports has few. found: the funnel of the same cohort:
    whoever has both moments has reached the stage, so the others are missing."""
    measured = {
        "arrival": _took(Reception.objects, cohort, "received_at", "unit__donation__born_at"),
        "freezing": _took(ProcessingRecord.objects, cohort, "frozen_at", "unit__reception__received_at"),
        "release": _took(_first_releases(), cohort, "released_at", "unit__processing__frozen_at"),
    }
    return [
        Leg(key, row["n"], found.step(stage).reached - row["n"], row["median"], row["p90"])
        for key, (_label, stage) in LEGS.items()
        for row in [measured[key]]
    ]


def _took(rows: Any, cohort: Cohort, end: str, start: str) -> dict[str, Any]:
    known = rows.filter(cohort.condition("unit__"), **{f"{end}__isnull": False, f"{start}__isnull": False})
    took = known.annotate(took=ExpressionWrapper(F(end) - F(start), output_field=DurationField()))
    figures: dict[str, Any] = took.order_by().aggregate(
        n=Count("pk"),
        median=Percentile(F("took"), 0.5, DurationField()),
        p90=Percentile(F("took"), 0.9, DurationField()),
    )
    return figures


def _first_releases() -> QuerySet[Release]:
    """Of each unit the first positive one; a later one follows a hold or a return."""
    positive = Release.objects.filter(outcome__in=POSITIVE)
    before = Q(released_at__lt=OuterRef("released_at")) | Q(
        released_at=OuterRef("released_at"), pk__lt=OuterRef("pk")
    )
    return positive.filter(~Exists(positive.filter(before, unit=OuterRef("unit"))))
