"""The whole demonstration can be walked: of each stage the next step is taken by those who sign in."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from config.demo import Login, read_logins
from core.audit import Actor
from core.models import User
from core.roles import Role
from tests.factories.grafts import report_of
from tests.factories.shipments import found_well, packing
from transplants.checks_papers import needed
from transplants.choices_orders import OrderState
from transplants.choices_papers import PaperLanguage
from transplants.models import LoggerFile, Order, Shipment, Shipper, Transplant
from transplants.services_grafts import infusion_report, transplant_deactivate
from transplants.services_orders import order_approve
from transplants.services_papers import paper_issue
from transplants.services_receipts import shipment_receive
from transplants.services_returns import digest_of as proposal_digest
from transplants.services_returns import return_propose, return_second
from transplants.services_shipments import shipment_check, shipment_dispatch, shipment_pack
from transplants.services_signing import order_release_sign, order_sign

pytestmark = pytest.mark.django_db


class People:
    """Those who sign in."""

    def __init__(self, logins: dict[str, Login]) -> None:
        self._logins = logins

    def __call__(self, key: str) -> User:
        found: User = User.objects.get(email=self._logins[key].email)
        return found

    def signs(self, key: str) -> dict[str, Any]:
        return {"user": self(key), "password": self._logins[key].password}


@pytest.mark.slow
def test_of_each_stage_the_next_step_is_taken_by_who_signs_in(settings: Any, tmp_path: Path) -> None:
    """One load, walked through: it is the slow part."""
    settings.VAR_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("demo_data", units=600, hospitals=8, patients=110, seed=1, processes=1, stdout=io.StringIO())
    people = People(read_logins())

    _there_is_one_of_each(people)
    _orders_are_signed_approved_and_released(people)
    _a_released_unit_is_packed_checked_and_sent(people)
    _a_hospital_receives_and_gives(people)
    _a_unit_that_came_back_is_decided_on(people)


def _orders(state: OrderState) -> Any:
    return Order.objects.filter(state=state, unit__recalled=False).with_names().order_by("number")


def _there_is_one_of_each(people: People) -> None:
    own = people(Role.HOSPITAL_COORDINATOR).hospital_ids
    states = Counter(Order.objects.values_list("state", flat=True))
    assert states == {
        "asked": 2, "approved": 2, "released": 2, "shipped": 1, "delivered": 1, "infused": 1, "not_used": 1
    }  # fmt: skip
    assert Order.objects.filter(hospital__in=own).count() >= Order.objects.count() / 2
    recalled = Order.objects.get(unit__recalled=True)
    assert recalled.hospital_id not in own
    assert {file.verdict for file in LoggerFile.objects.all()} == {"within"}
    assert Transplant.objects.get(source="shipment").hospital_id in own


def _orders_are_signed_approved_and_released(people: People) -> None:
    bank = people(Role.SEARCH_COORDINATOR)
    signed, unsigned = sorted(_orders(OrderState.ASKED), key=lambda row: row.deliver_on)
    order_approve(order_id=signed.pk, user=bank)
    order_sign(order_id=unsigned.pk, **people.signs(Role.HOSPITAL_PHYSICIAN))
    order_approve(order_id=unsigned.pk, user=bank)
    for order in _orders(OrderState.APPROVED):
        order_release_sign(order_id=order.pk, **people.signs(Role.QA))
        order_release_sign(order_id=order.pk, **people.signs(Role.MEDICAL_DIRECTOR))
    assert not _orders(OrderState.APPROVED).exists()


def _a_released_unit_is_packed_checked_and_sent(people: People) -> None:
    waiting = Shipment.objects.get(dispatched_at=None)
    first, second = people(Role.SHIPPING), people(f"{Role.SHIPPING}-2")
    assert (waiting.packed_by, waiting.checked_by) == (second, None)
    shipment_check(shipment_id=waiting.pk, scanned=waiting.order.unit.unit_no, user=first)
    _enclose_papers(waiting.order, first)
    shipment_dispatch(shipment_id=waiting.pk, user=first)
    order = Order.objects.to_pack().with_names().order_by("deliver_on").first()
    assert order is not None
    free = next(
        one
        for one in Shipper.objects.filter(place="ready").order_by("serial")
        if not Shipment.objects.holding(one.pk).exists()
    )
    row = shipment_pack(order_id=order.pk, packing=packing(order, free), user=first)
    shipment_check(shipment_id=row.pk, scanned=order.unit.unit_no, user=second)
    _enclose_papers(order, second)
    shipment_dispatch(shipment_id=row.pk, user=second)


def _enclose_papers(order: Order, user: User) -> None:
    for kind in needed(order):
        paper_issue(order_id=order.pk, kind=kind, language=PaperLanguage.BOTH, actor=Actor.user(user))


def _a_hospital_receives_and_gives(people: People) -> None:
    user = people(Role.HOSPITAL_COORDINATOR)
    away = Shipment.objects.get(order__in=_orders(OrderState.SHIPPED).filter(hospital__in=user.hospital_ids))
    shipment_receive(shipment_id=away.pk, received=found_well(away), user=user)
    for order in _orders(OrderState.DELIVERED):
        now = timezone.now()
        times = {"thawed_at": now, "began_at": now, "ended_at": now}
        infusion_report(order_id=order.pk, report=report_of(order, **times), user=user)
    for row in Transplant.objects.filter(source="shipment"):
        assert not transplant_deactivate(transplant_id=row.pk, user=user).is_active


def _a_unit_that_came_back_is_decided_on(people: People) -> None:
    order = _orders(OrderState.NOT_USED).get()
    said = {"decision": "discarded", "reason": "No other patient is near."}
    row = return_propose(order_id=order.pk, **people.signs(Role.QA), **said)
    seen = proposal_digest(row)
    done = return_second(order_id=order.pk, **people.signs(Role.MEDICAL_DIRECTOR), seen=seen)
    assert done.seconded_at is not None
