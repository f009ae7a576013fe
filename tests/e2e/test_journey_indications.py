"""A patient of each indication, from the request to the signed report on paper, in both languages."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext, pgettext
from playwright.sync_api import Page, expect

from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from matching import services
from matching.models import ReportSignature, SearchRun
from tests.factories.core import PASSWORD
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.match_list_pages import FIVE
from tests.matching.report_pages import Reading, pages_of, text_of

pytestmark = pytest.mark.usefixtures("own_inventory")

THREE = "A*11:01+A*30:01^B*15:01+B*13:01^C*01:02+C*07:02^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01"
FRAME = ("Match report", "Signatures", "Hospital physician", "Antigen class", "Selection policy", "Page 1", "Made at",
         "What was not evaluated", "I have reviewed", "Units chosen")  # fmt: skip
REMARK = "先做确认分型。 Segment first."


@dataclass(frozen=True)
class Case:
    """policy: its name in English; is_proposed: without being asked for; listed, excluded: units by their numbers."""

    policy: str
    patient: dict[str, Any]
    floor: str
    listed: tuple[str, ...]
    excluded: tuple[str, ...]
    chosen: tuple[str, ...]
    is_proposed: bool = True
    of_both: str = ""
    why_excluded: str = "TNC too low"


CASES = {
    "malignant": Case(
        "Malignant disease, single unit",
        {"diagnosis": "aml", "birth_date": datetime.date(1990, 1, 1), "weight_kg": 50},
        floor="3", listed=("BIG", "GOOD"), excluded=("SMALL", "FAR"), chosen=("BIG",),
    ),
    "non-malignant": Case(
        "Non-malignant disease, single unit",
        {"diagnosis": "saa", "birth_date": datetime.date(2022, 1, 1), "weight_kg": 33},
        floor="4", listed=("BIG",), excluded=("SMALL", "GOOD"), chosen=("BIG",),
    ),
    "children": Case(
        "Children",
        {"diagnosis": "all", "birth_date": datetime.date(2016, 1, 1), "weight_kg": 45},
        floor="3", listed=("BIG", "GOOD"), excluded=("SMALL", "FAR"), chosen=("GOOD",),
    ),
    "double": Case(
        "Two units",
        {"diagnosis": "aml", "birth_date": datetime.date(1980, 1, 1), "weight_kg": 80},
        floor="3", listed=("BIG", "GOOD"), excluded=("FAR",), chosen=("BIG", "GOOD"),
        is_proposed=False, of_both="4.5", why_excluded="antigen class",
    ),
}  # fmt: skip


@pytest.fixture
def hospital(transactional_db: None) -> Hospital:
    hospital: Hospital = HospitalFactory(name="Children's Hospital")
    with transaction.atomic():
        ListedUnitFactory(unit_no="BIG", tnc_e7=200, cd34_e6=12)
        ListedUnitFactory(unit_no="GOOD", gl=FIVE, tnc_e7=160, cd34_e6=9)
        ListedUnitFactory(unit_no="SMALL", tnc_e7=95, cd34_e6=8)
        ListedUnitFactory(unit_no="FAR", gl=THREE, tnc_e7=170, cd34_e6=9)
    return hospital


class Walk:
    """What people do on the pages, by the words of their language."""

    def __init__(self, page: Page, lang: str, look: Callable[[Page], None]) -> None:
        self.page, self.lang, self.look = page, lang, look

    def words(self, text: str, context: str = "") -> str:
        with translation.override(self.lang):
            return pgettext(context, text) if context else gettext(text)

    def link(self, text: str) -> Any:
        return self.page.get_by_role("link", name=self.words(text), exact=True)

    def click(self, role: Any, text: str, context: str = "") -> None:
        self.page.get_by_role(role, name=self.words(text, context), exact=True).first.click()

    def ask(self, case: Case) -> None:
        """From the patient's page to a submitted request, by the policy of the indication."""
        self.link("New match request").first.click()
        policy = self.page.get_by_label(self.words("Selection policy"))
        name = re.compile("^" + re.escape(f"{self.words(case.policy)} v1"))
        if case.is_proposed:
            expect(policy.locator("option:checked")).to_have_text(name)
        else:
            policy.select_option(label=f"{self.words(case.policy)} v1")
            self.click("button", "Take over its floors and dose")
        expect(self.page.get_by_label(self.words("Antigen class, of 6"))).to_have_value(case.floor)
        self.look(self.page)
        self.click("button", "Search now")
        self.page.wait_for_url(re.compile("/progress/$"))
        self.look(self.page)

    def read_list(self, case: Case) -> None:
        """Eligible units, and those that a rule excludes one click away."""
        self.page.wait_for_url(re.compile(r"/requests/searches/[0-9a-f-]+/$"))
        self.shows(case.listed)
        self.look(self.page)
        self.page.get_by_role("link", name=re.compile("^" + self.words("Excluded by a rule"))).click()
        self.shows(case.excluded)
        expect(
            self.page.locator("table.match").get_by_text(self.words(case.why_excluded)).first
        ).to_be_visible()
        self.look(self.page)
        self.page.get_by_role("link", name=re.compile("^" + self.words("Eligible"))).click()

    def shows(self, units: tuple[str, ...]) -> None:
        rows = self.page.locator("table.match tbody tr")
        expect(rows).to_have_count(len(units))
        for place, unit in enumerate(units):
            expect(rows.nth(place)).to_contain_text(unit)

    def look_closer(self, case: Case) -> None:
        """The page of the best unit with all its rules; beside the next best where there are two."""
        self.page.get_by_role("link", name=self.words("Why rank %(n)s") % {"n": 1}).click()
        self.click("link", "All rules and values")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(case.listed[0])
        expect(self.page.get_by_text(f"{self.words(case.policy)} v1").first).to_be_visible()
        self.look(self.page)
        self.click("link", "Back to the list")
        if len(case.listed) < 2:
            return
        for unit in case.listed[:2]:
            self.page.get_by_label(self.words("Compare %(unit)s") % {"unit": unit}, exact=True).check()
        self.click("button", "Compare")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.words("Units side by side"))
        for unit in case.listed[:2]:
            expect(self.page.get_by_role("columnheader").filter(has_text=unit)).to_be_visible()
        self.look(self.page)
        self.click("link", "Back to the list")

    def pair(self, case: Case) -> None:
        """Double units: both together, and why."""
        self.click("link", "Double units")
        first = self.page.locator("table.grafts tbody").first
        expect(first).to_contain_text(case.of_both)
        for unit in case.chosen:
            expect(first).to_contain_text(unit)
        self.look(self.page)
        first.get_by_text(self.words("Why?")).click()
        expect(self.page.get_by_role("heading", name=self.words("Rules"))).to_be_visible()
        self.look(self.page)
        self.page.go_back()
        self.click("link", "Report")
        expect(self.page.get_by_label(self.words("Best pairs of two units"))).to_have_value("10")
        self.page.go_back()
        self.click("link", "Back to the list")

    def shortlist(self, case: Case) -> None:
        for unit in case.chosen:
            row = self.page.locator("table.match tbody tr").filter(has_text=unit)
            row.get_by_role("button", name=self.words("Shortlist", "verb"), exact=True).click()
            expect(row.get_by_role("link", name=self.words("shortlisted"))).to_be_visible()
        here = self.page.url
        self.page.get_by_role("link", name=self.words("shortlisted")).first.click()
        for unit in case.chosen:
            expect(self.page.get_by_role("heading", name=unit)).to_be_visible()
        self.look(self.page)
        self.page.goto(here)

    def report(self, case: Case) -> str:
        """Made and kept; its address."""
        if case.of_both:
            self.click("link", "Double units")
        self.click("link", "Report")
        language = self.page.get_by_label(self.words("Language of the report"))
        expect(language).to_have_value(self.lang)
        self.look(self.page)
        self.click("button", "Make and keep the report")
        expect(self.page.get_by_text(self.words("Nobody has signed this report yet. A physician of the hospital or the"
            " medical director may."))).to_be_visible()  # fmt: skip
        assert self.page.get_by_label(self.words("Your password")).count() == 0  # coordinators do not sign
        return self.page.url

    def sign(self, case: Case) -> bytes:
        """As a physician; the file with the signature."""
        self.look(self.page)
        self.page.get_by_label(
            self.words("I have reviewed this list and choose the units named."), exact=True
        ).check()
        for unit in case.chosen:
            self.page.get_by_label(re.compile(rf"^\d+\. {unit}( ·|$)")).check()
        self.page.get_by_label(self.words("Remark")).fill(REMARK)
        self.page.get_by_label(self.words("Your password")).fill(PASSWORD)
        self.click("button", "Sign")
        expect(self.page.get_by_text(self.words("The report was signed."))).to_be_visible()
        self.look(self.page)
        with self.page.expect_download() as download:
            self.click("link", "PDF with signatures")
        return Path(download.value.path()).read_bytes()


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
@pytest.mark.parametrize("name", CASES)
def test_from_the_request_to_the_signed_report(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    name: str,
    lang: str,
) -> None:
    case = CASES[name]
    patient = typed_patient(hospital=hospital, **case.patient)
    walk = Walk(page_in(user=coordinator(hospital), lang=lang), lang, assert_accessible)
    walk.page.goto(f"/patients/{patient.pk}/")
    walk.ask(case)
    services.run_execute(job_id=SearchRun.objects.get().job_id)

    walk.read_list(case)
    walk.look_closer(case)
    if case.of_both:
        walk.pair(case)
    walk.shortlist(case)
    address = walk.report(case)

    signing = Walk(page_in(user=physician(hospital), lang=lang), lang, assert_accessible)
    signing.page.goto(address)
    pdf = signing.sign(case)

    assert ReportSignature.objects.get().chosen == list(case.chosen)
    assert_says(walk, case, pdf, patient.code)


