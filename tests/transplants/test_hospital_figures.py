"""The activity of hospitals: requests, reservations, orders, transplants in the list, by year, and in the file."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import User
from hospitals import activity
from hospitals.models import Hospital, Patient
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory, member_of
from tests.factories.matching import MatchRequestFactory
from tests.factories.reservations import ReservationFactory, in_days
from transplants.models import Order, Transplant

pytestmark = pytest.mark.django_db
LIST = reverse("hospitals:hospital-list")


def order(patient: Patient, **values: Any) -> Order:
    row = ReservationFactory(active=True, patient=patient)
    given = {
        "number": f"OR-2020-{Order.objects.count():04d}",
        "reservation": row,
        "unit": row.unit,
        "patient": patient,
        "hospital": patient.hospital,
        "weight_kg": 12,
        "conditioning_on": in_days(5),
        "infusion_on": in_days(9),
        "deliver_on": in_days(4),
        "country": "CN",
        "ship_to": "1 Example Road",
        "contact": "Ward",
        "contact_phone": "0",
        "asked_by": UserFactory(),
    }
    return Order.objects.create(**given | values)


def transplant(patient: Patient, infused_on: dt.date) -> Transplant:
    return Transplant.objects.create(
        number=f"TX-2020-{Transplant.objects.count():04d}",
        patient=patient,
        hospital=patient.hospital,
        infused_on=infused_on,
        sequence=1,
        graft_type="single",
        weight_kg=12,
        created_by=UserFactory(),
    )


@pytest.fixture
def busy(hospital: Hospital) -> Hospital:
    """Of each kind what counts and what does not."""
    this_year = timezone.now()
    before = this_year - dt.timedelta(days=366)
    patients = [PatientFactory(hospital=hospital) for _ in range(3)]
    MatchRequestFactory(patient=patients[0], state="SEARCHED", submitted_by="He Lan", submitted_at=this_year)
    MatchRequestFactory(patient=patients[0], state="DRAFT")
    MatchRequestFactory(patient=patients[0], state="CLOSED", submitted_by="He Lan", submitted_at=before)
    ReservationFactory(patient=patients[0])
    ReservationFactory(patient=patients[0], ended=True, asked_at=before)
    order(patients[1])
    order(patients[1], asked_at=before)
    transplant(patients[1], before.date())
    transplant(patients[2], this_year.date())
    return hospital


def test_list_counts_what_is_open_this_year_and_in_all(
    busy: Hospital, shen_jia: User, signed_in: Any
) -> None:
    idle = HospitalFactory()

    rows = {row.pk: row for row, *_ in signed_in(shen_jia).get(LIST).context["rows"]}

    def counts(row: Any) -> tuple[int, ...]:
        return row.active_patients, row.n_requests, row.n_reservations, row.n_orders, row.n_transplants

    # beside the asked one, the reservations of the two orders
    assert counts(rows[busy.pk]) == (3, 1, 3, 1, 2)
    assert counts(rows[idle.pk]) == (0, 0, 0, 0, 0)
    assert rows[idle.pk].last_activity_at is None


def test_last_activity_is_the_latest_of_all(hospital: Hospital, shen_jia: User) -> None:
    early = timezone.now() - dt.timedelta(days=400)
    row = PatientFactory(hospital=hospital, updated_at=early)
    late = timezone.now() - dt.timedelta(days=3)
    ReservationFactory(patient=row, updated_at=late)

    assert activity.with_figures(Hospital.objects.filter(pk=hospital.pk)).get().last_activity_at == late


def test_without_other_apps_the_patients_are_the_activity(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = PatientFactory(hospital=hospital)
    monkeypatch.setattr(activity, "_figures", {})

    found = activity.with_figures(Hospital.objects.filter(pk=hospital.pk)).get()

    assert found.last_activity_at == row.updated_at
    assert [label for year in activity.by_year(hospital) for label, _n in year.cells] == ["New patients"]


@pytest.mark.parametrize("key", ["requests", "reservations", "orders", "transplants", "activity", "people"])
def test_list_is_ordered_by_each_column(key: str, busy: Hospital, shen_jia: User, signed_in: Any) -> None:
    idle = HospitalFactory(code="A000")
    member_of(busy)
    client = signed_in(shen_jia)

    def order(sort: str) -> list[str]:
        return [row[0].code for row in client.get(LIST, {"sort": sort}).context["rows"]]

    assert order(f"-{key}") == [busy.code, idle.code]
    # a hospital that did nothing yet has no day of it: it stands last either way
    assert order(key) == ([busy.code, idle.code] if key == "activity" else [idle.code, busy.code])


def test_page_counts_by_year(busy: Hospital, shen_jia: User, signed_in: Any) -> None:
    page = signed_in(shen_jia).get(reverse("hospitals:hospital-detail", args=[busy.pk]))

    this_year = timezone.localdate().year
    found = {row.year: [number for _label, number in row.cells] for row in page.context["years"]}
    assert found[this_year] == [3, 1, 3, 1, 1]
    last = [sum(found[year][at] for year in found if year < this_year) for at in range(5)]
    assert last == [0, 1, 1, 1, 1]
    assert list(found) == sorted(found, reverse=True)


def test_years_of_one_hospital_are_not_another_ones(busy: Hospital) -> None:
    assert activity.by_year(HospitalFactory()) == []


def test_file_has_the_figures(busy: Hospital, shen_jia: User, signed_in: Any) -> None:
    answer = signed_in(shen_jia).get(reverse("hospitals:hospital-export"))

    head, line = csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    found = dict(zip(head, line, strict=True))
    assert [found[name] for name in ("requests", "reservations", "orders", "transplants", "abroad")] == [
        *("1", "3", "1", "2"),
        "no",
    ]
    assert found["qualification"] == "none"


@pytest.mark.parametrize("count", [1, 110])
def test_list_costs_the_same_queries_for_any_number_of_hospitals(
    count: int, shen_jia: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for hospital in HospitalFactory.create_batch(count):
        PatientFactory(hospital=hospital)
    client = signed_in(shen_jia)
    client.get(LIST)  # what is read once for all pages

    with django_assert_max_num_queries(9):
        page = client.get(LIST, {"per_page": "250", "sort": "-activity"})
    assert len(page.context["rows"]) == count
