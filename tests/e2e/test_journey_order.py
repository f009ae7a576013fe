"""From the reserved unit to the signed release: hospital, physician, bank and quality assurance, each at their page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bank.models import CordBloodUnit
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.orders import ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants.models import Order

WORDS = {
    "en": {
        "order": "Order this unit",
        "send": "Order",
        "conditioning": "Conditioning begins on",
        "deliver": "Wanted at the hospital on",
        "infusion": "Planned infusion",
        "address": "Address of delivery",
        "contact": "Who receives it",
        "phone": "Telephone",
        "sent": "A physician signs the prescription next",
        "sign": "Sign the prescription",
        "password": "Your password",
        "approve": "Approve the order",
        "first": "Sign as the first",
        "release": "Sign and release",
        "second": "Another person signs as the second",
        "released": "The unit is released",
        "on_hold": "This order cannot go on",
        "changed": "Since the release something has changed",
        "revoke": "Revoke the release",
        "reason": "Reason",
        "revoked": "The release is revoked",
    },
    "zh-hans": {
        "order": "订购此份",
        "send": "订购",
        "conditioning": "预处理开始日",
        "deliver": "要求到院日",
        "infusion": "计划输注日",
        "address": "送达地址",
        "contact": "收货人",
        "phone": "电话",
        "sent": "接下来由医师签署处方",
        "sign": "签署处方",
        "password": "您的密码",
        "approve": "批准订单",
        "first": "作为第一人签名",
        "release": "签名并放行",
        "second": "须由另一人作为第二人签名",
        "released": "脐带血已放行",
        "on_hold": "此订单无法继续",
        "changed": "放行之后情况有变",
        "revoke": "撤销放行",
        "reason": "原因",
        "revoked": "放行已撤销",
    },
}


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What typings ask has journeys of its own."""
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_reserved_unit_is_ordered_and_released(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    transactional_db: None,
    lang: str,
) -> None:
    say = WORDS[lang]
    kept = ReservationFactory(active=True, patient=PatientFactory(hospital=hospital))
    ours = page_in(user=member_of(hospital), lang=lang, width=390)
    physician = page_in(user=member_of(hospital, Role.HOSPITAL_PHYSICIAN), lang=lang, width=390)
    bank = page_in(user=UserFactory(roles=[Role.SEARCH_COORDINATOR]), lang=lang)
    first = page_in(user=UserFactory(roles=[Role.QA]), lang=lang)
    second = page_in(user=UserFactory(roles=[Role.MEDICAL_DIRECTOR]), lang=lang)

    order_it(ours, f"/reservations/{kept.pk}/", say)
    expect(ours.get_by_text(say["sent"])).to_be_visible()
    assert_accessible(ours)
    row = Order.objects.get()  # a double click sent it once
    ready(row, signed=False)
    address = f"/orders/{row.pk}/"

    physician.goto(address)
    physician.get_by_label(say["password"]).fill(PASSWORD)
    physician.get_by_role("button", name=say["sign"]).click()
    bank.goto(address)
    assert_accessible(bank)
    bank.get_by_role("button", name=say["approve"]).click()
    sign(first, address, say["password"], say["first"])
    expect(first.get_by_text(say["second"]).first).to_be_visible()
    assert_accessible(first)
    sign(second, address, say["password"], say["release"])
    expect(second.get_by_text(say["released"]).first).to_be_visible()
    row.refresh_from_db()
    assert (row.state, CordBloodUnit.objects.get().status) == ("released", "RELEASED")

    CordBloodUnit.objects.update(recalled=True)
    for page, text in ((ours, say["on_hold"]), (first, say["changed"])):
        page.goto(address)
        expect(page.get_by_text(text)).to_be_visible()
    first.get_by_label(say["reason"]).fill("recalled")
    first.get_by_role("button", name=say["revoke"]).click()
    expect(first.get_by_text(say["revoked"]).first).to_be_visible()
    assert CordBloodUnit.objects.get().status == "ORDERED"


def order_it(page: Page, reservation: str, say: dict[str, Any]) -> None:
    page.goto(reservation)
    page.get_by_role("link", name=say["order"], exact=True).click()
    days = {"conditioning": 20, "deliver": 18, "infusion": 27}
    for name, later in days.items():
        page.get_by_label(say[name]).fill(f"{in_days(later):%Y-%m-%d}")
    for name in ("address", "contact", "phone"):
        page.get_by_label(say[name]).fill(f"synthetic {name}")
    page.get_by_role("button", name=say["send"], exact=True).dblclick()
    page.wait_for_url(re.compile(r"/orders/[0-9a-f-]{36}/$"))


def sign(page: Page, address: str, label: str, button: str) -> None:
    page.goto(address)
    page.get_by_label(label).fill(PASSWORD)
    page.get_by_role("button", name=button).click()
    page.wait_for_load_state()
