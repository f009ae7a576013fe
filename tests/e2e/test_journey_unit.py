"""A unit's way in: kit, collection, laboratory, second person, quarantine, release; then a search finds it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from bank.choices_consent import ConsentPurpose
from bank.models import Bank, CordBloodUnit
from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.e2e.browser import TYPING
from tests.factories.bank import BankFactory, SpecificationFactory
from tests.factories.consent import consent_form
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.match_list import searched_run
from tests.factories.matching import typed_patient
from tests.factories.storage import tank

DIN = "A9999 14 123458 J"
COUNTS = {"Volume": "24.5", "Total nucleated cells (TNC)": "131", "CD34+ cells": "4.4"}
ASKED: list[dict[str, Any]] = [
    {"kind": "consent"},
    {"kind": "eligibility"},
    {
        "kind": "measurement",
        "time_point": "processing",
        "analyte": "tnc",
        "threshold": 50,
        "measure_unit": "e7",
    },
    {"kind": "marker", "subject": "mother", "test": "hbs_ag", "allowed": ["negative"]},
    {"kind": "culture", "test": "fungal", "allowed": ["no_growth"]},
    {"kind": "blood_group"},
    *({"kind": "typing", "test": locus} for locus in ("A", "B", "DRB1")),
    {"kind": "segments", "threshold": 2},
    {"kind": "stored"},
]


@pytest.fixture
def bank(transactional_db: None) -> Bank:
    made: Bank = BankFactory()
    SpecificationFactory(bank=made, approved=True, criteria=ASKED)
    consent_form()
    tank(code="Q1", quarantine=True)
    return made


class Desk:
    """One person's browser."""

    def __init__(self, page: Page, look: Callable[[Page], None]) -> None:
        self.page, self.look = page, look

    def open(self, unit: CordBloodUnit) -> Desk:
        self.page.goto(f"/units/{unit.pk}/")
        return self

    def act(self, action: str, **fields: str) -> None:
        """One of the passport's actions; fields by their names, choices by their labels."""
        fold = self.page.locator("details.fold").filter(has=self.page.get_by_text(action, exact=True).first)
        fold.locator("summary").click()
        for name, value in fields.items():
            _fill(fold.locator(f"[name={name}]"), value)
        fold.get_by_role("button", name=action, exact=True).click()

    def told(self, text: str) -> None:
        expect(self.page.get_by_text(text)).to_be_visible()


def _fill(field: Locator, value: str) -> None:
    if field.evaluate("field => field.tagName") == "SELECT":
        field.select_option(label=value)
    else:
        field.fill(value)


def hours_ago(hours: float) -> str:
    return f"{timezone.localtime() - dt.timedelta(hours=hours):%Y-%m-%dT%H:%M}"


def test_from_the_kit_to_a_search_that_finds_the_unit(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    bank: Bank,
    hospital: Hospital,
    own_inventory: None,
) -> None:
    def at_work(role: Role, **how: Any) -> Desk:
        user: User = UserFactory(roles=[role])
        return Desk(page_in(user=user, **how), assert_accessible)

    unit = give_out_and_collect(at_work(Role.COLLECTION, width=390))
    lab = at_work(Role.LAB)
    bring_in(lab, unit)
    enter_results(lab, unit)
    decide_on_the_donor(at_work(Role.MEDICAL_DIRECTOR), unit)
    verify(at_work(Role.LAB), unit)
    release(at_work(Role.QA), unit)

    unit.refresh_from_db()
    assert (unit.status, unit.tnc_e7, unit.blood_group) == ("LISTED", 131, "A+")
    found = searched_run(typed_patient(hospital=hospital))
    seen = Desk(page_in(user=UserFactory(roles=[Role.SEARCH_COORDINATOR])), assert_accessible)
    seen.page.goto(f"/requests/searches/{found.pk}/?show=all")
    expect(seen.page.get_by_role("link", name=DIN)).to_be_visible()


