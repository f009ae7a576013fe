"""Shippers and shipments of the demonstration, as they are made for an order that is released."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory, member_of
from tests.factories.orders import ready
from tests.factories.shipments import ReleasedOrderFactory, shipping_person
from transplants import demo_shipments
from transplants.demo_people import colleague, person
from transplants.models import LoggerFile, Order, Shipment, Shipper

pytestmark = pytest.mark.django_db


def sent_order() -> Order:
    """Packed by the colleague, checked by who signs in, dispatched."""
    shipping_person("Song Bo"), shipping_person("Lou Wei")
    hospital = HospitalFactory()
    member_of(hospital)
    order: Order = ready(ReleasedOrderFactory(patient=PatientFactory(hospital=hospital)))
    demo_shipments.packed(order, colleague(Role.SHIPPING))
    order.refresh_from_db()
    demo_shipments.sent(order, checks=person(Role.SHIPPING), sends=colleague(Role.SHIPPING))
    return order


def test_each_lies_in_a_shipper_of_its_own_that_is_registered_once() -> None:
    user = shipping_person()

    rows = [demo_shipments.packed(ready(ReleasedOrderFactory()), user) for _ in "12"]

    assert len({row.shipper_id for row in rows}) == 2
    assert Shipper.objects.count() == len(demo_shipments.SHIPPERS)


def test_what_is_under_way_left_hours_ago_and_was_cold_since() -> None:
    order = sent_order()

    demo_shipments.under_way(order)

    row = Shipment.objects.get()
    assert row.dispatched_at is not None
    assert timezone.now() - row.dispatched_at > dt.timedelta(hours=demo_shipments.LEFT - 1)
    assert str(row.packed_by) != str(row.checked_by)
    assert LoggerFile.objects.get().verdict == "within"


def test_what_was_delivered_or_came_back_has_its_record_of_the_whole_way() -> None:
    order = sent_order()

    demo_shipments.delivered(order)
    order.refresh_from_db()
    demo_shipments.not_used(order)

    order.refresh_from_db()
    assert (order.state, order.unit_return.bag_intact) == ("not_used", "yes")
    assert [file.verdict for file in LoggerFile.objects.all()] == ["within", "within"]


def test_who_signs_in_comes_before_people_without_a_password() -> None:
    without = UserFactory(roles=[Role.QA])
    without.set_unusable_password()
    without.save()
    first, second = UserFactory(roles=[Role.QA]), UserFactory(roles=[Role.QA])

    assert (person(Role.QA), colleague(Role.QA)) == (first, second)
    assert person(Role.QA) != without
