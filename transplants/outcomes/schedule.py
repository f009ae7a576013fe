"""When a form of follow-up is due: day 100, 6 months, yearly to the 6th year, then every second year to the 30th.

CIBMTR forms 2100 and 2450. Of the one-year form the window is theirs: contact after day 365, day 366 to 425 (form
4100); the other windows are unconfirmed and follow its pattern. The periods of two forms never overlap: a contact
belongs to the last form whose window had opened. Days count from day 0.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAYS_A_YEAR: Final = 365.25
DAYS_OPEN: Final = 60
YEARS: Final = (1, 2, 3, 4, 5, 6, *range(8, 31, 2))


@dataclass(frozen=True)
class Visit:
    """due, opens, closes: days since day 0; both ends belong to the window. order: 0 for the first."""

    code: str
    order: int
    due: int
    opens: int
    closes: int
    years: int = 0


def _year(order: int, years: int) -> Visit:
    opens = int(years * DAYS_A_YEAR) + 1
    return Visit(f"y{years}", order, opens, opens, opens + DAYS_OPEN - 1, years)


VISITS: Final = (
    Visit("d100", 0, 100, 85, 115),
    Visit("m6", 1, 183, 153, 213),
    *(_year(order, years) for order, years in enumerate(YEARS, start=2)),
)
VISIT: Final = {visit.code: visit for visit in VISITS}
_OPENS: Final = [visit.opens for visit in VISITS]


class State(StrEnum):
    """Of one form of one transplant, today."""

    DONE = "done"
    PASSED = "passed"  # a later form tells what it would have told
    ENDED = "ended"  # the patient died, or the follow-up goes on with a later transplant
    LOST = "lost"
    OVERDUE = "overdue"
    DUE = "due"
    TO_COME = "to_come"


def next_of(visit: Visit) -> Visit | None:
    return VISITS[visit.order + 1] if visit.order + 1 < len(VISITS) else None


def last_day_of(visit: Visit) -> int | None:
    """The last day of contact that the form may tell: the next one's window opens on the day after."""
    following = next_of(visit)
    return None if following is None else following.opens - 1


def visit_of(days: float) -> Visit | None:
    """The form to which a contact of that day belongs; None before the first window opens."""
    place = bisect_right(_OPENS, days)
    return VISITS[place - 1] if place else None


@dataclass(frozen=True)
class Followed:
    """What decides on the forms of a transplant.

    done: codes of those handed in. reached: to which day a list that was taken over tells of the patient. died: day of
    death, told_dead: a form says so. next_day_0: of a later transplant, which is followed from then on.
    """

    day_0: dt.date
    done: frozenset[str] = frozenset()
    reached: float | None = None
    died: float | None = None
    told_dead: bool = False
    is_lost: bool = False
    next_day_0: dt.date | None = None

    @property
    def last_order(self) -> int:
        """Of the latest form that is told, -1 before the first."""
        orders = [VISIT[code].order for code in self.done if code in VISIT]
        by_list = visit_of(self.reached) if self.reached is not None else None
        return max([-1, *orders, *([by_list.order] if by_list else [])])


@dataclass(frozen=True)
class Due:
    """The first form that is missing: since `opens_on` it may be handed in, after `closes_on` it is overdue."""

    visit: str
    opens_on: dt.date
    closes_on: dt.date


def first_missing(followed: Followed) -> Due | None:
    """None where nothing more is asked: of the dead, of the lost, and after the last form.

    Of a death that only the patient's record tells, a form still has to say how; with a later transplant that is its.
    """
    place = followed.last_order + 1
    if followed.told_dead or place >= len(VISITS):
        return None
    visit = VISITS[place]
    if followed.died is not None:
        if followed.next_day_0 is not None:
            return None
        died_on = followed.day_0 + dt.timedelta(days=int(followed.died))
        return Due(visit.code, died_on, died_on + dt.timedelta(days=DAYS_OPEN))
    if followed.is_lost or _goes_on_elsewhere(visit, followed):
        return None
    opens_on = followed.day_0 + dt.timedelta(days=visit.opens)
    return Due(visit.code, opens_on, followed.day_0 + dt.timedelta(days=visit.closes))


def _goes_on_elsewhere(visit: Visit, followed: Followed) -> bool:
    opens_on = followed.day_0 + dt.timedelta(days=visit.opens)
    return followed.next_day_0 is not None and opens_on > followed.next_day_0


def state_of(visit: Visit, followed: Followed, today: dt.date) -> State:
    if visit.code in followed.done:
        return State.DONE
    if visit.order <= followed.last_order:
        return State.PASSED
    if followed.told_dead or followed.died is not None:
        missing = first_missing(followed)
        asked = missing is not None and missing.visit == visit.code
        return _at(missing.opens_on, missing.closes_on, today) if missing and asked else State.ENDED
    if _goes_on_elsewhere(visit, followed):
        return State.ENDED
    if followed.is_lost:
        return State.LOST
    opens_on = followed.day_0 + dt.timedelta(days=visit.opens)
    return _at(opens_on, followed.day_0 + dt.timedelta(days=visit.closes), today)


def _at(opens_on: dt.date, closes_on: dt.date, today: dt.date) -> State:
    if today < opens_on:
        return State.TO_COME
    return State.OVERDUE if today > closes_on else State.DUE


def states(followed: Followed, today: dt.date) -> Iterable[tuple[Visit, State]]:
    return [(visit, state_of(visit, followed, today)) for visit in VISITS]
