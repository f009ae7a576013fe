"""Files of loggers on the pages of shipments: what strangers send, what is shown of it; shippers and rules."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core.models import User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import UserFactory
from tests.factories.shipments import (
    HOUR,
    ShipmentFactory,
    away_to,
    logger_csv,
    record_of,
    shipping_person,
)
from tests.transplants.shipment_forms import keep_record, shipper_form, upload, url
from transplants.models import LoggerFile, Shipper, ShippingRules

pytestmark = pytest.mark.django_db


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


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
    keep_record(row, xu_hai, b"\n".join(parts))

    page = signed_in(xu_hai).get(url("shipment-detail", row.pk)).content.decode()

    assert page.count("<polyline") == 2
    assert "nothing measured from" in page


# --- shippers and rules ---------------------------------------------------------------------------


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
