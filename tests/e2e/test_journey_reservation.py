"""Hospital and bank side by side: a unit is asked for, confirmed, waited for, extended, let go, and passes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bank.models import CordBloodUnit
from core.roles import Role
from hospitals.models import Hospital
from matching.models import SearchRun
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from transplants.models import Reservation
from transplants.services_sweep import reservations_sweep

WORDS = {
    "en": {
        "reserve": "Reserve this unit",
        "send": "Reserve",
        "sent": "was sent to the bank",
        "confirm": "Confirm the reservation",
        "left": "30 days left",
        "wait": "Wait for this unit",
        "line": "Stand in line",
        "let_go": "Let go of it",
        "reason": "Reason",
        "cancel": "Cancel the reservation",
        "ended": "has ended already",
    },
    "zh-hans": {
        "reserve": "预留此份",
        "send": "预留",
        "sent": "已发送至脐血库",
        "confirm": "确认预留",
        "left": "还剩 30 天",
        "wait": "等候此份",
        "line": "排队等候",
        "let_go": "放弃",
        "reason": "原因",
        "cancel": "取消预留",
        "ended": "已结束",
    },
}


def listed(hospital: Hospital, unit: CordBloodUnit) -> tuple[SearchRun, str]:
    run = stored_run([unit], request__patient=typed_patient(hospital=hospital))
    return run, f"/requests/searches/{run.pk}/units/{unit.pk}/"


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_unit_is_asked_for_and_passes_on(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    hospital: Hospital,
    transactional_db: None,
    lang: str,
) -> None:
    say, unit = WORDS[lang], ListedUnitFactory()
    other = HospitalFactory()
    _run, address = listed(hospital, unit)
    _other_run, other_address = listed(other, unit)
    ours = page_in(user=member_of(hospital), lang=lang, width=390)
    theirs = page_in(user=member_of(other), lang=lang)
    bank = page_in(user=UserFactory(roles=[Role.SEARCH_COORDINATOR]), lang=lang, expected_status=409)

    ask(ours, address, say["reserve"], say["send"])
    expect(ours.get_by_text(say["sent"])).to_be_visible()
    assert_accessible(ours)
    row = Reservation.objects.get()
    stale = f"/reservations/{row.pk}/"
    bank.goto(stale)
    assert_accessible(bank)
    bank.get_by_role("button", name=say["confirm"]).click()
    expect(bank.get_by_text(say["left"])).to_be_visible()
    ours.reload()
    expect(ours.get_by_text(say["left"])).to_be_visible()

    ask(theirs, other_address, say["wait"], say["line"])
    assert row.number not in theirs.content()
    bank.goto(stale)  # open at the bank while the hospital lets go of it
    let_go(ours, say)
    let_go(bank, say)
    expect(bank.get_by_text(say["ended"]).first).to_be_visible()

    reservations_sweep()
    waiting = Reservation.objects.exclude(pk=row.pk).get()
    bank.goto(f"/reservations/{waiting.pk}/")
    bank.get_by_role("button", name=say["confirm"]).click()
    theirs.reload()
    expect(theirs.get_by_text(say["left"])).to_be_visible()
    ours.go_back()  # the back button after all that: a page, and no second promise
    assert Reservation.objects.active().filter(unit=unit).count() == 1


def ask(page: Page, address: str, link: str, button: str) -> None:
    page.goto(address)
    page.get_by_role("link", name=link, exact=True).click()
    page.get_by_role("button", name=button, exact=True).dblclick()
    page.wait_for_url("**/reservations/**-**/")


def let_go(page: Page, say: dict[str, Any]) -> None:
    fold = page.locator("details.fold").filter(
        has=page.get_by_role("button", name=say["cancel"], include_hidden=True)
    )
    fold.locator("summary").click()
    fold.get_by_label(say["reason"]).fill("-")
    fold.get_by_role("button", name=say["cancel"]).click()
