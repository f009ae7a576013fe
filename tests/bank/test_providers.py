"""The global search box and *my work*."""

from __future__ import annotations

from typing import Any

import pytest

from bank.models import CordBloodUnit
from bank.providers import find_units, work_items
from core.models import User
from tests.factories.bank import BankFactory, UnitFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["=G12349865432177", "G1234 98 654321 H", "g123498654321h", "u1"])
def test_a_whole_number_is_exact(qa: User, text: str) -> None:
    unit = UnitFactory(unit_no="U1", din="G123498654321")
    UnitFactory(unit_no="U12")

    hits = find_units(qa, text)

    assert [(hit.label, hit.exact) for hit in hits] == [("G1234 98 654321 H", True)]
    assert hits[0].url == f"/units/{unit.pk}/"


def test_a_part_of_a_number_gives_a_few(qa: User) -> None:
    for number in range(15):
        UnitFactory(unit_no=f"QX-{number:02d}")

    hits = find_units(qa, "qx")

    assert len(hits) == 10
    assert not any(hit.exact for hit in hits)


def test_a_wrong_check_character_opens_nothing_by_itself(qa: User) -> None:
    UnitFactory(din="G123498654321")

    assert [hit.exact for hit in find_units(qa, "G123498654321J")] == [False]


def test_the_same_number_in_two_banks_is_not_exact(qa: User) -> None:
    UnitFactory(unit_no="U1")
    UnitFactory(unit_no="U1", bank=BankFactory(code="ZZ"))

    assert [hit.exact for hit in find_units(qa, "U1")] == [False, False]


def test_hospitals_find_listed_units_only(coordinator: User) -> None:
    UnitFactory(unit_no="U1", on_hold=True)

    assert find_units(coordinator, "U1") == []


def test_scanning_a_label_opens_the_unit(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(din="G123498654321")

    response = signed_in(qa).get("/find/", {"q": "=G12349865432177"})

    assert response.status_code == 302
    assert response["Location"] == f"/units/{unit.pk}/"


def test_units_to_confirm_wait_for_who_may_confirm(qa: User, lab: User) -> None:
    assert work_items(qa) == []
    UnitFactory.create_batch(2, waiting=True)

    items = work_items(qa)
    assert [(item.title, item.count) for item in items] == [("2 units wait for confirmation", 2)]
    assert CordBloodUnit.objects.to_confirm().count() == 2
    assert work_items(lab) == []
