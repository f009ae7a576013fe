"""From the delivered unit to the transplant, on a telephone; from the unit that came back to its two signatures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import PASSWORD
from tests.factories.grafts import decider, delivered, hours_ago, not_used, put_into_a_slot, status_of
from tests.factories.hospitals import PatientFactory
from transplants.models import Infusion, Order

WORDS = {
    "en": {
        "work": "report the infusion, or that it was not used",
        "send": "Report the infusion",
        "right": "It is right: save it as it is.",
        "unusual": "are value and unit right?",
        "next": "Make the patient inactive: transplanted",
        "inactive": "is inactive: transplanted",
        "back": "Take it back",
        "propose": "Sign and propose",
        "sign": "Sign: On offer again, as an exception",
        "decided": "It is decided.",
    },
    "zh-hans": {
        "work": "请报告输注情况，或报告未使用",
        "send": "报告输注",
        "right": "无误，按此保存。",
        "unusual": "数值和单位是否正确？",
        "next": "将患者停用：已移植",
        "inactive": "已停用：已移植",
        "back": "收回",
        "propose": "签名并提出",
        "sign": "签名：例外重新供应",
        "decided": "已决定。",
    },
}


def clock(hours: float) -> str:
    return f"{timezone.localtime(hours_ago(hours)):%Y-%m-%dT%H:%M}"


def fill_infusion(page: Page, order: Order) -> None:
    page.locator("[name=scanned]").fill(order.unit.unit_no)
    page.locator("[name=thaw_method]").select_option("washed")
    for name, hours in (("thawed_at", 1.9), ("began_at", 1.2), ("ended_at", 0.8)):
        page.locator(f"[name={name}]").fill(clock(hours))
    page.locator("[name=volume_ml]").fill("48")
    page.locator("[name=all_given]").select_option("yes")
    page.locator("[name=reaction]").select_option("mild")
    page.locator("[name=reaction_note]").fill("chills for ten minutes")
    page.locator("[name=arrival_tnc]").fill("1.1")  # in 10⁹ by mistake


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_delivered_unit_becomes_a_transplant(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    coordinator: User,
    lang: str,
) -> None:
    say = WORDS[lang]
    order = delivered(patient=PatientFactory(hospital=hospital))
    page = page_in(user=coordinator, lang=lang, width=390, expected_status=409)

    page.goto("/")
    page.get_by_role("link", name=say["work"]).click()
    assert_accessible(page)
    fill_infusion(page, order)
    page.get_by_role("button", name=say["send"]).click()
    expect(page.get_by_text(say["unusual"])).to_be_visible()
    assert_accessible(page)
    page.locator("[name=arrival_tnc]").fill("110")
    page.get_by_role("button", name=say["send"]).click()
    page.wait_for_url("**/transplants/**")
    assert_accessible(page)
    page.get_by_role("button", name=say["next"]).click()
    expect(page.get_by_text(say["inactive"])).to_be_visible()

    row = Infusion.objects.get()
    assert (row.reaction, row.measurements.get().value) == ("mild", 110)
    assert status_of(order.unit) == "INFUSED"


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_unit_that_came_back_is_listed_by_two_signatures(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    transactional_db: None,
    lang: str,
) -> None:
    say, row = WORDS[lang], not_used(listable=True)
    address = f"/returns/{row.pk}/"
    shipping = page_in(user=decider(Role.SHIPPING), lang=lang, width=390)
    qa = page_in(user=decider(Role.QA), lang=lang)
    director = page_in(user=decider(Role.MEDICAL_DIRECTOR), lang=lang, scheme="dark")

    shipping.goto(address)
    assert_accessible(shipping)
    shipping.locator("[name=scanned]").fill(row.unit.unit_no)
    shipping.locator("[name=returned_at]").fill(clock(0.1))
    shipping.locator("[name=bag_intact]").select_option("yes")
    shipping.get_by_role("button", name=say["back"]).click()
    shipping.wait_for_load_state()
    put_into_a_slot(row.unit)
    qa.goto("/returns/")
    assert_accessible(qa)
    qa.get_by_role("link", name=row.unit.unit_no).click()
    assert_accessible(qa)
    qa.locator("[name=decision]").select_option("listed")
    qa.locator("[name=reason]").first.fill("never warm, never thawed")
    qa.locator("[name=password]").fill(PASSWORD)
    qa.get_by_role("button", name=say["propose"]).click()
    qa.wait_for_load_state()
    director.goto(address)
    assert_accessible(director)
    director.locator("[name=password]").fill(PASSWORD)
    director.get_by_role("button", name=say["sign"]).click()
    expect(director.get_by_text(say["decided"])).to_be_visible()

    assert status_of(row.unit) == "LISTED"
