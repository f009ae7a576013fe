"""The demonstration has shippers and shipments as far as it has released units."""

from __future__ import annotations

import pytest

from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.orders import ready
from tests.factories.shipments import ReleasedOrderFactory, shipping_person
from transplants import demo_shipments
from transplants.models import LoggerFile, Order, Shipment, Shipper

pytestmark = pytest.mark.django_db


def test_one_is_under_way_one_waits_for_a_check_and_one_to_be_packed() -> None:
    person = shipping_person()
    for _ in range(3):
        ready(ReleasedOrderFactory())

    assert demo_shipments.load(seed=1) == 2

    away, packed = Shipment.objects.order_by("number")
    assert (away.dispatched_at is not None, packed.checked_at) == (True, None)
    assert person not in (away.packed_by, packed.packed_by)
    assert LoggerFile.objects.get().verdict == "within"
    assert Order.objects.to_pack().count() == 1
    assert Shipper.objects.count() == 3


def test_what_is_not_all_there_is_packed_and_stays() -> None:
    shipping_person()
    for _ in range(2):
        ReleasedOrderFactory()

    assert demo_shipments.load(seed=1) == 1
    assert Shipment.objects.get().dispatched_at is None


def test_without_orders_there_are_shippers_only() -> None:
    shipping_person()

    assert [demo_shipments.load(seed=1) for _ in "12"] == [0, 0]
    assert Shipper.objects.count() == 3


def test_without_people_there_is_nothing() -> None:
    UserFactory(roles=[Role.QA])

    assert demo_shipments.load(seed=1) == 0
    assert not Shipper.objects.exists()
