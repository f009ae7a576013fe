"""Moments are written and shown by the clock of whoever writes: a hospital's by its own, the bank's by the bank's."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.models import User
from hospitals.forms import HospitalForm
from hospitals.models import Hospital
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.shipments import away_to, in_hours, shipping_person
from tests.transplants.shipment_forms import answers, url
from transplants import shipping
from transplants.forms_grafts import InfusionForm
from transplants.models import Receipt, Shipment
from transplants.moments import zone_for, zone_of

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def berlin(db: None) -> Hospital:
    found: Hospital = HospitalFactory(time_zone="Europe/Berlin")
    return found


@pytest.fixture
def row(berlin: Hospital) -> Shipment:
    return away_to(berlin)


def test_without_a_zone_the_clock_is_the_banks(hospital: Hospital, berlin: Hospital, he_lan: User) -> None:
    both = member_of(hospital)
    both.memberships.create(hospital=berlin)

    assert str(hospital.zone) == str(zone_for(he_lan, hospital)) == "Asia/Shanghai"
    assert [str(zone_for(both, one)) for one in (hospital, berlin)] == ["Asia/Shanghai", "Europe/Berlin"]
    assert str(zone_for(shipping_person(), berlin)) == "Asia/Shanghai"  # the bank's people by the bank's
    assert [str(zone_of(one)) for one in (both, member_of(berlin))] == ["Asia/Shanghai", "Europe/Berlin"]


def test_a_receipt_is_read_by_the_clock_of_its_hospital(row: Shipment, signed_in: Any) -> None:
    client, page = signed_in(member_of(row.hospital)), url("shipment-receive", row.pk)
    at = timezone.now().replace(second=0, microsecond=0)

    shown = client.get(page).content.decode()
    assert "By the clock of Europe/Berlin." in shown
    assert f'value="{timezone.localtime(at, BERLIN):%Y-%m-%dT%H}' in shown
    sent = client.post(page, answers(row, received_at=f"{timezone.localtime(at, BERLIN):%Y-%m-%dT%H:%M}"))

    assert sent.status_code == 302
    assert Receipt.objects.get().received_at == at
    text = client.get(url("shipment-detail", row.pk)).content.decode()
    assert f"{timezone.localtime(at, BERLIN):%Y-%m-%d %H:%M}" in text
    assert "Times: Europe/Berlin" in text


def test_the_bank_sees_the_same_moment_by_its_own_clock(row: Shipment, signed_in: Any) -> None:
    text = signed_in(shipping_person()).get(url("shipment-detail", row.pk)).content.decode()

    assert f"{timezone.localtime(row.expected_at):%Y-%m-%d %H:%M}" in text
    assert "Times: Asia/Shanghai" in text


def test_an_infusion_is_written_by_the_clock_of_its_hospital(row: Shipment) -> None:
    form = InfusionForm({"thawed_at": "2026-07-01T10:00"}, order=row.order, zone=BERLIN)
    form.is_valid()

    assert form.cleaned_data["thawed_at"] == dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)
    assert "Europe/Berlin" in str(form.fields["thawed_at"].help_text)


def test_an_hour_that_never_was_is_refused(row: Shipment) -> None:
    form = InfusionForm({"thawed_at": "2026-03-29T02:30"}, order=row.order, zone=BERLIN)

    assert "thawed_at" in form.errors


def test_the_day_of_the_arrival_is_that_of_the_hospital() -> None:
    row = away_to(HospitalFactory(time_zone="America/Los_Angeles"))
    noon = timezone.localtime(in_hours(24)).replace(
        hour=12, minute=0
    )  # in Shanghai; the evening before over there

    assert shipping.arrival_day(row.order, noon) == timezone.localdate(noon) - dt.timedelta(days=1)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../etc/passwd", "UTC+8"])
def test_a_zone_has_a_name_of_the_database(name: str, berlin: Hospital) -> None:
    berlin.time_zone = name

    with pytest.raises(ValidationError, match="time zone"):
        berlin.full_clean()
    data = {name: getattr(berlin, name) for name in HospitalForm().fields if name != "time_zone"}
    form = HospitalForm(
        {key: value or "" for key, value in data.items()} | {"time_zone": name}, instance=berlin
    )
    assert "time_zone" in form.errors
