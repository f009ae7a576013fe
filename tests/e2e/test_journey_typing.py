"""Hospital, laboratory and second person: a reserved unit is typed anew, once confirmed, once contradicted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL, member_of
from tests.factories.typings import OTHER_A, promised
from transplants.models import ConfirmatoryTyping

WORDS = {
    "en": {
        "anew": "Have the unit typed anew",
        "ask": "Ask for confirmatory typing",
        "take": "Take one segment",
        "enter": "Enter the result",
        "gl": "Or paste a GL string",
        "laboratory": "Laboratory",
        "method": "Method",
        "day": "Date of the report",
        "save": "Save the result",
        "verify": "Verify the result",
        "confirmed": "The typing of the unit is confirmed.",
        "contradicts": "The result contradicts the listed typing",
        "stop": "Do not count on this unit",
    },
    "zh-hans": {
        "anew": "申请重新分型",
        "ask": "申请确认分型",
        "take": "取一段血辫",
        "enter": "录入结果",
        "gl": "或粘贴 GL 字符串",
        "laboratory": "实验室",
        "method": "方法",
        "day": "报告日期",
        "save": "保存结果",
        "verify": "复核结果",
        "confirmed": "该份脐带血的分型已确认。",
        "contradicts": "结果与登记分型矛盾",
        "stop": "请勿依赖该份脐带血",
    },
}


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
@pytest.mark.parametrize("gl", [GL, OTHER_A], ids=["confirmed", "contradicted"])
def test_a_reserved_unit_is_typed_anew(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    transactional_db: None,
    lang: str,
    gl: str,
) -> None:
    say, row = WORDS[lang], promised()
    hospital = page_in(user=member_of(row.hospital), lang=lang, width=390)
    lab = page_in(user=UserFactory(roles=[Role.LAB]), lang=lang)
    second = page_in(user=UserFactory(roles=[Role.QA]), lang=lang, width=390, scheme="dark")

    hospital.goto(f"/reservations/{row.pk}/")
    assert_accessible(hospital)
    hospital.get_by_role("link", name=say["anew"]).click()
    assert_accessible(hospital)
    hospital.get_by_role("button", name=say["ask"]).dblclick()
    hospital.wait_for_url(re.compile(r"/confirmatory-typings/[0-9a-f-]{36}/$"))
    typing = ConfirmatoryTyping.objects.get()

    lab.goto(f"/confirmatory-typings/{typing.pk}/")
    lab.get_by_role("button", name=say["take"]).click()
    lab.get_by_role("link", name=say["enter"]).click()
    assert_accessible(lab)
    lab.get_by_label(say["gl"]).fill(gl)
    lab.get_by_label(say["laboratory"]).fill("HLA laboratory")
    lab.get_by_label(say["method"]).select_option("ngs")
    typing.refresh_from_db()
    assert typing.sampled_on is not None
    lab.get_by_label(say["day"]).fill(typing.sampled_on.isoformat())
    lab.get_by_role("button", name=say["save"]).click()

    second.goto(f"/confirmatory-typings/{typing.pk}/")
    if gl == OTHER_A:
        expect(second.get_by_text(say["contradicts"]).first).to_be_visible()
    assert_accessible(second)
    second.get_by_role("button", name=say["verify"]).click()
    told = say["confirmed"] if gl == GL else say["stop"]
    expect(second.get_by_text(told).first).to_be_visible()
    assert_accessible(second)
    hospital.reload()
    assert_accessible(hospital)
    lab.goto("/confirmatory-typings/?state=all")
    assert_accessible(lab)
