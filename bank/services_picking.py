"""A picking list: which units are fetched, from where, in which order; and that the list was made."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit, Slot
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput

MAX_PICKED = 200  # units of one picking list
NAMED = 5  # of those that lie nowhere


@transaction.atomic
def picking_list_made(*, unit_ids: Sequence[UUID], actor: Actor) -> list[Slot]:
    """Note with each unit that a list leads to it, and give their slots as one walks.

    All or none: the slots are locked, so that the paper says where the units lie when it is written.
    Raises InvalidInput: units_needed, too_many_units; Conflict: unit_gone, not_stored (details name the units).
    """
    wanted = list(dict.fromkeys(unit_ids))
    if not wanted:
        raise InvalidInput("units_needed", _("Name at least one unit."), field="units")
    if len(wanted) > MAX_PICKED:
        text = _("At most %(limit)s units on one list.")
        raise InvalidInput("too_many_units", text, field="units", params={"limit": MAX_PICKED})
    units = {unit.pk: unit for unit in CordBloodUnit.objects.filter(pk__in=wanted)}
    if len(units) < len(wanted):
        raise Conflict("unit_gone", _("There is no such unit."))
    list(Slot.objects.select_for_update(no_key=True).filter(unit__in=wanted).order_by("pk"))
    slots = list(Slot.objects.with_place().select_related("unit__bank").filter(unit__in=wanted).in_order())
    _guard_stored([units[pk] for pk in wanted], {slot.unit_id for slot in slots})
    picked = [(slot.unit, slot.place) for slot in slots if slot.unit]
    for number, (unit, place) in enumerate(picked, start=1):
        after = {"place": place, "number": number, "of": len(slots)}
        audit.record(actor=actor, action="unit.picking_list", target=unit, after=after)
    return slots


def _guard_stored(units: Sequence[CordBloodUnit], stored: set[UUID | None]) -> None:
    nowhere = [unit.public_no for unit in units if unit.pk not in stored]
    if nowhere:
        more = " …" if len(nowhere) > NAMED else ""
        raise Conflict(
            "not_stored",
            _(
                "No list was made: these units lie in no place: %(units)s. Place them first, or leave them out."
            ),
            field="units",
            params={"units": ", ".join(nowhere[:NAMED]) + more},
            details=[{"unit": number} for number in nowhere],
        )
