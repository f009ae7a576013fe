"""The pages of consent, health history and documents, and what is done on them before a picture is taken."""

from __future__ import annotations

from playwright.sync_api import Page
from shots_finding import first_link, then
from shots_release import WAITING_UNIT
from shots_site import Shot

SECOND_UNIT = first_link("/units/?status=QUARANTINE", "/units/UUID/", 1)
WITHDRAWN_UNIT = first_link("/units/?status=ON_HOLD", "/units/UUID/")


def unfold(page: Page) -> None:
    """Everything that may be written here."""
    for fold in page.locator("main details.fold > summary").all():
        fold.click()


def show_contact(page: Page) -> None:
    page.locator("main #contact button").first.click()
    page.wait_for_load_state()


CONSENT_PAGES = [
    Shot("unit-consent", "qa", then(WAITING_UNIT, "consent/"), act=unfold),
    Shot("unit-withdrawn", "qa", WITHDRAWN_UNIT),
    Shot("unit-consent-withdrawn", "qa", then(WITHDRAWN_UNIT, "consent/"), act=unfold),
    Shot("unit-contact", "collection", then(SECOND_UNIT, "consent/"), act=show_contact),
    Shot("unit-interview", "lab", then(WAITING_UNIT, "interview/")),
    Shot("unit-interview-new", "lab", then(WAITING_UNIT, "interview/"), act=unfold),
    Shot("unit-documents", "lab", then(SECOND_UNIT, "documents/"), act=unfold),
    Shot("consent-forms", "qa", "/units/forms/"),
    Shot("consent-form", "qa", first_link("/units/forms/", "/units/forms/consent/UUID/")),
    Shot("questionnaire", "medical_director", first_link("/units/forms/", "/units/forms/questions/UUID/")),
    Shot("consent-form-new", "qa", "/units/forms/consent/new/"),
    Shot("questionnaire-new", "qa", "/units/forms/questions/new/"),
    Shot("declarations", "qa", "/units/declarations/"),
]
