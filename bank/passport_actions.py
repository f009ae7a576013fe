"""What a person may do with a unit from its passport: nothing is offered that the services would refuse at once."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from bank import confirming
from bank.choices import Source, UnitStatus
from bank.models import CordBloodUnit
from bank.querysets import waiting_for
from bank.services import may_move, may_unhold
from core.models import User
from core.roles import Permission


def actions(unit: CordBloodUnit, user: User) -> list[dict[str, Any]]:
    """What this person may do with the unit in its present state."""
    found: list[dict[str, Any]] = []
    may_hold = user.has_permission(Permission.UNIT_HOLD)
    if unit.source != Source.OWN:
        return found
    if unit.held_for_confirmation and user.has_permission(Permission.UNIT_CONFIRM):
        found += [confirm_action(unit)] if may_move(unit, confirming.goes_to(unit)) else []
    if may_hold and unit.status == UnitStatus.ON_HOLD:
        lift = {"name": "unhold", "url": "bank:unit-unhold", "label": _("Lift the hold"), "tone": "primary"}
        found += [lift] if may_unhold(unit) else []
    elif may_hold and unit.status in (UnitStatus.LISTED, UnitStatus.QUARANTINE, UnitStatus.RESERVED):
        found.append({"name": "hold", "url": "bank:unit-hold", "label": _("Put on hold"), "tone": "danger"})
    found += steps(unit, user)
    if user.has_permission(Permission.INVENTORY_IMPORT):
        found += [
            _action("population", _("Change the population")),
            _action("processing", _("Record the processing")),
            _action("product", _("Record the product code")),
            _action("measurement", _("Record a measurement")),
            _action("haemoglobinopathy", _("Record a haemoglobinopathy result")),
            _action("culture", _("Record a culture")),
            _action("blood-group", _("Record the blood group")),
        ]
    if unit.donation_id and user.has_permission(Permission.UNIT_CONFIRM):
        found.append(_action("eligibility", _("Decide on the donor")))
    if user.has_permission(Permission.RESULT_VERIFY) and (waiting := waiting_for(unit, user.pk)):
        found.append(_action("verify", _("Verify results")) | {"results": waiting})
    return found


def confirm_action(unit: CordBloodUnit) -> dict[str, Any]:
    """With the values that are vouched for, and where the unit goes then."""
    listed = confirming.goes_to(unit) == UnitStatus.LISTED
    then = (
        _("The unit is listed then: its import was declared as released before.")
        if listed
        else _("The unit stays in quarantine then; the release desk decides on it.")
    )
    return _action("confirm", _("Confirm values")) | {
        "tone": "primary",
        "shown": confirming.shown(unit),
        "then": then,
    }


# The next steps of a unit that is not in quarantine yet: where it goes, who may, and what it is called.
Step = tuple[str, UnitStatus, Permission, Any]
_S = UnitStatus
STEPS: dict[str, list[Step]] = {
    _S.PLANNED: [
        ("collect", _S.COLLECTED, Permission.UNIT_COLLECT, lambda: _("Record the collection")),
        ("void", _S.VOID, Permission.UNIT_COLLECT, lambda: _("The kit was not used")),
    ],
    _S.COLLECTED: [("receive", _S.RECEIVED, Permission.UNIT_PROCESS, lambda: _("Record the arrival"))],
    _S.RECEIVED: [("process", _S.PROCESSING, Permission.UNIT_PROCESS, lambda: _("Begin the processing"))],
    _S.PROCESSING: [("freeze", _S.QUARANTINE, Permission.UNIT_PROCESS, lambda: _("Frozen: into quarantine"))],
}


def steps(unit: CordBloodUnit, user: User) -> list[dict[str, Any]]:
    """The first of them is what the unit waits for."""
    found = [
        _action(name, say())
        for name, to, may, say in STEPS.get(unit.status, [])
        if user.has_permission(may) and may_move(unit, to)
    ]
    return [step | {"tone": "primary" if place == 0 else ""} for place, step in enumerate(found)]


def _action(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "url": f"bank:unit-{name}", "label": label, "tone": ""}
