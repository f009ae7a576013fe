"""A unit that a hospital has ordered, or has, of which something bad comes to light: it goes no step further.

Whom it concerns is known further left, by `transplants`: who registers here is told in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from bank.choices import UnitStatus
from bank.models import CordBloodUnit
from bank.writing import write_unit
from core.audit import Actor

# A hold takes these from nobody: the unit is promised by an order, on its way, or with the patient.
STOPPED: Final = frozenset(
    {UnitStatus.ORDERED, UnitStatus.RELEASED, UnitStatus.SHIPPED, UnitStatus.DELIVERED}
)
CONCERNED: Final = STOPPED | {UnitStatus.INFUSED}

Hearer = Callable[[CordBloodUnit, Actor], None]
_hearers: list[Hearer] = []


def register(hearer: Hearer) -> None:
    if hearer not in _hearers:
        _hearers.append(hearer)


def stop(unit: CordBloodUnit, *, actor: Actor, reason: str) -> None:
    """Flag the locked unit, if there is a step left that it could go, and tell whoever has to know.

    Call it last: numbers are taken and people are told. reason: stands in the unit's own trail, and nowhere else.
    """
    new = {"stopped": unit.stopped or unit.status in STOPPED}
    write_unit(unit, new, {}, actor=actor, action="unit.stop", reason=reason)
    for hearer in _hearers:
        hearer(unit, actor)


def start_again(units: Iterable[CordBloodUnit], *, actor: Actor, reason: str) -> None:
    """What came to light of the locked units is settled: what kept them back for it keeps them no more."""
    for unit in units:
        if unit.stopped:
            write_unit(unit, {"stopped": False}, {}, actor=actor, action="unit.stop_end", reason=reason)
