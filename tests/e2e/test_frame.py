"""The frame of every page: sign-in, header, menus, language, the parts themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core.models import Installation
from core.roles import Role
from tests.e2e import browser as chromium
from tests.factories.core import UserFactory


@pytest.mark.parametrize(
    ("lang", "width", "scheme"),
    [("en", 1440, "light"), ("en", 390, "dark"), ("zh-hans", 1440, "dark"), ("zh-hans", 390, "light")],
)
def test_gallery_is_accessible_fits_and_has_every_glyph(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    lang: str,
    width: int,
    scheme: str,
) -> None:
    page = page_in(user=UserFactory(roles=[Role.LAB]), lang=lang, width=width, scheme=scheme)

    page.goto("/components/")

    expect(page.locator("table.match tbody tr")).to_have_count(5)
    assert_accessible(page)


def test_sign_in_says_what_is_wrong_and_keeps_the_address(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None]
) -> None:
    user = UserFactory(roles=[Role.LAB])
    page = page_in(width=390)
    page.goto("/accounts/login/")

    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill("a wrong one")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(user.email)
    expect(page.get_by_text("five minutes")).to_be_visible()
    assert_accessible(page)


def test_everything_in_the_frame_works_without_script(page_in: Callable[..., Page]) -> None:
    page = page_in(
        user=UserFactory(full_name="Chen Wei", roles=[Role.ADMIN]), width=390, java_script_enabled=False
    )

    page.locator("summary[aria-label=Menu]").click()
    expect(page.locator(".menu.narrow nav").get_by_role("link").first).to_be_visible()
    page.locator("summary[aria-label=Menu]").click()
    page.locator("summary", has_text="Chen Wei").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(re.compile("/accounts/login/"))


def test_language_stays_with_the_account(page_in: Callable[..., Page]) -> None:
    user = UserFactory(roles=[Role.LAB])
    page = page_in(user=user)

    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    page.context.clear_cookies(name="django_language")
    page.reload()

    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")


def test_slash_goes_to_the_search_box_and_escape_closes_a_menu(page_in: Callable[..., Page]) -> None:
    page = page_in(user=UserFactory(full_name="Chen Wei", roles=[Role.LAB]))

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.locator("summary", has_text="Chen Wei").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_rows_of_a_list_are_walked_by_key(page_in: Callable[..., Page]) -> None:
    page = page_in(user=UserFactory(roles=[Role.LAB]))
    page.goto("/components/")
    links = page.locator("table.match tbody tr a")

    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")

    expect(links.nth(1)).to_be_focused()


def test_a_form_is_sent_once(page_in: Callable[..., Page]) -> None:
    page = page_in()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_label("Password").fill("whatever it is")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)

    page.get_by_role("button", name="Sign in").dblclick()
    expect(page.get_by_role("alert")).to_be_visible()

    assert len(posts) == 1


def test_the_reader_jumps_over_the_header(page_in: Callable[..., Page]) -> None:
    page = page_in(user=UserFactory(roles=[Role.LAB]))

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_synthetic_data_are_named_on_every_page(page_in: Callable[..., Page]) -> None:
    Installation.objects.update_or_create(pk=Installation.load().pk, defaults={"synthetic": True})

    page = page_in(user=UserFactory(roles=[Role.LAB]))

    expect(page.get_by_text("Not for clinical use")).to_be_visible()


def test_checks_see_what_they_are_for(browser: Browser) -> None:
    """A check that cannot fail proves nothing: each finds the fault made for it."""
    page = browser.new_page(viewport={"width": 390, "height": 600})
    page.set_content("<html><body><p>A\uf4c7</p><div id=w></div><img src='data:,'></body></html>")
    page.evaluate("document.getElementById('w').style.cssText = 'width:500px;height:9px'")

    assert chromium.missing_glyphs(page) == ["\uf4c7"]
    assert any("reaches 5" in line for line in chromium.width_findings(page))
    assert any(line.startswith("axe image-alt") for line in chromium.accessibility_findings(page))
    page.close()


def test_inline_script_is_refused(page_in: Callable[..., Page]) -> None:
    page = page_in()
    response: Any = page.goto("/accounts/login/")

    policy = response.headers["content-security-policy"]

    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
