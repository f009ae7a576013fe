"""A second sample contradicts the first and is settled; a record entered twice is merged by the bank, and unmerged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.roles import Role
from hospitals.models import Hospital, Patient, PatientMerge
from hospitals.services_duplicates import duplicates_sweep
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL, PatientFactory, PatientTypingFactory, member_of

WORDS = {
    "en": {
        "second": "Second sample",
        "first_day": "First sample drawn on",
        "day": "Sample drawn on",
        "gl": "Or paste a GL string",
        "save": "Save second typing",
        "loud": "Two samples, two typings.",
        "settle": "Settle the discrepancy",
        "reason": "Reason",
        "settle_now": "Settle",
        "not_yet": "No second, independently drawn sample",
        "twice": "Possibly entered twice.",
        "merge": "Merge",
        "leads": "now leads to",
        "merged": "Merged records",
        "undo": "Undo",
        "undone": "The merge was undone",
    },
    "zh-hans": {
        "second": "第二份样本",
        "first_day": "第一份样本采样日期",
        "day": "采样日期",
        "gl": "或粘贴 GL 字符串",
        "save": "保存第二次分型",
        "loud": "两份样本，两种分型。",
        "settle": "裁定分型不一致",
        "reason": "原因",
        "settle_now": "确定",
        "not_yet": "尚未对独立采集的第二份样本进行分型",
        "twice": "可能重复登记。",
        "merge": "合并",
        "leads": "现已指向",
        "merged": "已合并的记录",
        "undo": "撤销",
        "undone": "合并已撤销",
    },
}


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_two_samples_that_differ_are_settled(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    transactional_db: None,
    lang: str,
) -> None:
    say = WORDS[lang]
    patient = PatientFactory(hospital=hospital)
    PatientTypingFactory(patient=patient)
    page = page_in(user=member_of(hospital), lang=lang, width=390, scheme="dark")
    page.goto(f"/patients/{patient.pk}/")
    assert_accessible(page)

    page.get_by_role("link", name=say["second"], exact=True).click()
    assert_accessible(page)
    page.get_by_label(say["first_day"], exact=True).fill("2026-01-02")
    page.get_by_label(say["day"], exact=True).fill("2026-02-02")
    page.locator("[name=gl]").fill(GL.replace("A*11:01", "A*33:03"))
    page.get_by_role("button", name=say["save"]).dblclick()
    expect(page.get_by_text(say["loud"])).to_be_visible()
    assert_accessible(page)

    page.get_by_role("link", name=say["settle"]).click()
    assert_accessible(page)
    page.locator("[name=typing]").nth(1).check()
    page.get_by_label(say["reason"]).fill("-")
    page.get_by_role("button", name=say["settle_now"], exact=True).click()
    expect(page.get_by_text(say["not_yet"])).to_be_visible()
    assert "A*33:03" in Patient.objects.get().typings.get(is_current=True).canonical_gl


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_record_entered_twice_is_merged_and_unmerged(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    transactional_db: None,
    lang: str,
) -> None:
    say = WORDS[lang]
    one, other = (PatientFactory(hospital=hospital) for _ in range(2))
    for patient in (one, other):
        PatientTypingFactory(patient=patient)
    duplicates_sweep()
    ours = page_in(user=member_of(hospital), lang=lang, width=390)
    bank = page_in(user=UserFactory(roles=[Role.SEARCH_COORDINATOR]), lang=lang, expected_status=409)

    ours.goto(f"/patients/{one.pk}/")
    expect(ours.get_by_text(say["twice"])).to_be_visible()
    assert_accessible(ours)

    bank.goto("/patients/duplicates/")
    assert_accessible(bank)
    bank.locator("main table").get_by_role("link", name=say["merge"], exact=True).click()
    bank.get_by_label(say["reason"]).fill("-")
    bank.get_by_role("button", name=say["merge"], exact=True).click()
    expect(bank.get_by_text(say["leads"])).to_be_visible()
    assert_accessible(bank)

    row = PatientMerge.objects.get()
    ours.goto(f"/patients/{row.kept_id}/")
    expect(ours.get_by_text(say["merged"])).to_be_visible()
    assert_accessible(ours)
    ours.goto(f"/patients/{row.merged_id}/")
    expect(ours.get_by_role("link", name=row.kept.code).first).to_be_visible()
    assert_accessible(ours)

    fold = bank.locator("main table details.fold")
    fold.locator("summary").click()
    fold.get_by_label(say["reason"]).fill("-")
    fold.get_by_role("button", name=say["undo"]).click()
    expect(bank.get_by_text(say["undone"])).to_be_visible()
