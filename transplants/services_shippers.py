"""Shippers, and the rules of shipping."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from transplants.choices_orders import ShipperPlace
from transplants.models import Shipment, Shipper, ShippingRules
from transplants.models_shipments import (
    COLDEST_LIMIT_C,
    MOST_COVER_MINUTES,
    MOST_MARGIN_HOURS,
    WARMEST_LIMIT_C,
)
from transplants.shipping import guard_shipping, locked_shipper, move_shipper, text_of
from transplants.writing import given_reason

MOST_HOLD_HOURS: Final = 24 * 31
# name -> (least, most)
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "limit_c": (COLDEST_LIMIT_C, WARMEST_LIMIT_C),
    "margin_hours": (0, MOST_MARGIN_HOURS),
    "cover_minutes": (1, MOST_COVER_MINUTES),
}


# Where a step of a shipper begins.
BEGINS: Final[Mapping[ShipperPlace, ShipperPlace]] = {
    ShipperPlace.BACK: ShipperPlace.AWAY,
    ShipperPlace.READY: ShipperPlace.BACK,
}


@dataclass(frozen=True)
class ShipperGiven:
    """What is said of a shipper."""

    serial: str
    validated_on: dt.date
    valid_until: dt.date
    hold_hours: int
    model: str = ""
    active: bool = True


@transaction.atomic
def shipper_save(
    *, given: ShipperGiven, user: User, shipper_id: UUID | None = None, shown: dt.datetime | None = None
) -> Shipper:
    """Register a shipper, or write what its new validation found. Shipments keep what was valid when they were packed.

    shown: when the row had changed last, as the form was opened. Raises NotAllowed, InvalidInput; Conflict:
    serial_taken, shipper_changed, shipper_in_use.
    """
    guard_shipping(user)
    new = asdict(given) | {"serial": text_of(given.serial, 40), "model": text_of(given.model, 80)}
    _guard(given, new["serial"])
    row = locked_shipper(shipper_id) if shipper_id else Shipper()
    if shipper_id and shown is not None and shown != row.updated_at:
        raise Conflict(
            "shipper_changed", _("This shipper was changed since you opened the page. Look at it again.")
        )
    if row.active and not given.active:
        _guard_idle(row)
    before, after = audit.changes({name: getattr(row, name) for name in new} if shipper_id else {}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(
            "serial_taken",
            _("A shipper with the serial number %(serial)s is registered already."),
            field="serial",
            params={"serial": row.serial},
        ) from error
    action = "shipper.update" if shipper_id else "shipper.create"
    audit.record(actor=Actor.user(user), action=action, target=row, before=before, after=after)
    return row


@transaction.atomic
def shipper_move(*, shipper_id: UUID, to: str, user: User) -> Shipper:
    """A shipper that was away is back, or one that is back was inspected and is ready.

    The second of two clicks does nothing. Raises NotAllowed, InvalidInput; Conflict `shipper_place` where it is not
    where that begins, or a unit lies in it.
    """
    guard_shipping(user)
    if to not in BEGINS:
        raise InvalidInput("place_unknown", _("Choose what happened."), field="to")
    row, place = locked_shipper(shipper_id), ShipperPlace(to)
    if row.place == place:
        return row
    under_way = Shipment.objects.under_way().filter(shipper=row.pk).first()
    if row.place != BEGINS[place] or under_way is not None:
        raise Conflict(
            "shipper_place",
            _("Shipper %(serial)s is “%(place)s” now; this step is not open. Look at the page again."),
            params={"serial": row.serial, "place": ShipperPlace(row.place).label},
        )
    before = {"place": row.place}
    move_shipper(row, place)
    audit.record(
        actor=Actor.user(user), action="shipper.move", target=row, before=before, after={"place": place}
    )
    return row


def _guard(given: ShipperGiven, serial: str) -> None:
    if not serial:
        raise InvalidInput("serial_needed", _("Write the serial number."), field="serial")
    if given.validated_on > timezone.localdate():
        raise InvalidInput(
            "validated_later", _("The day of the validation lies in the future."), field="validated_on"
        )
    if given.valid_until < given.validated_on:
        raise InvalidInput(
            "validity_order",
            _("The validation cannot end before it was made."),
            field="valid_until",
        )
    if not 1 <= given.hold_hours <= MOST_HOLD_HOURS:
        raise InvalidInput(
            "hold_hours",
            _("Choose a number from %(least)d to %(most)d."),
            field="hold_hours",
            params={"least": 1, "most": MOST_HOLD_HOURS},
        )


def _guard_idle(row: Shipper) -> None:
    holding = Shipment.objects.holding(row.pk).first()
    if holding is not None:
        raise Conflict(
            "shipper_in_use",
            _("%(number)s is packed in this shipper. Take it out of use when it is back."),
            field="active",
            params={"number": holding.number},
        )


@transaction.atomic
def shipping_rules_update(*, values: Mapping[str, float], actor: Actor, reason: str) -> ShippingRules:
    """Other rules from now on; a file that was judged keeps the limit by which it was."""
    reason = given_reason(reason)
    for name, (least, most) in BOUNDS.items():
        if not least <= values[name] <= most:
            raise InvalidInput(
                "rule_out_of_range",
                _("Choose a number from %(least)d to %(most)d."),
                field=name,
                params={"least": least, "most": most},
            )
    new = {name: float(values[name]) if name == "limit_c" else int(values[name]) for name in BOUNDS}
    ShippingRules.objects.get_or_create(pk=1)
    row = ShippingRules.objects.select_for_update(no_key=True).get(pk=1)
    before, after = audit.changes({name: getattr(row, name) for name in BOUNDS}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save()
    audit.record(
        actor=actor, action="shipping_rules.update", target=row, before=before, after=after, reason=reason
    )
    return row
