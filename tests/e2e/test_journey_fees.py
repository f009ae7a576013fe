"""The direction sets a price, a hospital reserves, its statement says what it owes, and a mistake is voided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.roles import Role
from hospitals.models import Hospital
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import DepartmentFactory, PatientFactory, member_of
from tests.factories.reservations import in_days, trusted_hospital
from transplants import services
from transplants.models import Charge
from transplants.services import Wish

WORDS = {
    "en": {
        "set": "Set the price",
        "amount": "Amount",
        "from": "Valid from",
        "holds": "The price holds from",
        "void": "Void",
        "reason": "Reason",
        "voided": "the hospital does not owe it",
        "fees": "Fees",
    },
    "zh-hans": {
        "set": "设定价格",
        "amount": "金额",
        "from": "生效",
        "holds": "价格自",
        "void": "作废",
        "reason": "原因",
        "voided": "医院无须支付",
        "fees": "费用",
    },
}


def home(page: Page) -> str:
    return "/".join(page.url.split("/")[:3])


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_price_becomes_a_charge_and_a_statement(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], transactional_db: Any, lang: str
) -> None:
    words = WORDS[lang]
    hospital: Hospital = trusted_hospital(qualification_authority="Ministry")
    DepartmentFactory(hospital=hospital, name="Haematology", name_zh="血液科")
    coordinator = member_of(hospital, full_name="Tan Xi")
    director = UserFactory(roles=[Role.DIRECTOR], full_name="Dong Hua")
    patient = PatientFactory(hospital=hospital)

    bank = page_in(lang=lang, user=director)
    bank.goto(f"{home(bank)}/fees/prices/")
    bank.get_by_label(words["amount"]).fill("500")
    bank.get_by_label(words["from"]).fill(f"{in_days(0):%Y-%m-%d}")
    assert_accessible(bank)
    bank.get_by_role("button", name=words["set"]).click()
    expect(bank.get_by_text(f"{words['holds']} {in_days(0):%Y-%m-%d}")).to_be_visible()

    services.reservation_ask(wish=Wish(UnitFactory().pk, patient.pk), user=coordinator)

    own = page_in(lang=lang, user=coordinator, width=390)
    own.goto(f"{home(own)}/fees/")
    assert_accessible(own)
    own.get_by_role("link", name=f"{in_days(0):%Y-%m}").click()
    expect(own.get_by_text("CNY 500.00").first).to_be_visible()
    expect(own.get_by_text(words["void"], exact=True)).to_have_count(0)
    assert_accessible(own)

    bank.goto(own.url)
    bank.get_by_text(words["void"], exact=True).click()
    bank.get_by_label(words["reason"]).fill("entered by mistake")
    assert_accessible(bank)
    bank.get_by_role("button", name=words["void"]).click()
    expect(bank.get_by_text(words["voided"])).to_be_visible()
    assert_accessible(bank)
    assert not Charge.objects.valid().exists()

    own.goto(f"{home(own)}/hospitals/{hospital.pk}/")
    expect(own.get_by_role("heading", name=words["fees"])).to_be_visible()
    assert_accessible(own)
