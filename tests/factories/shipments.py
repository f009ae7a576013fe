"""Orders that are released, shippers and shipments for tests. They go round the services on purpose."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import factory
from django.utils import timezone

from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.reservations import ReservationFactory, in_days
from transplants.loggers.reading import Asked
from transplants.models import Order, Shipment, Shipper
from transplants.services_receipts import Received
from transplants.services_shipments import Packing

HOUR = dt.timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ASKED = Asked(zone=SHANGHAI)


def in_hours(hours: float) -> dt.datetime:
    """On the minute, as a form gives it."""
    return (timezone.now() + hours * HOUR).replace(second=0, microsecond=0)


class ReleasedOrderFactory(factory.django.DjangoModelFactory):
    """Released two hours ago, wanted in three days; its unit is released and reserved for the patient."""

    class Meta:
        model = Order

    number = factory.Sequence(lambda n: f"OR-2015-{n:04d}")
    unit = factory.SubFactory(UnitFactory, status="RELEASED")
    patient = factory.SubFactory(PatientFactory)
    reservation = factory.LazyAttribute(
        lambda o: ReservationFactory(active=True, unit=o.unit, patient=o.patient)
    )
    hospital = factory.SelfAttribute("patient.hospital")
    state = "released"
    weight_kg = Decimal("12.40")
    conditioning_on = factory.LazyFunction(lambda: in_days(4))
    infusion_on = factory.LazyFunction(lambda: in_days(9))
    deliver_on = factory.LazyFunction(lambda: in_days(3))
    country = "CN"
    ship_to = "Cell laboratory, building 3"
    contact = "Gu Min"
    contact_phone = "021 5555"
    asked_by = factory.LazyFunction(lambda: UserFactory(roles=[Role.HOSPITAL_COORDINATOR]))
    approved_by = "Shen Jia"
    approved_at = factory.LazyFunction(lambda: timezone.now() - 3 * HOUR)
    released_at = factory.LazyFunction(lambda: timezone.now() - 2 * HOUR)


class ShipperFactory(factory.django.DjangoModelFactory):
    """Holds ten days, and its validation a year."""

    class Meta:
        model = Shipper

    serial = factory.Sequence(lambda n: f"DS-{n:04d}")
    model = "Dry shipper 3"
    validated_on = factory.LazyFunction(lambda: in_days(-30))
    valid_until = factory.LazyFunction(lambda: in_days(335))
    hold_hours = 240


def shipping_person(name: str = "Xu Hai") -> User:
    found: User = UserFactory(roles=[Role.SHIPPING], full_name=name)
    return found


class ShipmentFactory(factory.django.DjangoModelFactory):
    """Packed an hour ago; with `checked` looked at, with `away` dispatched, each by somebody."""

    class Meta:
        model = Shipment

    class Params:
        checked = factory.Trait(
            checked_by=factory.LazyFunction(shipping_person),
            checked_at=factory.LazyFunction(lambda: timezone.now() - 0.9 * HOUR),
        )
        away = factory.Trait(
            checked=True,
            order=factory.SubFactory(
                ReleasedOrderFactory, state="shipped", unit=factory.SubFactory(UnitFactory, status="SHIPPED")
            ),
            dispatched_at=factory.LazyFunction(lambda: timezone.now() - 0.8 * HOUR),
        )

    number = factory.Sequence(lambda n: f"SH-2015-{n:04d}")
    order = factory.SubFactory(ReleasedOrderFactory)
    hospital = factory.SelfAttribute("order.hospital")
    shipper = factory.SubFactory(ShipperFactory)
    validated_on = factory.SelfAttribute("shipper.validated_on")
    hold_hours = factory.SelfAttribute("shipper.hold_hours")
    charge_weight_kg = Decimal("14.20")
    logger_serial = "LG-1"
    seals = "S-1, S-2"
    courier = "Cold Courier"
    waybill = factory.Sequence(lambda n: f"WB{n:06d}")
    packed_by = factory.LazyFunction(shipping_person)
    packed_at = factory.LazyFunction(lambda: timezone.now() - HOUR)
    charged_at = factory.SelfAttribute("packed_at")
    loaded_at = factory.SelfAttribute("packed_at")
    expected_at = factory.LazyFunction(lambda: in_hours(48))


def order_of(hospital: Hospital, **values: Any) -> Order:
    found: Order = ReleasedOrderFactory(patient=PatientFactory(hospital=hospital), **values)
    return found


def away_to(hospital: Hospital, **values: Any) -> Shipment:
    """Under way to this hospital."""
    order = order_of(hospital, state="shipped", unit=UnitFactory(status="SHIPPED"))
    found: Shipment = ShipmentFactory(away=True, order=order, **values)
    return found


def packing(order: Order, shipper: Shipper, **values: Any) -> Packing:
    given: dict[str, Any] = {
        "shipper_id": shipper.pk,
        "scanned": order.unit.unit_no,
        "charge_weight_kg": Decimal("14.20"),
        "logger_serial": "LG-7",
        "seals": "S-71, S-72",
        "courier": "Cold Courier",
        "waybill": "WB-7",
        "expected_at": in_hours(48),
        "charged_at": in_hours(0),
        "loaded_at": in_hours(0),
    }
    return Packing(**given | values)


def found_well(row: Shipment, **values: Any) -> Received:
    """All five questions answered with yes, and accepted."""
    given: dict[str, Any] = {
        "received_at": timezone.now(),
        "scanned": row.order.unit.unit_no,
        "seals_intact": "yes",
        "temperature_held": "yes",
        "bag_intact": "yes",
        "identity_right": "yes",
        "papers_complete": "yes",
        "acceptance": "accepted",
    }
    return Received(**given | values)


def logger_csv(
    start: dt.datetime, end: dt.datetime, temperatures: list[float] | None = None, *, note: str = ""
) -> bytes:
    """A reading every ten minutes, by the clock of Shanghai; the temperatures go round."""
    values = temperatures or [-190.0]
    lines, at, place = [f"Elitech {note}", "No.,Time,Temperature(℃)"], start, 0
    while at <= end:
        lines.append(f"{place + 1},{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S},{values[place % len(values)]}")
        at, place = at + dt.timedelta(minutes=10), place + 1
    return "\n".join(lines).encode()


def record_of(row: Shipment, temperatures: list[float] | None = None, *, note: str = "") -> bytes:
    """A file that covers the way so far: an hour before dispatch until now."""
    assert row.dispatched_at is not None
    return logger_csv(row.dispatched_at - HOUR, timezone.now(), temperatures, note=note)
