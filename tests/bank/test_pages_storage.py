"""The map by hand and by scan: what was chosen stays beside its error, nothing needs a script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from bank.choices import UnitStatus
from bank.models import StorageNode
from bank.services_storage import slot_block
from core.models import User
from core.roles import Role
from tests.bank.conftest import SYSTEM
from tests.bank.storage_helpers import body, place, where
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db


def act(client: Any, name: str, **data: Any) -> Any:
    node = slot(1).canister
    return client.post(reverse("bank:storage-act", args=[node.pk, name]), data)


# --- the map ----------------------------------------------------------------------------------------


def test_an_empty_store_says_what_to_do(signed_in: Any, lab: User) -> None:
    assert "No storage yet" in body(signed_in(lab).get("/storage/"))


def test_the_overview_draws_each_tank_with_its_numbers(signed_in: Any, lab: User) -> None:
    tank(slots=4)
    tank("Q1", quarantine=True, slots=2)
    rack = StorageNode.objects.get(parent__code="T1", code="R1")
    StorageNode.objects.filter(pk=rack.pk).update(quarantine=True)
    place(1, status=UnitStatus.QUARANTINE)
    slot_block(slot_id=slot(2).pk, actor=SYSTEM, reason="bent")

    text = body(signed_in(lab).get("/storage/"))

    for shown in (
        "1 of 4 places, 25 %", "2 free", "1 blocked", "0 of 2 places, 0 %", "quarantine area",
        "with a quarantine area", "no reading", "Move by scan",
    ):  # fmt: skip
        assert shown in text, shown


def test_who_may_not_move_sees_the_map_without_its_tools(signed_in: Any) -> None:
    tank()
    unit = place()
    client = signed_in(UserFactory(roles=[Role.SEARCH_COORDINATOR]))

    page = client.get(reverse("bank:storage-canister", args=[slot().canister_id])).content.decode()

    assert unit.public_no in page
    assert '<form method="post" action="/storage/' not in page
    assert 'draggable="true"' not in page
    assert "/storage/scan/" not in client.get("/storage/").content.decode()


@pytest.mark.parametrize("canisters", [2, 20])
def test_a_tank_takes_as_many_queries_with_more_canisters(
    signed_in: Any, lab: User, canisters: int, django_assert_max_num_queries: Any
) -> None:
    node = tank(canisters=canisters)
    client = signed_in(lab)

    with django_assert_max_num_queries(16):
        page = client.get(reverse("bank:storage-tank", args=[node.pk]))

    assert f"C{canisters}" in body(page)


@pytest.mark.parametrize("tanks", [1, 12])
def test_the_overview_takes_as_many_queries_with_more_tanks(
    signed_in: Any, lab: User, tanks: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(tanks):
        tank(f"T{number}")
    client = signed_in(lab)

    with django_assert_max_num_queries(12):
        client.get("/storage/")


@pytest.mark.parametrize("units", [1, 15])
def test_a_canister_takes_as_many_queries_with_more_units(
    signed_in: Any, lab: User, units: int, django_assert_max_num_queries: Any
) -> None:
    tank(slots=20)
    for position in range(1, units + 1):
        place(position)
    client = signed_in(lab)

    with django_assert_max_num_queries(12):
        client.get(reverse("bank:storage-canister", args=[slot().canister_id]))


def test_canisters_beside_are_one_click_away(signed_in: Any, lab: User) -> None:
    tank(canisters=3)
    middle = StorageNode.objects.get(kind="canister", code="C2")

    page = body(signed_in(lab).get(reverse("bank:storage-canister", args=[middle.pk])))

    assert "← C1" in page
    assert "C3 →" in page


# --- by hand ----------------------------------------------------------------------------------------


def test_a_unit_is_moved_within_its_canister(signed_in: Any, lab: User) -> None:
    tank()
    unit = place(unit_no="MOVED")

    response = act(signed_in(lab), "move", unit=unit.pk, slot=slot(4).pk)

    assert response.status_code == 302
    assert where(unit) == "T1-R1-C1-04"
    page = body(signed_in(lab).get(response.url))
    assert "MOVED lies in T1-R1-C1-04 now." in page


@pytest.mark.parametrize("choice", ["other", ""])
def test_a_unit_is_moved_to_another_place_by_its_number(signed_in: Any, lab: User, choice: str) -> None:
    tank()
    tank("T2")
    unit = place()

    response = act(signed_in(lab), "move", unit=unit.pk, slot=choice, place="t2 r1 c1 5")

    assert response.status_code == 302
    assert where(unit) == "T2-R1-C1-05"


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        ({"slot": "FREE"}, 400, "Choose the unit to move."),
        ({"unit": "UNIT"}, 400, "Choose the place to move it to."),
        ({"unit": "UNIT", "slot": "other"}, 400, "Write the place."),
        ({"unit": "UNIT", "slot": "x"}, 400, "There is no such place."),
        ({"unit": "UNIT", "slot": "other", "place": "T9-R1-C1-01"}, 400, "There is no place T9-R1-C1-01."),
        ({"unit": "UNIT", "slot": "other", "place": "shelf"}, 400, "is no place"),
        ({"unit": "UNIT", "slot": "TAKEN"}, 409, "is taken by"),
    ],
)
def test_what_was_chosen_stays_beside_its_error(
    signed_in: Any, lab: User, data: dict[str, str], status: int, text: str
) -> None:
    tank()
    unit = place(1)
    place(2)
    known = {"UNIT": str(unit.pk), "FREE": str(slot(3).pk), "TAKEN": str(slot(2).pk)}
    sent = {name: known.get(value, value) for name, value in data.items()}

    response = act(signed_in(lab), "move", **sent)

    assert response.status_code == status
    assert text in body(response)
    page = response.content.decode()
    if "unit" in data:
        assert f'value="{unit.pk}" checked' in page
    if data.get("slot") == "FREE":
        assert f'value="{slot(3).pk}" checked' in page
    assert where(unit) == "T1-R1-C1-01"


def test_units_are_put_in_taken_out_and_places_blocked(signed_in: Any, lab: User) -> None:
    tank()
    unit = UnitFactory(unit_no="NEW1", status="RELEASED")
    client = signed_in(lab)

    statuses = [
        act(client, "put", number="new1", slot=slot(2).pk).status_code,
        act(client, "block", slot=slot(3).pk, reason="bent").status_code,
    ]
    assert where(unit) == "T1-R1-C1-02"
    assert slot(3).blocked
    page = body(client.get(reverse("bank:storage-canister", args=[slot().canister_id])))
    assert "✕ blocked" in page
    assert "bent" in page
    statuses += [
        act(client, "take-out", unit=unit.pk, reason="thawed for a test").status_code,
        act(client, "unblock", slot=slot(3).pk, reason="mended").status_code,
    ]

    assert statuses == [302] * 4
    assert where(unit) == ""
    assert not slot(3).blocked


def test_the_forms_of_a_canister_tell_what_is_wrong(signed_in: Any, lab: User) -> None:
    tank()
    place(1)
    client = signed_in(lab)

    unknown = act(client, "put", number="NOBODY", slot=slot(2).pk)
    nothing = act(client, "take-out", unit=slot(1).unit_id)
    assert (unknown.status_code, nothing.status_code) == (400, 400)
    assert "There is no unit “NOBODY”" in body(unknown)
    assert "required" in body(nothing)


# --- by scan ----------------------------------------------------------------------------------------


def scan(client: Any, text: str, unit: str = "") -> Any:
    return client.post("/storage/scan/", {"scan": text, "unit": unit})


def held(response: Any) -> str:
    found = re.search(r'name="unit" value="([^"]*)"', response.content.decode())
    return found[1] if found else ""


def test_a_unit_then_its_place_then_the_next_unit(signed_in: Any, lab: User) -> None:
    tank()
    unit = UnitFactory(unit_no="S1", din="G123498654321")
    client = signed_in(lab)

    taken = client.get(scan(client, "=G12349865432177").url)
    assert held(taken) == str(unit.pk)
    assert "free: T1-R1-C1-01" in body(taken)
    done = scan(client, "t1-r1-c1-3", held(taken))
    assert done.status_code == 302
    ready = client.get(done.url)

    assert where(unit) == "T1-R1-C1-03"
    assert held(ready) == ""
    assert "lies in T1-R1-C1-03 now." in body(ready)
    assert "– → T1-R1-C1-03" in body(ready)
    assert "autofocus" in ready.content.decode()


def test_another_unit_takes_the_place_of_the_one_in_hand(signed_in: Any, lab: User) -> None:
    tank()
    first, second = UnitFactory(unit_no="S1"), UnitFactory(unit_no="S2")
    client = signed_in(lab)

    response = scan(client, "s2", str(first.pk))

    assert response.url.endswith(f"?unit={second.pk}")


@pytest.mark.parametrize(
    ("text", "in_hand", "status", "told"),
    [
        ("", False, 400, "Scan or type something."),
        ("T1-R1-C1-01", False, 400, "Scan the unit first"),
        ("whatever", False, 400, "neither a unit nor a place"),
        ("whatever", True, 400, "neither a unit nor a place"),
        ("T1-R1-C1-09", True, 400, "neither a unit nor a place"),
        ("T1-R1-C1-01", True, 409, "is taken by"),
    ],
)
def test_an_error_stays_visible_and_the_unit_in_hand(
    signed_in: Any, lab: User, text: str, in_hand: bool, status: int, told: str
) -> None:
    tank()
    place(1)
    unit = UnitFactory()
    unit_id = str(unit.pk) if in_hand else ""

    response = scan(signed_in(lab), text, unit_id)

    assert response.status_code == status
    assert told in body(response)
    assert held(response) == unit_id
    assert where(unit) == ""


def test_a_waiting_unit_is_told_of_a_free_place_in_quarantine(signed_in: Any, lab: User) -> None:
    tank()
    tank("Q1", quarantine=True)
    unit = UnitFactory(status=UnitStatus.QUARANTINE)

    page = body(signed_in(lab).get("/storage/scan/", {"unit": str(unit.pk)}))

    assert "free: Q1-R1-C1-01" in page
    assert signed_in(lab).get("/storage/scan/", {"unit": "nonsense"}).status_code == 404
