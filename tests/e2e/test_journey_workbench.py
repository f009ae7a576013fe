"""The typing workbench in a browser: interpreted while one types, compared, shared; and all of it without script."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from core.roles import Role
from tests.factories.core import UserFactory

PATIENT = "A*02:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"
UNIT = "A*02:06+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"


def open_workbench(page: Page) -> None:
    page.get_by_role("link", name="Workbench").first.click()
    expect(page.get_by_role("heading", name="Typing workbench")).to_be_visible()


def test_a_typing_is_interpreted_while_it_is_typed_and_two_are_compared(
    page_in: Callable[..., Page], assert_accessible: Callable[[Page], None], transactional_db: None
) -> None:
    page = page_in(user=UserFactory(roles=[Role.LAB]))
    open_workbench(page)
    assert_accessible(page)

    box = page.get_by_role("textbox", name="Typing")
    box.press_sequentially("A*02:01+A*02:1", delay=5)
    expect(page.locator("mark")).to_have_text("A*02:1")
    expect(page.get_by_text("A*02:1 is not a typing of HLA-A.")).to_be_visible()
    expect(box).to_be_focused()

    box.fill("A*02:01+A*24:02^A1+A24")
    expect(page.get_by_role("cell", name="A*24:02 allele")).to_be_visible()
    expect(page.get_by_text("The antigens A1+A24 contradict the DNA typing")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="2 values are read")).to_be_attached()
    expect(page).to_have_url(re.compile(r"typing=A%2A02%3A01"))
    assert_accessible(page)

    page.reload()
    expect(box).to_have_value("A*02:01+A*24:02^A1+A24")
    expect(page.get_by_role("cell", name="A*24:02 allele")).to_be_visible()

    page.get_by_role("link", name="Compare").click()
    page.get_by_role("textbox", name="Patient").fill(PATIENT)
    page.get_by_role("textbox", name="Unit").fill(UNIT)
    expect(page.get_by_text("Different alleles of the antigen A2.").first).to_be_visible()
    expect(page.get_by_role("img", name="antigen match, allele mismatch").first).to_be_visible()
    expect(page.get_by_text("5/6")).not_to_have_count(0)
    assert_accessible(page)

    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("heading", name="分型工作台")).to_be_visible()
    expect(page.get_by_role("textbox", name="脐带血")).to_have_value(UNIT)
    expect(page.get_by_text("同为抗原 A2，等位基因不同。").first).to_be_visible()
    assert_accessible(page)


def test_the_same_without_script_on_a_telephone(page_in: Callable[..., Page], transactional_db: None) -> None:
    page = page_in(user=UserFactory(roles=[Role.HOSPITAL_PHYSICIAN]), width=390, java_script_enabled=False)
    page.locator("summary[aria-label=Menu]").click()
    page.locator("details[open]").get_by_role("link", name="Workbench").click()

    page.get_by_role("textbox", name="Typing").fill("B60+B46\nA*02:1")
    page.get_by_role("button", name="Interpret").click()

    expect(page).to_have_url(re.compile(r"\?typing=B60"))
    expect(page.get_by_text("B60 antigen")).to_be_visible()
    expect(page.locator("mark")).to_have_text("A*02:1")

    page.get_by_role("link", name="Compare").click()
    page.get_by_role("textbox", name="Patient").fill(PATIENT.replace("^", "\n"))
    page.get_by_role("textbox", name="Unit").fill(UNIT)
    page.get_by_label("Two splits of one broad antigen").select_option("are a match")
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_text("Different alleles of the antigen A2.").first).to_be_visible()
    expect(page.get_by_text("splits of one broad match")).to_be_visible()
    expect(page.get_by_role("textbox", name="Patient")).to_have_value(PATIENT.replace("^", "\n"))

    page.get_by_role("link", name="Serology against DNA").click()
    expect(page.get_by_text("Both have the antigen B46.").first).to_be_visible()
