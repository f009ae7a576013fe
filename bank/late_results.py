"""Results that come after a unit was listed, held against the release specification in force."""

from __future__ import annotations

from bank.choices import SEARCHABLE, CriterionKind
from bank.holds import hold_and_tell
from bank.models import CordBloodUnit
from bank.presenters_release import name_of, value_of
from bank.services_release import judged
from bank.stopping import CONCERNED
from core.audit import Actor


def hold_if_failed(unit: CordBloodUnit, kind: CriterionKind, *, actor: Actor, **which: str) -> bool:
    """Hold or stop a unit that the result just written keeps from meeting the specification (bank.holds).

    which: columns of the criterion, such as time_point and analyte. What is missing holds nothing: only what is bad.
    """
    if unit.status not in SEARCHABLE and unit.status not in CONCERNED:
        return False
    failed = [
        one
        for one in judged([unit])[unit.pk].findings
        if one.kind == kind
        and one.verdict == "failed"
        and all(getattr(one, name) == value for name, value in which.items())
    ]
    if not failed:
        return False
    reason = "; ".join(f"{name_of(one)}: {value_of(one)}" for one in failed)
    return hold_and_tell(unit, actor=actor, reason=reason)
