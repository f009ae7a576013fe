"""Orders: asked for, signed, approved, released by two; what each step refuses, and that nothing is half-written."""

from __future__ import annotations

from typing import Any

import pytest

from bank.models import CordBloodUnit
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import OrderFactory, prescribed, ready
from tests.factories.reservations import ReservationFactory
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants.models import Order, OrderSignature
from transplants.services_orders import OrderWish

pytestmark = pytest.mark.django_db


@pytest.fixture
def wu_min(hospital: Any) -> User:
    """Physician of the hospital that asks."""
    return member_of(hospital, Role.HOSPITAL_PHYSICIAN, full_name="Wu Min")


@pytest.fixture
def qa() -> list[User]:
    """Two people of the bank who release."""
    return [
        UserFactory(roles=[Role.QA], full_name="Qian Yu"),
        UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Lu Ying"),
    ]


def unit_of(order: Order) -> str:
    return str(CordBloodUnit.objects.get(pk=order.unit_id).status)


def test_from_the_wish_to_the_release(
    patient: Patient, he_lan: User, wu_min: User, shen_jia: User, qa: list[User]
) -> None:
    kept = ReservationFactory(active=True, patient=patient)

    order = services.order_ask(wish=OrderWish(reservation_id=kept.pk, prescribed=prescribed()), user=he_lan)
    assert (order.state, unit_of(order)) == ("asked", "RESERVED")
    ready(order, signed=False)
    signing.order_sign(order_id=order.pk, user=wu_min, password=PASSWORD, version=1)
    order = services.order_approve(order_id=order.pk, user=shen_jia, version=1)
    assert (order.state, unit_of(order)) == ("approved", "ORDERED")
    seen = signing.releasing(order).digest
    signing.order_release_sign(order_id=order.pk, user=qa[0], password=PASSWORD, seen=seen)
    assert Order.objects.get().state == "approved"
    signing.order_release_sign(order_id=order.pk, user=qa[1], password=PASSWORD, seen=seen)

    order.refresh_from_db()
    assert (order.state, unit_of(order)) == ("released", "RELEASED")
    assert order.released_at is not None
    assert {row["outcome"] for row in order.release_checks} == {"passed"}
    meanings = OrderSignature.objects.filter(void_at=None).values_list("meaning", flat=True)
    assert set(meanings) == {"prescription", "release", "release_second"}
    trail = AuditEntry.objects.filter(action__startswith="order.").order_by("at", "pk")
    assert [row.action for row in trail] == [
        "order.ask",
        "order.sign",
        "order.approve",
        "order.release_sign",
        "order.release_sign",
        "order.release",
    ]
