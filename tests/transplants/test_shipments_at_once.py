"""Many hands at one shipment and at one shipper: one outcome, and a clear refusal for everybody else."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError

from bank import services_storage
from bank.models import CordBloodUnit, Slot
from core.audit import Actor
from core.errors import Conflict, DomainError
from core.models import AuditEntry
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.orders import ready
from tests.factories.reservations import in_days
from tests.factories.shipments import (
    ASKED,
    ReleasedOrderFactory,
    ShipmentFactory,
    ShipperFactory,
    away_to,
    found_well,
    packing,
    record_of,
    shipping_person,
)
from tests.factories.storage import slot, tank
from tests.parallel import all_at_once
from transplants import services_loggers, services_receipts, services_shipments
from transplants.models import Charge, Incident, LoggerFile, Order, Price, Receipt, Shipment, UnitReturn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = 6


def codes(found: list[Any]) -> Counter[str]:
    return Counter(one.code for one in found if isinstance(one, DomainError))


def test_one_shipper_and_ten_orders_are_one_shipment() -> None:
    shipper = ShipperFactory()
    orders = [ReleasedOrderFactory() for _ in range(10)]

    works = [
        partial(
            services_shipments.shipment_pack,
            order_id=order.pk,
            packing=packing(order, shipper),
            user=shipping_person(),
        )
        for order in orders
    ]
    found = all_at_once(works)

    assert codes(found) == {"shipper_in_use": 9}
    assert Shipment.objects.count() == 1


def test_ten_people_pack_one_order_once() -> None:
    order = ReleasedOrderFactory()

    works = [
        partial(
            services_shipments.shipment_pack,
            order_id=order.pk,
            packing=packing(order, ShipperFactory()),
            user=shipping_person(),
        )
        for _ in range(10)
    ]
    found = all_at_once(works)

    assert codes(found) == {"packed_already": 9}
    assert Shipment.objects.count() == 1


def test_ten_people_dispatch_once_and_it_is_charged_once() -> None:
    row = ShipmentFactory(checked=True)
    ready(row.order)
    Price.objects.create(
        kind="unit", valid_from=in_days(-9), amount=1, currency="CNY", entered_by=shipping_person()
    )

    works = [
        partial(services_shipments.shipment_dispatch, shipment_id=row.pk, user=shipping_person())
        for _ in range(10)
    ]
    found = all_at_once(works)

    assert codes(found) == {"order_state": 9}
    assert row.events.filter(kind="dispatched").count() == 1
    assert Charge.objects.count() == 1
    assert AuditEntry.objects.filter(action="unit.ship").count() == 1


def test_a_dispatch_and_somebody_at_the_tank_never_wait_for_one_another() -> None:
    """Both take the unit first and the slot after it."""
    tank(slots=20)
    user = shipping_person()
    for position in range(1, ROUNDS + 1):
        row = ShipmentFactory(checked=True)
        CordBloodUnit.objects.filter(pk=row.order.unit_id).update(status="LISTED")
        where = {"unit_id": row.order.unit_id, "actor": Actor.system("test")}
        services_storage.unit_place(**where, slot_id=slot(position).pk)
        CordBloodUnit.objects.filter(pk=row.order.unit_id).update(status="RELEASED")
        ready(row.order)

        found = all_at_once(
            [
                partial(services_shipments.shipment_dispatch, shipment_id=row.pk, user=user),
                partial(services_storage.unit_move, **where, slot_id=slot(20).pk),
            ]
        )

        assert not [one for one in found if isinstance(one, OperationalError)]
        assert isinstance(found[0], Shipment)
        assert not Slot.objects.filter(unit=row.order.unit_id).exists()


def test_a_receipt_and_a_loss_at_the_same_moment_have_one_outcome() -> None:
    hospital = HospitalFactory()
    he_lan, xu_hai = member_of(hospital), shipping_person()
    for _ in range(ROUNDS):
        row = away_to(hospital)
        receive = partial(
            services_receipts.shipment_receive, shipment_id=row.pk, received=found_well(row), user=he_lan
        )
        lose = partial(
            services_shipments.shipment_fail, shipment_id=row.pk, cause="lost", note="n", user=xu_hai
        )

        found = all_at_once([receive, lose])

        assert [type(one) for one in found if isinstance(one, Exception)] == [Conflict]
        order = Order.objects.get(pk=row.order_id)
        is_delivered = order.state == "delivered"
        unit = CordBloodUnit.objects.get(pk=order.unit_id)
        assert unit.status == ("DELIVERED" if is_delivered else "SHIPMENT_FAILED")
        assert Receipt.objects.filter(shipment=row).exists() is is_delivered
        assert UnitReturn.objects.filter(order=order).exists() is not is_delivered


def test_two_of_a_hospital_receive_once() -> None:
    hospital = HospitalFactory()
    row = away_to(hospital)

    works = [
        partial(
            services_receipts.shipment_receive,
            shipment_id=row.pk,
            received=found_well(row, acceptance="deviation", deviation="ice"),
            user=member_of(hospital),
        )
        for _ in range(8)
    ]
    found = all_at_once(works)

    assert codes(found) == {"order_state": 7}
    assert Receipt.objects.count() == Incident.objects.count() == 1


def test_a_file_that_comes_ten_times_at_once_is_one_row() -> None:
    row, user = ShipmentFactory(away=True), shipping_person()
    data = record_of(row)

    add = partial(
        services_loggers.logger_add, shipment_id=row.pk, name="a.csv", data=data, asked=ASKED, user=user
    )
    found = all_at_once([add] * 10)

    assert len({one.pk for one in found}) == LoggerFile.objects.count() == 1


def test_a_warm_record_and_an_acceptance_at_once_are_never_silent() -> None:
    """Whoever is first: the record opens an incident, and once it is there nobody says that the temperature held."""
    hospital = HospitalFactory()
    he_lan, xu_hai = member_of(hospital), shipping_person()
    for _ in range(ROUNDS):
        row = away_to(hospital)
        add = partial(
            services_loggers.logger_add,
            shipment_id=row.pk,
            name="a.csv",
            data=record_of(row, [-100.0]),
            asked=ASKED,
            user=xu_hai,
        )
        receive = partial(
            services_receipts.shipment_receive, shipment_id=row.pk, received=found_well(row), user=he_lan
        )

        found = all_at_once([add, receive])

        was_refused = isinstance(found[1], Conflict) and found[1].code == "logger_above"
        incident = Incident.objects.get(order=row.order_id)
        assert was_refused is not ("had confirmed" in incident.what)
