"""From a new patient to a ranked list, as a hospital's coordinator does it: real worker, real browser."""

from __future__ import annotations

import csv
import datetime
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from bank.models import CordBloodUnit
from core.models import User
from hospitals.models import Hospital
from matching import views_runs
from matching.models import SearchRun
from tests.e2e.browser import TYPING
from tests.factories.match_list import queued_run, searched_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.match_list_pages import FIVE, FOUR

LIST = re.compile(r"/requests/searches/[0-9a-f-]+/$")

pytestmark = pytest.mark.usefixtures("own_inventory")


@pytest.fixture
def units(transactional_db: None) -> list[CordBloodUnit]:
    with transaction.atomic():
        return [
            ListedUnitFactory(unit_no="SIX", tnc_e7=100, abo="O", rh="+"),
            ListedUnitFactory(unit_no="FIVE", gl=FIVE, tnc_e7=140, abo="A", rh="+"),
            ListedUnitFactory(unit_no="FOUR", gl=FOUR, tnc_e7=160),
            ListedUnitFactory(unit_no="TINY", tnc_e7=22),
        ]


def enter_patient(page: Page) -> None:
    """Fill the form of a new patient by its labels and save it."""
    page.get_by_role("link", name="Patients").first.click()
    page.get_by_role("link", name="New patient").first.click()
    page.get_by_label("Sex").select_option(label="Female")
    page.get_by_label("Date of birth").fill("2022-05-01")
    page.get_by_label(re.compile(r"^Weight")).fill("16")
    page.get_by_label("Diagnosis", exact=False).first.select_option("mld")
    page.get_by_label("Blood group").select_option("O")
    for locus, values in TYPING.items():
        for name, value in zip(("first", "second"), values, strict=True):
            page.get_by_label(f"HLA-{locus}, {name} value").fill(value)
    page.get_by_role("button", name="Save patient").click()
    doubt = page.get_by_label("It is right: save it as it is.")
    if doubt.is_visible():
        doubt.check()
        page.get_by_role("button", name="Save patient").click()
    expect(page.get_by_role("link", name="New match request")).to_be_visible()


def ask_for_units(page: Page) -> None:
    page.get_by_role("link", name="New match request").click()
    expect(page.get_by_text("A*11:01")).to_be_visible()
    floor = page.get_by_label("Antigen class, of 6")
    expect(floor).to_have_value("4")  # one below that of the policy proposed for a metabolic disease
    page.get_by_label("Selection policy").select_option(label="Malignant disease, single unit v1")
    page.get_by_role("button", name="Take over its floors and dose").click()
    expect(floor).to_have_value("3")
    page.get_by_label("TNC per kg, at least").fill("2")
    page.get_by_role("button", name="Search now").click()


