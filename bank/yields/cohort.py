"""Own cord blood units collected in a period, each with how far it came as of today; counted in the database.

From facts that stand in tables: state, arrival, processing, freezing, releases, and of a unit that left the state that
it was proposed in. A shipped unit that came back and was discarded counts as listed at the least, where it was proposed
in no further state: no shipment is recorded yet.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    IntegerField,
    Max,
    Min,
    Q,
    Value,
    When,
)
from django.db.models.functions import Greatest

from bank.choices import DonorType, ReleaseOutcome, Source, UnitStatus
from bank.choices_stocks import ProposalState
from bank.choices_yield import NOT_COLLECTED, STAGE_OF, Fate, Stage
from bank.models import CordBloodUnit, DiscardProposal, Release
from bank.querysets import CordBloodUnitQuerySet
from bank.yields.funnel import Group
from core.models import User

POSITIVE = (ReleaseOutcome.PASSED, ReleaseOutcome.EXCEPTIONAL)
OWN = Q(source=Source.OWN, donor_type=DonorType.CORD)


@dataclass(frozen=True)
class Cohort:
    """Units collected from one day to another, both counted; None: no bound. site: of collection, "" for all."""

    since: dt.date | None = None
    until: dt.date | None = None
    site: str = ""

    def condition(self, path: str = "") -> Q:
        """path: to the unit, e.g. `unit__`."""
        found = Q(**{f"{path}source": Source.OWN, f"{path}donor_type": DonorType.CORD})
        found &= Q(**{f"{path}collected_on__isnull": False}) & ~Q(**{f"{path}status__in": NOT_COLLECTED})
        if self.since:
            found &= Q(**{f"{path}collected_on__gte": self.since})
        if self.until:
            found &= Q(**{f"{path}collected_on__lte": self.until})
        if self.site:
            found &= Q(**{f"{path}donation__collection_site": self.site})
        return found


def units_of(cohort: Cohort, user: User) -> CordBloodUnitQuerySet:
    return CordBloodUnit.objects.visible_to(user).filter(cohort.condition())


def with_stage(units: CordBloodUnitQuerySet) -> CordBloodUnitQuerySet:
    """stage: the furthest that state and records vouch for; fate: of Fate. On hold: as before the hold."""
    before: dict[Stage, list[str]] = {}
    for status, stage in STAGE_OF.items():
        before.setdefault(stage, []).append(status.value)
    by_state = [
        When(Q(status__in=states) | Q(status=UnitStatus.ON_HOLD, status_before_hold__in=states), then=stage)
        for stage, states in before.items()
    ]
    by_record = [
        When(pk__in=_released(), then=Stage.LISTED),
        When(processing__frozen_at__isnull=False, then=Stage.BANKED),
        When(processing__isnull=False, then=Stage.ACCEPTED),
        When(reception__isnull=False, then=Stage.RECEIVED),
    ]
    by_leaving = [
        When(pk__in=_left().filter(status_then__in=before[stage]), then=stage)
        for stage in sorted(before, reverse=True)
    ]
    furthest = Greatest(_case(by_state), _case(by_record), _case(by_leaving), output_field=IntegerField())
    return units.annotate(stage=furthest, fate=_fate())


def _case(whens: list[When]) -> Case:
    return Case(*whens, default=Stage.COLLECTED, output_field=IntegerField())


def _released() -> Any:
    """Units that were listed by a signature; read once, not for each unit."""
    return Release.objects.filter(outcome__in=POSITIVE).order_by().values("unit")


def _left() -> Any:
    """Units that left by two people, by proposals that say in what state they were."""
    told = DiscardProposal.objects.filter(state=ProposalState.CARRIED_OUT).exclude(status_then="")
    return told.order_by().values("unit")


def _fate() -> Case:
    """A unit that was imported has no arrival and no processing here; how far it came is untold where nothing else
    tells it."""
    untold = Q(
        status=UnitStatus.DISCARDED,
        import_batch__isnull=False,
        reception__isnull=True,
        processing__isnull=True,
    )
    untold &= ~Q(pk__in=_released()) & ~Q(pk__in=_left())
    return Case(
        When(untold, then=Value(Fate.UNTOLD.value)),
        When(status=UnitStatus.DISCARDED, then=Value(Fate.LOST.value)),
        When(status=UnitStatus.RESEARCH, then=Value(Fate.RESEARCH.value)),
        default=Value(Fate.OPEN.value),
        output_field=CharField(),
    )


def groups(cohort: Cohort, user: User) -> list[Group]:
    """The whole cohort, counted once: all figures of funnel, sites and reasons are sums of these."""
    counted: Any = with_stage(units_of(cohort, user)).order_by()
    rows = counted.values(
        "stage", "fate", site=F("donation__collection_site"), reason=F("discard_reason")
    ).annotate(n=Count("pk"))
    return [
        Group(Stage(row["stage"]), Fate(row["fate"]), row["reason"], row["site"] or "", row["n"])
        for row in rows
    ]


def known_days(user: User) -> tuple[dt.date | None, dt.date | None, int]:
    """First and last day on which own units were collected; how many units have no such day."""
    own = CordBloodUnit.objects.visible_to(user).filter(OWN)
    days: dict[str, Any] = own.aggregate(first=Min("collected_on"), last=Max("collected_on"))
    undated = own.filter(collected_on__isnull=True).exclude(status__in=NOT_COLLECTED).count()
    return days["first"], days["last"], undated
