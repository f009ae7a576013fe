"""Lots of the synthetic inventory: each kind is delivered every few months, and a unit used what was there on its day.

Which lot a day had is computed, so that each process that makes rows knows it without asking. Pure, but for `write`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bank.choices_lots import LotKind, LotStep
from bank.demo.collected import FIRST_DAY
from bank.demo.keys import Keys
from bank.models import Lot
from core.copying import copy_rows

LOT_COLUMNS = ("id", "kind", "manufacturer", "number", "expires_on", "received_on", "state", "blocked_reason")
USE_COLUMNS = ("id", "unit_id", "lot_id", "step", "used_on")
MOST_LOTS = 1_000  # of a kind
BLOCKED_BACK = 9  # deliveries of bags ago: one of them leaked


@dataclass(frozen=True)
class Supply:
    """One kind: a new lot every `months`, good for `years`; used `after` days from the collection."""

    kind: LotKind
    step: LotStep
    maker: str
    prefix: str
    months: int
    years: int
    after: int = 0


SUPPLIES = (
    Supply(LotKind.TEST_KIT, LotStep.MARKER, "Demo Diagnostics", "L", 1, 1, after=5),
    Supply(LotKind.COLLECTION_KIT, LotStep.COLLECTION, "Demo Kits", "KIT", 3, 3),
    Supply(LotKind.PROCESSING_SET, LotStep.PROCESSING, "Demo Separation", "SET", 3, 2, after=1),
    Supply(LotKind.BAG, LotStep.PROCESSING, "Demo Plastics", "BAG", 2, 3, after=1),
    Supply(LotKind.CRYOPROTECTANT, LotStep.FREEZING, "Demo Chemicals", "DMSO", 6, 2, after=1),
)
MARKER, BAGS = SUPPLIES[0], SUPPLIES[3]


def number_of(supply: Supply, day: dt.date) -> int:
    """Which delivery of the supply was in use on a day."""
    return ((day.year - FIRST_DAY.year) * 12 + day.month - FIRST_DAY.month) // supply.months


def key_of(supply: Supply, number: int, keys: Keys) -> str:
    return keys(SUPPLIES.index(supply) * MOST_LOTS + number)


def _first_day(supply: Supply, number: int) -> dt.date:
    months = number * supply.months
    return dt.date(FIRST_DAY.year + months // 12, months % 12 + 1, 1)


def lot_lines(today: dt.date, keys: Keys) -> Iterator[list[Any]]:
    """The values of LOT_COLUMNS of every delivery until today; markers' kits as their texts name them (L2401)."""
    leaking = number_of(BAGS, today) - BLOCKED_BACK
    for supply in SUPPLIES:
        for number in range(number_of(supply, today) + 1):
            first = _first_day(supply, number)
            last = dt.date(first.year + supply.years, first.month, 28)
            state, why = "in_use", ""
            if supply is BAGS and number == leaking:
                state, why = "blocked", "The manufacturer reports a seam that may leak at -196 °C."
            yield [
                key_of(supply, number, keys), supply.kind.value, supply.maker, f"{supply.prefix}{first:%y%m}", last,
                first, state, why,
            ]  # fmt: skip


def use_lines(line: int, collected: dt.date, tested: dt.date, keys: Keys) -> Iterator[str]:
    """The values of USE_COLUMNS of one unit as text: nothing in them needs quotes. tested: the day of its markers."""
    unit_id = keys(line)
    for place, supply in enumerate(SUPPLIES):
        day = tested if supply is MARKER else collected + dt.timedelta(days=supply.after)
        lot = key_of(supply, number_of(supply, day), keys)
        yield f"{keys(line * 8 + place)},{unit_id},{lot},{supply.step.value},{day}\n"


def write(today: dt.date, keys: Keys) -> None:
    """The lots, before the units that used them."""
    copy_rows(Lot, LOT_COLUMNS, lot_lines(today, keys))
