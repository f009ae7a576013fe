"""From a scan to a printed label: what a scanner types, what is said of a slip, the file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bank.models import CordBloodUnit, ProductCode
from core.roles import Role
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import UserFactory

DIN = "G123498654321"
PAGES = (
    "/units/labels/?units=U-1,U-2,U-BAD,nonsense",
    "/units/labels/places/",
    "/units/product-codes/",
    "/units/banks/",
    "/find/?q=G123498654321J",
)


@pytest.fixture
def unit(transactional_db: None) -> CordBloodUnit:
    bank = BankFactory(country="DE", emdis_hub="DE", tissue_establishment_code="001234")
    ProductCode.objects.create(code="S9999", description="Made-up product, <= -150 °C", version="1")
    UnitFactory(bank=bank, unit_no="U-2")
    UnitFactory(bank=bank, unit_no="U-BAD", consent_withdrawn=True)
    unit: CordBloodUnit = UnitFactory(bank=bank, unit_no="U-1", din=DIN, product_code="S9999000")
    return unit


def test_a_slip_is_told_and_a_scan_opens_the_unit(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], unit: CordBloodUnit
) -> None:
    page = page_in(user=UserFactory(roles=[Role.QA]))
    box = page.get_by_role("searchbox").first

    box.fill("G1234 98 654321 J")
    box.press("Enter")
    expect(page.get_by_text("The check character of G123498654321 is H, not J.")).to_be_visible()
    assert_accessible(page)

    box.fill("=+02000=G12349865432100=<S9999000")  # a scanner ends with Enter
    box.press("Enter")
    expect(page.locator("h1")).to_contain_text("G1234 98 654321")
    expect(page.get_by_text("DE001234G123498654321 A00S999900000000000")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("script", [True, False])
def test_labels_are_made_again_and_again(
    page_in: Callable[..., Page], unit: CordBloodUnit, script: bool
) -> None:
    page = page_in(user=UserFactory(roles=[Role.SHIPPING]), java_script_enabled=script)
    page.goto(f"/units/{unit.pk}/")
    page.get_by_role("link", name="Labels").click()

    for count in (1, 2):
        page.get_by_label("Labels of each unit").fill(str(count))
        with page.expect_response("**/units/labels/print/") as answer:
            page.get_by_role("button", name="Make the labels").click()
        assert answer.value.headers["content-type"] == "application/pdf"
        page.goto(f"/units/labels/?units={unit.pk}")

    page.goto(f"/units/{unit.pk}/")
    expect(page.get_by_text("Unit label × 2")).to_be_visible()


@pytest.mark.parametrize(("lang", "width"), [("en", 390), ("zh-hans", 1440)])
def test_the_pages_are_accessible_and_fit(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    unit: CordBloodUnit,
    lang: str,
    width: int,
) -> None:
    page = page_in(user=UserFactory(roles=[Role.QA]), lang=lang, width=width)

    for address in PAGES:
        page.goto(address)
        assert_accessible(page)
