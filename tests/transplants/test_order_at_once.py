"""Many hands at one order: an expiry and an approval have one outcome, nobody releases alone, one order of a unit."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from uuid import uuid4

import pytest

from bank.models import CordBloodUnit
from core.errors import Conflict, DomainError, NotAllowed
from core.models import AuditEntry
from core.roles import Role
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import OrderFactory, prescribed, ready
from tests.factories.reservations import ReservationFactory, in_days
from tests.parallel import all_at_once, at_once
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants import services_sweep
from transplants.models import Order, OrderSignature, Reservation
from transplants.services import reservation_cancel
from transplants.services_orders import OrderWish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
EXPIRIES = 40  # rounds of an expiry against an approval
LATER_S = 0.02
ROUNDS = 8  # of two services against one another


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


def standing(order: Order) -> tuple[str, str, str]:
    order.refresh_from_db()
    return (
        str(order.state),
        str(Reservation.objects.get(pk=order.reservation_id).state),
        str(CordBloodUnit.objects.get(pk=order.unit_id).status),
    )


def test_an_expiry_and_an_approval_have_one_outcome() -> None:
    """The promise ends while the bank approves: the unit is ordered or on offer, never both, never neither.

    The last day passes a little later in each round, so that both outcomes are met.
    """
    user = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    seen: Counter[tuple[str, str, str]] = Counter()
    for turn in range(EXPIRIES):
        order = ready(OrderFactory())
        Reservation.objects.filter(pk=order.reservation_id).update(until=in_days(0))
        works = [
            partial(_expire_at_midnight, order, turn * LATER_S),
            partial(services.order_approve, order_id=order.pk, user=user),
        ]
        found = all_at_once(works)

        ends = standing(order)
        seen[ends] += 1
        refused = [one for one in found if isinstance(one, DomainError)]
        is_ordered = ends == ("approved", "active", "ORDERED")
        assert is_ordered or ends == ("withdrawn", "expired", "LISTED")
        assert bool(refused) != is_ordered
    assert len(seen) == 2, seen


def _expire_at_midnight(order: Order, after_s: float) -> bool:
    """The day passes, and the sweep comes at once."""
    time.sleep(after_s)
    Reservation.objects.filter(pk=order.reservation_id).update(until=in_days(-1))
    return services_sweep.reservation_expire(reservation_id=order.reservation_id)


def test_two_approvals_are_one() -> None:
    people = [UserFactory(roles=[Role.SEARCH_COORDINATOR]) for _ in range(2)]
    for _ in range(ROUNDS):
        order = ready(OrderFactory())

        found = all_at_once(
            [partial(services.order_approve, order_id=order.pk, user=user) for user in people]
        )

        assert [one.code for one in found if isinstance(one, Conflict)] == ["order_state"]
        assert standing(order) == ("approved", "active", "ORDERED")
        entries = AuditEntry.objects.filter(action="unit.order", target_key=str(order.unit_id))
        assert entries.count() == 1


def test_a_withdrawal_and_an_approval_follow_one_another() -> None:
    """Whichever is first: an approved order may be withdrawn, a withdrawn one is approved no more."""
    user = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    for _ in range(ROUNDS):
        order = ready(OrderFactory())

        approved, withdrawn = all_at_once(
            [
                partial(services.order_approve, order_id=order.pk, user=user),
                partial(services.order_withdraw, order_id=order.pk, user=user, reason="r"),
            ]
        )

        assert not isinstance(withdrawn, Exception)
        assert isinstance(approved, Order | Conflict)
        assert standing(order) == ("withdrawn", "active", "RESERVED")


def test_a_cancelled_reservation_and_an_approval_have_one_outcome() -> None:
    user = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    for _ in range(ROUNDS):
        order = ready(OrderFactory())

        found = all_at_once(
            [
                partial(services.order_approve, order_id=order.pk, user=user),
                partial(reservation_cancel, reservation_id=order.reservation_id, user=user, reason="r"),
            ]
        )

        assert sum(isinstance(one, DomainError) for one in found) == 1
        assert standing(order) in [("approved", "active", "ORDERED"), ("withdrawn", "cancelled", "LISTED")]


def test_one_person_signing_from_two_windows_is_one_signature() -> None:
    for _ in range(ROUNDS):
        user = UserFactory(roles=[Role.QA])
        order = ready(OrderFactory(state="approved"))
        sign = partial(signing.order_release_sign, order_id=order.pk, user=user, password=PASSWORD)

        found = at_once(sign, 2)

        assert [one.code for one in found if isinstance(one, NotAllowed)] == ["second_person"]
        assert OrderSignature.objects.filter(order=order, meaning="release").count() == 1
        assert standing(order)[0] == "approved"


def test_two_people_signing_at_once_release_it_once() -> None:
    for _ in range(ROUNDS):
        people = [UserFactory(roles=[Role.QA]) for _ in range(2)]
        order = ready(OrderFactory(state="approved"))

        found = all_at_once(
            [
                partial(signing.order_release_sign, order_id=order.pk, user=user, password=PASSWORD)
                for user in people
            ]
        )

        assert {one.meaning for one in found} == {"release", "release_second"}
        assert standing(order) == ("released", "active", "RELEASED")
        assert AuditEntry.objects.filter(action="order.release", target_key=str(order.pk)).count() == 1


def test_ten_forms_are_one_order() -> None:
    """Of ten people of the hospital: one order, nine clear refusals; of one form sent ten times: one order."""
    kept = ReservationFactory(active=True)
    people = [member_of(kept.hospital) for _ in range(10)]
    wish = OrderWish(reservation_id=kept.pk, prescribed=prescribed())

    found = all_at_once([partial(services.order_ask, wish=wish, user=user) for user in people])

    assert [one.code for one in found if isinstance(one, Conflict)] == ["ordered_already"] * 9
    other = ReservationFactory(active=True, patient=kept.patient)
    same = OrderWish(reservation_id=other.pk, prescribed=prescribed(), order_id=uuid4())
    again = at_once(partial(services.order_ask, wish=same, user=people[0]), 10)
    assert {one.pk for one in again} == {same.order_id}
    assert Order.objects.count() == 2
