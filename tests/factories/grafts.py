"""Delivered orders and what became of them, for tests. They go round the services: a test arranges what it needs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import factory
from django.utils import timezone

from bank.choices_lots import LotKind, LotStep
from bank.models import CordBloodUnit, Lot, LotUse, Slot, StorageNode
from core.models import User
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.reservations import ReservationFactory, in_days
from tests.factories.storage import slot, tank
from transplants.choices_orders import UNIT_IN, OrderState
from transplants.graft_reports import Report
from transplants.logger_files import given_file, judge
from transplants.loggers.reading import Asked
from transplants.models import (
    Infusion,
    LoggerFile,
    Order,
    Receipt,
    Reservation,
    Shipment,
    Shipper,
    ShippingRules,
    Transplant,
    UnitReturn,
)
from transplants.transplant_rows import unit_given

ENDED = {"infused", "not_used", "failed", "declined", "withdrawn"}


def hours_ago(hours: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(hours=hours)


def order_in(state: str, **given: Any) -> Order:
    """An order in any state, its unit and reservation as the services leave them."""
    unit_given = {name[6:]: given.pop(name) for name in list(given) if name.startswith("unit__")}
    here = OrderState(state)
    status = UNIT_IN.get(here, "RESERVED")
    unit = given.pop("unit", None) or UnitFactory(**{"status": status, **unit_given})
    patient = given.pop("patient", None) or PatientFactory()
    ended = state in ENDED
    infusion_on = given.pop("infusion_on", in_days(0))
    kept = ReservationFactory(active=True, unit=unit, patient=patient, request=given.pop("request", None))
    now = timezone.now()
    if state in ("infused", "not_used", "failed"):
        cause = "infused" if state == "infused" else "returned"
        new = {"state": "ended", "end_cause": cause, "ended_by": "T", "ended_at": now}
        Reservation.objects.filter(pk=kept.pk).update(**new)
    past = {} if state in ("asked", "declined", "withdrawn") else {"approved_by": "T", "approved_at": now}
    if state not in ("asked", "approved", "declined", "withdrawn"):
        past["released_at"] = hours_ago(96)
    order: Order = Order.objects.create(
        number=given.pop("number", f"OR-2014-{Order.objects.count():04d}"),
        reservation=kept,
        unit=unit,
        patient=patient,
        hospital=patient.hospital,
        state=state,
        weight_kg=given.pop("weight_kg", Decimal("12.40")),
        conditioning="Bu/Cy/ATG",
        conditioning_on=infusion_on - dt.timedelta(days=8),
        infusion_on=infusion_on,
        deliver_on=infusion_on - dt.timedelta(days=8),
        country="CN",
        ship_to="Ward 3",
        contact="He Lan",
        contact_phone="021",
        asked_by=UserFactory(roles=[Role.HOSPITAL_COORDINATOR]),
        **past,
        **({"ended_at": now, "ended_by": "T"} if ended else {}),
        **given,
    )
    return order


def shipped(order: Order, *, delivered_hours: float | None = 48) -> Shipment:
    """The way of an order's unit to its hospital; delivered_hours None: it never arrived."""
    shipper = Shipper.objects.create(
        serial=f"S-{Shipper.objects.count()}",
        validated_on=in_days(-30),
        valid_until=in_days(300),
        hold_hours=240,
    )
    shipment: Shipment = Shipment.objects.create(
        number=f"SH-2014-{Shipment.objects.count():04d}",
        order=order,
        hospital=order.hospital,
        shipper=shipper,
        validated_on=shipper.validated_on,
        hold_hours=240,
        charge_weight_kg=Decimal("12.5"),
        logger_serial="L-1",
        seals="1, 2",
        courier="C",
        waybill="W",
        packed_by=UserFactory(),
        packed_at=hours_ago(73.5),
        charged_at=hours_ago(90),
        loaded_at=hours_ago(73.5),
        checked_by=UserFactory(),
        checked_at=hours_ago(73),
        dispatched_at=hours_ago(72),
        expected_at=hours_ago(50),
        delivered_at=None if delivered_hours is None else hours_ago(delivered_hours),
    )
    return shipment


def receipt(shipment: Shipment, *, bag_intact: str = "yes") -> Receipt:
    whole = bag_intact == "yes"
    row: Receipt = Receipt.objects.create(
        shipment=shipment,
        received_at=shipment.delivered_at,
        received_by=UserFactory(),
        seals_intact="yes",
        temperature_held="yes",
        bag_intact=bag_intact,
        identity_right="yes",
        papers_complete="yes",
        acceptance="accepted" if whole else "deviation",
        deviation="" if whole else "the bag is cracked",
    )
    return row


Stretch = tuple[float, float, float]  # hours ago from, hours ago until, °C


