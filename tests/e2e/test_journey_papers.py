"""A text for the papers goes from the proposal to force by two people's hands, on a narrow and on a wide window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.roles import Role
from tests.factories.core import PASSWORD, UserFactory
from transplants.models import PaperText

WORDS = {
    "en": {
        "begin": "Begin with the proposal",
        "keep": "Keep as draft",
        "password": "Your password",
        "approve": "Approve this version",
        "done": "in force from today",
    },
    "zh-hans": {
        "begin": "从建议稿开始",
        "keep": "存为草稿",
        "password": "您的密码",
        "approve": "批准该版本",
        "done": "自今日起生效",
    },
}


@pytest.mark.parametrize(("lang", "width", "scheme"), [("en", 390, "light"), ("zh-hans", 1440, "dark")])
def test_a_text_of_the_bank_is_written_and_approved(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    transactional_db: None,
    lang: str,
    width: int,
    scheme: str,
) -> None:
    say = WORDS[lang]
    how = {"lang": lang, "width": width, "scheme": scheme}
    writer = page_in(user=UserFactory(roles=[Role.QA]), **how)
    director = page_in(user=UserFactory(roles=[Role.MEDICAL_DIRECTOR]), **how)

    writer.goto("/papers/texts/")
    assert_accessible(writer)
    writer.get_by_role("link", name=say["begin"]).first.click()
    assert_accessible(writer)
    writer.get_by_role("button", name=say["keep"]).dblclick()
    writer.wait_for_url("**/papers/texts/*-*/")
    assert_accessible(writer)
    assert not writer.get_by_label(say["password"]).count()

    director.goto(writer.url)
    director.get_by_label(say["password"]).fill(PASSWORD)
    director.get_by_role("button", name=say["approve"]).click()
    expect(director.get_by_text(say["done"])).to_be_visible()
    assert_accessible(director)
    assert "HEMACORD" in PaperText.objects.get(is_current=True).text_en
