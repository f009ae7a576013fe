"""A file that was read wrongly is read anew: the former reading is void, known to all, and judged no more."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.errors import InvalidInput
from core.models import AuditEntry, User
from hospitals.models import Hospital
from tests.factories.shipments import ASKED, HOUR, away_to, found_well, logger_csv, record_of, shipping_person
from tests.transplants.shipment_forms import upload, url
from transplants import providers_shipments, services_loggers, services_receipts
from transplants.loggers.reading import Asked
from transplants.models import Incident, LoggerFile, Shipment

pytestmark = pytest.mark.django_db

ELSEWHERE = Asked(zone=ZoneInfo("UTC"))


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


@pytest.fixture
def row(hospital: Hospital) -> Shipment:
    """Under way for some hours, so that its file can be read in another zone."""
    left = timezone.now() - 20 * HOUR
    times = {"packed_at": left - HOUR, "checked_at": left, "dispatched_at": left}
    return away_to(hospital, **times)


def keep(row: Shipment, user: User, data: bytes, asked: Asked = ASKED, reason: str = "") -> LoggerFile:
    given = {"name": "log.csv", "data": data, "asked": asked, "reason": reason}
    return services_loggers.logger_add(shipment_id=row.pk, user=user, **given)


def of_the_way(row: Shipment) -> bytes:
    """In the bank's clock it covers the way so far, ten hours ago; in UTC it would be of later."""
    return logger_csv(row.loaded_at, timezone.now() - 10 * HOUR)


def test_another_zone_is_another_reading_and_needs_a_reason(row: Shipment, xu_hai: User) -> None:
    data = of_the_way(row)
    wrong = keep(row, xu_hai, data, ELSEWHERE)
    assert wrong.verdict == "incomplete"

    with pytest.raises(InvalidInput) as refused:
        keep(row, xu_hai, data)
    assert (refused.value.code, refused.value.field) == ("reason_needed", "reason")
    right = keep(row, xu_hai, data, reason="the logger runs by Shanghai")
    again = keep(row, xu_hai, data)

    wrong.refresh_from_db()
    assert (right.pk, right.verdict) == (again.pk, "within")
    assert (wrong.voided_by, wrong.void_reason) == (xu_hai, "the logger runs by Shanghai")
    assert list(LoggerFile.objects.in_force()) == [right]
    entry = AuditEntry.objects.get(action="shipment.logger_void")
    assert (entry.reason, entry.before["verdict"]) == ("the logger runs by Shanghai", "incomplete")


def test_a_void_reading_forbids_nothing_and_stays_known(row: Shipment, xu_hai: User, he_lan: User) -> None:
    head = "Time,Temperature 1 (℃),Temperature 2 (℃)"
    lines = [line.split(",") for line in logger_csv(row.loaded_at, timezone.now()).decode().splitlines()[2:]]
    data = "\n".join([head, *(f"{at},-100,{value}" for _no, at, value in lines)]).encode()
    shanghai = ZoneInfo("Asia/Shanghai")
    wrong = Asked(zone=shanghai, column="Temperature 1 (℃)")
    keep(row, xu_hai, data, wrong)

    keep(row, he_lan, data, Asked(zone=shanghai, column="Temperature 2 (℃)"), reason="that was the air")
    services_receipts.shipment_receive(shipment_id=row.pk, received=found_well(row), user=he_lan)

    (note,) = Incident.objects.get().notes.all()  # it was too warm: nobody takes that back alone
    assert "that was the air" in note.text
    files = LoggerFile.objects.order_by("uploaded_at")
    assert [(one.verdict, one.voided_at is None) for one in files] == [("above", False), ("within", True)]


def test_the_limit_of_the_first_reading_stays(row: Shipment, xu_hai: User) -> None:
    data = of_the_way(row)
    first = keep(row, xu_hai, data, ELSEWHERE)
    LoggerFile.objects.filter(pk=first.pk).update(limit_c=-195.0)

    assert keep(row, xu_hai, data, reason="zone").limit_c == -195.0


@pytest.mark.parametrize(
    "half",
    [{"voided_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, {"void_reason": "r"}],
)
def test_half_a_void_is_no_row(half: dict[str, Any], row: Shipment, xu_hai: User) -> None:
    keep(row, xu_hai, record_of(row))

    with pytest.raises(IntegrityError, match="logger_file_voided_whole"), transaction.atomic():
        LoggerFile.objects.update(**half)


def test_the_page_asks_why_and_shows_what_is_void(row: Shipment, xu_hai: User, signed_in: Any) -> None:
    client, data = signed_in(xu_hai), of_the_way(row)
    assert upload(client, row, data, zone="UTC").status_code == 302

    refused = upload(client, row, data)
    assert refused.status_code == 400
    assert "Write why it is read anew" in refused.content.decode()
    assert upload(client, row, data, reason="by Shanghai").status_code == 302

    page = client.get(url("shipment-detail", row.pk)).content.decode()
    assert "by Shanghai" in page
    assert page.count('class="record"') == 1


def test_a_file_of_another_logger_is_marked(row: Shipment, xu_hai: User, signed_in: Any) -> None:
    client = signed_in(xu_hai)
    sent = upload(client, row, record_of(row, note="\nSerial Number: LG-99"))

    page = client.get(sent.url).content.decode()

    assert LoggerFile.objects.get().serial == "LG-99"
    assert "The file is of logger LG-99; packed was LG-1." in page
    assert "another logger" in page
    assert AuditEntry.objects.get(action="shipment.logger").after["serial"] == "LG-99"


@pytest.mark.parametrize("note", ["", "\nSerial Number: LG-1", "\nS/N: lg 1"])
def test_a_file_of_the_packed_logger_is_not(note: str, row: Shipment, xu_hai: User, signed_in: Any) -> None:
    client = signed_in(xu_hai)
    sent = upload(client, row, record_of(row, note=note))

    assert "another logger" not in client.get(sent.url).content.decode()


def test_the_curve_marks_loading_dispatch_and_receipt(
    row: Shipment, xu_hai: User, he_lan: User, signed_in: Any
) -> None:
    keep(row, xu_hai, record_of(row))
    services_receipts.shipment_receive(shipment_id=row.pk, received=found_well(row), user=he_lan)

    page = signed_in(xu_hai).get(url("shipment-detail", row.pk)).content.decode()

    assert [page.count(f">{text}</text>") for text in ("Loaded", "Dispatched")] == [1, 1]


def test_a_delivered_shipment_without_a_record_is_work_to_do(
    row: Shipment, xu_hai: User, he_lan: User
) -> None:
    def asked() -> list[str]:
        return [
            one.title for one in providers_shipments.work_items(xu_hai) if "temperature record" in one.title
        ]

    assert asked() == []
    services_receipts.shipment_receive(shipment_id=row.pk, received=found_well(row), user=he_lan)
    assert asked() == [f"Add the temperature record of {row.number}"]
    assert not [one for one in providers_shipments.work_items(he_lan) if "temperature" in one.title]

    keep(row, xu_hai, record_of(row))

    assert asked() == []
