"""Where a shipper is: away with a unit, back, inspected; nothing is packed into one that is not ready."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.errors import Conflict, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.orders import ready
from tests.factories.shipments import (
    ReleasedOrderFactory,
    ShipmentFactory,
    ShipperFactory,
    packing,
    shipping_person,
)
from transplants import services_shippers as services
from transplants.forms_shipments import PackForm
from transplants.models import Shipment, Shipper
from transplants.services_receipts import Happened, event_add
from transplants.services_shipments import shipment_dispatch, shipment_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


def place_of(shipper: Shipper) -> str:
    return str(Shipper.objects.values_list("place", flat=True).get(pk=shipper.pk))


def returned(row: Shipment, user: User) -> None:
    event_add(shipment_id=row.pk, happened=Happened(kind="returned", at=timezone.now()), user=user)


def delivered(shipper: Shipper) -> Shipment:
    row: Shipment = ShipmentFactory(away=True, shipper=shipper, delivered_at=timezone.now())
    type(row.order).objects.filter(pk=row.order_id).update(state="delivered")
    Shipper.objects.filter(pk=shipper.pk).update(place="away")
    return row


def test_a_unit_takes_its_shipper_away(xu_hai: User) -> None:
    row = ShipmentFactory(order=ready(ReleasedOrderFactory()), checked=True)

    shipment_dispatch(shipment_id=row.pk, user=xu_hai)

    assert place_of(row.shipper) == "away"


@pytest.mark.parametrize("place", ["away", "back"])
def test_nothing_is_packed_into_one_that_is_not_ready(xu_hai: User, place: str) -> None:
    order, shipper = ReleasedOrderFactory(), ShipperFactory(place=place)

    with pytest.raises(Conflict) as refused:
        shipment_pack(order_id=order.pk, packing=packing(order, shipper), user=xu_hai)

    assert (refused.value.code, refused.value.field) == ("shipper_not_ready", "shipper")
    assert shipper not in PackForm().fields["shipper"].queryset


def test_it_comes_back_is_inspected_and_packed_again(xu_hai: User) -> None:
    shipper = ShipperFactory()
    row, order = delivered(shipper), ReleasedOrderFactory()

    returned(row, xu_hai)
    assert place_of(shipper) == "back"
    services.shipper_move(shipper_id=shipper.pk, to="ready", user=xu_hai)

    assert shipment_pack(order_id=order.pk, packing=packing(order, shipper), user=xu_hai).shipper == shipper
    entry = AuditEntry.objects.get(action="shipper.move")
    assert (entry.before, entry.after) == ({"place": "back"}, {"place": "ready"})


def test_what_is_written_late_of_an_earlier_way_brings_nothing_back(xu_hai: User) -> None:
    shipper = ShipperFactory()
    earlier = delivered(shipper)
    ShipmentFactory(away=True, shipper=shipper, dispatched_at=timezone.now())

    returned(earlier, xu_hai)

    assert place_of(shipper) == "away"


def test_one_with_a_unit_in_it_is_not_said_to_be_back(xu_hai: User) -> None:
    row = ShipmentFactory(away=True, shipper=ShipperFactory(place="away"))

    with pytest.raises(Conflict) as refused:
        services.shipper_move(shipper_id=row.shipper_id, to="back", user=xu_hai)

    assert refused.value.code == "shipper_place"


def test_no_step_is_left_out_and_a_second_click_does_nothing(xu_hai: User) -> None:
    shipper = ShipperFactory(place="away")

    with pytest.raises(Conflict):
        services.shipper_move(shipper_id=shipper.pk, to="ready", user=xu_hai)
    for _ in "12":
        services.shipper_move(shipper_id=shipper.pk, to="back", user=xu_hai)

    assert place_of(shipper) == "back"
    assert AuditEntry.objects.filter(action="shipper.move").count() == 1


def test_only_shipping_moves_it() -> None:
    shipper = ShipperFactory(place="away")

    with pytest.raises(NotAllowed):
        services.shipper_move(shipper_id=shipper.pk, to="back", user=UserFactory(roles=[Role.QA]))


def test_the_list_offers_the_next_step(xu_hai: User, signed_in: Any) -> None:
    shipper = ShipperFactory(place="away")
    client, page = signed_in(xu_hai), reverse("transplants:shipper-list")
    move = reverse("transplants:shipper-move", args=[shipper.pk])

    for words, to in (("It is back", "back"), ("Inspected, ready", "ready")):
        assert words in client.get(page).content.decode()
        client.post(move, {"to": to})

    assert move not in client.get(page).content.decode()
    refused = client.post(move, {"to": "back"}, follow=True)
    assert "this step is not open" in refused.content.decode()
