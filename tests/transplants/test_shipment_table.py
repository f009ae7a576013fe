"""Who may do what in which state: the page offers exactly what the services carry out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core.errors import DomainError
from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.orders import ready
from tests.factories.shipments import (
    ASKED,
    HOUR,
    ShipmentFactory,
    ShipperFactory,
    away_to,
    found_well,
    logger_csv,
    order_of,
    packing,
    shipping_person,
)
from transplants import presenters_shipments as presenters
from transplants import services_loggers
from transplants import services_receipts as receipts
from transplants import services_shipments as services
from transplants.models import Shipment
from transplants.services_receipts import Happened

pytestmark = pytest.mark.django_db

Act = Callable[[Shipment, User], Any]
ACTS: dict[str, Act] = {
    "repack": lambda row, user: services.shipment_repack(
        shipment_id=row.pk, packing=packing(row.order, ShipperFactory()), user=user
    ),
    "check": lambda row, user: services.shipment_check(
        shipment_id=row.pk, scanned=row.order.unit.unit_no, user=user
    ),
    "dispatch": lambda row, user: services.shipment_dispatch(shipment_id=row.pk, user=user),
    "event": lambda row, user: receipts.event_add(
        shipment_id=row.pk, happened=Happened("customs", timezone.now()), user=user
    ),
    "fail": lambda row, user: services.shipment_fail(shipment_id=row.pk, cause="lost", note="n", user=user),
    "receive": lambda row, user: receipts.shipment_receive(
        shipment_id=row.pk, received=found_well(row), user=user
    ),
    "logger": lambda row, user: services_loggers.logger_add(
        shipment_id=row.pk,
        name="a.csv",
        data=logger_csv(timezone.now() - HOUR, timezone.now()),
        asked=ASKED,
        user=user,
    ),
}
SHIPS, RECEIVES = {"event", "fail", "logger"}, {"receive", "logger"}
# state -> what the packer, another shipping person, and the own hospital may do; nobody else may do anything
TABLE: dict[str, tuple[set[str], set[str], set[str]]] = {
    "packed": ({"repack"}, {"repack", "check"}, set()),
    "checked": ({"repack", "dispatch"}, {"repack", "dispatch"}, set()),
    "stale": ({"repack"}, {"repack"}, set()),
    "void": (set(), set(), set()),
    "away": (SHIPS, SHIPS, RECEIVES),
    "delivered": ({"event", "logger"}, {"event", "logger"}, {"logger"}),
    "failed": ({"event", "logger"}, {"event", "logger"}, {"logger"}),
}


def made(state: str, hospital: Hospital, packer: User) -> Shipment:
    now = timezone.now()
    if state in ("packed", "checked", "stale", "void"):
        values = {
            "stale": {"released_at": now},
            "void": {"state": "approved", "unit": UnitFactory(status="ORDERED")},
        }
        order = order_of(hospital, **values.get(state, {}))
        if state == "checked":
            ready(order)
        found: Shipment = ShipmentFactory(order=order, packed_by=packer, checked=state == "checked")
        return found
    row = away_to(hospital, packed_by=packer)
    if state == "delivered":
        receipts.shipment_receive(shipment_id=row.pk, received=found_well(row), user=member_of(hospital))
    if state == "failed":
        services.shipment_fail(shipment_id=row.pk, cause="lost", note="n", user=shipping_person())
    return Shipment.objects.with_names().get(pk=row.pk)


@pytest.mark.parametrize("state", TABLE)
def test_the_page_offers_what_can_be_done_and_nothing_else(state: str, hospital: Hospital) -> None:
    packer = shipping_person()
    row = made(state, hospital, packer)
    people = [packer, shipping_person(), member_of(hospital, Role.HOSPITAL_PHYSICIAN)]
    others = [
        member_of(HospitalFactory()),
        *(UserFactory(roles=[role]) for role in Role if role != Role.SHIPPING),
    ]

    for user, wanted in [*zip(people, TABLE[state], strict=True), *((user, set()) for user in others)]:
        offered = {act for act, is_open in presenters.may(row, user).items() if is_open and act in ACTS}
        done = {act for act in ACTS if _works(ACTS[act], row, user)}
        assert (user.roles, offered) == (user.roles, wanted)
        assert (user.roles, done) == (user.roles, wanted)


def _works(act: Act, row: Shipment, user: User) -> bool:
    """Whether it is carried out; undone either way."""
    try:
        with transaction.atomic():
            act(row, user)
            transaction.set_rollback(True)
    except DomainError:
        return False
    return True
