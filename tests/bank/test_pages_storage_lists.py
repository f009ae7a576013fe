"""The storage beyond its map: new tanks, lists, files, the log of a tank, and where else it is seen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bank.choices import UnitStatus
from bank.models import CordBloodUnit, Slot, StorageNode
from bank.providers import find_places, storage_work
from bank.services_tanks import reading_record, tank_limits_set
from core.models import User
from core.roles import Role
from tests.bank.conftest import SYSTEM
from tests.bank.storage_helpers import body, place, where
from tests.bank.test_tanks import NOW
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import UserFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


# --- nodes, lists -----------------------------------------------------------------------------------


def test_a_house_is_made_from_nothing(signed_in: Any, lab: User) -> None:
    bank = BankFactory()
    client = signed_in(lab)

    site = client.post("/storage/new/", {"kind": "site", "parent": f"bank:{bank.pk}", "code": "S1"})
    node = StorageNode.objects.get()
    made = client.post(
        "/storage/new/",
        {"kind": "tank", "parent": node.pk, "code": "t1", "racks": "2", "canisters": "2", "slots": "3"},
    )
    can = client.post(
        "/storage/new/",
        {"kind": "canister", "parent": StorageNode.objects.get(code="R1").pk, "code": "C9", "slots": "1"},
    )

    assert (site.url, made.status_code) == ("/storage/", 302)
    assert "/storage/canisters/" in can.url
    assert Slot.objects.count() == 13


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            {"kind": "tank", "code": "T2", "racks": "1", "canisters": "1", "slots": "1"},
            "Say where it stands.",
        ),
        ({"kind": "rack", "parent": "SITE", "code": "R2"}, "a rack in a tank"),
        (
            {"kind": "tank", "parent": "SITE", "code": "T1", "racks": "1", "canisters": "1", "slots": "1"},
            "here already",
        ),
        ({"kind": "tank", "parent": "SITE", "code": "T2"}, "between 1 and 99"),
        ({"kind": "drawer", "parent": "SITE", "code": "T2"}, "valid choice"),
    ],
)
def test_what_cannot_be_made_is_told(signed_in: Any, lab: User, data: dict[str, str], text: str) -> None:
    node = tank()
    sent = {name: str(node.parent_id) if value == "SITE" else value for name, value in data.items()}

    response = signed_in(lab).post("/storage/new/", sent)

    assert response.status_code == 400
    assert text in body(response)


def test_what_lies_where_it_may_not_is_listed(signed_in: Any, lab: User) -> None:
    tank()
    client = signed_in(lab)
    assert "Everything lies where it may" in body(client.get("/storage/misplaced/"))
    place(1, unit_no="WAITS", status=UnitStatus.QUARANTINE)
    place(2, unit_no="GONE", discarded=True, status="DISCARDED")
    place(3, unit_no="FINE")
    tank("Q1", quarantine=True)
    cleared = place(1, "Q1", unit_no="CLEARED", status=UnitStatus.QUARANTINE)
    CordBloodUnit.objects.filter(pk=cleared.pk).update(status="LISTED")

    page = body(client.get("/storage/misplaced/"))

    for shown in ("WAITS", "GONE", "CLEARED", "move it into a quarantine area", "take it out", "move it out"):
        assert shown in page, shown
    assert "FINE" not in page
    canister = body(client.get(reverse("bank:storage-canister", args=[slot().canister_id])))
    assert "move it into a quarantine area" in canister


def test_a_picking_list_goes_from_tank_to_tank(signed_in: Any, lab: User) -> None:
    tank()
    tank("T2")
    place(2, "T2", unit_no="LAST")
    place(5, unit_no="SECOND")
    place(1, unit_no="FIRST")
    UnitFactory(unit_no="NOWHERE")
    client = signed_in(lab)

    assert "Units" in body(client.get("/storage/picking/"))
    page = body(client.get("/storage/picking/", {"units": "LAST, second\nFIRST;FIRST,NOWHERE,NOBODY"}))

    assert "3 units to pick" in page
    places = re.findall(r"T\d-R1-C1-0\d", page)
    assert places == ["T1-R1-C1-01", "T1-R1-C1-05", "T2-R1-C1-02"]
    assert "There is no such unit: NOBODY" in page
    assert "These lie in no place, and are not on the list: NOWHERE" in page


def test_a_picking_list_has_an_end(signed_in: Any, lab: User) -> None:
    numbers = ",".join(f"U{number}" for number in range(201))

    assert "At most 200 values." in body(signed_in(lab).get("/storage/picking/", {"units": numbers}))


def test_the_map_is_exported(signed_in: Any, lab: User) -> None:
    tank(slots=4)
    units = [place(1, unit_no="U1"), place(2, unit_no="U2"), place(3, unit_no="U3", status="QUARANTINE")]
    CordBloodUnit.objects.filter(unit_no__in=["U2", "U3"]).update(recalled=True)

    text = b"".join(signed_in(lab).get("/storage/export.csv").streaming_content).decode()

    assert text.lstrip("\ufeff").splitlines() == [
        "place,unit,status",
        "T1-R1-C1-01,U1,LISTED",
        "T1-R1-C1-02,U2,RECALLED",
        "T1-R1-C1-03,U3,QUARANTINE",
        "T1-R1-C1-04,,free",
    ]
    for unit in units:
        unit.refresh_from_db()
        assert f",{unit.unit_no},{unit.plain_status}" in text


# --- files ------------------------------------------------------------------------------------------


def upload(client: Any, address: str, text: str) -> Any:
    return client.post(address, {"file": SimpleUploadedFile("file.csv", text.encode())})


def test_places_by_file_are_checked_then_confirmed(signed_in: Any, lab: User) -> None:
    tank()
    unit = UnitFactory(unit_no="U1")
    client = signed_in(lab)
    assert "optional" in body(client.get("/storage/place/"))

    preview = upload(client, "/storage/place/", "unit,place\nU1,T1-R1-C1-01\n")
    assert "Take in 1 row" in body(preview)
    assert where(unit) == ""
    token = {"token": preview.context["upload"].token}
    assert "1 row was taken in." in body(client.post("/storage/place/confirm/", token, follow=True))

    assert where(unit) == "T1-R1-C1-01"
    assert client.post("/storage/place/confirm/", token).status_code == 400
    again = upload(client, "/storage/place/", "unit,place\nU1,T1-R1-C1-01\n")
    assert "Everything in this file is recorded already." in body(again)
    done = client.post("/storage/place/confirm/", {"token": again.context["upload"].token}, follow=True)
    assert "Every row was there already" in body(done)


def test_what_changed_since_the_preview_is_told_and_nothing_is_written(signed_in: Any, lab: User) -> None:
    tank()
    unit = UnitFactory(unit_no="U1")
    client = signed_in(lab)
    preview = upload(client, "/storage/place/", "unit,place\nU1,T1-R1-C1-01\n")
    place(1)

    response = client.post("/storage/place/confirm/", {"token": preview.context["upload"].token})

    assert "is taken by" in body(response)
    assert where(unit) == ""


def test_findings_are_shown_with_line_column_code_and_text(signed_in: Any, lab: User) -> None:
    response = upload(signed_in(lab), "/storage/place/", "unit,place\n<b>,T1-R1-C1-01\n")

    assert "2 unit There is no unit “&lt;B&gt;”" in body(response).replace("&lt;b&gt;", "&lt;B&gt;")
    assert "unit_unknown" in body(response)
    assert "Take in" not in body(response)


def test_a_file_of_the_other_kind_is_not_confirmed(signed_in: Any, lab: User) -> None:
    tank()
    client = signed_in(lab)
    preview = upload(client, "/storage/readings/", "tank,read_at,level_percent\nT1,2026-03-01 09:00,50\n")
    token = {"token": preview.context["upload"].token}

    assert client.post("/storage/place/confirm/", token).status_code == 400
    assert "1 row was taken in." in body(client.post("/storage/readings/confirm/", token, follow=True))


# --- tanks ------------------------------------------------------------------------------------------


def test_readings_limits_alarms_and_quarantine_of_a_tank(signed_in: Any, lab: User) -> None:
    node = tank()
    client = signed_in(lab)

    def post(name: str, pk: Any = node.pk, **data: str) -> Any:
        return client.post(reverse(f"bank:storage-{name}", args=[pk]), data)

    assert post("limits", warm_above_c="-150", level_below_percent="40", reason="set up").status_code == 302
    assert post("reading", read_at="2026-11-01T09:00", temperature_c="-120").status_code == 302
    page = body(client.get(reverse("bank:storage-tank", args=[node.pk]) + "?days=365"))
    for shown in ("Too warm above -150 °C.", "-120 °C", "Acknowledge", "too warm", "1 reading"):
        assert shown in page, shown
    assert "Open alarms" in body(client.get("/storage/"))
    alarm = node.alarms.get()
    assert post("alarm", alarm.pk, remark=" ").status_code == 400
    assert post("alarm", alarm.pk, remark="lid was open").status_code == 302
    refused = post("alarm", alarm.pk, remark="again")
    assert refused.status_code == 409
    assert "lid was open" in body(refused)
    assert post("quarantine", quarantine="on", reason="new rule").status_code == 302
    assert StorageNode.objects.get(pk=node.pk).quarantine


def test_the_forms_of_a_tank_tell_what_is_wrong(signed_in: Any, lab: User) -> None:
    node = tank()
    client = signed_in(lab)
    address = reverse("bank:storage-reading", args=[node.pk])

    no_moment = client.post(address, {"read_at": "x", "temperature_c": "-180"})
    nothing = client.post(address, {"read_at": "2026-03-01T09:00"})

    assert (no_moment.status_code, nothing.status_code) == (400, 400)
    assert "Give a temperature, a level, or both." in body(nothing)


# --- elsewhere --------------------------------------------------------------------------------------


def test_open_alarms_wait_for_the_people_of_the_storage(lab: User) -> None:
    shipping, director = UserFactory(roles=[Role.SHIPPING]), UserFactory(roles=[Role.DIRECTOR])
    assert storage_work(lab) == []
    node = tank()
    tank_limits_set(tank_id=node.pk, warm_above_c=-150, level_below_percent=50, actor=SYSTEM, reason="r")
    reading_record(tank_id=node.pk, read_at=NOW, temperature_c=-100, level_percent=10, actor=SYSTEM)

    (item,) = storage_work(shipping)
    assert (item.count, item.url, item.detail) == (2, "/storage/", "Tank T1")
    assert storage_work(director) == []


def test_a_place_is_found_by_the_search_box(lab: User, coordinator: User) -> None:
    tank()

    (hit,) = find_places(lab, "t1-r1-c1-03")
    assert (hit.label, hit.url) == ("T1-R1-C1", f"/storage/canisters/{slot().canister_id}/")
    assert find_places(lab, "T1-R1-C7-01") == find_places(lab, "U1") == []
    assert find_places(coordinator, "T1-R1-C1") == []


def test_the_passport_leads_to_the_place_and_tells_the_moves(signed_in: Any, lab: User, qa: User) -> None:
    tank()
    unit = place(2)
    other = UnitFactory()
    client = signed_in(lab)

    page = client.get(reverse("bank:unit-detail", args=[unit.pk])).content.decode()
    loose = client.get(reverse("bank:unit-detail", args=[other.pk])).content.decode()

    assert f'href="/storage/canisters/{slot().canister_id}/">T1-R1-C1-02' in page
    assert f"/storage/scan/?unit={unit.pk}" in page
    assert "– → T1-R1-C1-02" in page
    assert "Place it" in loose


def test_the_inventory_links_to_the_storage_for_staff_only(
    signed_in: Any, lab: User, coordinator: User
) -> None:
    assert 'href="/storage/"' in signed_in(lab).get("/units/").content.decode()
    assert 'href="/storage/"' not in signed_in(coordinator).get("/units/").content.decode()
