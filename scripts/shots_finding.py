"""Addresses of pages, found as a person finds them: by the links of other pages."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

Find = Callable[[Page], str]


def first_link(start: str, pattern: str, nth: int = 0) -> Find:
    """The nth link of the page `start` whose path matches; UUID stands for a row's id."""
    wanted = re.compile(pattern.replace("UUID", UUID) + "$")

    def find(page: Page) -> str:
        page.goto(start)
        links: list[str] = page.eval_on_selector_all(
            "main a[href]", "all => all.map(a => a.pathname + a.search)"
        )
        matching = list(dict.fromkeys(link for link in links if wanted.match(link.split("?")[0])))
        if len(matching) <= nth:
            raise LookupError(f"{start} has no link {nth} like {pattern}")
        return matching[nth]

    return find


def then(find: Find, suffix: str) -> Find:
    """The found address with something behind it."""
    return lambda page: find(page) + suffix


def through(find: Find, pattern: str) -> Find:
    """A link on the found page."""
    return lambda page: first_link(find(page), pattern)(page)


UNIT = first_link("/units/", "/units/UUID/")
PATIENT = first_link("/patients/", "/patients/UUID/")
REQUEST = first_link("/requests/", "/requests/UUID/")
RUN = first_link("/requests/", "/requests/searches/UUID/")
RESULT = through(RUN, "/requests/searches/UUID/units/UUID/")
PAIRS = then(RUN, "pairs/")
LISTED_UNIT = through(through(RUN, "/units/UUID/"), "/requests/units/UUID/")  # stands in a list
FAR_UNIT = through(
    first_link("/units/?status=QUARANTINE", "/units/UUID/"), "/requests/units/UUID/"
)  # in no list
POLICY = first_link("/policies/", "/policies/UUID/")
HOSPITAL = first_link("/hospitals/", "/hospitals/UUID/")