def test_from_a_new_patient_to_a_ranked_list(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    celery_worker: None,
    coordinator: User,
    units: list[CordBloodUnit],
) -> None:
    page = page_in(user=coordinator)
    enter_patient(page)
    page.get_by_role("link", name="New match request").click()
    assert_accessible(page)
    page.go_back()

    ask_for_units(page)

    # the progress page leads here by itself as soon as the worker has stored the list
    page.wait_for_url(LIST)
    rows = page.locator("table.match tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("SIX")
    expect(rows.nth(0)).to_contain_text("6/6")
    expect(rows.nth(0)).to_contain_text("identical ABO")
    expect(rows.nth(1)).to_contain_text("5/6")
    expect(rows.nth(2)).to_contain_text("FOUR")
    expect(rows.nth(2)).to_contain_text("4–6/8")
    expect(rows.nth(1).get_by_role("img", name="mismatch", exact=True)).to_have_count(1)
    expect(page.get_by_text("below the dose asked")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("link", name="Why rank 2").click()
    expect(page.get_by_text("B46 and B13 are different antigens").first).to_be_visible()
    expect(page.get_by_role("link", name="Why rank 2")).to_have_attribute("aria-expanded", "true")
    assert_accessible(page)
    page.get_by_role("link", name="Why rank 2").click()
    expect(page.get_by_text("B46 and B13 are different antigens").first).to_be_hidden()

    page.get_by_role("link", name=re.compile("^identical ABO")).click()
    expect(page.locator("table.match tbody tr")).to_have_count(1)
    page.get_by_role("link", name=re.compile("^identical ABO")).click()

    with page.expect_download() as download:
        page.get_by_text("More", exact=True).click()
        page.get_by_role("link", name="Whole list as CSV").click()
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        assert [row["unit"] for row in csv.DictReader(file)] == ["SIX", "FIVE", "FOUR"]

    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.locator("table.match tbody tr")).to_have_count(3)
    assert_accessible(page)


def test_a_list_that_comes_slowly_is_asked_for_once(
    page_in: Callable[..., Page],
    celery_worker: None,
    coordinator: User,
    units: list[CordBloodUnit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The progress page asks every second: the answer that leads to the list must be its last."""

    def slowly(*args: Any) -> Any:
        time.sleep(3.5)
        return evaluation_for(*args)

    evaluation_for = views_runs.evaluation_for
    monkeypatch.setattr(views_runs, "evaluation_for", slowly)
    page = page_in(user=coordinator)
    enter_patient(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    ask_for_units(page)

    page.wait_for_url(LIST)
    expect(page.locator("table.match tbody tr")).to_have_count(3)
    opened = [number for number, url in enumerate(asked) if LIST.search(url)]
    assert len(opened) == 1
    assert not [url for url in asked[opened[0] :] if url.endswith("/progress/")]


def test_the_same_without_script_on_a_telephone(
    page_in: Callable[..., Page],
    celery_worker: None,
    coordinator: User,
    units: list[CordBloodUnit],
) -> None:
    page = page_in(user=coordinator, width=390, java_script_enabled=False)
    page.locator("summary[aria-label=Menu]").click()
    enter_patient(page)

    ask_for_units(page)

    page.wait_for_url(LIST)
    expect(page.locator("table.match tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Why rank 2").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("FIVE")
    expect(page.get_by_text("B46 and B13 are different antigens").first).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    page.get_by_role("link", name="A 2/2").click()
    expect(page.locator("table.match tbody tr")).to_have_count(2)


def test_waiting_search_is_watched_until_a_worker_comes(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    coordinator: User,
    hospital: Hospital,
    units: list[CordBloodUnit],
) -> None:
    from matching import services

    run = queued_run(typed_patient(hospital=hospital))
    page = page_in(user=coordinator)
    page.goto(f"/requests/searches/{run.pk}/progress/")
    expect(page.get_by_text("Waiting for a free worker")).to_be_visible()
    assert_accessible(page)

    services.run_execute(job_id=run.job_id)

    page.wait_for_url(f"**/requests/searches/{run.pk}/")
    assert SearchRun.objects.get(pk=run.pk).is_finished


def test_failed_search_reloads_into_what_one_can_do(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    coordinator: User,
    hospital: Hospital,
) -> None:
    from core import jobs

    run = queued_run(typed_patient(hospital=hospital))
    page = page_in(user=coordinator, width=390, scheme="dark")
    page.goto(f"/requests/searches/{run.pk}/progress/")
    claim = jobs.job_claim(run.job_id)
    assert claim is not None

    claim.fail("The typing cannot be read.")

    expect(page.get_by_role("heading", name="What you can do")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("The typing cannot be read.")
    assert_accessible(page)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_pages_are_accessible_and_fit(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    coordinator: User,
    hospital: Hospital,
    units: list[CordBloodUnit],
    width: int,
    scheme: str,
) -> None:
    run = searched_run(typed_patient(hospital=hospital, birth_date=datetime.date(1990, 1, 1)))
    page = page_in(user=coordinator, width=width, scheme=scheme)
    searches, unit = f"/requests/searches/{run.pk}/", units[1].pk

    for path in (
        "/requests/",
        f"/requests/{run.request_id}/",
        searches,
        f"{searches}?show=excluded",
        f"{searches}units/{unit}/",
        f"{searches}compare/?unit={units[0].pk}&unit={unit}&unit={units[2].pk}",
        "/reference/",
    ):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_accessible(page)


def test_units_are_ticked_and_compared(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    coordinator: User,
    hospital: Hospital,
    units: list[CordBloodUnit],
) -> None:
    run = searched_run(typed_patient(hospital=hospital))
    page = page_in(user=coordinator)
    page.goto(f"/requests/searches/{run.pk}/?show=all")
    button = page.get_by_role("button", name="Compare")
    expect(button).to_be_disabled()

    page.get_by_label("Compare SIX").check()
    expect(button).to_be_disabled()
    page.get_by_label("Compare FIVE").check()
    expect(page.get_by_text("chosen: 2")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Eligible").click()  # the address has them: another view keeps the ticks
    expect(page.get_by_label("Compare SIX")).to_be_checked()
    button.click()

    expect(page.get_by_role("heading", level=1, name="Units side by side")).to_be_visible()
    expect(page.locator("table.compare thead th")).to_have_count(2)
    expect(page.get_by_role("row", name=re.compile("^HLA-B"))).to_contain_text("differs")
    assert_accessible(page)
    page.get_by_role("link", name="Only differences").click()
    expect(page.get_by_role("row", name=re.compile("^HLA-A"))).to_have_count(0)
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_label("Compare FIVE")).to_be_checked()


def test_units_are_compared_without_script_on_a_telephone(
    page_in: Callable[..., Page],
    coordinator: User,
    hospital: Hospital,
    units: list[CordBloodUnit],
) -> None:
    run = searched_run(typed_patient(hospital=hospital))
    page = page_in(user=coordinator, width=390, java_script_enabled=False)
    page.goto(f"/requests/searches/{run.pk}/?show=all")

    page.get_by_label("Compare SIX").check()
    page.get_by_role("button", name="Keep ticked on other pages").click()
    page.get_by_label("Compare FOUR").check()
    page.get_by_role("button", name="Compare", exact=True).click()

    expect(page.locator("table.compare thead th")).to_have_count(2)
    expect(page.get_by_role("row", name=re.compile("^HLA-C 01"))).to_contain_text("not typed")
