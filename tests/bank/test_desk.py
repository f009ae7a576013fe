"""The release desk by state of the checks and by age."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from bank import desk, today_more
from bank.desk import DeskState
from bank.models import CordBloodUnit
from core.models import User
from tests.bank.release_helpers import CULTURE, TNC, clean
from tests.factories.bank import (
    BankFactory,
    CultureFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.stocks import ProposalFactory

URL = "/units/release/"
WITHDRAWN = {"decided_at": "2024-01-01T00:00Z", "decision_reason": "a slip"}


@pytest.fixture
def asked(db: None) -> Any:
    return SpecificationFactory(bank=BankFactory(), approved=True, criteria=[TNC, CULTURE])


def unit(
    lab: User, qa: User, *, tnc: float | None = 60, culture: str = "no_growth", **more: Any
) -> CordBloodUnit:
    """In quarantine; tnc None, culture "": not recorded."""
    row: CordBloodUnit = UnitFactory(status="QUARANTINE", **more)
    seen = {"verified_by": qa, "verified_at": "2024-01-01T00:00Z"}
    if tnc is not None:
        MeasurementFactory(unit=row, value=tnc, entered_by=lab, **seen)
    if culture:
        CultureFactory(unit=row, kind="fungal", result=culture, entered_by=lab, **seen)
    return row


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({}, DeskState.READY),
        ({"tnc": 40}, DeskState.EXCEPTION),  # may be excepted
        ({"culture": "growth"}, DeskState.FAILED),  # may not
        ({"tnc": 40, "culture": "growth"}, DeskState.FAILED),
        ({"tnc": None}, DeskState.MISSING),
        ({"culture": ""}, DeskState.MISSING),
        ({"tnc": 40, "culture": ""}, DeskState.FAILED),  # a bad result is not waited for
        ({"tnc": None, "culture": "growth"}, DeskState.FAILED),
        ({"recalled": True}, DeskState.BLOCKED),
        ({"recalled": True, "tnc": None}, DeskState.BLOCKED),
    ],
)  # fmt: skip
def test_the_state_of_a_unit(
    asked: Any, lab: User, qa: User, given: dict[str, Any], state: DeskState
) -> None:
    unit(lab, qa, **given)

    found = desk.desk(qa)
    assert [entry.state for entry in found.entries] == [state]
    assert found.counts == {state: 1}


def test_what_is_proposed_to_leave_is_not_ready(asked: Any, lab: User, qa: User) -> None:
    ProposalFactory(unit=unit(lab, qa))
    ProposalFactory(unit=unit(lab, qa), state="withdrawn", proposed_by=qa, **WITHDRAWN, decided_by=qa)

    assert desk.desk(qa).counts == {DeskState.BLOCKED: 1, DeskState.READY: 1}
    [task] = [item for item in today_more.desk_work(qa) if "state=ready" in item.url]
    assert task.count == 1


def test_without_a_specification_a_unit_is_kept_back(lab: User, qa: User) -> None:
    unit(lab, qa)

    assert desk.desk(qa).counts == {DeskState.BLOCKED: 1}


def test_the_page_shows_one_state_oldest_first(asked: Any, lab: User, qa: User, signed_in: Any) -> None:
    now = timezone.now()
    young = unit(lab, qa, status_changed_at=now - dt.timedelta(days=1))
    old = unit(lab, qa, status_changed_at=now - dt.timedelta(days=100))
    unit(lab, qa, tnc=None)

    page = signed_in(qa).get(URL, {"state": "ready"})
    assert [row["unit"].pk for row in page.context["rows"]] == [old.pk, young.pk]
    counts = {tab["label"]: tab["count"] for tab in page.context["states"]}
    assert counts["All"] == 3
    assert {str(label): n for label, n in counts.items()}["Ready to be signed"] == 2
    assert [tab["count"] for tab in page.context["ages"]] == [3, 2, 0, 0, 1, 0]

    page = signed_in(qa).get(URL, {"state": "ready", "age": "365"})
    assert [row["unit"].pk for row in page.context["rows"]] == [old.pk]
    assert "state=ready" in page.context["ages"][0]["url"]


def test_who_entered_a_result_is_not_asked_to_sign(asked: Any, lab: User, qa: User, signed_in: Any) -> None:
    mine, others = unit(qa, lab), unit(lab, qa)

    page = signed_in(qa).get(URL, {"state": "ready", "sign": "mine"})
    assert [row["unit"].pk for row in page.context["rows"]] == [others.pk]
    page = signed_in(qa).get(URL, {"state": "ready"})
    assert {row["unit"].pk for row in page.context["rows"]} == {mine.pk, others.pk}


@pytest.mark.parametrize(
    "query", [{"state": "x"}, {"age": "-1"}, {"state": "ready", "page": "99"}, {"sign": "mine"}]
)
def test_senseless_filters_show_a_list(asked: Any, lab: User, qa: User, signed_in: Any, query: Any) -> None:
    unit(lab, qa)

    assert len(signed_in(qa).get(URL, query).context["rows"]) == 1


def test_the_states_are_read_of_the_oldest(
    asked: Any, lab: User, qa: User, signed_in: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(desk, "MOST_JUDGED", 2)
    monkeypatch.setattr(desk.desk, "__kwdefaults__", {"most": 2})
    days = [unit(lab, qa, status_changed_at=timezone.now() - dt.timedelta(days=n)).pk for n in (1, 2, 3)]

    page = signed_in(qa).get(URL)
    assert [row["unit"].pk for row in page.context["rows"]] == days[::-1]
    assert {row["state"]["text"] for row in page.context["rows"]} == {"ready"}
    assert "counted for the 2 units that wait longest" in page.content.decode()
    assert len(signed_in(qa).get(URL, {"state": "ready"}).context["rows"]) == 2


def test_a_state_follows_the_results(asked: Any, lab: User, qa: User) -> None:
    row = unit(lab, qa, culture="")
    assert desk.desk(qa).counts == {DeskState.MISSING: 1}

    clean(row, qa)
    assert desk.desk(qa).counts == {DeskState.READY: 1}


@pytest.mark.parametrize("many", [1, 20])
def test_the_desk_has_a_fixed_number_of_queries(
    asked: Any, lab: User, qa: User, signed_in: Any, many: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(many):
        unit(lab, qa)
    client = signed_in(qa)
    client.get(URL)
    with django_assert_max_num_queries(26):
        client.get(URL, {"state": "ready"})
