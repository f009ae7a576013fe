"""A page that was stale is refused once: read again and sent as it stands, the step is taken."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import CultureFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import OrderFactory, prescribed, ready, sign
from tests.factories.shipments import ReleasedOrderFactory, ShipmentFactory, shipping_person
from transplants import services_orders
from transplants.models import Order, OrderSignature, Shipment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


def on_page(answer: Any, act: str, **typed: Any) -> dict[str, Any]:
    """What the form of a page sends, with what is typed into it."""
    form = answer.context["forms"][act]
    return {field.html_name: field.value() or "" for field in form} | typed


def sent_twice(client: Any, page: str, act_url: str, act: str, stale: Any, **typed: Any) -> Any:
    """Open the page, let something happen, send the page, then send the page that came back."""
    opened = on_page(client.get(page), act, **typed)
    stale()
    refused = client.post(act_url, opened)
    assert refused.status_code == 409
    again = {name: typed[name] for name in ("password", "justification") if name in typed}
    return client.post(act_url, on_page(refused, act) | again)


def amend(order: Order, user: User) -> None:
    services_orders.order_amend(order_id=order.pk, prescribed=prescribed(note="door 4"), user=user)


def order_url(name: str, order: Order) -> str:
    return reverse(f"transplants:order-{name}", args=[order.pk])


def test_a_prescription_is_signed_from_the_page_that_was_refused(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    order = ready(OrderFactory(for_patient=patient), signed=False)
    client = signed_in(member_of(patient.hospital, Role.HOSPITAL_PHYSICIAN))

    done = sent_twice(
        client,
        order_url("detail", order),
        order_url("sign", order),
        "sign",
        lambda: amend(order, he_lan),
        password=PASSWORD,
    )

    assert done.status_code == 302
    assert OrderSignature.objects.filter(order=order, void_at=None).count() == 1


def test_an_order_is_approved_from_the_page_that_was_refused(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    order = ready(OrderFactory(for_patient=patient), signed=False)
    client = signed_in(shen_jia)

    def changed() -> None:
        amend(order, he_lan)
        order.refresh_from_db()
        sign(order)

    done = sent_twice(client, order_url("detail", order), order_url("approve", order), "approve", changed)

    assert done.status_code == 302
    order.refresh_from_db()
    assert order.state == "approved"


def test_a_release_asks_why_on_the_page_that_was_refused(patient: Patient, signed_in: Any) -> None:
    """When the page was opened all was met, and it had no field for a reason."""
    order = ready(OrderFactory(state="approved", for_patient=patient))
    client = signed_in(UserFactory(roles=[Role.MEDICAL_DIRECTOR]))
    page, act_url = order_url("detail", order), order_url("release", order)
    opened = on_page(client.get(page), "release", password=PASSWORD)
    assert "justification" not in opened
    CultureFactory(unit=order.unit, result="growth", verified_by=UserFactory(), verified_at=timezone.now())

    refused = client.post(act_url, opened)
    assert refused.status_code == 409
    assert b'name="justification"' in refused.content
    typed = {"password": PASSWORD, "justification": "No other unit, and the patient cannot wait."}

    done = client.post(act_url, on_page(refused, "release") | typed)

    assert done.status_code == 302
    assert OrderSignature.objects.get(order=order, meaning="release").justification


def test_a_release_asks_no_reason_any_more_once_all_is_met(patient: Patient, signed_in: Any) -> None:
    order = ready(OrderFactory(state="approved", for_patient=patient))
    growth = CultureFactory(
        unit=order.unit, result="growth", verified_by=UserFactory(), verified_at=timezone.now()
    )
    client = signed_in(UserFactory(roles=[Role.MEDICAL_DIRECTOR]))
    opened = on_page(client.get(order_url("detail", order)), "release", password=PASSWORD)
    assert "justification" in opened
    type(growth).objects.filter(pk=growth.pk).update(
        retracted_at=timezone.now(), retracted_by=UserFactory(), retraction_reason="another unit's"
    )

    refused = client.post(order_url("release", order), opened)

    assert (refused.status_code, b'name="justification"' in refused.content) == (409, False)
    sent = on_page(refused, "release") | {"password": PASSWORD}
    assert client.post(order_url("release", order), sent).status_code == 302


def touch(row: Shipment) -> None:
    """Somebody packed it anew."""
    Shipment.objects.filter(pk=row.pk).update(seals="S-9", updated_at=timezone.now())


def test_a_unit_is_checked_and_sent_from_the_page_that_was_refused(signed_in: Any) -> None:
    row = ShipmentFactory(order=ready(ReleasedOrderFactory()))
    client = signed_in(shipping_person("Lin Bo"))
    page = reverse("transplants:shipment-detail", args=[row.pk])

    for act, typed in (("check", {"scanned": row.order.unit.unit_no}), ("dispatch", {})):
        act_url = reverse(f"transplants:shipment-{act}", args=[row.pk])
        done = sent_twice(client, page, act_url, act, lambda: touch(row), **typed)
        assert done.status_code == 302

    row.refresh_from_db()
    assert row.checked_by is not None
    assert row.dispatched_at is not None
