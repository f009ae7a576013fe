"""When the synthetic units were collected, and the numbers that they got for it. Pure."""

from __future__ import annotations

import datetime as dt
import random
from bisect import bisect_right
from itertools import accumulate

FIRST_DAY = dt.date(2008, 1, 1)
LISTED_AFTER_DAYS = 60  # a unit is in the bank's list when its tests are done
LAST_SERIAL = 999_999  # of a year: a DIN has six digits for it


class TooManyUnits(ValueError):
    """More units than a year has serial numbers."""


class Collected:
    """The days on which `count` units were collected, a few more each year, in order of time.

    Kept as a count for each day, so that any unit's day and serial number of the year are found without those
    of the others: each process makes its part of the inventory by itself. Raises TooManyUnits.
    """

    def __init__(self, count: int, seed: int, today: dt.date) -> None:
        days = (today - dt.timedelta(days=LISTED_AFTER_DAYS) - FIRST_DAY).days
        rng = random.Random(f"qidai-collections-{seed}")
        per_day = [0] * days
        for _ in range(count):
            per_day[int(days * rng.random() ** 0.8)] += 1
        self._ends = list(accumulate(per_day))
        self._before: dict[int, int] = {}  # year -> units collected before it
        for day, end in enumerate(self._ends):
            year = (FIRST_DAY + dt.timedelta(days=day)).year
            if end - self._before.setdefault(year, end - per_day[day]) > LAST_SERIAL:
                raise TooManyUnits

    def at(self, place: int) -> tuple[dt.date, int]:
        """Day of collection and serial number within its year of the unit at a place from 0."""
        day = FIRST_DAY + dt.timedelta(days=bisect_right(self._ends, place))
        return day, place - self._before[day.year] + 1
