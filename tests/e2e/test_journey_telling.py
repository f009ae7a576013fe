"""What one is told, how, and by which other system: the pages in both languages, wide and narrow, without script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core import hook_sending
from core.models import HookDelivery, MailSettings, User, WebHook
from core.roles import Role
from tests.core.receiver import Receiver, receiving
from tests.factories.core import UserFactory

WAYS = (
    {"lang": "en", "width": 1440, "scheme": "light"},
    {"lang": "zh-hans", "width": 390, "scheme": "dark"},
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def admin() -> User:
    user: User = UserFactory(roles=[Role.ADMIN, Role.SEARCH_COORDINATOR])
    return user


@pytest.mark.parametrize("how", WAYS, ids=lambda how: how["lang"])
def test_the_pages_are_accessible(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    transactional_db: None,
    how: dict[str, Any],
) -> None:
    page = page_in(user=admin(), **how)
    hook = WebHook.objects.create(
        name="短信 SMS",
        url="https://sms.example.org/a/rather/long/path/of/a/gateway/in/the/network/of/a/bank",
        secret="x",
        language="zh-hans",
        kinds=["tank.alarm"],
    )
    HookDelivery.objects.create(
        hook=hook, code="tank.alarm", state="failed", status=503, error="refused (503)", excerpt="x" * 200
    )

    for path in (
        "/profile/",
        "/profile/notices/",
        "/hooks/",
        "/hooks/new/",
        f"/hooks/{hook.pk}/",
        "/calendar/",
    ):
        page.goto(path)
        assert_accessible(page)
    page.locator("form[action='/calendar/make/'] button").click()
    expect(page.locator(".mono.strong")).to_contain_text("/calendar/feed.ics?key=")
    assert_accessible(page)


@pytest.mark.parametrize("script", [True, False])
def test_quiet_hours_are_chosen(page_in: Callable[..., Page], transactional_db: None, script: bool) -> None:
    page = page_in(user=admin(), java_script_enabled=script)
    page.goto("/profile/")
    page.get_by_role("link", name="What I am told").click()

    page.get_by_role("group", name="Reservations").get_by_label("once a day").check()
    page.get_by_label("No e-mails from").fill("22:00")
    page.get_by_label("No e-mails until").fill("07:30")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Your choice was saved.")).to_be_visible()
    row = MailSettings.objects.get()
    assert (f"{row.quiet_from:%H:%M}", f"{row.quiet_until:%H:%M}", row.urgent_anyway) == (
        "22:00",
        "07:30",
        True,
    )


def test_a_web_hook_is_registered_and_tried(
    page_in: Callable[..., Page], transactional_db: None, receiver: Receiver
) -> None:
    page = page_in(user=admin())
    page.goto("/hooks/")
    page.get_by_role("link", name="New web-hook").first.click()
    page.get_by_label("Name").fill("SMS")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_label("Alarm of a tank").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".mono.strong")).to_have_text(re.compile(r"[\w-]{43}"))

    page.get_by_role("link", name="I have noted it").click()
    page.get_by_role("button", name="Post a test").click()
    hook_sending.deliveries_send()
    page.reload()

    expect(page.get_by_role("row").filter(has_text="Test")).to_contain_text("posted")
    assert len(receiver.taken) == 1
