"""From a list to a choice, as a hospital's coordinator does it: shortlist, notes, watch, what is told."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import Page, expect

from core import notifications
from core.models import User
from core.notifications import Notice
from hospitals.models import Hospital
from matching.models import SearchRun
from matching.services.watches import CODE
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.match_list_pages import FIVE

pytestmark = pytest.mark.usefixtures("own_inventory")


@pytest.fixture
def run(hospital: Hospital) -> SearchRun:
    with transaction.atomic():
        ListedUnitFactory(unit_no="SIX", tnc_e7=100)
        ListedUnitFactory(unit_no="FIVE", gl=FIVE, tnc_e7=140)
        patient = typed_patient(hospital=hospital)
    return searched_run(patient)


def tell(run: SearchRun, user: User) -> None:
    params = {"patient": run.request.patient.code, "request": str(run.request_id), "run": "", "n": 2}
    notifications.notifications_create(
        notices=[Notice(user.pk, CODE, "patient:1", params, hospital_id=run.request.hospital_id)]
    )


def test_from_a_list_to_a_choice(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    coordinator: User,
    run: SearchRun,
) -> None:
    page = page_in(user=coordinator)
    page.goto(reverse("matching:run-detail", args=[run.pk]))
    rows = page.locator("table.match tbody tr")

    rows.nth(1).get_by_role("button", name="Shortlist").click()  # without leaving the list
    expect(rows.nth(1).get_by_role("link", name="shortlisted")).to_be_visible()
    rows.nth(0).get_by_role("button", name="Shortlist").click()
    rows.nth(0).get_by_role("link", name="shortlisted").click()

    expect(page.get_by_role("heading", name="Shortlist")).to_be_visible()
    assert_accessible(page)
    six = page.locator("section.picked").filter(has_text="SIX")
    six.get_by_label("Choice").select_option(label="first choice")
    six.get_by_role("button", name="Set").click()
    expect(page.locator("section.picked").first.get_by_role("heading")).to_have_text(
        re.compile("first choice\\s*SIX")
    )
    page.locator("#notes").get_by_label("Note").fill("Ask for the segment.")
    page.get_by_role("button", name="Save note").last.click()
    expect(page.locator(".note")).to_contain_text("Li Na")

    page.goto(reverse("matching:request-detail", args=[run.request_id]))
    page.get_by_text("Tell me of better units").click()
    page.get_by_label("a better class", exact=True).check()
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.locator("#watch")).to_contain_text("since")
    tell(run, coordinator)
    page.reload()
    page.get_by_role("link", name="Notifications, 1 not read").click()
    assert_accessible(page)
    page.get_by_role("link", name=re.compile("2 units beat the best")).click()

    expect(page).to_have_url(re.compile(rf"/requests/{run.request_id}/#new-units$"))
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
