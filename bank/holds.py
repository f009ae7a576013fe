"""A unit of which something bad comes to light: held at once while it is on offer, stopped once it is ordered."""

from __future__ import annotations

from bank import notices
from bank.choices import SEARCHABLE
from bank.models import CordBloodUnit
from bank.services import hold
from bank.stopping import CONCERNED, stop
from core.audit import Actor
from core.notifications import notifications_create


def hold_and_tell(unit: CordBloodUnit, *, actor: Actor, reason: str) -> bool:
    """The locked unit, if it is on offer, promised, or further: nobody waits for a second person here.

    Held, quality assurance is told; of one that is ordered or has left the house (bank.stopping) everybody whom it
    concerns. Call it last, people are locked. reason: stands on the unit's page, and nowhere else.
    """
    if unit.status in CONCERNED:
        stop(unit, actor=actor, reason=reason[:2000])
        return True
    if unit.status not in SEARCHABLE:
        return False
    hold(unit, actor=actor, reason=reason[:2000])
    notifications_create(notices=notices.held_late(unit))
    return True
