"""Pages and API of shipments: what each person sees and is offered, what a refused form keeps, files of strangers."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
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
from tests.factories.shipments import (
    HOUR,
    ReleasedOrderFactory,
    ShipmentFactory,
    ShipperFactory,
    away_to,
    in_hours,
    logger_csv,
    order_of,
    record_of,
    shipping_person,
)
from transplants import calendars, services_receipts
from transplants.models import LoggerFile, Order, Receipt, Shipment, ShipmentEvent, Shipper, ShippingRules
from transplants.providers_shipments import arrivals, find_shipments, work_items

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:{name}", args=args)


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


def given(order: Order, shipper: Shipper, **values: Any) -> dict[str, Any]:
    return {
        "shipper": str(shipper.pk),
        "scanned": order.unit.unit_no,
        "charge_weight_kg": "14.20",
        "logger_serial": "LG-7",
        "seals": "S-71",
        "courier": "Cold Courier",
        "waybill": "WB-77",
        "expected_at": f"{timezone.localtime(in_hours(48)):%Y-%m-%dT%H:%M}",
        **values,
    }


def answers(row: Shipment, **values: Any) -> dict[str, Any]:
    return {
        "received_at": f"{timezone.localtime():%Y-%m-%dT%H:%M}",
        "scanned": row.order.unit.unit_no,
        **dict.fromkeys(services_receipts.ANSWERS, "yes"),
        "acceptance": "accepted",
        **values,
    }


def test_from_the_released_order_to_the_received_unit(
    hospital: Hospital, he_lan: User, xu_hai: User, signed_in: Any
) -> None:
    order, shipper, second = order_of(hospital), ShipperFactory(), shipping_person("Lin Bo")
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
    sent = {name: form[name].value() for name in form.fields if name not in ("scanned", "expected_at")}
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
        _keep(row, xu_hai, record_of(row, note=str(number)))
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
    _keep(row, he_lan, record_of(row, [-90.0]))

    assert (
        "cannot be accepted without a deviation"
        in client.get(url("shipment-receive", row.pk)).content.decode()
    )
    answer = client.post(url("shipment-receive", row.pk), answers(row))
    assert answer.status_code == 409
    assert "above the limit of -150 °C" in answer.content.decode()


# --- files ----------------------------------------------------------------------------------------


def _keep(row: Shipment, user: User, data: bytes) -> LoggerFile:
    from tests.factories.shipments import ASKED

    return services_receipts.logger_add(shipment_id=row.pk, name="a.csv", data=data, asked=ASKED, user=user)


def upload(client: Any, row: Shipment, data: bytes, **values: Any) -> Any:
    sent = {"file": SimpleUploadedFile("log.csv", data), "zone": "Asia/Shanghai", **values}
    return client.post(url("shipment-logger", row.pk), sent)


def test_a_record_stands_on_the_page_with_its_curve_and_numbers(
    hospital: Hospital, he_lan: User, signed_in: Any
) -> None:
    row, client = away_to(hospital), signed_in(he_lan)

    assert upload(client, row, record_of(row, [-190.0, -140.0])).status_code == 302

    page = client.get(url("shipment-detail", row.pk)).content.decode()
    assert "Above the limit" in page
    assert "<polyline" in page
    assert "limit -150" in page
    assert "times of Asia/Shanghai" in page
    assert "too warm" in page
    file = LoggerFile.objects.get()
    readings = b"".join(client.get(url("logger-csv", file.pk)).streaming_content).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(readings)))
    assert lines[0] == ["Time", "Temperature (°C)"]
    assert len(lines) == len(file.readings) + 1
    assert float(lines[2][1]) == -140.0  # a number, not the text of a formula
    as_it_came = client.get(url("logger-file", file.pk))
    assert as_it_came["Content-Disposition"].startswith("attachment")
    assert as_it_came.content == record_of(row, [-190.0, -140.0])


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 400, "The file is empty."),
        (b"\0" * 500, 400, "The file is empty."),
        (b"MZ\x90\0\x03", 400, "not a text file"),
        (b"a,b\n1,2", 400, "No line names a column of times"),
        (gzip.compress(b"Time,Temp (C)\n" * 100_000), 400, "not a text file"),
        (b"x" * (50 * 1024 * 1024), 400, "larger than 5 MB"),
        (b"Time,Temp (C)\n2026-11-01 10:00,-190\n=cmd(),1 2\n2026-11-01 10:20,-190\n", 400, "Line 3"),
        (b"Time,Temp (C)\n<script>alert(1)</script> 1 2,-190\n" * 3, 400, "&lt;script&gt;"),
        (
            b"Time,Temp (C)\n03/04/2026 10:00,-190\n03/04/2026 10:10,-190\n",
            400,
            "Choose it, and choose the file",
        ),
        ("Time,Temp (C)\n\ud7ff\u202e 1 2,-190\n".encode() * 2, 400, "is no moment"),
    ],
)
def test_files_of_strangers(data: bytes, status: int, said: str, xu_hai: User, signed_in: Any) -> None:
    row = ShipmentFactory(away=True)

    answer = upload(signed_in(xu_hai), row, data)

    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not LoggerFile.objects.exists()


def test_a_zip_that_grows_without_end_is_not_unpacked(xu_hai: User, signed_in: Any) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", b"0" * 30_000_000)

    answer = upload(signed_in(xu_hai), ShipmentFactory(away=True), bomb.getvalue())

    assert (answer.status_code, b"not a text file" in answer.content) == (400, True)


def test_what_the_file_does_not_say_is_chosen_in_the_form(xu_hai: User, signed_in: Any) -> None:
    row, client = ShipmentFactory(away=True), signed_in(xu_hai)
    data = b"Time,Temperature\n03/04/2026 10:00,-310\n03/04/2026 10:10,-310\n"

    assert b"does not say in what its temperatures are given" in upload(client, row, data).content
    assert b"whether the day or the month comes first" in upload(client, row, data, scale="F").content
    assert upload(client, row, data, scale="F", day_order="dmy").status_code == 302
    file = LoggerFile.objects.get()
    assert (file.max_c, file.verdict) == (-190.0, "incomplete")
    assert file.read_as["day_order"] == "dmy"
    assert "holds nothing of the way" in client.get(url("shipment-detail", row.pk)).content.decode()


def test_a_name_of_a_file_is_no_markup_and_no_path(xu_hai: User, signed_in: Any) -> None:
    row, client = ShipmentFactory(away=True), signed_in(xu_hai)
    file = SimpleUploadedFile("x.csv", record_of(row))
    file._name = '../<b>"\n.csv'
    client.post(url("shipment-logger", row.pk), {"file": file, "zone": "Asia/Shanghai"})

    page = client.get(url("shipment-detail", row.pk)).content.decode()

    assert "/" not in LoggerFile.objects.get().name
    assert "<b>&quot;" not in page


def test_a_hole_of_a_record_is_left_open_in_the_curve(xu_hai: User, signed_in: Any) -> None:
    left = timezone.now() - 6 * HOUR
    row = ShipmentFactory(away=True, dispatched_at=left, packed_at=left - HOUR, checked_at=left)
    parts = [logger_csv(left, left + HOUR), logger_csv(left + 4 * HOUR, timezone.now()).split(b"\n", 2)[2]]
    _keep(row, xu_hai, b"\n".join(parts))

    page = signed_in(xu_hai).get(url("shipment-detail", row.pk)).content.decode()

    assert page.count("<polyline") == 2
    assert "nothing measured from" in page


# --- shippers and rules ---------------------------------------------------------------------------


def shipper_form(**values: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {
        "serial": "DS-NEW",
        "model": "Dry shipper",
        "validated_on": f"{today:%Y-%m-%d}",
        "valid_until": f"{today.replace(year=today.year + 1):%Y-%m-%d}",
        "hold_hours": "240",
        "active": "on",
        **values,
    }


def test_shippers_are_registered_and_kept_up_to_date(xu_hai: User, signed_in: Any) -> None:
    client = signed_in(xu_hai)
    assert "No shipper is registered" in client.get(url("shipper-list")).content.decode()

    assert client.post(url("shipper-create"), shipper_form()).status_code == 302
    twice = client.post(url("shipper-create"), shipper_form())
    row = Shipper.objects.get()
    shown = client.get(url("shipper-edit", row.pk)).context["form"]["shown"].value()
    edit = url("shipper-edit", row.pk)
    assert client.post(edit, shipper_form(hold_hours="100", shown=shown)).status_code == 302
    stale = client.post(edit, shipper_form(hold_hours="99", shown=shown))

    assert (twice.status_code, b"is registered already" in twice.content) == (409, True)
    assert (stale.status_code, b"was changed since you opened the page" in stale.content) == (409, True)
    row.refresh_from_db()
    assert row.hold_hours == 100


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"serial": " "}, "This field is required."),
        ({"validated_on": "2099-01-01"}, "lies in the future"),
        ({"valid_until": "2001-01-01"}, "cannot end before it was made"),
        ({"hold_hours": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_shipper_that_cannot_be(values: dict[str, Any], said: str, xu_hai: User, signed_in: Any) -> None:
    answer = signed_in(xu_hai).post(url("shipper-create"), shipper_form(**values))

    assert (answer.status_code, said in answer.content.decode()) == (400, True)
    assert not Shipper.objects.exists()


def test_a_packed_shipper_stays_in_use(xu_hai: User, signed_in: Any) -> None:
    row = ShipmentFactory()
    sent = shipper_form(serial=row.shipper.serial)
    del sent["active"]

    answer = signed_in(xu_hai).post(url("shipper-edit", row.shipper_id), sent)

    assert (answer.status_code, row.number in answer.content.decode()) == (409, True)


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_of_shippers_says_where_they_are(
    rows: int, xu_hai: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    shipments = [ShipmentFactory(away=True) for _ in range(rows)]
    client = signed_in(xu_hai)

    with django_assert_max_num_queries(9):
        page = client.get(url("shipper-list")).content.decode()
    assert all(row.number in page for row in shipments)


def test_a_shipper_that_is_unknown_is_a_404(xu_hai: User, signed_in: Any) -> None:
    assert signed_in(xu_hai).get(url("shipper-edit", ShipmentFactory().pk)).status_code == 404


def test_rules_are_set_with_a_reason_and_within_bounds(signed_in: Any) -> None:
    client = signed_in(UserFactory(roles=[Role.QA]))
    sent = {"limit_c": "-130", "margin_hours": "24", "cover_minutes": "20", "reason": "our validation"}

    assert "unconfirmed" in client.get(url("shipping-rules")).content.decode()
    assert client.post(url("shipping-rules"), {**sent, "limit_c": "80"}).status_code == 400
    assert client.post(url("shipping-rules"), {**sent, "reason": ""}).status_code == 400
    assert client.post(url("shipping-rules"), sent).status_code == 302
    rules = ShippingRules.load()
    assert (rules.limit_c, rules.margin_hours, rules.cover_minutes) == (-130.0, 24, 20)


# --- panels, work, search, calendar ---------------------------------------------------------------


def order_panel(user: User, order: Order) -> Any:
    found = [panel for panel in panels.panels(Place.ORDER, user, order) if "shipment" in panel.template]
    return found[0].values if found else None


def test_the_page_of_an_order_leads_to_its_shipment(hospital: Hospital, he_lan: User, xu_hai: User) -> None:
    order = order_of(hospital)
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
    order, shipper, second = order_of(hospital), ShipperFactory(), shipping_person()
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
