"""A unit on offer of which something bad comes to light: held at once, and quality assurance is told."""

from __future__ import annotations

from bank import notices
from bank.choices import SEARCHABLE
from bank.models import CordBloodUnit
from bank.services import hold
from core.audit import Actor
from core.notifications import notifications_create


def hold_and_tell(unit: CordBloodUnit, *, actor: Actor, reason: str) -> bool:
    """The locked unit, if it is on offer or promised: nobody waits for a second person here.

    reason: stands on the unit's page, and nowhere else.
    """
    if unit.status not in SEARCHABLE:
        return False
    hold(unit, actor=actor, reason=reason[:2000])
    notifications_create(notices=notices.held_late(unit))
    return True
