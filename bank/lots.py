"""Look-back of a lot: which units it touched, at which step, and what can be done about each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Min, QuerySet

from bank.choices import TAKEN, UnitStatus
from bank.choices_lots import LotStep
from bank.models import CordBloodUnit, Lot, LotUse

_S = UnitStatus
# These can be put on hold with their lot. One that is reserved stays promised, and its hospital is told of the hold.
HOLDABLE = frozenset({_S.LISTED, _S.QUARANTINE, _S.RESERVED})
# A hospital counts on these: whoever answers for the order decides, unit by unit.
PROMISED = TAKEN - {_S.INFUSED}


@dataclass(frozen=True)
class Touched:
    """The units of a lot, by what can be done about them."""

    holdable: list[CordBloodUnit]
    promised: list[CordBloodUnit]
    infused: list[CordBloodUnit]
    others: int  # on hold already, not frozen yet, or gone

    @property
    def total(self) -> int:
        return len(self.holdable) + len(self.promised) + len(self.infused) + self.others


def units_of(lot: Lot) -> QuerySet[CordBloodUnit]:
    """By their number, each once."""
    return CordBloodUnit.objects.filter(pk__in=lot.uses.order_by().values("unit")).order_by("unit_no", "pk")


def touched(lot: Lot) -> Touched:
    units = list(units_of(lot))
    holdable = [unit for unit in units if unit.status in HOLDABLE]
    promised = [unit for unit in units if unit.status in PROMISED]
    infused = [unit for unit in units if unit.status == _S.INFUSED]
    named = len(holdable) + len(promised) + len(infused)
    return Touched(holdable, promised, infused, len(units) - named)


def digest(lot: Lot) -> str:
    """Of the units and their states: what a person is shown before the signature."""
    whole = hashlib.sha256()
    for key, status in units_of(lot).order_by("pk").values_list("pk", "status"):
        whole.update(f"{key}:{status}\n".encode())
    return whole.hexdigest()


def uses(lot: Lot) -> QuerySet[LotUse]:
    """Each use with its unit and who noted it, by unit and step."""
    return lot.uses.select_related("unit", "entered_by").order_by("unit__unit_no", "used_on", "step", "pk")


def blocked_lots_of(unit: CordBloodUnit) -> list[Lot]:
    """Lots used on the unit that are blocked by now."""
    return list(Lot.objects.blocked().filter(uses__unit=unit).distinct())


# --- export ---------------------------------------------------------------------------------------

CSV_HEADER = (
    "unit_no", "din", "status", "step", "used_on", "deviation", "entered_by", "lot_kind", "manufacturer", "lot",
    "lot_state",
)  # fmt: skip


def csv_rows(lot: Lot) -> Iterator[Sequence[Any]]:
    """One row per use: a unit stands in as many as it has steps with the lot."""
    for use in uses(lot).iterator(chunk_size=2_000):
        unit = use.unit
        yield [
            unit.unit_no, unit.din, unit.plain_status, use.step, use.used_on, use.deviation,
            str(use.entered_by or ""), lot.kind, lot.manufacturer, lot.number, lot.state,
        ]  # fmt: skip


def first_day(lot: Lot) -> Any:
    """The first day on which it was used; None where no day is known."""
    return lot.uses.aggregate(first=Min("used_on"))["first"]


STEP_ORDER: dict[str, int] = {step: place for place, step in enumerate(LotStep.values)}
