"""Desk and hospital side by side: packed, looked at by another person, dispatched, recorded, received on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import ready
from tests.factories.shipments import ShipperFactory, order_of, record_of, shipping_person
from transplants.models import Order, Shipment

WORDS = {
    "en": {
        "pack": "Pack",
        "packed": "Packed",
        "is_it": "It is this unit",
        "dispatch": "Dispatch",
        "add": "Add the file of a logger",
        "read": "Read the file",
        "within": "Within the limit",
        "confirm": "Confirm the receipt",
        "delivered": "Delivered",
    },
    "zh-hans": {
        "pack": "装箱",
        "packed": "已装箱",
        "is_it": "确为此份",
        "dispatch": "发运",
        "add": "添加温度记录仪文件",
        "read": "读取文件",
        "within": "在限值以内",
        "confirm": "确认收货",
        "delivered": "已送达",
    },
}


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_unit_leaves_the_bank_and_arrives(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    transactional_db: None,
    tmp_path: Path,
    lang: str,
) -> None:
    say, order, shipper = WORDS[lang], ready(order_of(hospital)), ShipperFactory()
    code = order.unit.unit_no
    desk = page_in(user=shipping_person("Xu Hai"), lang=lang, expected_status=400)
    second = page_in(user=shipping_person("Lin Bo"), lang=lang, scheme="dark")
    ward = page_in(user=member_of(hospital), lang=lang, width=390)

    desk.goto("/shipments/")
    assert_accessible(desk)
    desk.get_by_role("link", name=say["pack"], exact=True).click()
    fill(desk, {"scanned": code, "charge_weight_kg": "14.2", "logger_serial": "LG-1", "seals": "S-1, S-2"})
    fill(desk, {"courier": "Cold Courier", "waybill": "WB-1", "expected_at": "2099-01-01T10:00"})
    desk.locator("#id_shipper").select_option(value=str(shipper.pk))
    assert_accessible(desk)
    desk.get_by_role("button", name=say["packed"], exact=True).click()  # too far away: refused, and kept
    expect(desk.locator("#id_seals")).to_have_value("S-1, S-2")
    desk.locator("#id_expected_at").fill(soon())
    desk.get_by_role("button", name=say["packed"], exact=True).dblclick()
    desk.wait_for_url("**/shipments/*-*/")
    row = Shipment.objects.get()

    second.goto(f"/shipments/{row.pk}/")
    second.locator("#check_scanned").fill(code)
    assert_accessible(second)
    second.get_by_role("button", name=say["is_it"]).click()
    second.get_by_role("button", name=say["dispatch"], exact=True).dblclick()
    expect(second.get_by_role("button", name=say["dispatch"], exact=True)).to_have_count(0)

    row.refresh_from_db()
    file = tmp_path / "logger.csv"
    file.write_bytes(record_of(row))
    second.get_by_text(say["add"], exact=True).click()
    second.locator("#logger_file").set_input_files(file)
    second.get_by_role("button", name=say["read"]).click()
    expect(second.get_by_text(say["within"])).to_be_visible()
    assert_accessible(second)

    ward.goto(f"/shipments/{row.pk}/")
    ward.get_by_role("link", name=say["confirm"]).click()
    assert_accessible(ward)
    ward.locator("#id_scanned").fill(code)
    for name in ("seals_intact", "temperature_held", "bag_intact", "identity_right", "papers_complete"):
        ward.locator(f"input[name={name}][value=yes]").check()
    ward.locator("input[name=acceptance][value=accepted]").check()
    ward.get_by_role("button", name=say["confirm"]).dblclick()
    ward.wait_for_url(f"**/shipments/{row.pk}/")
    expect(ward.get_by_text(say["delivered"]).first).to_be_visible()
    assert_accessible(ward)
    assert Order.objects.get().state == "delivered"


def test_quality_assurance_sets_the_rules(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], transactional_db: None
) -> None:
    page = page_in(user=UserFactory(roles=[Role.QA]), width=390)

    page.goto("/shipments/rules/")
    assert_accessible(page)
    fill(page, {"limit_c": "-140", "reason": "our validation"})
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("in force for every shipment")).to_be_visible()


def fill(page: Page, values: dict[str, str]) -> None:
    for name, value in values.items():
        page.locator(f"#id_{name}").fill(value)


def soon() -> str:
    from django.utils import timezone

    from tests.factories.shipments import in_hours

    return f"{timezone.localtime(in_hours(40)):%Y-%m-%dT%H:%M}"
