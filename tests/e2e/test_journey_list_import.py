"""Quality assurance takes a list of earlier transplants over: an error is shown and left out, the rest is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory
from tests.transplants.lists import csv_of, row
from transplants.models import Outcome

WORDS = {
    "en": {
        "check": "Check the file",
        "file": "File",
        "wrong": "is not one of: alive, dead, lost",
        "leave": "Leave out the rows with errors",
        "take": "Take over 1 transplant",
        "done": "1 transplant is new or changed.",
        "columns": "What the columns mean",
        "again": "Check with these columns",
        "name": "Name of the list",
    },
    "zh-hans": {
        "check": "检查文件",
        "file": "文件",
        "wrong": "alive, dead, lost",
        "leave": "略去有错误的行",
        "take": "接收 1 例移植",
        "done": "1 例移植为新增或有更改",
        "columns": "各列的含义",
        "again": "按这些列检查",
        "name": "清单名称",
    },
}


@pytest.mark.parametrize(("lang", "width"), [("en", 1440), ("zh-hans", 390)])
def test_a_list_is_chosen_mapped_checked_and_taken_over(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    transactional_db: Any,
    settings: Any,
    tmp_path: Path,
    lang: str,
    width: int,
) -> None:
    words = WORDS[lang]
    settings.MEDIA_ROOT = tmp_path
    HospitalFactory(code="H001")
    page = page_in(lang=lang, width=width, user=UserFactory(roles=[Role.QA]))
    rows = [row(), row(patient="P-2", unit_1="", status="1")]
    strange = [
        {("移植日期" if name == "infused_on" else name): value for name, value in one.items()} for one in rows
    ]

    page.goto("/".join(page.url.split("/")[:3]) + "/outcomes/import/")
    assert_accessible(page)
    page.get_by_label(words["name"]).fill("Register 2015")
    page.get_by_label(words["file"], exact=True).set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": csv_of(*strange)}
    )
    page.get_by_role("button", name=words["check"]).click()

    expect(page.get_by_text(words["columns"], exact=True)).to_be_visible()
    expect(page.get_by_label("移植日期")).to_have_value("infused_on")
    assert_accessible(page)
    page.get_by_role("button", name=words["again"]).click()

    expect(page.get_by_text(words["wrong"])).to_be_visible()
    assert_accessible(page)
    page.get_by_label(words["leave"]).check()
    page.get_by_role("button", name=words["take"]).click()

    expect(page.get_by_text(words["done"])).to_be_visible()
    assert_accessible(page)
    assert Outcome.objects.get().is_dead