def give_out_and_collect(desk: Desk) -> CordBloodUnit:
    page, today = desk.page, timezone.localdate().isoformat()
    page.goto("/units/")
    page.get_by_role("link", name="Intake").click()
    desk.look(page)
    for name, value in {"din": DIN, "bag_id": "BAG-77", "consented_on": today}.items():
        page.locator(f"[name={name}]").fill(value)
    for purpose in ConsentPurpose:
        page.locator(f"[name=consent_{purpose}][value=yes]").check()
    page.get_by_role("button", name="Give out the kit").click()
    desk.told("is given out.")
    desk.act(
        "Record the collection",
        bag_id="bag-77",
        born_at=hours_ago(30),
        collected_at=hours_ago(29.8),
        sex="Female",
    )
    desk.told("The collection is recorded.")
    desk.look(page)
    return CordBloodUnit.objects.get()


def bring_in(desk: Desk, unit: CordBloodUnit) -> None:
    desk.open(unit)
    desk.act("Record the arrival", received_at=hours_ago(10), temperature_min_c="16", temperature_max_c="22")
    desk.told("The arrival is recorded.")
    desk.act("Begin the processing", started_at=hours_ago(8), processing_method="Sepax", kit_lot="S-1")
    desk.told("The processing has begun")
    for analyte, value in COUNTS.items():
        desk.act("Record a measurement", time_point="After processing", analyte=analyte, value=value)
        desk.told("a second person verifies it")
    page = desk.page
    page.goto("/storage/scan/")
    page.keyboard.type(f"{DIN}\n")
    expect(page.get_by_role("heading", name="In hand")).to_be_visible()
    page.keyboard.type("Q1-R1-C1-01\n")
    desk.told("lies in Q1-R1-C1-01 now.")
    desk.open(unit).act("Frozen: into quarantine", frozen_at=hours_ago(2), segments="3")
    desk.told("waits in quarantine for its release")
    desk.look(page)


def enter_results(desk: Desk, unit: CordBloodUnit) -> None:
    page, today = desk.page, timezone.localdate().isoformat()
    desk.open(unit).act("Record a culture", kind="Fungal culture", result="No growth", tested_on=today)
    desk.told("The result is recorded")
    desk.act("Record the blood group", abo="A", rh="positive", tested_on=today)
    desk.told("The result is recorded")
    page.get_by_role("link", name="Record markers").click()
    desk.look(page)
    page.get_by_label("Mother").check()
    page.get_by_label("Tested on").fill(today)
    page.get_by_label("Result of HBsAg").select_option("Negative")
    page.get_by_label("Kit lot of HBsAg").fill("H-9")
    page.get_by_role("button", name="Save results").click()
    desk.told("The results are recorded")
    page.get_by_role("link", name="Record a typing").click()
    for locus, values in TYPING.items():
        for place, value in enumerate(values, start=1):
            page.locator(f"[name=hla_{locus}_{place}]").fill(value)
    desk.look(page)
    page.get_by_role("button", name="Save typing").click()
    desk.told("The typing is recorded")


def decide_on_the_donor(desk: Desk, unit: CordBloodUnit) -> None:
    desk.open(unit).act("Decide on the donor", decision="Eligible", questionnaire="Q3")
    desk.told("The decision is recorded")


def verify(desk: Desk, unit: CordBloodUnit) -> None:
    desk.open(unit)
    desk.act("Verify results", reason="read against the reports")
    desk.told("The results are verified.")


def release(desk: Desk, unit: CordBloodUnit) -> None:
    page = desk.page
    page.goto("/units/")
    page.get_by_role("link", name="Release desk").click()
    desk.look(page)
    expect(page.get_by_role("row").filter(has_text=DIN)).to_contain_text("ready")
    page.get_by_role("link", name=DIN).click()
    desk.told("Everything is met.")
    desk.look(page)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Release and list").click()
    desk.told("The unit is released and listed")
    expect(page.get_by_text("Listed", exact=True).first).to_be_visible()
    desk.look(page)
