"""API of shipments; what other pages, my work, search and calendar show of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from core import panels
from core.models import User
from core.panels import Place
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.orders import ready
from tests.factories.shipments import (
    HOUR,
    ShipmentFactory,
    ShipperFactory,
    away_to,
    in_hours,
    order_of,
    record_of,
    shipping_person,
)
from tests.transplants.shipment_forms import answers, given, shipper_form, url
from transplants import calendars
from transplants.models import Order, Shipment
from transplants.providers_shipments import arrivals, find_shipments, work_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


JSON = {"content_type": "application/json"}


# --- panels, work, search, calendar ---------------------------------------------------------------


def order_panel(user: User, order: Order) -> Any:
    found = [panel for panel in panels.panels(Place.ORDER, user, order) if "shipment" in panel.template]
    return found[0].values if found else None


def test_the_page_of_an_order_leads_to_its_shipment(hospital: Hospital, he_lan: User, xu_hai: User) -> None:
    order = ready(order_of(hospital))
    assert order_panel(he_lan, order) is None
    assert order_panel(xu_hai, order)["pack_url"] == url("shipment-create", order.pk)

    row = away_to(hospital)
    assert order_panel(he_lan, row.order)["receive_url"] == url("shipment-receive", row.pk)
    assert order_panel(xu_hai, row.order)["receive_url"] == ""
    assert order_panel(xu_hai, row.order)["rows"][0]["row"] == row
    assert order_panel(UserFactory(roles=[Role.LAB]), row.order) is None


def test_patient_and_passport_show_the_shipment(hospital: Hospital, he_lan: User, signed_in: Any) -> None:
    row = away_to(hospital)
    patient_url = reverse("hospitals:patient-detail", args=[row.order.patient_id])
    unit_url = reverse("bank:unit-detail", args=[row.order.unit_id])

    assert row.number in signed_in(he_lan).get(patient_url).content.decode()
    assert row.number in signed_in(shipping_person()).get(unit_url).content.decode()


def titles(user: User) -> list[str]:
    return [item.title for item in work_items(user)]


def test_what_waits_for_whom(hospital: Hospital, he_lan: User, xu_hai: User) -> None:
    second = shipping_person()
    order = order_of(hospital)
    packed = ShipmentFactory(packed_by=xu_hai)
    checked = ShipmentFactory(checked=True)
    late = away_to(hospital, expected_at=timezone.now() - HOUR)

    mine, theirs, own = titles(xu_hai), titles(second), titles(he_lan)

    check = f"Look at the identity of {packed.order.unit.public_no}"
    assert check not in mine
    assert check in theirs
    for wanted in (
        f"Pack {order.unit.public_no} for {hospital.code}",
        f"Dispatch {checked.order.unit.public_no}",
        f"{late.number} is overdue: ask the courier",
    ):
        assert wanted in mine
    assert own == [f"Confirm the receipt of {late.order.unit.public_no} for {late.order.patient.code}"]
    assert titles(UserFactory(roles=[Role.QA])) == titles(member_of(HospitalFactory())) == []
    assert titles(UserFactory(roles=[Role.LAB])) == []


def test_found_by_number_and_waybill(hospital: Hospital, he_lan: User) -> None:
    row = away_to(hospital, waybill="AWB-160-1234")
    away_to(HospitalFactory(), waybill="AWB-160-9999")

    assert [hit.label for hit in find_shipments(he_lan, "awb-160")] == [row.number]
    assert find_shipments(he_lan, row.number.lower())[0].exact


def test_the_calendar_says_when_it_arrives(hospital: Hospital, he_lan: User) -> None:
    row = away_to(hospital)

    (entry,) = arrivals(he_lan)
    assert entry.day == timezone.localdate(row.expected_at)
    assert row.order.patient.code.encode() in calendars.calendar_of(he_lan)
    assert arrivals(UserFactory(roles=[Role.LAB])) == []


# --- API ------------------------------------------------------------------------------------------


def api(name: str, *args: Any) -> str:
    return reverse(f"api:{name}", args=args)


def test_the_api_does_what_the_pages_do(
    hospital: Hospital, he_lan: User, xu_hai: User, signed_in: Any
) -> None:
    order, shipper, second = ready(order_of(hospital)), ShipperFactory(), shipping_person()
    sent = {**given(order, shipper), "order": str(order.pk), "expected_at": in_hours(48).isoformat()}
    client = signed_in(xu_hai)
    made = client.post(api("shipment-list"), sent, **JSON)
    assert made.status_code == 201
    key = made.json()["id"]
    again = client.post(api("shipment-pack", key), {**sent, "seals": "S-2"}, **JSON)
    assert again.json()["seals"] == "S-2"

    client = signed_in(second)
    refused = client.post(api("shipment-check", key), {"scanned": "X"}, **JSON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unit_differs")
    client.post(api("shipment-check", key), {"scanned": order.unit.unit_no}, **JSON)
    stale = client.post(api("shipment-leave", key), {"shown": made.json()["updated_at"]}, **JSON)
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "shipment_changed")
    assert client.post(api("shipment-leave", key), {}, **JSON).json()["dispatched_at"]
    event = {"kind": "customs", "at": timezone.now().isoformat(), "place": "PVG"}
    assert client.post(api("shipment-events", key), event, **JSON).json()["events"][-1]["place"] == "PVG"
    row = Shipment.objects.get()
    file = {"file": SimpleUploadedFile("a.csv", record_of(row)), "zone": "UTC+08:00"}
    kept = client.post(api("shipment-logger", key), file)
    assert kept.json()["logger_files"][0]["verdict"] == "within"
    wrong = client.post(
        api("shipment-logger", key), {"file": SimpleUploadedFile("a.csv", b"x"), "zone": "Mars"}
    )
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "zone_unknown")

    client = signed_in(he_lan)
    checklist = {**answers(row), "received_at": timezone.now().isoformat()}
    received = client.post(api("shipment-receive", key), checklist, **JSON)
    assert received.json()["receipt"]["acceptance"] == "accepted"
    assert client.get(api("shipment-list"), {"order": str(order.pk)}).json()["count"] == 1
    assert client.get(api("shipment-list"), {"patient": str(order.pk)}).json()["count"] == 0
    assert client.get(api("shipment-detail", key)).json()["receipt"]["papers_complete"] == "yes"


def test_the_api_of_a_failure(xu_hai: User, signed_in: Any) -> None:
    row = ShipmentFactory(away=True)

    answer = signed_in(xu_hai).post(api("shipment-fail", row.pk), {"cause": "lost", "note": "n"}, **JSON)

    assert answer.json()["failure"] == "lost"
    assert signed_in(xu_hai).get(api("shipment-detail", row.pk)).json()["receipt"] is None


def test_the_api_of_shippers(xu_hai: User, signed_in: Any) -> None:
    client = signed_in(xu_hai)
    sent = {**shipper_form(), "active": True}

    made = client.post(api("shipper-list"), sent, **JSON)
    key = made.json()["id"]
    changed = client.put(api("shipper-detail", key), {**sent, "hold_hours": 99}, **JSON)
    stale = client.put(api("shipper-detail", key), {**sent, "shown": made.json()["updated_at"]}, **JSON)

    assert (made.status_code, changed.json()["hold_hours"], stale.status_code) == (201, 99, 409)
    assert client.get(api("shipper-list")).json()["count"] == 1


@pytest.mark.parametrize("rows", [1, 20])
def test_the_api_asks_the_database_as_often_for_twenty_rows(
    rows: int, xu_hai: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        ShipmentFactory(away=True)
    client = signed_in(xu_hai)

    with django_assert_max_num_queries(7):
        assert client.get(api("shipment-list")).json()["count"] == rows
