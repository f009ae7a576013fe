"""A unit is promised to a patient, and freed again. Whose promise it is, is known further left, by `transplants`.

Not services of their own: they change the locked row inside the transaction of the service that keeps the promise.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bank import services
from bank.choices import DonorType, UnitStatus
from bank.models import CordBloodUnit
from bank.writing import guard_own, write_unit
from core.audit import Actor
from core.errors import Conflict


def entered_as_reserved(unit: CordBloodUnit) -> bool:
    """Reserved, or held while it was; where no promise here knows of it, it came into this system so."""
    return UnitStatus.RESERVED in (unit.status, unit.status_before_hold)


def guard_ours(unit: CordBloodUnit) -> None:
    """Raises Conflict for what is never promised from here: another bank's unit, an adult donor."""
    if unit.donor_type != DonorType.CORD:
        raise Conflict(
            "adult_donor", _("An adult donor is asked through the registry; nothing is reserved here.")
        )
    guard_own(unit)


def guard_promisable(unit: CordBloodUnit) -> None:
    """Raises Conflict for those, and for a blocked unit."""
    guard_ours(unit)
    if unit.blocks:
        raise Conflict(
            "unit_blocked",
            _("%(unit)s is not on offer now."),
            params={"unit": unit.public_no},
        )


def promise(unit: CordBloodUnit, *, actor: Actor, reason: str, earlier: bool = False) -> CordBloodUnit:
    """The locked unit is promised: LISTED becomes RESERVED. reason: the number of the promise. Raises Conflict.

    earlier: it is the promise with which the unit entered this system as RESERVED, and which only now has a name; a
    unit that is held meanwhile stays so.
    """
    if earlier and entered_as_reserved(unit):
        guard_ours(unit)
        return write_unit(unit, {}, {}, actor=actor, action="unit.reserve", reason=reason)
    guard_promisable(unit)
    if earlier or unit.status != UnitStatus.LISTED:
        raise Conflict(
            "unit_not_free",
            _("%(unit)s cannot be reserved: it is “%(status)s”."),
            params={"unit": unit.public_no, "status": UnitStatus(unit.status).label},
        )
    return services.move(
        unit, UnitStatus.RESERVED, actor=actor, action="unit.reserve", reason=reason, fields={}
    )


def unpromise(unit: CordBloodUnit, *, actor: Actor, reason: str) -> CordBloodUnit:
    """The locked unit is nobody's any more.

    On offer again, if nothing keeps it from there; a blocked one goes on hold, one on hold or in quarantine stays there
    and is promised to nobody afterwards. A unit that is no longer there to be promised stays what it is.
    """
    if unit.status == UnitStatus.RESERVED:
        if services.may_move(unit, UnitStatus.LISTED):
            return services.move(
                unit, UnitStatus.LISTED, actor=actor, action="unit.unreserve", reason=reason, fields={}
            )
        why = ", ".join(map(str, unit.block_labels)) or str(_("its discard is proposed"))
        fields = {"status_before_hold": UnitStatus.LISTED, "hold_reason": f"{reason}: {why}"}
        return services.move(
            unit, UnitStatus.ON_HOLD, actor=actor, action="unit.unreserve", reason=reason, fields=fields
        )
    if (unit.status, unit.status_before_hold) == (UnitStatus.ON_HOLD, UnitStatus.RESERVED):
        new = {"status_before_hold": UnitStatus.LISTED.value}
        return write_unit(unit, new, {}, actor=actor, action="unit.unreserve", reason=reason)
    return unit
