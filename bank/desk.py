"""The release desk: which units of the quarantine are ready, and what keeps the others; by the judge, unit by unit.

What is missing is not kept anywhere: it follows from the specification in force today, and a copy would be wrong the
day after. So the states are read of the oldest MOST_JUDGED of a selection; by age any others can be selected.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Source, UnitStatus
from bank.models import CordBloodUnit, DiscardProposal
from bank.querysets import CordBloodUnitQuerySet
from bank.services_release import Judged, judged
from core.models import User

MOST_JUDGED: Final = 400


class DeskState(TextChoices):
    """Of a unit in quarantine; the first that holds, in the order of `state_of`."""

    READY = "ready", _("Ready to be signed")
    EXCEPTION = "exception", _("Waits for an exceptional release")
    MISSING = "missing", _("Something is missing")
    FAILED = "failed", _("Not met")
    BLOCKED = "blocked", _("Kept back")


# In quarantine for so many days: at least, and less than.
AGES: Final[dict[str, tuple[int, int | None]]] = {
    "7": (0, 7),
    "30": (7, 30),
    "90": (30, 90),
    "365": (90, 365),
    "more": (365, None),
}


def state_of(unit: CordBloodUnit, found: Judged, *, is_leaving: bool = False) -> DeskState:
    """Kept back: a flag, a proposal that it leave, or no specification: nobody could release it. An exception waits
    where all that is open is known and may be excepted.

    What fails is not met even where something else is still missing: a bad result is never waited for.
    """
    if unit.blocks or is_leaving or found.specification is None:
        return DeskState.BLOCKED
    if not found.open:
        return DeskState.READY
    if all(one.verdict == "failed" and one.may_be_excepted for one in found.open):
        return DeskState.EXCEPTION
    return DeskState.FAILED if any(one.verdict == "failed" for one in found.open) else DeskState.MISSING


@dataclass(frozen=True)
class Entry:
    """A unit in quarantine, judged. is_leaving: it is proposed that it leave, and nobody has decided yet."""

    unit: CordBloodUnit
    found: Judged
    is_leaving: bool = False

    @cached_property
    def state(self) -> DeskState:
        return state_of(self.unit, self.found, is_leaving=self.is_leaving)

    def may_be_signed_by(self, user: User) -> bool:
        """Who entered one of the results signs nothing."""
        return str(user.pk) not in self.found.facts.performers


def quarantine(user: User, age: str = "") -> CordBloodUnitQuerySet:
    """Own units in quarantine, oldest first. age: a key of AGES, anything else is any."""
    units = CordBloodUnit.objects.visible_to(user).filter(status=UnitStatus.QUARANTINE, source=Source.OWN)
    if age in AGES:
        units = units.filter(_of_age(*AGES[age]))
    return units.select_related("bank", "donation").order_by("status_changed_at", "unit_no", "pk")


def _of_age(least: int, less_than: int | None) -> Q:
    now = timezone.now()
    found = Q(status_changed_at__lte=now - dt.timedelta(days=least)) if least else Q()
    return found if less_than is None else found & Q(status_changed_at__gt=now - dt.timedelta(days=less_than))


def ages(user: User) -> dict[str, int]:
    """Units in quarantine by age, in one query."""
    counts: dict[str, Any] = {
        f"n_{key}": Count("pk", filter=_of_age(*bounds)) for key, bounds in AGES.items()
    }
    found = quarantine(user).order_by().aggregate(**counts)
    return {key: found[f"n_{key}"] for key in AGES}


@dataclass(frozen=True)
class Desk:
    """The oldest units of a selection. capped: there are more than were judged."""

    entries: Sequence[Entry]
    capped: bool = False

    @cached_property
    def counts(self) -> Counter[DeskState]:
        return Counter(entry.state for entry in self.entries)

    def of(self, state: DeskState, signer: User | None = None) -> list[Entry]:
        """signer: only those that this person may sign."""
        return [
            entry
            for entry in self.entries
            if entry.state == state and (signer is None or entry.may_be_signed_by(signer))
        ]


def desk(user: User, age: str = "", *, most: int = MOST_JUDGED) -> Desk:
    units = list(quarantine(user, age)[: most + 1])
    return Desk(entries_of(units[:most]), capped=len(units) > most)


def entries_of(units: Sequence[CordBloodUnit]) -> list[Entry]:
    found: dict[UUID, Judged] = judged(list(units))
    proposed = DiscardProposal.objects.open().filter(unit__in=units)
    leaving = set(proposed.values_list("unit_id", flat=True))
    return [Entry(unit, found[unit.pk], unit.pk in leaving) for unit in units]
