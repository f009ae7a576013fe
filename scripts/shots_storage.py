"""The pages of the storage, and what is done on them before a picture is taken."""

from __future__ import annotations

import shots_acts as acts
from playwright.sync_api import Page
from shots_finding import first_link, then, through
from shots_site import Shot

BAD_PLACES = "unit,place\nNOBODY,T1-R1-C1-01\nNOBODY,shelf\n,T1-R1-C1-02\n"
READINGS = (
    "tank,read_at,temperature_c,level_percent\nT1,2020-03-01 09:00,-140,70\nT2,2020-03-01 09:00,-186,\n"
)

TANK = first_link("/storage/", "/storage/tanks/UUID/")
CANISTER = through(TANK, "/storage/canisters/UUID/")
UNIT_OF_IT = through(CANISTER, "/units/UUID/")


def unit_in_hand(page: Page) -> str:
    return "/storage/scan/?unit=" + UNIT_OF_IT(page).strip("/").rpartition("/")[2]


def picked_units(page: Page) -> str:
    """Three units of a canister by their numbers, and one that there is not."""
    page.goto(CANISTER(page))
    numbers = page.locator(".slot.taken .what a").all_inner_texts()[:3]
    return "/storage/picking/?units=" + ",".join([*numbers, "NOBODY"]).replace(" ", "%20")


STORAGE_PAGES = [
    Shot("storage", "lab", "/storage/"),
    Shot("storage-tank", "lab", TANK),
    Shot("storage-tank-reader", "search_coordinator", then(TANK, "?days=7")),
    Shot("storage-canister", "lab", CANISTER),
    Shot("storage-scan", "shipping", "/storage/scan/"),
    Shot("storage-scan-unit", "shipping", unit_in_hand),
    Shot("storage-new", "lab", "/storage/new/"),
    Shot("storage-place", "lab", "/storage/place/"),
    Shot("storage-place-errors", "lab", "/storage/place/", act=acts.upload(BAD_PLACES)),
    Shot("storage-readings", "lab", "/storage/readings/"),
    Shot("storage-readings-preview", "lab", "/storage/readings/", act=acts.upload(READINGS)),
    Shot("storage-misplaced", "qa", "/storage/misplaced/"),
    Shot("storage-picking", "shipping", picked_units),
]
