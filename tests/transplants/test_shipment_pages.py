"""Pages of shipments: what each person sees and is offered, what a refused form keeps."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.utils import timezone

from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory
from tests.factories.orders import ready
from tests.factories.shipments import (
    HOUR,
    ReleasedOrderFactory,
    ShipmentFactory,
    ShipperFactory,
    away_to,
    in_hours,
    order_of,
    record_of,
    shipping_person,
)
from tests.transplants.shipment_forms import answers, given, keep_record, url
from transplants.models import Order, Receipt, Shipment, ShipmentEvent, ShippingRules

pytestmark = pytest.mark.django_db


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


def test_from_the_released_order_to_the_received_unit(
    hospital: Hospital, he_lan: User, xu_hai: User, signed_in: Any
) -> None:
    order, shipper, second = ready(order_of(hospital)), ShipperFactory(), shipping_person("Lin Bo")
    client = signed_in(xu_hai)
    create = url("shipment-create", order.pk)
    assert create in client.get(url("shipment-list")).content.decode()
    sent = given(order, shipper)
    made = [client.post(create, sent) for _ in range(2)]
    row = Shipment.objects.get()
    page_url = url("shipment-detail", row.pk)
    assert [answer.url for answer in made] == [page_url] * 2
    assert client.get(create).url == page_url
    page = client.get(page_url)
    assert "You packed it." in page.content.decode()
    assert url("shipment-check", row.pk) not in page.content.decode()

    client = signed_in(second)
    form = client.get(page_url).context["forms"]["check"]
    checked = {"scanned": order.unit.unit_no, "shown": form["shown"].value()}
    assert client.post(url("shipment-check", row.pk), checked).status_code == 302
    form = client.get(page_url).context["forms"]["dispatch"]
    left = [client.post(url("shipment-dispatch", row.pk), {"shown": form["shown"].value()}) for _ in range(2)]
    assert [answer.status_code for answer in left] == [302, 302]

    client = signed_in(he_lan)
    receive = url("shipment-receive", row.pk)
    assert receive in client.get(page_url).content.decode()
    row.refresh_from_db()
    done = [client.post(receive, answers(row)) for _ in range(2)]
    assert [answer.status_code for answer in done] == [302, 302]
    page = client.get(page_url).content.decode()
    assert "Delivered" in page
    assert receive not in page
    assert client.get(receive).url == page_url
    assert Order.objects.get().state == "delivered"


def test_a_refused_packing_keeps_what_was_typed(xu_hai: User, signed_in: Any) -> None:
    order = ReleasedOrderFactory()

    answer = signed_in(xu_hai).post(
        url("shipment-create", order.pk), given(order, ShipperFactory(), scanned="X-1", seals="SEAL-MINE")
    )

    assert answer.status_code == 400
    assert b"SEAL-MINE" in answer.content
    assert b"Stop, and compare the bag with the order." in answer.content
    assert not Shipment.objects.exists()


def test_only_shippers_that_may_be_used_are_offered(xu_hai: User, signed_in: Any) -> None:
    ShipperFactory(serial="GOOD")
    ShipperFactory(serial="OFF", active=False)
    ShipperFactory(serial="OLD", valid_until=timezone.localdate() - 24 * HOUR)

    page = signed_in(xu_hai).get(url("shipment-create", ReleasedOrderFactory().pk)).content.decode()

    assert "GOOD" in page
    assert "OFF ·" not in page
    assert "OLD ·" not in page


def test_without_a_shipper_the_page_says_what_to_do(xu_hai: User, signed_in: Any) -> None:
    page = signed_in(xu_hai).get(url("shipment-create", ReleasedOrderFactory().pk)).content.decode()

    assert "No shipper can be used" in page
    assert url("shipper-create") in page


def test_packing_again_starts_from_what_is_written(xu_hai: User, signed_in: Any) -> None:
    row, client = ShipmentFactory(checked=True), signed_in(xu_hai)
    page_url = url("shipment-pack", row.pk)
    form = client.get(page_url).context["form"]
    sent = {
        name: form[name].value()
        for name in form.fields
        if name not in ("scanned", "expected_at", "late_confirmed")
    }
    sent |= {
        "scanned": row.order.unit.unit_no,
        "seals": "NEW",
        "expected_at": given(row.order, row.shipper)["expected_at"],
    }

    assert "It was checked already" in client.get(page_url).content.decode()
    assert client.post(page_url, sent).status_code == 302
    row.refresh_from_db()
    assert (row.seals, row.checked_by, row.courier) == ("NEW", None, "Cold Courier")
    stale = client.post(page_url, {**sent, "seals": "OTHER"})
    assert (stale.status_code, b"was changed since you opened the page" in stale.content) == (409, True)


def test_a_stale_page_is_told_what_happened(xu_hai: User, signed_in: Any) -> None:
    row = ShipmentFactory(away=True)

    answer = signed_in(xu_hai).post(url("shipment-check", row.pk), {"scanned": row.order.unit.unit_no})

    assert answer.status_code == 409
    assert "is “Under way” now" in answer.content.decode()


@pytest.mark.parametrize(
    ("state", "offered", "hidden"),
    [
        ({}, ["shipment-check", "shipment-pack"], ["shipment-dispatch", "shipment-fail", "shipment-logger"]),
        ({"checked": True}, ["shipment-dispatch", "shipment-pack"], ["shipment-check", "shipment-event"]),
        ({"away": True}, ["shipment-event", "shipment-fail", "shipment-logger"], ["shipment-pack", "shipment-receive"]),
    ],
)  # fmt: skip
def test_the_desk_is_offered_what_is_possible(
    state: dict[str, Any], offered: list[str], hidden: list[str], xu_hai: User, signed_in: Any
) -> None:
    row = ShipmentFactory(**state)

    page = signed_in(xu_hai).get(url("shipment-detail", row.pk)).content.decode()

    assert [name for name in offered if url(name, row.pk) not in page] == []
    assert [name for name in hidden if url(name, row.pk) in page] == []
    assert page.count("btn primary") <= 1


def test_quality_assurance_looks_and_does_nothing(signed_in: Any) -> None:
    row = ShipmentFactory(away=True)

    page = signed_in(UserFactory(roles=[Role.QA])).get(url("shipment-detail", row.pk)).content.decode()

    assert "What you can do" not in page


def test_a_hospital_sees_its_own_shipments_and_no_other(
    hospital: Hospital, he_lan: User, signed_in: Any
) -> None:
    mine, theirs = away_to(hospital), away_to(HospitalFactory())
    client = signed_in(he_lan)

    listed = client.get(url("shipment-list")).content.decode()

    assert mine.number in listed
    for secret in (theirs.number, theirs.order.patient.code, theirs.hospital.code):
        assert secret not in listed
    assert "To pack" not in listed
    for name in ("detail", "receive"):
        assert client.get(url(f"shipment-{name}", theirs.pk)).status_code == 404


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["packed", "away", "late"]),
        ("?state=packed", ["packed"]),
        ("?state=under_way", ["away", "late"]),
        ("?state=overdue", ["late"]),
        ("?state=delivered", ["delivered"]),
        ("?state=failed", ["failed"]),
        ("?state=all", ["packed", "away", "late", "delivered", "failed", "void"]),
        ("?q=WB-FIND", ["away"]),
        ("?q=sh-late", ["late"]),
        ("?q=%00", ["packed", "away", "late"]),
        ("?state=nonsense", ["packed", "away", "late"]),
    ],
)
def test_filters_of_the_list(query: str, wanted: list[str], xu_hai: User, signed_in: Any) -> None:
    now = timezone.now()
    rows = {
        "packed": ShipmentFactory(),
        "away": ShipmentFactory(away=True, waybill="WB-FIND"),
        "late": ShipmentFactory(away=True, number="SH-LATE", expected_at=now - HOUR),
        "delivered": ShipmentFactory(away=True, order__state="delivered", delivered_at=now),
        "failed": ShipmentFactory(away=True, order__state="failed", failed_at=now, failure="lost",
                                  order__ended_at=now, order__ended_by="s"),
        "void": ShipmentFactory(order__state="withdrawn", order__ended_at=now, order__ended_by="s"),
    }  # fmt: skip

    client = signed_in(xu_hai)
    page = client.get(url("shipment-list") + query)
    file = client.get(url("shipment-export") + query)

    numbers = {row.number: name for name, row in rows.items()}
    assert {numbers[item["row"].number] for item in page.context["rows"]} == set(wanted)
    lines = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert {numbers[line["number"]] for line in lines} == set(wanted)


def test_what_is_overdue_is_said_loudly(xu_hai: User, signed_in: Any) -> None:
    row = ShipmentFactory(away=True, expected_at=timezone.now() - 5 * HOUR)
    client = signed_in(xu_hai)

    listed = client.get(url("shipment-list")).content.decode()
    page = client.get(url("shipment-detail", row.pk)).content.decode()

    assert "1 shipment is overdue" in listed
    assert "5 hours late" in listed
    assert 'role="alert"' in page


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_asks_the_database_as_often_for_twenty_rows(
    rows: int, xu_hai: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        ShipmentFactory(away=True)
        ReleasedOrderFactory()
    client = signed_in(xu_hai)

    with django_assert_max_num_queries(16):
        assert client.get(url("shipment-list")).status_code == 200


@pytest.mark.parametrize("rows", [1, 20])
def test_a_page_with_many_events_and_records(
    rows: int, xu_hai: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    row = ShipmentFactory(away=True)
    for number in range(rows):
        ShipmentEvent.objects.create(
            shipment=row, kind="customs", at=timezone.now(), entered_by=xu_hai, place=f"place {number}"
        )
        keep_record(row, xu_hai, record_of(row, note=str(number)))
    client = signed_in(xu_hai)

    with django_assert_max_num_queries(22):
        page = client.get(url("shipment-detail", row.pk)).content.decode()
    assert page.count("<polyline") == min(rows, 6)
    assert f"place {rows - 1}" in page


def test_little_hold_time_is_said_and_less_than_the_way_loudly(xu_hai: User, signed_in: Any) -> None:
    client = signed_in(xu_hai)
    near = ShipmentFactory(away=True, hold_hours=60)
    gone = ShipmentFactory(away=True, hold_hours=24)
    good = ShipmentFactory(away=True)

    assert "Little hold time to spare" in client.get(url("shipment-detail", near.pk)).content.decode()
    assert "does not reach the arrival" in client.get(url("shipment-detail", gone.pk)).content.decode()
    page = client.get(url("shipment-detail", good.pk)).content.decode()
    assert "hold time does not" not in page
    assert "Little hold time" not in page
    ShipmentEvent.objects.create(shipment=gone, kind="refilled", at=timezone.now(), entered_by=xu_hai)
    assert "Little hold" not in client.get(url("shipment-detail", good.pk)).content.decode()
    Shipment.objects.filter(pk=gone.pk).update(expected_at=in_hours(20))
    ShippingRules.objects.create(margin_hours=2)
    assert "hold time" not in client.get(url("shipment-detail", gone.pk)).content.decode().split("<dl")[0]


def test_the_courier_is_told_nothing_by_the_link(xu_hai: User, signed_in: Any) -> None:
    row = ShipmentFactory(tracking_url="https://courier.example/t/1")

    page = signed_in(xu_hai).get(url("shipment-detail", row.pk)).content.decode()

    assert (
        '<a class="btn" href="https://courier.example/t/1" rel="noopener noreferrer" target="_blank">' in page
    )


# --- on the way -----------------------------------------------------------------------------------


def test_an_event_is_written_down_once(xu_hai: User, signed_in: Any) -> None:
    row, client = ShipmentFactory(away=True), signed_in(xu_hai)
    form = client.get(url("shipment-detail", row.pk)).context["forms"]["event"]
    sent = {
        "event_id": str(form["event_id"].value()),
        "kind": "handover",
        "at": f"{timezone.localtime():%Y-%m-%dT%H:%M}",
        "handed_by": "Xu Hai",
        "taken_by": "",
    }

    wrong = client.post(url("shipment-event", row.pk), sent)
    for _ in range(2):
        assert client.post(url("shipment-event", row.pk), {**sent, "taken_by": "Pilot"}).status_code == 302

    assert (wrong.status_code, b"A handover needs both names." in wrong.content) == (400, True)
    assert "Xu Hai → Pilot" in client.get(url("shipment-detail", row.pk)).content.decode()
    assert row.events.count() == 1


def test_a_failure_is_said_on_the_page(
    hospital: Hospital, xu_hai: User, he_lan: User, signed_in: Any
) -> None:
    row = away_to(hospital)

    sent = {"cause": "lost", "note": "not at the airport"}
    assert signed_in(xu_hai).post(url("shipment-fail", row.pk), sent).status_code == 302

    page = signed_in(he_lan).get(url("shipment-detail", row.pk)).content.decode()
    assert "Lost: not at the airport" in page


# --- the checklist --------------------------------------------------------------------------------


def test_a_contradiction_stands_beside_its_answer(hospital: Hospital, he_lan: User, signed_in: Any) -> None:
    row, client = away_to(hospital), signed_in(he_lan)
    page_url = url("shipment-receive", row.pk)

    wrong = client.post(page_url, answers(row, bag_intact="no"))
    empty = client.post(page_url, {})
    other = client.post(page_url, answers(row, scanned="U-OTHER"))

    assert (wrong.status_code, b"Not everything is answered with yes" in wrong.content) == (400, True)
    assert empty.content.count(b"Choose an answer.") == 10  # beside each, and above the form
    assert b"not the code of the ordered unit" in other.content
    assert not Receipt.objects.exists()


def test_a_refusal_tells_the_hospital_what_to_do(hospital: Hospital, he_lan: User, signed_in: Any) -> None:
    row = away_to(hospital)

    answer = signed_in(he_lan).post(
        url("shipment-receive", row.pk),
        answers(row, acceptance="refused", bag_intact="no", deviation="torn"),
        follow=True,
    )

    assert "Keep the shipper closed until it calls you." in answer.content.decode()
    assert "Refused by the hospital" in answer.content.decode()


def test_a_warm_record_is_shown_before_one_decides(hospital: Hospital, he_lan: User, signed_in: Any) -> None:
    row, client = away_to(hospital), signed_in(he_lan)
    keep_record(row, he_lan, record_of(row, [-90.0]))

    assert (
        "cannot be accepted without a deviation"
        in client.get(url("shipment-receive", row.pk)).content.decode()
    )
    answer = client.post(url("shipment-receive", row.pk), answers(row))
    assert answer.status_code == 409
    assert "above the limit of -150 °C" in answer.content.decode()
