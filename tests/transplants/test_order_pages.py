"""Pages of orders: what each person sees, what is offered, what is refused and kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from core.models import User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import OrderFactory, ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants.models import Order

pytestmark = pytest.mark.django_db


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:order-{name}", args=args)


def typed(**values: Any) -> dict[str, Any]:
    """What somebody fills in."""
    return {
        "weight_kg": "12.4",
        "conditioning": "Bu/Cy",
        "conditioning_on": f"{in_days(20):%Y-%m-%d}",
        "deliver_on": f"{in_days(18):%Y-%m-%d}",
        "infusion_on": f"{in_days(27):%Y-%m-%d}",
        "ship_to": "Ward 7, Shanghai",
        "country": "CN",
        "contact": "Gu Wen",
        "contact_phone": "+86 21 0",
        "note": "",
    } | values


def test_from_the_reservation_to_the_release(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    physician = member_of(patient.hospital, Role.HOSPITAL_PHYSICIAN)
    client = signed_in(he_lan)
    form = client.get(url("create", kept.pk))
    assert form.context["form"]["weight_kg"].value() == patient.weight_kg
    key = form.context["form"]["order_id"].value()
    answers = [client.post(url("create", kept.pk), typed(order_id=str(key))) for _ in range(2)]

    order = Order.objects.get()
    page = url("detail", order.pk)
    assert [answer.url for answer in answers] == [page] * 2
    ready(order, signed=False)
    signed_in(physician).post(url("sign", order.pk), {"version": 1, "password": PASSWORD})
    assert b"Approve the order" in signed_in(shen_jia).get(page).content
    signed_in(shen_jia).post(url("approve", order.pk), {"version": 1})
    for role in (Role.QA, Role.MEDICAL_DIRECTOR):
        client = signed_in(UserFactory(roles=[role]))
        seen = client.get(page).context["forms"]["release"]["seen"].value()
        client.post(url("release", order.pk), {"seen": seen, "password": PASSWORD})

    order.refresh_from_db()
    assert order.state == "released"
    for user in (he_lan, physician, shen_jia):
        assert signed_in(user).get(page).status_code == 200
