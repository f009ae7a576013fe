"""What pages say before a person goes on: the unit is blocked, was too warm, has changed, or its packing is void."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from bank.models import CordBloodUnit
from core.audit import Actor
from core.errors import Conflict
from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import UserFactory
from tests.factories.grafts import delivered, logger_file, report_of
from tests.factories.hospitals import PatientFactory
from tests.factories.orders import ready
from tests.factories.shipments import (
    HOUR,
    ReleasedOrderFactory,
    ShipmentFactory,
    away_to,
    order_of,
    shipping_person,
)
from tests.transplants.shipment_forms import answers, url
from transplants import services_papers, services_signing
from transplants.choices_papers import OF_SHIPMENT
from transplants.models import Incident, Order, Receipt, Shipment
from transplants.services_grafts import infusion_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


# --- a unit that must not be used -----------------------------------------------------------------


def test_a_recalled_unit_is_loud_at_its_receipt_and_has_to_be_acknowledged(
    hospital: Hospital, he_lan: User, signed_in: Any
) -> None:
    row, client = away_to(hospital), signed_in(he_lan)
    receive = url("shipment-receive", row.pk)
    assert "acknowledged" not in client.get(receive).content.decode()
    CordBloodUnit.objects.filter(pk=row.order.unit_id).update(recalled=True)

    for page in (receive, url("shipment-detail", row.pk)):
        assert "This unit must not be used" in client.get(page).content.decode()
    refused = client.post(receive, answers(row))
    assert (refused.status_code, "acknowledged" in refused.context["form"].errors) == (409, True)
    assert not Receipt.objects.exists()

    assert client.post(receive, answers(row, acknowledged="on")).status_code == 302
    assert Incident.objects.get(order=row.order_id).kind == "event"


# --- a unit that was too warm ---------------------------------------------------------------------

WARM = ((74.0, 60.0, -190.0), (59.9, 59.0, -120.0), (58.9, 48.0, -190.0))


def test_a_unit_that_was_too_warm_is_given_only_by_an_explicit_word(he_lan: User, hospital: Hospital) -> None:
    order = _delivered_to(hospital)
    logger_file(order.shipment, *WARM)

    with pytest.raises(Conflict) as refused:
        infusion_report(order_id=order.pk, report=report_of(order), user=he_lan)

    assert (refused.value.code, [one["code"] for one in refused.value.details]) == (
        "graft_unconfirmed",
        ["scanned=-120.0"],
    )
    confirmed = report_of(order, confirmed=frozenset({"scanned=-120.0"}))
    assert infusion_report(order_id=order.pk, report=confirmed, user=he_lan).pk


def test_the_page_of_the_infusion_says_that_it_was_too_warm(
    he_lan: User, hospital: Hospital, signed_in: Any
) -> None:
    order, client = _delivered_to(hospital), signed_in(he_lan)
    page = url("infusion-create", order.pk)
    assert "Speak with the bank" not in client.get(page).content.decode()

    file = logger_file(order.shipment, *WARM)
    assert "at -120.0 °C. Speak with the bank" in client.get(page).content.decode()

    type(file).objects.update(voided_at=timezone.now(), voided_by=he_lan, void_reason="another shipment")
    assert "Speak with the bank" not in client.get(page).content.decode()


def _delivered_to(hospital: Hospital) -> Order:
    return delivered(patient=PatientFactory(hospital=hospital))


# --- what has changed since the release -----------------------------------------------------------


def test_the_order_page_shows_what_changed_instead_of_the_way_to_pack(
    hospital: Hospital, xu_hai: User, signed_in: Any
) -> None:
    order, client = order_of(hospital), signed_in(xu_hai)
    ready(order)
    create, page = url("shipment-create", order.pk), url("order-detail", order.pk)
    assert create in client.get(page).content.decode()
    assert "something has changed" not in client.get(create).content.decode()

    order.unit.cultures.all().delete()

    text = client.get(page).content.decode()
    assert create not in text
    assert "Since the release something has changed: the unit stays here" in text
    assert "something has changed" in client.get(create).content.decode()


# --- a packing that counts no more ----------------------------------------------------------------


def papers(row: Shipment, user: User) -> list[str]:
    """How each paper of the shipment is refused; "" where it is handed out."""
    found = []
    for kind in sorted(OF_SHIPMENT):
        try:
            services_papers.paper_issue(
                order_id=row.order_id, kind=kind, language="en", actor=Actor.user(user)
            )
            found.append("")
        except Conflict as error:
            found.append(error.code)
    return found


def test_of_a_void_packing_no_paper_comes_out_and_the_page_says_so(xu_hai: User, signed_in: Any) -> None:
    row, client = ShipmentFactory(), signed_in(xu_hai)
    page = url("shipment-detail", row.pk)
    assert set(papers(row, xu_hai)) == {""}
    assert "counts no more" not in client.get(page).content.decode()

    qa = UserFactory(roles=[Role.QA])
    services_signing.order_release_revoke(order_id=row.order_id, user=qa, reason="the tank warmed up")

    assert set(papers(row, xu_hai)) == {"not_packed"}
    text = client.get(page).content.decode()
    assert "This packing counts no more" in text
    assert "Packing void" in text


def test_released_anew_it_is_packed_again_before_its_papers_come_out(xu_hai: User, signed_in: Any) -> None:
    row = ShipmentFactory()
    Order.objects.update(released_at=timezone.now() - 0.5 * HOUR)

    assert set(papers(row, xu_hai)) == {"not_packed"}
    text = signed_in(xu_hai).get(url("shipment-detail", row.pk)).content.decode()
    assert "This packing counts no more" in text


def test_papers_of_what_has_left_stay(xu_hai: User) -> None:
    row = ShipmentFactory(away=True, order=ReleasedOrderFactory(state="shipped", unit__status="SHIPPED"))

    assert set(papers(row, xu_hai)) == {""}
