"""Browser journeys: a real Chromium on a live server, with the real broker where a test asks for `celery_worker`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, Playwright
from playwright.sync_api import Error as PlaywrightError

from core.models import User
from hospitals.models import Hospital
from matching import inventory
from tests.e2e import browser as chromium
from tests.factories.core import PASSWORD
from tests.factories.hospitals import HospitalFactory, member_of

PageIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium, or one loud reason why there is none; with CI set that is a failure."""
    # Playwright's loop lives in this thread; Django would refuse the ORM beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        opened = chromium.launch(playwright)
    except PlaywrightError as error:
        cause = str(error).splitlines()[0]
        reason = f"NO BROWSER, journeys not tested: {cause} (make test installs it, or set QIDAI_CHROMIUM)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield opened
    opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


_FAILED = pytest.StashKey[bool]()


@pytest.fixture
def page_in(request: pytest.FixtureRequest, browser: Browser, live_server: Any) -> Iterator[PageIn]:
    """`page_in(lang="zh-hans", width=390, scheme="dark", user=user)`: a page, signed in when a user is given.

    At the end: no error in any console, no refused content, no failed request. A failed test leaves a
    picture under var/e2e/.
    """
    opened: list[tuple[Page, chromium.Watch]] = []
    with ExitStack() as stack:

        def open_page(*, user: Any = None, expected_status: int = 200, **how: Any) -> Page:
            page, watch = stack.enter_context(chromium.page_of(browser, live_server.url, **how))
            watch.expected_status = expected_status
            opened.append((page, watch))
            if user is not None:
                chromium.sign_in(page, user.email, PASSWORD)
            return page

        yield open_page
        if request.node.stash.get(_FAILED, False):
            _keep_pictures(request.node.name, [page for page, _ in opened])
    problems = [problem for _, watch in opened for problem in watch.problems]
    assert not problems, problems


def _keep_pictures(name: str, pages: list[Page]) -> None:
    folder = settings.VAR_DIR / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    safe = re.sub(r"[^\w.-]", "_", name)
    for number, page in enumerate(pages):
        page.screenshot(path=folder / f"{safe}-{number}.png", full_page=True)


@pytest.fixture
def own_inventory(settings: Any, tmp_path: Path) -> Iterator[None]:
    """The snapshot file of this test is its own."""
    settings.VAR_DIR = tmp_path
    inventory.forget()
    yield
    inventory.forget()


@pytest.fixture
def hospital(transactional_db: None) -> Hospital:
    hospital: Hospital = HospitalFactory(name="Children's Hospital")
    return hospital


@pytest.fixture
def coordinator(hospital: Hospital) -> User:
    return member_of(hospital, full_name="Li Na")


@pytest.fixture
def assert_accessible() -> Callable[[Page], None]:
    """Axe finds nothing, nothing is wider than the window, every character has a glyph."""

    def check(page: Page) -> None:
        findings = [
            *chromium.accessibility_findings(page),
            *chromium.width_findings(page),
            *chromium.glyph_findings(page),
        ]
        assert not findings, "\n".join([page.url, *findings])

    return check