def logger_file(shipment: Shipment, *stretches: Stretch) -> LoggerFile:
    """Read and judged as the service does; a reading every ten minutes of each stretch. None given: cold all the way
    there and back."""
    lines = ["Time (UTC),Temperature (°C)"]
    for since, until, value in stretches or ((74.0, 0.2, -190.0),):
        at, end = hours_ago(since), hours_ago(until)
        while at <= end:
            lines.append(f"{at:%Y-%m-%d %H:%M:%S},{value}")
            at += dt.timedelta(minutes=10)
    row = given_file("log.csv", "\n".join(lines).encode(), Asked(zone=dt.UTC))
    row.shipment, row.uploaded_by = shipment, UserFactory()
    judge(row, shipment, Receipt.objects.filter(shipment=shipment).first(), ShippingRules.load())
    row.save(force_insert=True)
    return row


def delivered(**given: Any) -> Order:
    """Accepted two days ago."""
    order = order_in("delivered", **given)
    receipt(shipped(order))
    return order


def report_of(order: Order, **given: Any) -> Report:
    """A plausible report: given in the last two hours, all of it, without a reaction."""
    plain: dict[str, Any] = {
        "scanned": order.unit.unit_no,
        "thaw_method": "washed",
        "thawed_at": hours_ago(1.9),
        "began_at": hours_ago(1.2),
        "ended_at": hours_ago(0.8),
        "volume_ml": Decimal("48.0"),
        "all_given": True,
        "weight_kg": order.weight_kg,
        "graft_type": "single",
    }
    return Report(**{**plain, **given})


class TransplantFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Transplant

    number = factory.Sequence(lambda n: f"TX-2014-{n:04d}")
    patient = factory.SubFactory(PatientFactory)
    hospital = factory.SelfAttribute("patient.hospital")
    infused_on = factory.LazyFunction(lambda: in_days(-40))
    sequence = 1
    graft_type = "single"
    diagnosis = "mld"
    weight_kg = Decimal("12.40")
    created_by = factory.LazyFunction(UserFactory)


def infused(**given: Any) -> Infusion:
    """A unit that was given, in a transplant of its own unless one is named."""
    transplant = given.pop("transplant", None)
    patient = transplant.patient if transplant else given.pop("patient", None) or PatientFactory()
    transplant = transplant or TransplantFactory(patient=patient, **given.pop("of", {}))
    order = order_in("infused", patient=patient)
    began = timezone.make_aware(dt.datetime.combine(transplant.infused_on, dt.time(10)))
    row: Infusion = Infusion.objects.create(
        order=order,
        transplant=transplant,
        unit=order.unit,
        hospital=order.hospital,
        thaw_method="washed",
        thawed_at=began - dt.timedelta(minutes=40),
        began_at=began,
        ended_at=began + dt.timedelta(minutes=30),
        volume_ml=Decimal("48.0"),
        reaction=given.pop("reaction", "none"),
        reaction_note=given.pop("reaction_note", ""),
        tnc_e7_per_kg=10.5,
        cd34_e5_per_kg=3.2,
        reported_by=UserFactory(),
        **given,
    )
    unit_given(row)
    return row


def not_used(*, back: bool = False, listable: bool = False, **given: Any) -> UnitReturn:
    """A unit that its hospital did not use; back: in the bank again; listable: nothing speaks against it."""
    state = given.pop("state", "not_used")
    of = {name: given.pop(name) for name in ("patient",) if name in given}
    order = order_in(state, **of, **({"unit__status": "RETURNED_QA"} if back else {}))
    shipment = shipped(order)
    receipt(shipment)
    if listable:
        logger_file(shipment)
    arrived: dict[str, Any] = (
        {"returned_at": hours_ago(0.5), "returned_by": UserFactory(), "bag_intact": "yes"} if back else {}
    )
    row: UnitReturn = UnitReturn.objects.create(
        order=order,
        unit=order.unit,
        hospital=order.hospital,
        cause=given.pop("cause", "patient"),
        note="fever",
        reported_by=UserFactory(),
        **{**arrived, **given},
    )
    return row


def decider(role: Role, **given: Any) -> User:
    found: User = UserFactory(roles=[role], **given)
    return found


def status_of(unit: CordBloodUnit) -> str:
    return str(CordBloodUnit.objects.values_list("status", flat=True).get(pk=unit.pk))


def put_into_a_slot(unit: CordBloodUnit) -> Slot:
    """The first place of a tank."""
    if not StorageNode.objects.filter(code="T1", bank=unit.bank).exists():
        tank(bank=unit.bank)
    place = slot()
    Slot.objects.filter(pk=place.pk).update(unit=unit)
    return place


def blocked_lot_on(unit: CordBloodUnit) -> Lot:
    lot: Lot = Lot.objects.create(kind=LotKind.BAG, number="B-1", state="blocked", blocked_reason="leaks")
    LotUse.objects.create(unit=unit, lot=lot, step=LotStep.FREEZING)
    return lot
