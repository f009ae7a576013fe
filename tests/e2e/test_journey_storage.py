"""A unit moved on the map by mouse, by keyboard and by scanner."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bank.models import CordBloodUnit, Slot
from bank.services_storage import unit_place
from core.models import User
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.storage import SYSTEM, slot, tank


@pytest.fixture
def lab(transactional_db: None) -> User:
    return UserFactory(roles=[Role.LAB], full_name="Wang Fang")


@pytest.fixture
def unit(lab: User) -> CordBloodUnit:
    tank(racks=3, canisters=4, slots=8)
    made: CordBloodUnit = UnitFactory(unit_no="CB1", din="G123498654321")
    unit_place(unit_id=made.pk, slot_id=slot(1).pk, actor=SYSTEM)
    return made


def where(unit: CordBloodUnit) -> str:
    return Slot.objects.with_place().get(unit=unit).place


def test_a_unit_is_moved_by_mouse(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], lab: User, unit: CordBloodUnit
) -> None:
    page = page_in(user=lab)
    page.goto("/units/")
    page.get_by_role("link", name="Storage").click()
    assert_accessible(page)
    page.get_by_role("link", name="T1").first.click()
    assert_accessible(page)
    page.get_by_role("link", name="C1").first.click()
    assert_accessible(page)

    slots = page.get_by_role("listitem")
    here = slots.filter(has=page.get_by_role("radio", name="move G1234"))
    here.drag_to(slots.filter(has=page.get_by_role("radio", name="free T1-R1-C1-06")))

    expect(page.get_by_text("lies in T1-R1-C1-06 now.")).to_be_visible()
    assert where(unit) == "T1-R1-C1-06"

    # the same by choosing: two clicks and the button
    page.locator(".slot.taken .no").click()
    page.locator(".slot.free .no").first.click()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("lies in T1-R1-C1-01 now.")).to_be_visible()
    assert where(unit) == "T1-R1-C1-01"


def test_a_unit_is_moved_by_keyboard(page_in: Callable[..., Page], lab: User, unit: CordBloodUnit) -> None:
    page = page_in(user=lab)
    page.goto(f"/storage/canisters/{slot().canister_id}/")

    page.get_by_role("radio", name="move G1234").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.get_by_role("radio", name="free T1-R1-C1-02").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")  # the next free place
    page.get_by_role("button", name="Move", exact=True).focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("lies in T1-R1-C1-03 now.")).to_be_visible()
    assert where(unit) == "T1-R1-C1-03"


def test_a_place_that_was_taken_meanwhile_is_told(
    page_in: Callable[..., Page], lab: User, unit: CordBloodUnit
) -> None:
    """Dragged onto a place that looked free: nothing moves, and the page says who lies there."""
    page = page_in(user=lab, expected_status=409)
    page.goto(f"/storage/canisters/{slot().canister_id}/")
    unit_place(unit_id=UnitFactory(unit_no="CB2").pk, slot_id=slot(6).pk, actor=SYSTEM)

    slots = page.get_by_role("listitem")
    here = slots.filter(has=page.get_by_role("radio", name="move G1234"))
    here.drag_to(slots.filter(has=page.get_by_role("radio", name="free T1-R1-C1-06")))

    expect(page.get_by_role("alert")).to_contain_text("T1-R1-C1-06 is taken by CB2")
    assert where(unit) == "T1-R1-C1-01"


def test_a_unit_is_moved_by_scan(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], lab: User, unit: CordBloodUnit
) -> None:
    page = page_in(user=lab, width=390, expected_status=409)
    page.goto("/storage/scan/")
    assert_accessible(page)

    # a scanner types and ends with Enter; nobody touches the mouse
    page.keyboard.type("=G12349865432177\n")
    expect(page.get_by_role("heading", name="In hand")).to_be_visible()
    assert_accessible(page)
    page.keyboard.type("T1-R2-C3-05\n")
    expect(page.get_by_text("lies in T1-R2-C3-05 now.")).to_be_visible()
    assert where(unit) == "T1-R2-C3-05"

    other = UnitFactory(unit_no="CB2")
    page.keyboard.type("cb2\n")
    expect(page.get_by_role("heading", name="In hand")).to_be_visible()
    page.keyboard.type("T1-R2-C3-05\n")
    expect(page.get_by_role("alert")).to_contain_text("T1-R2-C3-05 is taken by")
    assert_accessible(page)
    page.keyboard.type("T1-R2-C3-06\n")
    expect(page.get_by_text("CB2 lies in T1-R2-C3-06 now.")).to_be_visible()
    assert where(other) == "T1-R2-C3-06"


def test_it_needs_no_script(page_in: Callable[..., Page], lab: User, unit: CordBloodUnit) -> None:
    page = page_in(user=lab, java_script_enabled=False)
    page.goto(f"/storage/canisters/{slot().canister_id}/")
    page.locator(".slot.taken input").check()
    page.locator(".slot.free input").nth(2).check()
    page.get_by_role("button", name="Move", exact=True).click()

    expect(page.get_by_text("lies in T1-R1-C1-04 now.")).to_be_visible()
    assert where(unit) == "T1-R1-C1-04"
