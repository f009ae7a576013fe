"""SIGKILL of web and worker in the middle of a step: nothing of it is left, and it can be made anew.

The step stands still at the last thing it does, the locks of the people who are told: all else of it is written by
then, and nothing is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bank.models import CordBloodUnit
from core.models import AuditEntry, Notification, User
from core.roles import Role
from scripts.installation import wait_until
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.orders import OrderFactory, ready
from tests.factories.reservations import ReservationFactory, in_days
from tests.factories.shipments import ShipmentFactory, shipping_person
from tests.faults.web import signed_in, web
from tests.faults.workers import Workers
from transplants import tasks
from transplants.models import Order, Reservation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@dataclass(frozen=True)
class Step:
    """What is posted by whom, who is told of it, and what the step changes: read before and after."""

    user: User
    path: str
    data: dict[str, str]
    told: User
    state: Callable[[], Any]
    done: Any


def confirmation() -> Step:
    """The bank keeps a unit for a patient: the unit, the reservation, two audit entries, notices."""
    row = ReservationFactory(unit=UnitFactory())
    told = member_of(row.hospital)
    return Step(
        UserFactory(roles=[Role.SEARCH_COORDINATOR]),
        f"/reservations/{row.pk}/confirm/",
        {},
        told,
        lambda: _state(row),
        ("active", "RESERVED"),
    )


def cancellation() -> Step:
    row = ReservationFactory(active=True, patient=PatientFactory())
    return Step(
        member_of(row.hospital),
        f"/reservations/{row.pk}/cancel/",
        {"reason": "another unit was chosen"},
        UserFactory(roles=[Role.SEARCH_COORDINATOR]),
        lambda: _state(row),
        ("cancelled", "LISTED"),
    )


def approval() -> Step:
    """The bank prepares the unit: order, unit, the match request, audit entries, notices."""
    row = ready(OrderFactory())
    return Step(
        UserFactory(roles=[Role.SEARCH_COORDINATOR]),
        f"/orders/{row.pk}/approve/",
        {"version": str(row.version)},
        member_of(row.hospital),
        lambda: _order_state(row),
        ("approved", "ORDERED"),
    )


def dispatch() -> Step:
    """The unit leaves the house: its place, two charges, shipment, order, unit, notices."""
    row = ShipmentFactory(checked=True)
    ready(row.order)
    return Step(
        shipping_person(),
        f"/shipments/{row.pk}/dispatch/",
        {},
        member_of(row.hospital),
        lambda: _order_state(row.order),
        ("shipped", "SHIPPED"),
    )


def receipt() -> Step:
    """The hospital has it: receipt, shipment, order, unit, notices."""
    row = ShipmentFactory(away=True)
    answers = ("seals_intact", "temperature_held", "bag_intact", "identity_right", "papers_complete")
    given = {"scanned": row.order.unit.unit_no, "acceptance": "accepted", **dict.fromkeys(answers, "yes")}
    now = timezone.localtime(timezone.now())
    return Step(
        member_of(row.hospital),
        f"/shipments/{row.pk}/receive/",
        {**given, "received_at": f"{now:%Y-%m-%dT%H:%M:%S}"},
        UserFactory(roles=[Role.SEARCH_COORDINATOR]),
        lambda: _order_state(row.order),
        ("delivered", "DELIVERED"),
    )


def _order_state(row: Order) -> tuple[str, str]:
    return Order.objects.get(pk=row.pk).state, CordBloodUnit.objects.get(pk=row.unit_id).status


def _state(row: Reservation) -> tuple[str, str]:
    found = Reservation.objects.get(pk=row.pk)
    return found.state, CordBloodUnit.objects.get(pk=row.unit_id).status


STEPS = [confirmation, cancellation, approval, dispatch, receipt]


@contextmanager
def not_to_be_told(user: User) -> Iterator[None]:
    """Whoever tells this person something waits at the end of its step."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        yield


def somebody_waits() -> bool:
    """Another connection of this database waits for a lock that is held here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


def nobody_else_works() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0] == 0


def written() -> tuple[int, int]:
    return AuditEntry.objects.exclude(action__startswith="user.").count(), Notification.objects.count()


@pytest.mark.parametrize("make", STEPS, ids=lambda make: make.__name__)
def test_a_web_process_killed_in_a_step_leaves_nothing_of_it(
    make: Callable[[], Step], process_environment: dict[str, str], tmp_path: Path
) -> None:
    step = make()
    with web(process_environment, tmp_path) as doomed:
        headers = signed_in(step.user)
        before, entries = step.state(), written()
        with not_to_be_told(step.told):
            thread = doomed.post(headers, step.path, step.data)
            wait_until(somebody_waits, "the step to reach its end", tail=doomed.part.tail)
            doomed.part.kill()
        thread.join(60)
        wait_until(nobody_else_works, "the database to end its work", tail=doomed.part.tail)

    assert (step.state(), written()) == (before, entries)

    with web(process_environment, tmp_path) as alive:
        alive.post(headers, step.path, step.data).join(60)

    assert step.state() == step.done
    assert written() > entries


def test_a_worker_killed_in_its_sweep_leaves_nothing_of_it_and_the_next_one_ends_the_promise_once(
    workers: Workers,
) -> None:
    row = ReservationFactory(active=True, until=in_days(-1))
    told = member_of(row.hospital)
    with workers.worker("-Q", "maintenance,interactive,batch,celery") as doomed, not_to_be_told(told):
        tasks.sweep_reservations.delay()
        workers.until(somebody_waits, "the sweep to reach its end")
        doomed.kill()
    wait_until(nobody_else_works, "the database to end its work", tail=workers.said)
    assert _state(row) == ("active", "RESERVED")

    with workers.worker("-Q", "maintenance,interactive,batch,celery", name="two"):
        tasks.sweep_reservations.delay()
        workers.until(lambda: _state(row)[0] == "expired", "the expiry")

    assert _state(row) == ("expired", "LISTED")
    assert AuditEntry.objects.filter(action="reservation.expire").count() == 1
