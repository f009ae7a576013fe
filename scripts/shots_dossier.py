"""The pages of lots, of a unit's look-back and of its dossier."""

from __future__ import annotations

from playwright.sync_api import Page
from shots_finding import first_link, then
from shots_release import WAITING_UNIT
from shots_site import Shot

LOT = first_link("/units/lots/?kind=bag&state=in_use", "/units/lots/UUID/")
BLOCKED_LOT = first_link("/units/lots/?state=blocked", "/units/lots/UUID/")


def block_with_another_password(page: Page) -> None:
    page.locator("main textarea[name=reason]").fill("The manufacturer reports leaking seams.")
    page.locator("main input[type=password]").fill("not it")
    page.locator("main form.form button.danger").click()


def register_without_number(page: Page) -> None:
    page.locator("main select[name=kind]").select_option("bag")
    page.locator("main form.form button.primary").click()


DOSSIER_PAGES = [
    Shot("lots", "lab", "/units/lots/?per_page=25&sort=-expires"),
    Shot("lots-none", "lab", "/units/lots/?q=zzzz"),
    Shot("lot", "qa", LOT),
    Shot("lot-blocked", "qa", BLOCKED_LOT),
    Shot("lot-block", "qa", then(LOT, "block/")),
    Shot("lot-block-error", "qa", then(LOT, "block/"), status=403, act=block_with_another_password),
    Shot("lot-unblock", "qa", then(BLOCKED_LOT, "unblock/")),
    Shot("lot-register-error", "lab", "/units/lots/new/", status=400, act=register_without_number),
    Shot("lot-correct", "lab", then(LOT, "correct/")),
    Shot("unit-lot", "lab", then(WAITING_UNIT, "lot/")),
    Shot("unit-lookback", "qa", then(WAITING_UNIT, "lookback/")),
    Shot("unit-dossier", "qa", then(WAITING_UNIT, "dossier/")),
]
