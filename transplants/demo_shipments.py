"""Synthetic shippers and shipments of the demonstration; the same for the same seed. Of released units only."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from core.audit import Actor
from core.models import User
from core.roles import Role
from core.services import password_proposal, user_create
from transplants.checklist import open_since_release
from transplants.logger_files import zone_of
from transplants.loggers.reading import Asked
from transplants.models import Order, Shipment, Shipper
from transplants.services_loggers import logger_add
from transplants.services_receipts import Happened, event_add
from transplants.services_shipments import Packing, shipment_check, shipment_dispatch, shipment_pack
from transplants.services_shippers import ShipperGiven, shipper_save

# serial, model, hours that it holds, days ago that it was validated
SHIPPERS = (
    ("DS-0101", "Dry shipper 3 L", 240, 40),
    ("DS-0102", "Dry shipper 3 L", 240, 120),
    ("DS-0201", "Dry shipper 8 L", 336, 15),
)
COLLEAGUE = ("shipping-2@demo.qidai.example", "Lou Wei")
LEFT_TO_PACK = 1  # of the released orders, so that the desk has something to do
EVERY = dt.timedelta(minutes=5)


def load(*, seed: int) -> int:
    """Three shippers; of the released orders all but one packed, the first of them under way with its record.

    Under way only where all that was signed is there: an invented unit may lack what a real one has.
    """
    checks = User.objects.filter(role_grants__role=Role.SHIPPING).order_by("created_at", "email").first()
    if checks is None:
        return 0
    packs = _colleague()
    rng = random.Random(seed)
    shippers = [_shipper(packs, *row) for row in SHIPPERS]
    orders = list(Order.objects.to_pack().with_names().order_by("deliver_on", "number"))
    for place, order in enumerate(orders[: min(len(shippers), len(orders) - LEFT_TO_PACK)]):
        row = _packed(order, shippers[place], packs, place)
        if place == 0:
            shipment_check(shipment_id=row.pk, scanned=_code(order), user=checks)
            if not open_since_release(order):
                shipment_dispatch(shipment_id=row.pk, user=packs)
                _on_the_way(row, packs, rng)
    return Shipment.objects.count()


def _colleague() -> User:
    """Who packs: nobody checks his own packing, and the one who signs in should have something to check."""
    known = User.objects.filter(email=COLLEAGUE[0]).first()
    return known or user_create(
        email=COLLEAGUE[0],
        full_name=COLLEAGUE[1],
        password=password_proposal(),
        roles=[Role.SHIPPING],
        by=Actor.system("demo_data"),
    )


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


def _code(order: Order) -> str:
    return order.unit.din or order.unit.unit_no


def _packed(order: Order, shipper: Shipper, user: User, place: int) -> Shipment:
    now = timezone.now().replace(second=0, microsecond=0)
    expected = now + dt.timedelta(hours=40 + 6 * place)
    packing = Packing(
        shipper_id=shipper.pk,
        scanned=_code(order),
        charge_weight_kg=Decimal("14.20"),
        logger_serial=f"LG-{place + 1:03d}",
        seals=f"S-{place + 1}01, S-{place + 1}02",
        courier="Demonstration Courier",
        waybill=f"DEMO-{place + 1:05d}",
        expected_at=expected,
        charged_at=now - dt.timedelta(hours=20),
        loaded_at=now,
        late_confirmed=True,  # an invented order may want it earlier
    )
    return shipment_pack(order_id=order.pk, packing=packing, user=user)


def _on_the_way(row: Shipment, user: User, rng: random.Random) -> None:
    now = timezone.now()
    handover = Happened(
        kind="handover",
        at=now,
        place="Gate of the bank",
        handed_by=str(user),
        taken_by="Demonstration Courier",
    )
    event_add(shipment_id=row.pk, happened=handover, user=user)
    lines = ["Synthetic recording", "Time,Temperature (°C)"]
    for step in range(48, -1, -1):
        at = timezone.localtime(now - step * EVERY)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S},{-190 + rng.uniform(-1.5, 1.5):.1f}")
    asked = Asked(zone=zone_of(settings.TIME_ZONE))
    logger_add(
        shipment_id=row.pk, name="synthetic.csv", data="\n".join(lines).encode(), asked=asked, user=user
    )
