"""How the counts of a cohort are spread: TNC and CD34 before and after processing, and what processing kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Case, Count, F, FloatField, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Floor, Least
from django.utils import timezone

from bank.choices import Analyte, Comparison, CriterionKind, Source, TimePoint
from bank.models import Bank, Measurement, ReleaseSpecification
from bank.yields.cohort import Cohort
from bank.yields.percentile import Percentile
from core.models import User

Key = tuple[str, str]  # time point and analyte


@dataclass(frozen=True)
class Quantity:
    """What is drawn: bars of `width`, the last holds all from `width * (bars - 1)` on. analyte "" : TNC recovery, %."""

    key: str
    point: str
    analyte: str
    width: float
    bars: int


QUANTITIES: Final = (
    Quantity("tnc-before", TimePoint.COLLECTION, Analyte.TNC, 20, 16),
    Quantity("tnc-after", TimePoint.PROCESSING, Analyte.TNC, 20, 16),
    Quantity("recovery", "", "", 5, 21),
    Quantity("cd34-after", TimePoint.PROCESSING, Analyte.CD34, 0.75, 16),
    Quantity("cd34-viable", TimePoint.PROCESSING, Analyte.CD34_VIABLE, 0.75, 16),
)


@dataclass(frozen=True)
class Spread:
    """n values; counts: units in each bar; invented: made-up values among them.

    thresholds: (value, how many lie below it) of the release specifications in force.
    """

    quantity: Quantity
    n: int
    p10: float | None
    median: float | None
    p90: float | None
    invented: int
    counts: tuple[int, ...]
    thresholds: tuple[tuple[float, int], ...]


def spreads(cohort: Cohort, user: User) -> list[Spread]:
    """In four queries: what is measured at once, and then what processing kept."""
    asked = thresholds(user)
    measured = [one for one in QUANTITIES if one.analyte]
    shares = [one for one in QUANTITIES if not one.analyte]
    found = {
        **_read(_measured(cohort, measured), measured, asked),
        **_read(_recovered(cohort), shares, asked),
    }
    return [found[one.key] for one in QUANTITIES]


def _measured(cohort: Cohort, quantities: Sequence[Quantity]) -> Any:
    """Measurements in force of the cohort's units: `amount`, and `what` by the key of the quantity."""
    is_of = {one.key: Q(time_point=one.point, analyte=one.analyte) for one in quantities}
    rows = Measurement.objects.in_force().filter(cohort.condition("unit__"), reduce(or_, is_of.values()))
    what = Case(*(When(condition, then=Value(key)) for key, condition in is_of.items()))
    return rows.annotate(amount=F("value"), what=what).order_by()


def _recovered(cohort: Cohort) -> Any:
    """The same of TNC after processing in percent of that before, where both are known."""
    after = Measurement.objects.in_force().filter(
        unit=OuterRef("unit"), time_point=TimePoint.PROCESSING, analyte=Analyte.TNC
    )
    before = Measurement.objects.in_force().filter(
        cohort.condition("unit__"), time_point=TimePoint.COLLECTION, analyte=Analyte.TNC, value__gt=0
    )
    both = before.annotate(after=Subquery(after.values("value")[:1])).filter(after__isnull=False)
    return both.annotate(amount=100.0 * F("after") / F("value"), what=Value("recovery")).order_by()


def _read(
    rows: Any, quantities: Sequence[Quantity], asked: Mapping[Key, Sequence[float]]
) -> dict[str, Spread]:
    limits = {one.key: tuple(asked.get((one.point, one.analyte), ())) for one in quantities}
    below = {
        f"below_{key}_{place}".replace("-", "_"): Count("pk", filter=Q(what=key, amount__lt=value))
        for key, values in limits.items()
        for place, value in enumerate(values)
    }
    figures = {
        row["what"]: row
        for row in rows.values("what").annotate(
            n=Count("pk"),
            made_up=Count("pk", filter=Q(invented=True)),
            p10=Percentile(F("amount"), 0.1, FloatField()),
            median=Percentile(F("amount"), 0.5, FloatField()),
            p90=Percentile(F("amount"), 0.9, FloatField()),
            **below,
        )
    }
    bars = _bars(rows, quantities)
    return {one.key: _spread(one, figures.get(one.key, {}), bars, limits[one.key]) for one in quantities}


def _spread(
    quantity: Quantity, row: Mapping[str, Any], bars: Mapping[tuple[str, int], int], limits: Sequence[float]
) -> Spread:
    key = quantity.key.replace("-", "_")
    return Spread(
        quantity=quantity,
        n=row.get("n", 0),
        p10=row.get("p10"),
        median=row.get("median"),
        p90=row.get("p90"),
        invented=row.get("made_up", 0),
        counts=tuple(bars.get((quantity.key, place), 0) for place in range(quantity.bars)),
        thresholds=tuple((value, row.get(f"below_{key}_{place}", 0)) for place, value in enumerate(limits)),
    )


def _bars(rows: Any, quantities: Sequence[Quantity]) -> dict[tuple[str, int], int]:
    """(key of the quantity, bar) → units."""
    bar = Case(
        *(
            When(
                what=one.key,
                then=Least(Cast(Floor(F("amount") / one.width), IntegerField()), one.bars - 1),
            )
            for one in quantities
        ),
        output_field=IntegerField(),
    )
    counted = rows.values("what", bar=bar).annotate(many=Count("pk"))
    return {(row["what"], row["bar"]): row["many"] for row in counted}


def thresholds(user: User) -> dict[Key, tuple[float, ...]]:
    """(time point, analyte) → what the specifications of the own banks that are in force today ask at the least."""
    found: dict[Key, set[float]] = {}
    today = timezone.localdate()
    for bank in Bank.objects.visible_to(user).filter(source=Source.OWN):
        row = ReleaseSpecification.objects.in_force(bank.pk, today)
        asked = (
            row.criteria.filter(kind=CriterionKind.MEASUREMENT, comparison=Comparison.AT_LEAST) if row else ()
        )
        for one in asked:
            if one.threshold is not None:
                found.setdefault((one.time_point, one.analyte), set()).add(one.threshold)
    return {key: tuple(sorted(values)) for key, values in found.items()}
