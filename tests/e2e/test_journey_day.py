"""The day of quality assurance: what waits, the desk by state, the yield with its units, the picking list on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bank.models import CordBloodUnit
from bank.services_storage import unit_place
from core.models import User
from core.roles import Role
from tests.bank.release_helpers import clean, counted_unit
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.storage import SYSTEM, slot, tank


@pytest.fixture
def qa(transactional_db: None) -> User:
    return UserFactory(roles=[Role.QA], full_name="Zhao Min")


@pytest.fixture
def ready(qa: User) -> CordBloodUnit:
    """One that somebody else worked on, and one that misses a culture."""
    lab, second = UserFactory(roles=[Role.LAB]), UserFactory(roles=[Role.LAB])
    unit = counted_unit(lab, second)
    unit.measurements.update(value=60)
    clean(unit, second)
    UnitFactory(status="QUARANTINE", bank=unit.bank, unit_no="WAITS")
    tank()
    unit_place(unit_id=unit.pk, slot_id=slot(1).pk, actor=SYSTEM)
    return unit


def test_from_the_day_to_the_desk(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], qa: User, ready: CordBloodUnit
) -> None:
    page = page_in(user=qa)
    page.goto("/")
    page.get_by_role("link", name="Today").first.click()
    assert_accessible(page)
    page.get_by_role("link", name="1 unit is ready to be released").click()
    assert_accessible(page)
    expect(page.get_by_role("row").filter(has_text=ready.public_no)).to_contain_text("ready")

    states = page.get_by_role("navigation", name="State of the checks")
    states.get_by_role("link", name="Something is missing").click()
    expect(page.get_by_role("row").filter(has_text="WAITS")).to_contain_text("Fungal culture")
    expect(page.get_by_role("row").filter(has_text=ready.public_no)).to_have_count(0)


def test_from_the_yield_to_its_units(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], qa: User, ready: CordBloodUnit
) -> None:
    page = page_in(user=qa, width=390)
    page.goto("/units/yield/?year=2020")
    assert_accessible(page)
    page.get_by_role("row").filter(has_text="Banked (frozen)").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Inventory")).to_be_visible()
    assert_accessible(page)
    expect(page.get_by_text("2 units in this selection")).to_be_visible()
    expect(page.get_by_text("Came at least to: Banked (frozen)")).to_be_visible()


def test_the_picking_list_is_made_on_paper(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], qa: User, ready: CordBloodUnit
) -> None:
    page = page_in(user=qa)
    page.goto("/storage/picking/")
    page.get_by_label("Units").fill(f"{ready.unit_no}\nWAITS")
    page.get_by_role("button", name="Show").click()
    assert_accessible(page)
    expect(page.get_by_text("These lie in no place, and are not on the list: WAITS")).to_be_visible()
    with page.expect_download() as told:
        page.get_by_role("button", name="Make the paper (PDF)").click()
    download: Any = told.value
    assert download.suggested_filename == "picking-list.pdf"
