"""One running Qidai, and the picture of one page of it with what is wrong there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError
from shots_finding import Find

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.e2e import browser as chromium


@dataclass(frozen=True)
class Shot:
    """One page. `path` is an address, or finds one with a page of that role; `act` does something on it first."""

    name: str
    role: str | None
    path: str | Find
    status: int = 200
    act: Callable[[Page], None] | None = None
    within: str = "html"


@dataclass(frozen=True)
class Combination:
    lang: str
    width: int
    scheme: str

    def __str__(self) -> str:
        return f"{self.lang}-{self.width}-{self.scheme}"


@dataclass(frozen=True)
class Taken:
    shot: Shot
    combination: Combination
    picture: str
    findings: list[str]


class Site:
    """A running Qidai: signs in once per role, finds each address once."""

    def __init__(self, browser: Browser, base_url: str, logins: dict[str, dict[str, str]]) -> None:
        self.browser, self.base_url, self.logins = browser, base_url, logins
        self.states: dict[str | None, Any] = {None: None}
        self.paths: dict[str, str] = {}

    def state_of(self, role: str | None) -> Any:
        if role not in self.states:
            with chromium.page_of(self.browser, self.base_url) as (page, _):
                chromium.sign_in(page, self.logins[role]["email"], self.logins[role]["password"])
                self.states[role] = page.context.storage_state()
        return self.states[role]

    @contextmanager
    def page_as(self, role: str) -> Iterator[Page]:
        """A page in English of somebody of this role."""
        with chromium.page_of(self.browser, self.base_url, storage_state=self.state_of(role)) as (
            page,
            _watch,
        ):
            yield page

    def path_of(self, shot: Shot) -> str:
        if shot.name not in self.paths:
            if isinstance(shot.path, str):
                self.paths[shot.name] = shot.path
            else:
                with chromium.page_of(
                    self.browser, self.base_url, storage_state=self.state_of(shot.role)
                ) as (page, _):
                    self.paths[shot.name] = shot.path(page)
        return self.paths[shot.name]

    def take(self, shot: Shot, combination: Combination, folder: Path) -> Taken:
        name = f"{shot.name}-{combination}.png"
        try:
            findings = self._take(shot, combination, folder / name)
        except (PlaywrightError, LookupError, KeyError) as error:
            findings = [f"not taken: {str(error).splitlines()[0]}"]
        return Taken(shot, combination, name, findings)

    def _take(self, shot: Shot, combination: Combination, picture: Path) -> list[str]:
        path = self.path_of(shot)
        how = {"lang": combination.lang, "width": combination.width, "scheme": combination.scheme}
        state = self.state_of(shot.role)
        with chromium.page_of(self.browser, self.base_url, storage_state=state, **how) as (page, watch):
            watch.expected_status = shot.status
            page.goto(path)
            if shot.act:
                shot.act(page)
            page.evaluate("document.fonts.ready.then(() => true)")
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=picture, full_page=True)
            got = watch.document_status
            return [
                *([f"status {got}, expected {shot.status}"] if got != shot.status else []),
                *watch.problems,
                *self._wrong_language(page, combination),
                *chromium.width_findings(page),
                *chromium.glyph_findings(page),
                *chromium.accessibility_findings(
                    page, only_contrast=combination.scheme == "dark", within=shot.within
                ),
            ]

    @staticmethod
    def _wrong_language(page: Page, combination: Combination) -> list[str]:
        lang = page.locator("html").get_attribute("lang")
        return [] if lang == combination.lang else [f"the page is in {lang}"]
