"""From the reminder to the form that is handed in, in both languages; counts from a table; a correction."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from core.models import Notification, User
from hospitals.models import Hospital
from tests.e2e.browser import accessibility_findings, glyph_findings, width_findings
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.outcomes import alive, day, handed_in, transplanted
from transplants.models import BloodCount, FollowUp, Outcome, Transplant
from transplants.services_reminders import follow_up_sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WORDS = {
    "en": {"in": "Hand in", "draft": "Save as draft", "preview": "Show a preview"},
    "zh-hans": {"in": "提交", "draft": "保存为草稿", "preview": "显示预览"},
}
COUNTS = "day;anc;platelets;transfused\n5;0,1;12;yes\n17;0,5;18;\n18;0,6;22;\n19;0,9;25;\n20;1,4;31;\n"


def look(page: Any, name: str) -> None:
    """Accessible, nothing too wide, every character drawn."""
    if folder := os.environ.get("QIDAI_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
    assert accessibility_findings(page) + width_findings(page) + glyph_findings(page) == []


@pytest.fixture
def row(hospital: Hospital) -> Transplant:
    made = transplanted(420, patient=PatientFactory(hospital=hospital), karnofsky=90)
    handed_in(
        made, "d100",
        **alive(made, "d100", acute="yes", acute_on=day(made, 31),
                acute_organs={"skin_percent": "30", "bilirubin": "1.1", "stool_ml": "300", "upper_gut": "no"}),
    )  # fmt: skip
    return made


@pytest.fixture
def person(hospital: Hospital) -> User:
    return member_of(hospital, full_name="He Lan")


@pytest.mark.parametrize(("lang", "width"), [("en", 1440), ("zh-hans", 390)])
def test_from_the_reminder_to_the_form(
    row: Transplant, person: User, page_in: Any, lang: str, width: int
) -> None:
    words = WORDS[lang]
    follow_up_sweep()
    assert Notification.objects.filter(user=person, code="follow_up.overdue").count() == 1
    page = page_in(user=person, lang=lang, width=width, expected_status=400)

    page.goto("/follow-up/?state=overdue")
    look(page, f"list-{width}")
    page.get_by_role("row").filter(has_text=row.number).get_by_role("link").nth(1).click()
    page.wait_for_url("**/follow-up/y1/")
    look(page, f"form-{width}")
    page.locator("#id_contact").select_option("alive")
    page.locator("#id_contact_on").fill(f"{day(row, 300)}")
    page.get_by_role("button", name=words["in"], exact=True).click()
    page.locator("#id_contact_on_error").wait_for()
    look(page, f"refused-{width}")
    page.locator("#id_contact_on").fill(f"{day(row, 380)}")
    page.locator("#id_relapse").select_option("no")
    page.get_by_role("button", name=words["draft"]).click()
    page.wait_for_url("**/transplants/**")
    page.goto(f"/transplants/{row.pk}/follow-up/y1/")
    page.get_by_role("button", name=words["in"], exact=True).click()
    page.wait_for_url("**/transplants/**")
    look(page, f"transplant-{width}")

    form = FollowUp.objects.get(transplant=row, visit="y1")
    assert (form.state, form.relapse, form.acute) == ("final", "no", "yes")
    page.goto(f"/follow-up/{form.pk}/")
    look(page, f"detail-{width}")
    page.goto(f"/transplants/{row.pk}/facts/")
    look(page, f"facts-{width}")


@pytest.mark.parametrize(("lang", "width"), [("en", 1440), ("zh-hans", 390)])
def test_counts_from_a_table(row: Transplant, person: User, page_in: Any, lang: str, width: int) -> None:
    words = WORDS[lang]
    page = page_in(user=person, lang=lang, width=width, expected_status=400)

    page.goto(f"/transplants/{row.pk}/counts/")
    page.locator("#id_text").fill(COUNTS)
    page.get_by_role("button", name=words["preview"]).click()
    page.locator("#preview").wait_for()
    look(page, f"preview-{width}")
    assert not BloodCount.objects.exists()
    page.locator("button[name=take]").click()
    page.locator("table").wait_for()
    look(page, f"counts-{width}")

    assert BloodCount.objects.filter(transplant=row, source="file").count() == 5
    assert Outcome.objects.get(pk=row.pk).days_to_neutrophils == 17
