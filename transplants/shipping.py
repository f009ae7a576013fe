"""What every step of a shipment shares: the locks, who may, what keeps it from going on, its hold time, its trail.

Order of locks: those of transplants.moving, then shipment, shipper, slot; numbers and people who are told come last.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.querysets import hospitals_open_to
from transplants import moving
from transplants.choices_incidents import FeeKind
from transplants.choices_orders import EventKind, ShipperPlace
from transplants.models import ExportPermit, Order, Shipment, ShipmentEvent, Shipper
from transplants.moving import LockedOrder
from transplants.prescription import is_abroad

HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True)
class LockedShipment:
    """A shipment with its order and all that the order is about, all rows locked."""

    row: Shipment
    held: LockedOrder

    @property
    def unit(self) -> CordBloodUnit:
        return self.held.unit


def locked_shipment(shipment_id: UUID) -> LockedShipment:
    order_id = Shipment.objects.filter(pk=shipment_id).values_list("order", flat=True).get()
    held = moving.locked_order(order_id)
    rows = Shipment.objects.select_related("hospital", "shipper", "packed_by", "checked_by")
    row: Shipment = rows.select_for_update(no_key=True, of=("self",)).get(pk=shipment_id)
    row.order = held.row
    return LockedShipment(row, held)


def locked_shipper(shipper_id: UUID) -> Shipper:
    row = Shipper.objects.select_for_update(no_key=True).filter(pk=shipper_id).first()
    if row is None:
        raise InvalidInput("shipper_unknown", _("There is no such shipper."), field="shipper")
    return row


def move_shipper(shipper: Shipper, to: ShipperPlace) -> None:
    """The row is locked."""
    shipper.place, shipper.updated_at = to, timezone.now()
    shipper.save(update_fields=["place", "updated_at"])


# --- who may --------------------------------------------------------------------------------------


def is_shipping(user: User) -> bool:
    """Whether the person ships for the bank, by a role of the bank."""
    return hospitals_open_to(user, Permission.SHIPMENT_WORK) is None


def guard_shipping(user: User) -> None:
    if not is_shipping(user):
        raise NotAllowed("not_yours", _("You may not do this with this shipment."))


# --- what must be so ------------------------------------------------------------------------------


def guard_shown(row: Shipment, shown: dt.datetime | None) -> None:
    """Raises Conflict where somebody changed it since the page was opened."""
    if shown is not None and shown != row.updated_at:
        raise Conflict(
            "shipment_changed",
            _("%(number)s was changed since you opened the page. Look at it again, then go on."),
            params={"number": row.number},
        )


def is_fresh(row: Shipment) -> bool:
    """Packed since the unit was released: a release that was revoked voids the packing."""
    released = row.order.released_at
    return released is not None and row.packed_at >= released


def guard_fresh(row: Shipment) -> None:
    if not is_fresh(row):
        raise Conflict(
            "packed_before_release",
            _("%(number)s was packed before the unit was released anew. Pack it again."),
            params={"number": row.number},
        )


def arrival_day(order: Order, at: dt.datetime) -> dt.date:
    """By the calendar of its hospital, by which it prescribed."""
    return timezone.localdate(at, order.hospital.zone)


def is_late(order: Order, at: dt.datetime) -> bool:
    """Whether an arrival is after the day on which the unit is wanted, or after the conditioning began."""
    return arrival_day(order, at) > min(order.deliver_on, order.conditioning_on)


def guard_arrival(order: Order, at: dt.datetime, *, confirmed: bool) -> None:
    """Raises InvalidInput `after_infusion`, and `arrives_late` where nobody has confirmed it: a patient whose
    conditioning has begun has no marrow of his own to wait with."""
    if arrival_day(order, at) > order.infusion_on:
        raise InvalidInput(
            "after_infusion",
            _(
                "It would arrive on %(day)s, after the planned infusion on %(infusion)s. Choose a faster way, or let "
                "the hospital change its order first."
            ),
            field="expected_at",
            params=_days(order, at),
        )
    guard_late(order, at, confirmed=confirmed)


def guard_late(order: Order, at: dt.datetime, *, confirmed: bool) -> None:
    if is_late(order, at) and not confirmed:
        raise InvalidInput(
            "arrives_late",
            _(
                "It would arrive on %(day)s. It is wanted on %(deliver)s, the conditioning begins on %(conditioning)s, "
                "the infusion is planned on %(infusion)s. Speak with the hospital, then confirm it."
            ),
            field="late_confirmed",
            params=_days(order, at),
        )


def _days(order: Order, at: dt.datetime) -> dict[str, str]:
    return {
        "day": f"{arrival_day(order, at):%Y-%m-%d}",
        "deliver": f"{order.deliver_on:%Y-%m-%d}",
        "conditioning": f"{order.conditioning_on:%Y-%m-%d}",
        "infusion": f"{order.infusion_on:%Y-%m-%d}",
    }


# --- hold time ------------------------------------------------------------------------------------


def holds_until(row: Shipment, refilled_at: dt.datetime | None = None) -> dt.datetime:
    """When the shipper is warm again, counted from its charge or the last refill, whatever was written down since."""
    return max(filter(None, (row.charged_at, refilled_at))) + row.hold_hours * HOUR


def last_refill(row: Shipment) -> dt.datetime | None:
    rows = row.events.filter(kind=EventKind.REFILLED).order_by("-at")
    found: dt.datetime | None = rows.values_list("at", flat=True).first()
    return found


def hours_to_spare(row: Shipment, refilled_at: dt.datetime | None = None) -> float:
    """Between the expected arrival and the end of the hold time; negative where it arrives too late."""
    return (holds_until(row, refilled_at) - row.expected_at) / HOUR


# --- writing --------------------------------------------------------------------------------------


def save(row: Shipment, values: Mapping[str, Any]) -> None:
    for name, value in {**values, "updated_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])


def record(row: Shipment, action: str, actor: Actor, **values: Any) -> None:
    order = row.order
    audit.record(
        actor=actor,
        action=action,
        target=(
            row._meta.label,
            str(row.pk),
            f"{row.number} · {order.unit.public_no} · {order.patient.code}",
        ),
        hospital_id=row.hospital_id,
        **values,
    )


def happened(row: Shipment, kind: EventKind, at: dt.datetime, user: User, **values: Any) -> ShipmentEvent:
    made: ShipmentEvent = ShipmentEvent.objects.create(
        shipment=row, kind=kind, at=at, entered_by=user, **values
    )
    return made


def text_of(given: str, longest: int) -> str:
    return " ".join(given.replace("\0", "").split())[:longest]


def guard_permit(row: Order, on: dt.date) -> None:
    """Raises Conflict where no permit for its country reaches that day: it was right at the release, and ends.

    on: when the unit is expected to arrive.
    """
    if not is_abroad(row):
        return
    permit = ExportPermit.objects.filter(order=row).first()
    if permit is None or permit.country != row.country or permit.valid_until < on:
        raise Conflict(
            "permit_over",
            _(
                "The unit goes to %(country)s, and no export permit for it is valid until the expected arrival. Record"
                " one on the order first."
            ),
            params={"country": row.country},
        )


def shipping_fee(row: Order) -> FeeKind:
    return FeeKind.SHIPMENT_ABROAD if is_abroad(row) else FeeKind.SHIPMENT
