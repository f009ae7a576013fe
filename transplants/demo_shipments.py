"""Synthetic shippers and shipments of the demonstration: packed, under way with the logger's file, received, given.

By the services; what happened days ago is set back as soon as it has left, since services write the time of now.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from core.audit import Actor
from core.models import User
from core.roles import Role
from transplants import prescription
from transplants.checks_papers import needed
from transplants.choices_orders import Answer, FailureCause, Meaning, ShipperPlace
from transplants.choices_papers import PaperLanguage
from transplants.demo_people import coordinator, person
from transplants.graft_reports import Count, Report
from transplants.logger_files import zone_of
from transplants.loggers.reading import Asked
from transplants.models import Order, OrderSignature, Shipment, Shipper
from transplants.services_grafts import infusion_report
from transplants.services_loggers import logger_add
from transplants.services_papers import paper_issue
from transplants.services_receipts import Happened, Received, event_add, shipment_receive
from transplants.services_returns import graft_not_used, unit_returned
from transplants.services_shipments import Packing, shipment_check, shipment_dispatch, shipment_pack
from transplants.services_shippers import ShipperGiven, shipper_move, shipper_save

# serial, model, hours that it holds, days ago that it was validated
SHIPPERS: Final = (
    ("DS-0101", "Dry shipper 3 L", 240, 40),
    ("DS-0102", "Dry shipper 3 L", 240, 120),
    ("DS-0103", "Dry shipper 3 L", 240, 75),
    ("DS-0201", "Dry shipper 8 L", 336, 15),
    ("DS-0202", "Dry shipper 8 L", 336, 90),
    ("DS-0203", "Dry shipper 8 L", 336, 60),
)
COURIER: Final = "Demonstration Courier"
EVERY: Final = dt.timedelta(minutes=10)
# Hours ago that a unit left, arrived, was given or came back; those that arrived took a day.
LEFT, ARRIVED, GIVEN, BACK = 6, 192, 20, 2
WAY_HOURS: Final = 26


def shippers(user: User) -> list[Shipper]:
    """Those of the demonstration, registered once."""
    return [_shipper(user, *row) for row in SHIPPERS]


def _shipper(user: User, serial: str, model: str, hold_hours: int, days_ago: int) -> Shipper:
    today = timezone.localdate()
    known = Shipper.objects.filter(serial=serial).first()
    given = ShipperGiven(
        serial=serial,
        model=model,
        hold_hours=hold_hours,
        validated_on=today - dt.timedelta(days=days_ago),
        valid_until=today + dt.timedelta(days=365 - days_ago),
    )
    return known or shipper_save(given=given, user=user)


def packed(order: Order, user: User) -> Shipment:
    """In the first shipper that is here and ready, and in which no other unit lies."""
    place = Shipment.objects.count() + 1
    ready = [one for one in shippers(user) if one.place == ShipperPlace.READY]
    free = [one for one in ready if not Shipment.objects.holding(one.pk).exists()]
    now = timezone.now().replace(second=0, microsecond=0)
    packing = Packing(
        shipper_id=free[0].pk,
        scanned=_code(order),
        charge_weight_kg=Decimal("14.20"),
        logger_serial=f"LG-{place:03d}",
        seals=f"S-{place}01, S-{place}02",
        courier=COURIER,
        waybill=f"DEMO-{place:05d}",
        expected_at=now + dt.timedelta(hours=40),
        charged_at=now - dt.timedelta(hours=20),
        loaded_at=now,
        late_confirmed=True,  # an invented order may want it earlier
    )
    return shipment_pack(order_id=order.pk, packing=packing, user=user)


def _code(order: Order) -> str:
    return str(order.unit.public_no)


def sent(order: Order, *, checks: User, sends: User) -> None:
    row: Shipment = order.shipment
    shipment_check(shipment_id=row.pk, scanned=_code(order), user=checks)
    for kind in needed(order):
        paper_issue(order_id=order.pk, kind=kind, language=PaperLanguage.BOTH, actor=Actor.user(sends))
    shipment_dispatch(shipment_id=row.pk, user=sends)


def under_way(order: Order) -> None:
    """Left some hours ago, and its logger was read by radio."""
    _set_back(order, LEFT)
    user = person(Role.SHIPPING)
    _handed_over(order, user)
    _recorded(order, user, until=timezone.now())


def delivered(order: Order) -> None:
    """The hospital received it and found nothing wrong."""
    _set_back(order, ARRIVED + WAY_HOURS)
    _handed_over(order, person(Role.SHIPPING))
    user, at = coordinator(order.hospital_id), _hours_ago(ARRIVED)
    _recorded(order, user, until=at)
    yes = Answer.YES
    received = Received(
        received_at=at,
        scanned=_code(order),
        seals_intact=yes,
        temperature_held=yes,
        bag_intact=yes,
        identity_right=yes,
        papers_complete=yes,
        acceptance="accepted",
    )
    shipment_receive(shipment_id=order.shipment.pk, received=received, user=user)


def infused(order: Order) -> None:
    """Thawed, counted and given; it became a transplant."""
    tnc_e7, cd34_e6 = order.unit.tnc_e7 or 100, order.unit.cd34_e6 or 3
    began = _hours_ago(GIVEN)
    report = Report(
        scanned=_code(order),
        thaw_method="washed",
        thawed_at=began - dt.timedelta(minutes=50),
        began_at=began,
        ended_at=began + dt.timedelta(minutes=35),
        volume_ml=Decimal("52.0"),
        all_given=True,
        weight_kg=order.weight_kg,
        graft_type="single",
        reaction="mild",
        reaction_note="Nausea for some minutes (synthetic).",
        counts=(
            Count("infusion", "tnc", round(tnc_e7 * 0.84, 1)),
            Count("infusion", "cd34", round(cd34_e6 * 0.8, 2)),
            Count("infusion", "viability", 78),
        ),
    )
    infusion_report(order_id=order.pk, report=report, user=coordinator(order.hospital_id))
    _shipper_back(order)
    shipper_move(shipper_id=order.shipment.shipper_id, to=ShipperPlace.READY, user=person(Role.SHIPPING))


def not_used(order: Order) -> None:
    """Sent back as it came, cold on the whole way; what becomes of it is not decided yet."""
    graft_not_used(
        order_id=order.pk,
        user=coordinator(order.hospital_id),
        cause=FailureCause.PATIENT,
        note="Fever before the infusion; the transplant is put off (synthetic).",
        thawed=False,
    )
    user, back = person(Role.SHIPPING), _hours_ago(BACK)
    _recorded(order, user, until=back, name="synthetic-return.csv")
    _shipper_back(order)
    unit_returned(order_id=order.pk, user=user, scanned=_code(order), returned_at=back, bag_intact=Answer.YES)


def _shipper_back(order: Order) -> None:
    user, at = person(Role.SHIPPING), _hours_ago(BACK)
    event_add(shipment_id=order.shipment.pk, happened=Happened(kind="returned", at=at), user=user)


def _hours_ago(hours: float) -> dt.datetime:
    return timezone.now().replace(second=0, microsecond=0) - dt.timedelta(hours=hours)


def _set_back(order: Order, hours: int) -> None:
    """As if it had left so many hours ago. The days of the prescription too, and so what its signature says of them."""
    by, days = dt.timedelta(hours=hours), dt.timedelta(days=hours // 24)
    for rows, names in _moments(order):
        rows.update(**{name: F(name) - by for name in names})
    row = Order.objects.get(pk=order.pk)
    first = row.deliver_on - days
    # the conditioning begins once the unit is there
    new = {
        "deliver_on": first,
        "conditioning_on": first + dt.timedelta(days=1),
        "infusion_on": first + dt.timedelta(days=8),
    }
    Order.objects.filter(pk=order.pk).update(**new)
    digest = prescription.digest(Order.objects.get(pk=order.pk))
    OrderSignature.objects.filter(order=order, meaning=Meaning.PRESCRIPTION).update(digest=digest)
    order.refresh_from_db()


def _moments(order: Order) -> list[tuple[Any, tuple[str, ...]]]:
    shipment: Shipment = order.shipment
    return [
        (Order.objects.filter(pk=order.pk), ("asked_at", "approved_at", "released_at")),
        (order.signatures.all(), ("signed_at",)),
        (
            Shipment.objects.filter(pk=shipment.pk),
            ("charged_at", "loaded_at", "packed_at", "checked_at", "dispatched_at", "expected_at"),
        ),
        (shipment.events.all(), ("at",)),
    ]


def _handed_over(order: Order, user: User) -> None:
    row = Shipment.objects.get(order=order)
    assert row.dispatched_at is not None  # it is sent
    handover = Happened(
        kind="handover", at=row.dispatched_at, place="Gate of the bank", handed_by=str(user), taken_by=COURIER
    )
    event_add(shipment_id=row.pk, happened=handover, user=user)


def _recorded(
    order: Order,
    user: User,
    *,
    until: dt.datetime,
    name: str = "synthetic.csv",
) -> None:
    """A file of the logger from packing to the end; the same for the same order."""
    row = Shipment.objects.get(order=order)
    rng = random.Random(f"{order.number}-{name}")
    at, lines = row.packed_at - EVERY, ["Synthetic recording", "Time,Temperature (°C)"]
    while at < until + EVERY:
        lines.append(
            f"{timezone.localtime(min(at, until)):%Y-%m-%d %H:%M:%S},{-190 + rng.uniform(-1.5, 1.5):.1f}"
        )
        at += EVERY
    asked = Asked(zone=zone_of(settings.TIME_ZONE))
    logger_add(shipment_id=row.pk, name=name, data="\n".join(lines).encode(), asked=asked, user=user)
