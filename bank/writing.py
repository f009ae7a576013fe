"""What the services of a unit have in common: the lock, the guards, the stamp and the audit entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Source
from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput


def locked_unit(unit_id: UUID) -> CordBloodUnit:
    """The unit, its row locked until the end of the transaction."""
    unit = CordBloodUnit.objects.select_for_update(no_key=True).filter(pk=unit_id).first()
    if unit is None:
        raise InvalidInput("unit_unknown", _("There is no such unit."))
    return unit


def given_reason(reason: str) -> str:
    plain = reason.replace("\0", "").strip()
    if not plain:
        raise InvalidInput("reason_needed", _("Write why."), field="reason")
    return plain[:2000]


def guard_own(unit: CordBloodUnit) -> None:
    if unit.source != Source.OWN:
        raise Conflict("not_own", _("This unit belongs to a partner; only the partner changes it."))


def write_unit(
    unit: CordBloodUnit,
    new: Mapping[str, Any],
    stamps: Mapping[str, Any],
    *,
    actor: Actor,
    action: str,
    reason: str,
    told: Mapping[str, Any] | None = None,
    was: Mapping[str, Any] | None = None,
) -> CordBloodUnit:
    """The new values and the stamps of time into the locked row; the audit entry holds the values that differ.

    told, was: what the entry says beside, of what stands in another table: after and before.
    """
    before, after = audit.changes({name: getattr(unit, name) for name in new}, new)
    stamps = {"updated_at": timezone.now(), **stamps}
    for name, value in {**new, **stamps}.items():
        setattr(unit, name, value)
    unit.save(update_fields=[*new, *stamps])
    audit.record(
        actor=actor, action=action, target=unit, before={**(was or {}), **before}, after={**(told or {}), **after},
        reason=reason,
    )  # fmt: skip
    return unit


def touch_unit(
    unit: CordBloodUnit,
    *,
    actor: Actor,
    action: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """What belongs to the locked unit and stands in another table has changed: its stamp and its audit entry."""
    unit.updated_at = timezone.now()
    unit.save(update_fields=["updated_at"])
    audit.record(actor=actor, action=action, target=unit, before=before, after=after, reason=reason)
