"""Pages of reservations and enquiries, as hospital and as bank."""

from __future__ import annotations

from playwright.sync_api import Page
from shots_acts import submit
from shots_finding import PATIENT, RESULT, first_link, through
from shots_site import Shot

KEPT = first_link("/reservations/?state=active", "/reservations/UUID/")
ASKED = first_link("/reservations/?state=asked", "/reservations/UUID/")
ENDED = first_link("/reservations/?state=cancelled", "/reservations/UUID/")


def reserve(page: Page) -> str:
    """From a unit of a list to the form."""
    return first_link(RESULT(page), "/reservations/new/UUID/UUID/")(page)


def open_all(page: Page) -> None:
    for fold in page.locator("main details.fold > summary").all():
        fold.click()


def cancel_without_reason(page: Page) -> None:
    open_all(page)
    submit(page)


ENQUIRY = first_link("/enquiries/?state=all", "/enquiries/UUID/")


def answer_nothing(page: Page) -> None:
    open_all(page)
    page.locator("main form[action$='/reply/'] button").click()
    page.wait_for_load_state()


RESERVATION_PAGES = [
    Shot("reservations", "search_coordinator", "/reservations/"),
    Shot("reservations-hospital", "hospital_coordinator", "/reservations/?state=all"),
    Shot("reservations-none", "hospital_coordinator", "/reservations/?q=zzzz"),
    Shot("reservation", "hospital_coordinator", KEPT, act=open_all),
    Shot("reservation-bank", "search_coordinator", ASKED, act=open_all),
    Shot("reservation-ended", "hospital_coordinator", ENDED),
    Shot("reservation-error", "hospital_coordinator", KEPT, act=cancel_without_reason, status=400),
    Shot("reservation-new", "hospital_coordinator", reserve),
    Shot("reservation-rules", "medical_director", "/reservations/rules/"),
    Shot("reservation-rules-error", "medical_director", "/reservations/rules/", act=submit, status=400),
    Shot("enquiry", "hospital_coordinator", ENQUIRY, act=open_all),
    Shot("enquiries", "hospital_coordinator", "/enquiries/?state=all"),
    Shot("enquiries-none", "search_coordinator", "/enquiries/?q=zzzz"),
    Shot("enquiry-bank", "search_coordinator", ENQUIRY, act=open_all),
    Shot("enquiry-error", "search_coordinator", ENQUIRY, act=answer_nothing, status=400),
    Shot("enquiry-new", "hospital_coordinator", through(PATIENT, "/enquiries/new/UUID/")),
    Shot(
        "enquiry-new-error",
        "hospital_coordinator",
        through(PATIENT, "/enquiries/new/UUID/"),
        act=submit,
        status=400,
    ),
    Shot("enquiry-deadlines", "search_coordinator", "/enquiries/deadlines/"),
]
