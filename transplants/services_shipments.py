"""Shipments at the bank: packed, looked at by a second person, dispatched, lost or failed.

Each is one transaction: locks (transplants.shipping), guards, change, audit entry, then the notices.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import services as bank_services
from bank import services_storage
from bank.choices import UnitStatus
from bank.lot_locks import share_lots
from core import notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from transplants import moving, notices_shipments, shipping
from transplants.bag_code import guard_scanned, names_unit
from transplants.charges import charge
from transplants.checklist import open_since_release
from transplants.checks import refusal
from transplants.choices_incidents import FeeKind, IncidentKind
from transplants.choices_orders import EventKind, FailureCause, OrderState, ShipperPlace
from transplants.incidents import Found, opened
from transplants.models import Shipment, Shipper, UnitReturn
from transplants.moving import LockedOrder
from transplants.numbers import SHIPMENT, next_number
from transplants.shipping import (
    HOUR,
    LockedShipment,
    guard_shipping,
    locked_shipment,
    locked_shipper,
    text_of,
)
from transplants.writing import given_reason

LONGEST_WAY: Final = dt.timedelta(days=31)
# What the bank may say of a shipment; the rest is said at receipt, or of a delivered unit.
BANK_CAUSES: Final = (
    FailureCause.TEMPERATURE,
    FailureCause.DAMAGED,
    FailureCause.LOST,
    FailureCause.OTHER,
)


@dataclass(frozen=True)
class Packing:
    """What is written down when a unit is packed. scanned: what was read on its bag.

    charged_at: when the shipper was charged, from which its hold time counts. loaded_at: when the unit was put into it;
    None: now, or as it was said before of the same shipper. late_confirmed: that it arrives after the day on which it
    is wanted, or after the conditioning began.
    """

    shipper_id: UUID
    scanned: str
    charge_weight_kg: Decimal
    logger_serial: str
    seals: str
    courier: str
    waybill: str
    expected_at: dt.datetime
    charged_at: dt.datetime
    loaded_at: dt.datetime | None = None
    tracking_url: str = ""
    late_confirmed: bool = False


@transaction.atomic
def shipment_pack(*, order_id: UUID, packing: Packing, user: User) -> Shipment:
    """The unit lies in the shipper. A form that is sent twice packs once.

    Raises NotAllowed; InvalidInput: unit_differs, hold_time, shipper_not_valid and others beside their fields;
    Conflict: order_state, packed_already, shipper_in_use, shipper_not_ready, and what keeps a unit from moving forward.
    """
    guard_shipping(user)
    held = moving.locked_order(order_id)
    known: Shipment | None = Shipment.objects.select_for_update(no_key=True).filter(order=order_id).first()
    if known is not None:
        known.order = held.row
        if _is_same(known, packing, user):
            return known
    moving.guard_state(held.row, OrderState.RELEASED)
    if known is not None and shipping.is_fresh(known):
        raise Conflict(
            "packed_already",
            _("This unit is packed already: %(number)s. Look at it, and change it there."),
            params={"number": known.number},
        )
    now = timezone.now()
    values = _checked(held, packing, known, now)
    if known is None:
        row = Shipment(order=held.row, hospital=held.row.hospital, **_packed(values, user, now))
        row.number = next_number(SHIPMENT, timezone.localdate().year)
        row.save(force_insert=True)
    else:
        row = known
        shipping.save(row, _packed(values, user, now))
    return _packed_down(row, values, user, now, "shipment.pack")


@transaction.atomic
def shipment_repack(
    *, shipment_id: UUID, packing: Packing, user: User, shown: dt.datetime | None = None
) -> Shipment:
    """Pack it again, or write down something else of it, before it leaves; another person must look at it again."""
    guard_shipping(user)
    found = locked_shipment(shipment_id)
    row = found.row
    if _is_same(row, packing, user):
        return row
    moving.guard_state(found.held.row, OrderState.RELEASED)
    shipping.guard_shown(row, shown)
    now = timezone.now()
    values = _checked(found.held, packing, row, now)
    shipping.save(row, _packed(values, user, now))
    return _packed_down(row, values, user, now, "shipment.repack")


@transaction.atomic
def shipment_check(
    *, shipment_id: UUID, scanned: str, user: User, shown: dt.datetime | None = None
) -> Shipment:
    """A second person has read the code on the bag, and the lid is locked.

    Raises NotAllowed `second_person` for whoever packed it.
    """
    guard_shipping(user)
    found = locked_shipment(shipment_id)
    row = found.row
    if row.checked_by_id == user.pk and row.dispatched_at is None:
        return row
    moving.guard_state(found.held.row, OrderState.RELEASED)
    if row.checked_at is not None:
        raise Conflict(
            "checked_already",
            _("%(number)s was checked already, by %(person)s."),
            params={"number": row.number, "person": str(row.checked_by)},
        )
    shipping.guard_shown(row, shown)
    shipping.guard_fresh(row)
    if row.packed_by_id == user.pk:
        raise NotAllowed(
            "second_person", _("You packed this unit. Another person must look at its identity.")
        )
    bank_services.guard_move(found.unit, UnitStatus.SHIPPED)
    guard_scanned(found.unit, scanned)
    shipping.save(row, {"checked_by": user, "checked_at": timezone.now()})
    shipping.record(row, "shipment.check", Actor.user(user), after={"checked_by": str(user)})
    return row


@transaction.atomic
def shipment_dispatch(*, shipment_id: UUID, user: User, shown: dt.datetime | None = None) -> Shipment:
    """It leaves the house: order and unit are under way, the unit's place in the tank is free, its fees are due.

    Raises Conflict: order_state, not_checked, packed_before_release, expected_past, shipper_in_use, shipper_not_ready,
    permit_over, changed_since_release; InvalidInput shipper_not_valid.
    """
    guard_shipping(user)
    found = locked_shipment(shipment_id)
    row, held, actor = found.row, found.held, Actor.user(user)
    if row.events.filter(kind=EventKind.DISPATCHED, entered_by=user).exists():
        return row  # the second of two clicks
    moving.guard_state(held.row, OrderState.RELEASED)
    shipping.guard_shown(row, shown)
    shipping.guard_fresh(row)
    if row.checked_at is None:
        raise Conflict("not_checked", _("A second person must look at the unit's identity first."))
    now = timezone.now()
    _shipper_leaves(row, now)
    shipping.guard_permit(held.row, timezone.localdate(row.expected_at))
    _guard_still_so(held)
    here = services_storage.slot_of(held.unit)
    if here is not None:
        services_storage.free(held.unit, here, actor=actor, reason=row.number)
    moving.step(held, OrderState.SHIPPED, actor=actor, action="order.ship")
    shipping.save(row, {"dispatched_at": now})
    shipping.happened(row, EventKind.DISPATCHED, now, user)
    shipping.record(row, "shipment.dispatch", actor, after={"dispatched_at": now, "waybill": row.waybill})
    for kind in (FeeKind.UNIT, shipping.shipping_fee(held.row)):
        charge(
            kind=kind,
            reference=row.number,
            patient=held.patient,
            unit=held.unit,
            on=timezone.localdate(),
            actor=actor,
        )
    notifications.notifications_create(notices=notices_shipments.dispatched(row, but=user))
    return row


def _guard_still_so(held: LockedOrder) -> None:
    """What two people signed is looked at once more: a lot, a result, an incident may have come between."""
    bank_services.guard_move(held.unit, UnitStatus.SHIPPED)  # a flag of the unit says more than its line
    share_lots(held.unit.pk)  # none is blocked between this look and the end
    changed = open_since_release(held.row)
    if changed:
        text = _(
            "Since the release something has changed: %(names)s. The unit stays here; quality assurance looks at it."
        )
        raise refusal("changed_since_release", text, changed)


@transaction.atomic
def shipment_fail(*, shipment_id: UUID, cause: str, note: str, user: User) -> Shipment:
    """It does not arrive, or is of no use when it does: the order has failed, and what becomes of the unit is decided
    when it is back."""
    guard_shipping(user)
    note = _note(note)
    if cause not in BANK_CAUSES:
        raise InvalidInput("cause_unknown", _("Choose what happened."), field="cause")
    found = locked_shipment(shipment_id)
    row = found.row
    if row.failed_at and UnitReturn.objects.filter(order=row.order_id, reported_by=user).exists():
        return row
    moving.guard_state(found.held.row, OrderState.SHIPPED)
    failed(found, FailureCause(cause), note, user)
    with notifications.kept_back() as told:
        opened(_failure(found, FailureCause(cause), note), actor=Actor.user(user))
        notifications.notifications_create(notices=notices_shipments.failed(row, but=user))
    notifications.notifications_create(notices=told)
    return row


# --- parts ----------------------------------------------------------------------------------------


def failed(found: LockedShipment, cause: FailureCause, note: str, user: User) -> None:
    """Order, unit, shipment and the row of what comes back, all at once. The rows are locked; nobody is told yet."""
    actor, row = Actor.user(user), found.row
    moving.step(found.held, OrderState.FAILED, actor=actor, action="order.fail", reason=str(cause.label))
    shipping.save(row, {"failed_at": timezone.now(), "failure": cause, "failure_note": note})
    UnitReturn.objects.create(
        order=found.held.row,
        unit=found.unit,
        hospital_id=row.hospital_id,
        cause=cause,
        note=note,
        reported_by=user,
    )
    shipping.record(row, "shipment.fail", actor, after={"failure": str(cause)}, reason=note)


def _failure(found: LockedShipment, cause: FailureCause, note: str) -> Found:
    return Found(
        kind=IncidentKind.DEVIATION,
        title=str(_("Shipment %(number)s failed") % {"number": found.row.number}),
        what=f"{cause.label}: {note}",
        units=[found.unit],
        hospital=found.row.hospital,
        patient=found.held.patient,
        order=found.held.row,
    )


def _note(note: str) -> str:
    try:
        return given_reason(note)
    except InvalidInput as error:
        raise InvalidInput("note_needed", _("Write what happened."), field="note") from error


_WORDS: Final = (
    ("logger_serial", 40, _("Write the serial number of the logger.")),
    ("seals", 120, _("Write the numbers of the seals.")),
    ("courier", 80, _("Write who carries it.")),
    ("waybill", 60, _("Write the number of the waybill.")),
)


def _checked(held: LockedOrder, packing: Packing, known: Shipment | None, now: dt.datetime) -> dict[str, Any]:
    """The values of the row, once all is as it must be; the shipper is locked."""
    bank_services.guard_move(held.unit, UnitStatus.SHIPPED)
    guard_scanned(held.unit, packing.scanned)
    words = {name: text_of(getattr(packing, name), longest) for name, longest, _missing in _WORDS}
    for name, _longest, missing in _WORDS:
        if not words[name]:
            raise InvalidInput("value_needed", missing, field=name)
    if not 0 < packing.charge_weight_kg < 1000:
        raise InvalidInput(
            "weight_range", _("Write a weight between 0 and 1000 kg."), field="charge_weight_kg"
        )
    if not now < packing.expected_at <= now + LONGEST_WAY:
        raise InvalidInput(
            "expected_range",
            _("Choose a time from now to %(last)s."),
            field="expected_at",
            params={"last": f"{timezone.localtime(now + LONGEST_WAY):%Y-%m-%d %H:%M}"},
        )
    if packing.tracking_url and not packing.tracking_url.startswith(("https://", "http://")):
        raise InvalidInput(
            "tracking_form", _("Write an address that begins with https://."), field="tracking_url"
        )
    shipping.guard_arrival(held.row, packing.expected_at, confirmed=packing.late_confirmed)
    shipper = locked_shipper(packing.shipper_id)
    loaded_at = _loaded(packing, known, now)
    _guard_shipper(shipper, packing.expected_at, packing.charged_at, but=known)
    return {
        **words,
        "shipper": shipper,
        "validated_on": shipper.validated_on,
        "hold_hours": shipper.hold_hours,
        "charge_weight_kg": packing.charge_weight_kg,
        "expected_at": packing.expected_at,
        "charged_at": packing.charged_at,
        "loaded_at": loaded_at,
        "tracking_url": packing.tracking_url[:300],
    }


def _loaded(packing: Packing, known: Shipment | None, now: dt.datetime) -> dt.datetime:
    """When the unit was put into the shipper: after it was charged, and not ahead."""
    is_same = known is not None and known.shipper_id == packing.shipper_id
    loaded_at = packing.loaded_at or (known.loaded_at if known is not None and is_same else now)
    for field, at in (("charged_at", packing.charged_at), ("loaded_at", loaded_at)):
        if at > now:
            raise InvalidInput("moment_future", _("The time lies in the future."), field=field)
    if loaded_at < packing.charged_at:
        raise InvalidInput(
            "loaded_before",
            _("The unit is put into a shipper that is charged: look at both times."),
            field="loaded_at",
        )
    return loaded_at


def _guard_shipper(
    shipper: Shipper, expected_at: dt.datetime, charged_at: dt.datetime, but: Shipment | None
) -> None:
    """The shipper is locked: nobody else packs it meanwhile."""
    arrives_on = timezone.localdate(expected_at)
    if not shipper.active or shipper.valid_until < arrives_on:
        raise InvalidInput(
            "shipper_not_valid",
            _("Shipper %(serial)s is out of use, or its validation ends before the arrival. Choose another."),
            field="shipper",
            params={"serial": shipper.serial},
        )
    way = (expected_at - charged_at) / HOUR
    if way > shipper.hold_hours:
        raise InvalidInput(
            "hold_time",
            _(
                "From its charge to the arrival it is %(way)d hours, and this shipper holds %(hold)d. Choose another, "
                "or a faster way."
            ),
            field="shipper",
            params={"way": -int(-way // 1), "hold": shipper.hold_hours},
        )
    _guard_free(shipper, but)


def _guard_free(shipper: Shipper, but: Shipment | None) -> None:
    """No other unit lies in it, it is in the house, and somebody looked at it since it was away."""
    others = Shipment.objects.holding(shipper.pk)
    other = (others.exclude(pk=but.pk) if but is not None else others).first()
    if other is not None:
        raise Conflict(
            "shipper_in_use",
            _("%(number)s is packed in shipper %(serial)s. Choose another."),
            field="shipper",
            params={"number": other.number, "serial": shipper.serial},
        )
    if shipper.place != ShipperPlace.READY:
        raise Conflict(
            "shipper_not_ready",
            _("Shipper %(serial)s is “%(place)s”. Inspect it, or choose another."),
            field="shipper",
            params={"serial": shipper.serial, "place": ShipperPlace(shipper.place).label},
        )


def _shipper_leaves(row: Shipment, now: dt.datetime) -> None:
    """What was right when it was packed may have changed since."""
    if row.expected_at <= now:
        raise Conflict(
            "expected_past",
            _("The expected arrival has passed. Pack it again with another time."),
        )
    shipping.guard_arrival(row.order, row.expected_at, confirmed=True)  # the order may have been amended
    shipper = locked_shipper(row.shipper_id)
    _guard_shipper(shipper, row.expected_at, row.charged_at, but=row)
    shipping.move_shipper(shipper, ShipperPlace.AWAY)


def _packed(values: dict[str, Any], user: User, now: dt.datetime) -> dict[str, Any]:
    return {**values, "packed_by": user, "packed_at": now, "checked_by": None, "checked_at": None}


def _packed_down(
    row: Shipment, values: dict[str, Any], user: User, now: dt.datetime, action: str
) -> Shipment:
    shipping.happened(row, EventKind.PACKED, now, user, note=f"{row.shipper.serial} · {row.seals}"[:400])
    told = {name: str(value) for name, value in values.items()}
    shipping.record(row, action, Actor.user(user), after=told)
    return row


def _is_same(row: Shipment, packing: Packing, user: User) -> bool:
    """Whether this very form was sent before, by the same person, and nothing has happened since."""
    same = all(getattr(row, name) == text_of(getattr(packing, name), longest) for name, longest, _m in _WORDS)
    return (
        same
        and row.packed_by_id == user.pk
        and row.checked_at is None
        and row.shipper_id == packing.shipper_id
        and row.expected_at == packing.expected_at
        and row.charge_weight_kg == packing.charge_weight_kg
        and row.charged_at == packing.charged_at
        and packing.loaded_at in (None, row.loaded_at)
        and row.tracking_url == packing.tracking_url[:300]
        and shipping.is_fresh(row)
        and names_unit(row.order.unit, packing.scanned)
    )
