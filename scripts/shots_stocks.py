"""The pages of samples and of units that leave, and what is done on them before a picture is taken."""

from __future__ import annotations

from playwright.sync_api import Page
from shots_finding import first_link, then
from shots_site import Shot

PROPOSED = "/units/discards/"
LEAVING = first_link(PROPOSED, "/units/UUID/disposal/")
WAITING_UNIT = first_link("/units/?status=QUARANTINE", "/units/UUID/")
LISTED_UNIT = first_link("/units/?status=LISTED", "/units/UUID/")


def use_too_many(page: Page) -> None:
    form = page.locator("section[aria-labelledby=use] form")
    form.locator("input[name=count]").fill("99")
    form.locator("select[name=purpose]").select_option("lost")
    form.locator("input[name=for_what]").fill("HLA laboratory")
    form.locator("button.primary").click()


def unfold(page: Page) -> None:
    for fold in page.locator("main section[aria-labelledby=more] details > summary").all():
        fold.click()


def propose_without_reason(page: Page) -> None:
    page.locator("main section[aria-labelledby=propose] button.danger").click()


def sign_with_another_password(page: Page) -> None:
    page.locator("main section[aria-labelledby=decide] input[type=password]").fill("not it")
    page.locator("main section[aria-labelledby=decide] button.danger").click()


STOCK_PAGES = [
    Shot("unit-samples", "lab", then(WAITING_UNIT, "samples/"), act=unfold),
    Shot("unit-samples-reader", "shipping", then(LISTED_UNIT, "samples/")),
    Shot("unit-samples-error", "lab", then(WAITING_UNIT, "samples/"), status=400, act=use_too_many),
    Shot("discard-list", "qa", PROPOSED),
    Shot("unit-disposal", "qa", LEAVING),
    Shot("unit-disposal-own", "medical_director", LEAVING),
    Shot("unit-disposal-error", "qa", LEAVING, status=403, act=sign_with_another_password),
    Shot(
        "unit-disposal-propose", "qa", then(LISTED_UNIT, "disposal/"), status=400, act=propose_without_reason
    ),
    Shot("unit-leaving", "qa", lambda page: LEAVING(page).removesuffix("disposal/")),
]
