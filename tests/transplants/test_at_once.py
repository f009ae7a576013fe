"""A hundred hands at one unit: promised once; an expiry and a decision at the same moment have one outcome."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from bank.models import CordBloodUnit
from core.errors import Conflict
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.enquiries import EnquiryFactory
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.reservations import ReservationFactory, in_days, trusted_hospital
from tests.parallel import all_at_once, at_once
from transplants import services, services_sweep
from transplants import services_enquiries as enquiries
from transplants.models import Enquiry, Reservation
from transplants.services import Wish
from transplants.services_enquiries import Written

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
HOSPITALS, PATIENTS = 10, 10
ROUNDS = 8  # of two services against one another


def wishes(unit: CordBloodUnit) -> list[Any]:
    works = []
    for _ in range(HOSPITALS):
        hospital = trusted_hospital()
        user = member_of(hospital)
        for _ in range(PATIENTS):
            patient = PatientFactory(hospital=hospital)
            wish = Wish(unit.pk, patient.pk)
            works.append(partial(services.reservation_ask, wish=wish, user=user))
    return works


def test_a_hundred_wishes_of_ten_hospitals_are_one_promise() -> None:
    """Who comes too late is not refused but stands in line; none of them is told that the unit is theirs."""
    unit = UnitFactory()

    found = all_at_once(wishes(unit))

    states = Counter(row.state for row in found)
    assert states == {"active": 1, "asked": HOSPITALS * PATIENTS - 1}
    assert Reservation.objects.active().filter(unit=unit).count() == 1
    assert CordBloodUnit.objects.get(pk=unit.pk).status == "RESERVED"
    assert AuditEntry.objects.filter(action="unit.reserve").count() == 1


def test_a_hundred_confirmations_are_one_promise_and_ninety_nine_clear_refusals() -> None:
    unit, user = UnitFactory(), UserFactory(roles=[Role.SEARCH_COORDINATOR])
    rows = [ReservationFactory(unit=unit, patient=patient) for patient in _patients()]

    works = [
        partial(services.reservation_confirm, reservation_id=row.pk, user=user, reason="urgent")
        for row in rows
    ]
    found = all_at_once(works)

    refused = Counter(one.code for one in found if isinstance(one, Conflict))
    assert refused == {"unit_reserved": len(rows) - 1}
    assert Reservation.objects.active().count() == 1
    assert AuditEntry.objects.filter(action="unit.reserve").count() == 1


def _patients() -> list[Patient]:
    return [
        PatientFactory(hospital=h)
        for h in [trusted_hospital() for _ in range(HOSPITALS)]
        for _ in range(PATIENTS)
    ]


def test_fifty_units_for_one_patient_at_once_are_as_many_as_allowed() -> None:
    patient = PatientFactory(hospital=trusted_hospital())
    user = member_of(patient.hospital)
    units = [UnitFactory() for _ in range(50)]

    works = [partial(services.reservation_ask, wish=Wish(u.pk, patient.pk), user=user) for u in units]
    found = all_at_once(works)

    refused = [one.code for one in found if isinstance(one, Conflict)]
    assert refused == ["too_many_units"] * 46
    assert CordBloodUnit.objects.filter(status="RESERVED").count() == 4


def _user() -> User:
    found: User = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    return found


def test_what_is_over_expires_whoever_reaches_for_it_meanwhile() -> None:
    """An extension that comes too late is told so, before the expiry and after it."""
    user = _user()
    for _ in range(ROUNDS):
        row = ReservationFactory(active=True, until=in_days(-1))
        expire = partial(services_sweep.reservation_expire, reservation_id=row.pk)
        extend = partial(
            services.reservation_extend, reservation_id=row.pk, user=user, reason="bed", until=in_days(10)
        )

        expired, extended = all_at_once([expire, extend])

        row.refresh_from_db()
        status = CordBloodUnit.objects.get(pk=row.unit_id).status
        assert isinstance(extended, Conflict)
        assert (expired, row.state, status) == (True, "expired", "LISTED")


def test_an_end_by_the_hospital_and_one_by_time_are_one_end() -> None:
    user = _user()
    for _ in range(ROUNDS):
        row = ReservationFactory(active=True, until=in_days(-1))
        expire = partial(services_sweep.reservation_expire, reservation_id=row.pk)
        cancel = partial(services.reservation_cancel, reservation_id=row.pk, user=user, reason="r")

        found = all_at_once([expire, cancel])

        row.refresh_from_db()
        assert sum(isinstance(one, Conflict) for one in found) == 1
        assert row.state in ("expired", "cancelled")
        assert AuditEntry.objects.filter(action="unit.unreserve", target_key=str(row.unit_id)).count() == 1


def test_a_freed_unit_goes_to_one_of_two_that_reach_for_it() -> None:
    """The next in line by the sweep, and somebody new by the page."""
    for _ in range(ROUNDS):
        row = ReservationFactory(active=True, until=in_days(-1))
        services_sweep.reservation_expire(reservation_id=row.pk)
        first = ReservationFactory(unit=row.unit, patient=PatientFactory(hospital=trusted_hospital()))
        other = PatientFactory(hospital=trusted_hospital())
        user = member_of(other.hospital)

        all_at_once(
            [
                partial(services_sweep.line_advance, reservation_id=first.pk),
                partial(services.reservation_ask, wish=Wish(row.unit.pk, other.pk), user=user),
            ]
        )

        first.refresh_from_db()
        assert (first.state, CordBloodUnit.objects.get(pk=row.unit_id).status) == ("active", "RESERVED")
        assert Reservation.objects.active().filter(unit=row.unit).count() == 1


def test_many_sweeps_expire_once() -> None:
    ReservationFactory(active=True, until=in_days(-1))

    at_once(services_sweep.reservations_sweep, 8)

    assert AuditEntry.objects.filter(action="reservation.expire").count() == 1


def test_twenty_answers_are_one() -> None:
    row, people = EnquiryFactory(), [_user() for _ in range(20)]

    works = [
        partial(enquiries.enquiry_answer, enquiry_id=row.pk, written=Written(f"answer {n}"), user=user)
        for n, user in enumerate(people)
    ]
    found = all_at_once(works)

    assert [one.code for one in found if isinstance(one, Conflict)] == ["enquiry_ended"] * 19
    assert row.messages.count() == AuditEntry.objects.filter(action="enquiry.answer").count() == 1


def test_a_form_sent_by_ten_clicks_is_one_enquiry() -> None:
    patient, key = PatientFactory(), uuid4()
    user = member_of(patient.hospital)
    ask = partial(
        enquiries.enquiry_open,
        patient_id=patient.pk,
        kind="message",
        subject="s",
        written=Written("t", (), uuid4()),
        user=user,
        enquiry_id=key,
    )

    found = at_once(ask, 10)

    assert {one.pk for one in found if not isinstance(one, Exception)} == {key}
    assert Enquiry.objects.count() == 1
