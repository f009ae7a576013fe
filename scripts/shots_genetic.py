"""The pages of files with HLA typings: the register, one's own requests, the limits; and of lots that are merged."""

from __future__ import annotations

from playwright.sync_api import Page
from shots_dossier import LOT
from shots_finding import then
from shots_site import Shot


def merge_without_password(page: Page) -> None:
    page.locator("main input[name=other]").fill("B-LOT")
    page.locator("main form.form button.danger").click()


GENETIC_PAGES = [
    Shot("genetic-register", "qa", "/units/genetic/"),
    Shot("genetic-limits", "qa", "/units/genetic/limits/"),
    Shot("genetic-mine", "hospital_coordinator", "/units/genetic/mine/"),
    Shot("lot-merge", "qa", then(LOT, "merge/")),
    Shot("lot-merge-error", "qa", then(LOT, "merge/"), status=400, act=merge_without_password),
]
