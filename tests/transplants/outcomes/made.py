"""Forms and counts that no database knows, for the tests of what is derived from them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from transplants.models import FollowUp
from transplants.outcomes.engraftment import Count

DAY_0 = dt.date(2024, 3, 1)


def day(days: int) -> dt.date:
    return DAY_0 + dt.timedelta(days=days)


def form(days: int, contact: str = "alive", **given: Any) -> FollowUp:
    """A form with a contact so many days after day 0; `…_on` may be given as days."""
    dated = {
        name: day(value) if name.endswith("_on") and isinstance(value, int) else value
        for name, value in given.items()
    }
    return FollowUp(visit=dated.pop("visit", f"v{days}"), contact=contact, contact_on=day(days), **dated)


def platelets(first: dt.date, *values: float, given: tuple[dt.date, ...] = ()) -> list[Count]:
    days = [first + dt.timedelta(days=place) for place in range(len(values))]
    rows = [
        Count(one, platelets_e9_per_l=Decimal(str(value)), transfused=one in given)
        for one, value in zip(days, values, strict=True)
    ]
    return rows + [Count(one, transfused=True) for one in given if one not in days]


def neutrophils(*values: float | None, first: int = 10) -> list[Count]:
    return [
        Count(day(first + place), anc_e9_per_l=None if value is None else Decimal(str(value)))
        for place, value in enumerate(values)
    ]
