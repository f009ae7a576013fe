"""A lot is recalled by one person and lifted by another; a hospital reads what to do, and reports what it saw."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.incidents import lot_of, order_in
from transplants.models import Incident, Recall

WORDS = {
    "en": {
        "lot": "Recall this lot",
        "reason": "Reason",
        "password": "Your password",
        "sign": "Sign and recall",
        "on": "every hospital concerned are told",
        "warn": "Do not infuse it.",
        "report": "Report an incident",
        "kind": "Kind",
        "reaction": "Adverse event",
        "title": "Title",
        "what": "What happened",
        "send": "Report it",
        "opened": "is open.",
        "lift": "Lift the recall",
        "lifted": "The recall is lifted.",
    },
    "zh-hans": {
        "lot": "召回此批次",
        "reason": "原因",
        "password": "您的密码",
        "sign": "签名并召回",
        "on": "已通知库方及所有相关医院",
        "warn": "请勿输注。",
        "report": "上报不良事件",
        "kind": "类型",
        "reaction": "不良事件",
        "title": "标题",
        "what": "经过",
        "send": "上报",
        "opened": "已登记。",
        "lift": "解除召回",
        "lifted": "召回已解除。",
    },
}


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_lot_is_recalled_and_a_hospital_knows_what_to_do(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    coordinator: User,
    lang: str,
) -> None:
    say = WORDS[lang]
    order = order_in("delivered", patient=PatientFactory(hospital=hospital))
    lot = lot_of(order.unit, *UnitFactory.create_batch(3))
    bank = page_in(user=UserFactory(roles=[Role.QA]), lang=lang)
    other = page_in(user=UserFactory(roles=[Role.MEDICAL_DIRECTOR]), lang=lang, width=390)
    ward = page_in(user=coordinator, lang=lang, width=390)

    bank.goto(f"/units/lots/{lot.pk}/")
    assert_accessible(bank)
    bank.get_by_role("link", name=say["lot"]).click()
    assert_accessible(bank)
    bank.get_by_label(say["reason"]).fill("bags leak")
    bank.get_by_label(say["password"]).fill(PASSWORD)
    bank.get_by_role("button", name=say["sign"]).click()
    expect(bank.get_by_text(say["on"])).to_be_visible()
    assert_accessible(bank)

    ward.goto(f"/patients/{order.patient_id}/")
    expect(ward.get_by_role("alert").get_by_text(say["warn"])).to_be_visible()
    assert_accessible(ward)
    ward.get_by_role("link", name=say["report"]).click()
    ward.get_by_label(say["kind"]).select_option(label=say["reaction"])
    ward.get_by_label(say["title"], exact=True).fill("a bag leaks")
    ward.get_by_label(say["what"]).fill("It leaked when it arrived.")
    assert_accessible(ward)
    ward.get_by_role("button", name=say["send"], exact=True).click()
    expect(ward.get_by_text(say["opened"])).to_be_visible()
    assert_accessible(ward)
    bank.goto(f"/incidents/{Incident.objects.get(patient=order.patient).pk}/")
    assert_accessible(bank)

    other.goto(f"/recalls/{Recall.objects.get().pk}/")
    assert_accessible(other)
    other.get_by_role("link", name=say["lift"]).click()
    other.get_by_label(say["reason"]).fill("tested")
    other.get_by_label(say["password"]).fill(PASSWORD)
    assert_accessible(other)
    other.get_by_role("button", name=say["lift"]).click()
    expect(other.get_by_text(say["lifted"])).to_be_visible()
    ward.goto(f"/patients/{order.patient_id}/")
    expect(ward.get_by_text(say["warn"])).to_have_count(0)
