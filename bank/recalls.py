"""Units are recalled, and freed of it: the flag, in as many statements for thousands as for one. Whose recall it is, is
known further left, by `transplants`.

Not services of their own: they change locked rows inside the transaction of the service that recalls.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_lots import LotState
from bank.models import CordBloodUnit, Lot
from bank.writing import guard_own
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput


def locked_units(unit_ids: Collection[UUID]) -> list[CordBloodUnit]:
    """Their rows locked by key, as whoever locks many does; each is there."""
    rows = CordBloodUnit.objects.select_for_update(no_key=True).filter(pk__in=list(unit_ids)).order_by("pk")
    found = list(rows)
    if len(found) < len(set(unit_ids)):
        raise InvalidInput("unit_unknown", _("There is no such unit."))
    return found


def locked_lot(lot_id: UUID) -> Lot:
    """Behind the lock nobody notes a use of it. After its units: whoever records a use locks in this order too."""
    row = Lot.objects.select_for_update(no_key=True).filter(pk=lot_id).first()
    if row is None:
        raise InvalidInput("lot_unknown", _("There is no such lot."))
    if row.merged_into_id is not None:
        raise Conflict("lot_merged", _("This lot was merged into another one: that one is what counts."))
    return row


def unit_ids_of(lot_id: UUID) -> list[UUID]:
    """Units on which the lot was used, under whatever name it was noted."""
    uses = Lot.objects.get(pk=lot_id).uses.order_by()
    return list(uses.values_list("unit_id", flat=True).distinct())


def flag_all(units: Sequence[CordBloodUnit], *, actor: Actor, reason: str) -> None:
    """The locked units are recalled, whatever state they are in. Each has an entry, also one that was recalled before:
    its reason names the recall."""
    for unit in units:
        guard_own(unit)
    _write(units, True, actor=actor, action="unit.recall", reason=reason)


def unflag_all(units: Sequence[CordBloodUnit], *, kept: Collection[UUID], actor: Actor, reason: str) -> None:
    """A recall of the locked units has ended. kept: those that another recall still keeps back."""
    free = [unit for unit in units if unit.pk not in kept]
    still = [unit for unit in units if unit.pk in kept]
    _write(free, False, actor=actor, action="unit.recall_end", reason=reason)
    _write(still, True, actor=actor, action="unit.recall_end", reason=reason)


def _write(units: Sequence[CordBloodUnit], recalled: bool, *, actor: Actor, action: str, reason: str) -> None:
    now = timezone.now()
    entries = [
        audit.Entry(unit, *audit.changes({"recalled": unit.recalled}, {"recalled": recalled}))
        for unit in units
    ]
    for unit in units:
        unit.recalled, unit.updated_at = recalled, now
    keys = [unit.pk for unit in units]
    CordBloodUnit.objects.filter(pk__in=keys).update(recalled=recalled, updated_at=now)
    audit.record_each(actor=actor, action=action, entries=entries, reason=reason)


def block_lot(lot: Lot, *, actor: Actor, reason: str) -> None:
    """What is recalled is kept from use too: else the next unit is made with it. A blocked one stays as it is."""
    if lot.is_blocked:
        return
    before = {"state": lot.state, "blocked_reason": ""}
    lot.state, lot.blocked_reason = LotState.BLOCKED.value, reason
    lot.save(update_fields=["state", "blocked_reason"])
    after = {"state": lot.state, "blocked_reason": reason}
    audit.record(actor=actor, action="lot.block", target=lot, before=before, after=after, reason=reason)
