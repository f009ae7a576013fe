"""What time does: expiry, warning, the next in line, patients and units that are gone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from bank.models import CordBloodUnit
from core.models import Notification, User
from hospitals.models import Hospital, Patient
from matching.models import MatchRequest
from tests.factories.matching import MatchRequestFactory
from tests.factories.reservations import ReservationFactory, in_days
from transplants import services, services_sweep, tasks
from transplants.models import Reservation

pytestmark = pytest.mark.django_db


def sweep() -> dict[str, int]:
    """Only what was done."""
    return {name: n for name, n in services_sweep.reservations_sweep().items() if n}


def state(row: Reservation) -> tuple[str, str]:
    row.refresh_from_db()
    unit = CordBloodUnit.objects.get(pk=row.unit_id)
    return row.state, unit.status


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).values_list("code", flat=True))


@pytest.mark.parametrize(("days", "wanted"), [(-1, ("expired", "LISTED")), (0, ("active", "RESERVED"))])
def test_it_expires_after_its_last_day(
    days: int, wanted: tuple[str, str], he_lan: User, patient: Patient
) -> None:
    row = ReservationFactory(active=True, patient=patient, until=in_days(days), warned_for=in_days(days))

    sweep()

    assert state(row) == wanted
    assert told(he_lan) == (["reservation.expired"] if days < 0 else [])


def test_twice_swept_is_once_told(shen_jia: User) -> None:
    ReservationFactory(active=True, until=in_days(-1))

    assert (sweep(), sweep()) == ({"expired": 1}, {})
    assert told(shen_jia) == ["reservation.expired"]


def test_an_order_in_time_keeps_it() -> None:
    row = ReservationFactory(active=True, until=in_days(-1))
    CordBloodUnit.objects.filter(pk=row.unit_id).update(status="ORDERED")

    assert sweep() == {}
    assert state(row) == ("active", "ORDERED")


def test_the_hospital_is_warned_once_for_each_last_day(he_lan: User, patient: Patient) -> None:
    row = ReservationFactory(active=True, patient=patient, until=in_days(5))
    later = ReservationFactory(active=True, patient=patient, until=in_days(6))

    assert (sweep(), sweep()) == ({"warned": 1}, {})
    Reservation.objects.filter(pk=row.pk).update(until=in_days(4))
    assert sweep() == {"warned": 1}
    later.refresh_from_db()
    assert (told(he_lan), later.warned_for) == (["reservation.ending"] * 2, None)


def test_the_first_in_line_gets_it(own: Patient, tan_xi: User) -> None:
    row = ReservationFactory(active=True, until=in_days(-1))
    first = ReservationFactory(unit=row.unit, patient=own)
    second = ReservationFactory(unit=row.unit)

    assert sweep() == {"expired": 1, "moved_up": 1}

    assert [state(one)[0] for one in (row, first, second)] == ["expired", "active", "asked"]
    assert (state(first)[1], told(tan_xi)) == ("RESERVED", ["reservation.moved_up"])


def test_where_the_bank_decides_both_sides_hear_once_that_the_unit_is_free(
    own: Patient, patient: Patient, he_lan: User, shen_jia: User, tan_xi: User
) -> None:
    row = ReservationFactory(active=True, until=in_days(-1))
    first = ReservationFactory(unit=row.unit, patient=patient)
    second = ReservationFactory(unit=row.unit, patient=own)

    assert (sweep(), sweep()) == ({"expired": 1, "told_free": 1}, {})

    assert [state(one) for one in (first, second)] == [("asked", "LISTED")] * 2
    assert told(he_lan) == ["reservation.became_free"]
    assert set(told(shen_jia)) == {"reservation.expired", "reservation.became_free"}
    assert told(tan_xi) == []


def test_who_waits_hears_again_when_the_unit_is_free_again(
    patient: Patient, he_lan: User, shen_jia: User
) -> None:
    row = ReservationFactory(active=True, until=in_days(-1))
    first = ReservationFactory(unit=row.unit, patient=patient)
    other = ReservationFactory(unit=row.unit)
    sweep()

    services.reservation_confirm(reservation_id=other.pk, user=shen_jia, reason="urgent")
    first.refresh_from_db()
    assert first.free_told_at is None
    services.reservation_cancel(reservation_id=other.pk, user=shen_jia, reason="r")
    sweep()

    assert told(he_lan) == ["reservation.became_free"] * 2


@pytest.mark.parametrize("why", ["qualification", "hospital", "blocked"])
def test_nobody_moves_up_who_could_not_ask_now(why: str, own: Patient) -> None:
    row = ReservationFactory(patient=own)
    if why == "qualification":
        Hospital.objects.update(qualified_until=in_days(-1))
    if why == "hospital":
        Hospital.objects.update(active=False)
    if why == "blocked":
        CordBloodUnit.objects.filter(pk=row.unit_id).update(recalled=True)

    sweep()

    assert state(row) == ("ended" if why == "hospital" else "asked", "LISTED")


def inactive(patient: Patient, **since: int) -> None:
    Patient.objects.filter(pk=patient.pk).update(
        state="inactive",
        inactive_reason="transplanted",
        deactivated_at=timezone.now() - dt.timedelta(**since),
    )


@pytest.mark.parametrize("active", [True, False])
def test_it_ends_with_its_patient(active: bool, patient: Patient, he_lan: User) -> None:
    row = ReservationFactory(active=active, patient=patient)
    inactive(patient, minutes=61)

    assert sweep() == {"without_need": 1}

    assert state(row) == ("ended", "LISTED")
    assert (row.end_cause, told(he_lan)) == ("patient", ["reservation.dropped"])


def test_a_slip_of_the_hand_takes_no_unit_away(patient: Patient) -> None:
    row = ReservationFactory(active=True, patient=patient)
    inactive(patient, minutes=59)

    assert sweep() == {}
    assert state(row) == ("active", "RESERVED")


def test_it_outlives_its_request(patient: Patient) -> None:
    """Criteria that are asked anew take no unit away."""
    request = MatchRequestFactory(patient=patient, submitted=True, state="CANCELLED", **_cancelled())
    row = ReservationFactory(active=True, patient=patient, request=request)

    assert sweep() == {}
    assert state(row) == ("active", "RESERVED")


def _cancelled() -> dict[str, Any]:
    return {"cancelled_by": "He Lan", "cancelled_at": timezone.now(), "cancel_reason": "other donor"}


def test_a_request_says_it_once_its_search_is_over(patient: Patient) -> None:
    request = MatchRequestFactory(patient=patient, submitted=True)
    ReservationFactory(active=True, patient=patient, request=request)
    assert sweep() == {}

    MatchRequest.objects.update(state="SEARCHED")
    assert (sweep(), sweep()) == ({"followed": 1}, {})
    request.refresh_from_db()
    assert request.state == "RESERVED"


def test_it_ends_with_its_unit() -> None:
    row = ReservationFactory(active=True)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(status="DISCARDED", discard_reason="damaged")

    assert sweep() == {"without_unit": 1}
    assert (*state(row), row.end_cause) == ("ended", "DISCARDED", "unit")


HELD: list[dict[str, Any]] = [
    {"status": "ON_HOLD", "status_before_hold": "RESERVED", "hold_reason": "tank alarm"},
    {"recalled": True},
    {"status": "QUARANTINE"},  # a withdrawal was corrected, or results came in: it is released anew
]


@pytest.mark.parametrize("change", HELD)
def test_the_hospital_hears_of_a_hold_and_of_its_end(
    change: dict[str, Any], patient: Patient, he_lan: User
) -> None:
    row = ReservationFactory(active=True, patient=patient)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(**change)

    assert (sweep(), sweep()) == ({"held": 1}, {})
    CordBloodUnit.objects.filter(pk=row.unit_id).update(
        status="RESERVED", status_before_hold="", hold_reason="", recalled=False
    )
    assert (sweep(), sweep()) == ({"unheld": 1}, {})
    assert set(told(he_lan)) == {"reservation.held", "reservation.unheld"}


def test_one_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = (ReservationFactory(active=True, until=in_days(-1)) for _ in range(2))
    real = services_sweep.end

    def fail(held: Any, **more: Any) -> bool:
        if held.row.pk == bad.pk:
            raise RuntimeError("a fault of the program")
        return real(held, **more)

    monkeypatch.setattr(services_sweep, "end", fail)

    assert sweep() == {"expired": 1}
    assert (state(bad), state(good)) == (("active", "RESERVED"), ("expired", "LISTED"))


def test_the_task_opens_the_service_and_the_ring_outlives_a_dead_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = ReservationFactory(active=True, until=in_days(-1))

    tasks.sweep_reservations()
    assert state(row)[0] == "expired"

    def dead(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.sweep_reservations, "delay", dead)
    tasks.ring_sweep()


def test_a_quiet_minute_is_as_cheap_with_many_reservations(django_assert_num_queries: Any) -> None:
    """What nothing can be done about is not looked at one by one: ordered ones, wishes in line, wishes of the bank."""
    for rows in (1, 6):
        for _ in range(rows):
            ordered = ReservationFactory(active=True, until=in_days(-1))
            CordBloodUnit.objects.filter(pk=ordered.unit_id).update(status="ORDERED")
            kept = ReservationFactory(active=True)
            ReservationFactory(unit=kept.unit)
            ReservationFactory(free_told_at=timezone.now())
        with django_assert_num_queries(10):
            assert sweep() == {}


def test_a_warning_is_not_lost_to_an_extension(patient: Patient) -> None:
    """It was chosen to be warned of, and extended before its turn came."""
    row = ReservationFactory(active=True, patient=patient, until=in_days(19))

    assert services_sweep.reservation_warn(reservation_id=row.pk) is False
    row.refresh_from_db()
    assert row.warned_for is None


def test_what_ends_the_work_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    ReservationFactory(active=True, until=in_days(-1))

    def lost(**_: Any) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(services_sweep, "reservation_expire", lost)
    with pytest.raises(OperationalError):
        sweep()