def coordinator(hospital: Hospital) -> User:
    return member_of(hospital, full_name="Li Na")


def physician(hospital: Hospital) -> User:
    return member_of(hospital, Role.HOSPITAL_PHYSICIAN, full_name="Wang Fang")


def assert_says(walk: Walk, case: Case, pdf: bytes, patient_code: str) -> None:
    """What stands on the paper, read back out of the file."""
    pages, whole = pages_of(pdf), text_of(pdf)
    for part in (f"{walk.words(case.policy)} v1", patient_code, *case.listed, walk.words("Signatures")):
        assert part in whole
    if case.of_both:
        table = whole.between(walk.words("Best pairs of two units"), walk.words("What was not evaluated"))
        for part in (case.of_both, *case.chosen):
            assert part in table
    sheet: Reading = pages[-1]
    for part in (
        "Wang Fang",
        walk.words("Hospital physician"),
        walk.words("I have reviewed this list and choose the units named."),
        ", ".join(case.chosen),
        REMARK,
    ):
        assert part in sheet
    assert walk.words("Signature sheet, page {page} of {pages}").format(page=1, pages=1) in sheet
    if walk.lang != "en":  # nothing of the frame of the paper is left in the other language
        for english in (f"{case.policy} v1", *FRAME):
            assert english not in whole, english
    numbered = walk.words("Page {page} of {pages}")
    for number, page in enumerate(pages[:-1], start=1):
        assert numbered.format(page=number, pages=len(pages) - 1) in page
