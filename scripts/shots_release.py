"""The pages from the kit to the release, and what is done on them before a picture is taken."""

from __future__ import annotations

from playwright.sync_api import Page
from shots_finding import first_link, then
from shots_site import Shot

DESK = "/units/release/"
WAITING_UNIT = first_link("/units/?status=QUARANTINE", "/units/UUID/")
JUDGED = first_link(DESK, "/units/UUID/release/")
SPECIFICATION = first_link("/units/specifications/", "/units/specifications/UUID/")
NEW_VERSION = first_link("/units/specifications/", "/units/banks/UUID/specification/")


def kit_without_consent(page: Page) -> None:
    page.locator("main details.card > summary").click()
    page.locator("main input[name=din]").fill("A999926900001 0")
    page.locator("main input[name=bag_id]").fill("BAG-0001")
    page.locator("main form.form button.primary").click()


def panel_without_day(page: Page) -> None:
    page.locator("main input[name=subject]").first.check()
    page.locator("main select[name=result_hbs_ag]").select_option("negative")
    page.locator("main form.form button.primary").click()


def sign_with_another_password(page: Page) -> None:
    page.locator("main textarea[name=justification]").fill("The culture has to be repeated.")
    page.locator("main input[type=password]").fill("not it")
    page.locator("main button[name=refuse]").click()


def open_acts(page: Page) -> None:
    """Everything that may be done with a unit, unfolded."""
    for fold in page.locator("main section[aria-labelledby=acts] > details > summary").all():
        fold.click()


RELEASE_PAGES = [
    Shot("intake", "lab", "/units/intake/"),
    Shot("intake-error", "collection", "/units/intake/", status=400, act=kit_without_consent),
    Shot("unit-quarantine", "qa", WAITING_UNIT, act=open_acts),
    Shot("unit-markers", "lab", then(WAITING_UNIT, "markers/")),
    Shot("unit-markers-error", "lab", then(WAITING_UNIT, "markers/"), status=400, act=panel_without_day),
    Shot("unit-typing", "lab", then(WAITING_UNIT, "typing/")),
    Shot("release-desk", "qa", DESK),
    Shot("unit-release", "qa", JUDGED),
    Shot("unit-release-reader", "lab", JUDGED),
    Shot("unit-release-error", "medical_director", JUDGED, status=403, act=sign_with_another_password),
    Shot("specifications", "qa", "/units/specifications/"),
    Shot("specification", "qa", SPECIFICATION),
    Shot("specification-new", "qa", NEW_VERSION),
]
