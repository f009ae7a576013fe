"""A match request follows the orders of its units; an order ends with its promise; who cannot go on is told of once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from bank.models import CordBloodUnit
from core.audit import Actor
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from matching.choices import TRANSITIONS, RequestState
from matching.models import MatchRequest
from matching.services.promises import request_advance, request_follow
from tests.factories.core import UserFactory
from tests.factories.matching import MatchRequestFactory
from tests.factories.orders import OrderFactory, ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants import moving
from transplants import services_orders as services
from transplants.choices_orders import ORDER_TRANSITIONS, OrderState
from transplants.models import Order, Reservation
from transplants.moving import request_state
from transplants.services import reservation_cancel
from transplants.services_sweep import orders_sweep, reservations_sweep

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
S, Q = OrderState, RequestState


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


def request_of(patient: Patient, state: str) -> MatchRequest:
    found: MatchRequest = MatchRequestFactory(patient=patient, submitted=True, state=state)
    return found


@transaction.atomic
def step(order: Order, to: OrderState) -> None:
    """As the parts of the way do it."""
    values = {"released_at": order.asked_at} if to == S.RELEASED else {}
    if to == S.APPROVED:
        values = {"approved_at": order.asked_at, "approved_by": "s"}
    moving.step(moving.locked_order(order.pk), to, actor=SYSTEM, action=f"order.{to}", fields=values)


def state_of(request: MatchRequest) -> str:
    request.refresh_from_db()
    return str(request.state)


def test_the_request_goes_the_way_of_its_unit(patient: Patient) -> None:
    request = request_of(patient, "RESERVED")
    order = OrderFactory(for_patient=patient, request=request)

    seen = []
    for to in (S.APPROVED, S.RELEASED, S.SHIPPED, S.DELIVERED, S.INFUSED):
        step(order, to)
        seen.append(state_of(request))

    assert seen == ["ORDERED", "ORDERED", "SHIPPED", "SHIPPED", "CLOSED"]
    trail = AuditEntry.objects.filter(target_key=str(request.pk)).order_by("at", "pk")
    assert [row.action for row in trail] == ["request.ordered", "request.shipped", "request.closed"]


@pytest.mark.parametrize(("backup", "wanted"), [(False, "SEARCHED"), (True, "RESERVED")])
@pytest.mark.parametrize("end", [S.FAILED, S.NOT_USED])
def test_a_lost_unit_gives_the_request_back(
    patient: Patient, backup: bool, wanted: str, end: OrderState
) -> None:
    request = request_of(patient, "SHIPPED")
    state = "shipped" if end == S.FAILED else "delivered"
    order = OrderFactory(state=state, for_patient=patient, request=request)
    if backup:
        ReservationFactory(active=True, patient=patient, request=request)

    step(order, end)

    assert state_of(request) == wanted


def test_of_two_units_the_request_closes_with_the_last(patient: Patient) -> None:
    request = request_of(patient, "SHIPPED")
    first, second = (OrderFactory(state="delivered", for_patient=patient, request=request) for _ in range(2))

    step(first, S.INFUSED)
    assert state_of(request) == "SHIPPED"
    step(second, S.INFUSED)
    assert state_of(request) == "CLOSED"


def test_withdrawn_it_is_reserved_again(patient: Patient, he_lan: User) -> None:
    request = request_of(patient, "ORDERED")
    order = OrderFactory(state="approved", for_patient=patient, request=request)

    services.order_withdraw(order_id=order.pk, user=he_lan, reason="r")

    assert state_of(request) == "RESERVED"


def test_a_backup_takes_no_request_back(patient: Patient) -> None:
    """A second unit is reserved by a request of which one is ordered already."""
    for state in ("ORDERED", "SHIPPED"):
        request = request_of(patient, state)
        request_follow(request_id=request.pk, promised=True, actor=SYSTEM)
        request_follow(request_id=request.pk, promised=False, actor=SYSTEM)
        assert state_of(request) == state


def test_a_request_that_was_searched_meanwhile_catches_up(patient: Patient) -> None:
    request = request_of(patient, "SUBMITTED")
    order = OrderFactory(for_patient=patient, request=request)
    step(order, S.APPROVED)
    assert state_of(request) == "SUBMITTED"
    MatchRequest.objects.update(state="SEARCHED")

    reservations_sweep()

    assert state_of(request) == "ORDERED"


@pytest.mark.parametrize("here", list(RequestState))
@pytest.mark.parametrize("to", [Q.SEARCHED, Q.RESERVED, Q.ORDERED, Q.SHIPPED, Q.CLOSED])
def test_every_step_of_a_request_is_one_of_the_table(
    patient: Patient, here: RequestState, to: RequestState
) -> None:
    known = {"cancelled_at": "2026-01-01T00:00Z", "cancelled_by": "s", "cancel_reason": "r"}
    request = MatchRequestFactory(
        patient=patient,
        submitted=here != Q.DRAFT,
        state=here,
        **(known if here == Q.CANCELLED else {}),
    )

    request_advance(request_id=request.pk, to=to, actor=SYSTEM)

    trail = AuditEntry.objects.filter(target_key=str(request.pk)).order_by("at", "pk")
    steps = [(row.before["state"], row.after["state"]) for row in trail if row.before and row.after]
    assert all(Q(after) in TRANSITIONS[Q(before)] for before, after in steps)
    assert state_of(request) == (steps[-1][1] if steps else here)
    assert not steps or steps[-1][1] == to


@given(states=st.sets(st.sampled_from(OrderState)), kept=st.booleans())
def test_a_request_never_says_less_than_an_open_order(states: set[OrderState], kept: bool) -> None:
    found = request_state(states, kept=kept)

    is_out = bool(states & {S.SHIPPED, S.DELIVERED})
    assert (found == Q.SHIPPED) == is_out
    assert (found == Q.ORDERED) == (not is_out and bool(states & {S.APPROVED, S.RELEASED}))
    if found == Q.CLOSED:
        assert S.INFUSED in states
        assert not states & {S.APPROVED, S.RELEASED, S.SHIPPED, S.DELIVERED}
    if found == Q.RESERVED:
        assert kept
    # what is only asked for, or has ended without an infusion, says nothing
    quiet = {S.ASKED, S.DECLINED, S.WITHDRAWN, S.NOT_USED, S.FAILED}
    assert request_state(states | quiet, kept=kept) == found
    assert set(ORDER_TRANSITIONS) >= states


# --- the promise ends -----------------------------------------------------------------------------


def test_an_order_that_nobody_approved_expires_with_its_reservation(patient: Patient) -> None:
    order = OrderFactory(for_patient=patient)
    Reservation.objects.update(until=in_days(-1))

    reservations_sweep()

    order.refresh_from_db()
    assert (order.state, CordBloodUnit.objects.get().status) == ("withdrawn", "LISTED")
    assert order.reservation.number in order.end_reason
    told = Notification.objects.values_list("code", flat=True)
    assert set(told) <= {"order.withdrawn", "reservation.expired"}
    assert AuditEntry.objects.filter(action="order.withdraw", actor_id="system:reservations").exists()


@pytest.mark.parametrize("state", ["approved", "released", "shipped", "delivered"])
def test_what_is_ordered_does_not_expire(patient: Patient, state: str) -> None:
    order = OrderFactory(state=state, for_patient=patient)
    Reservation.objects.update(until=in_days(-1))

    reservations_sweep()

    order.refresh_from_db()
    assert (order.state, Reservation.objects.get().state) == (state, "active")


def test_a_withdrawn_order_leaves_the_reservation_to_its_day(patient: Patient, he_lan: User) -> None:
    order = OrderFactory(state="approved", for_patient=patient)
    Reservation.objects.update(until=in_days(-1))

    services.order_withdraw(order_id=order.pk, user=he_lan, reason="r")
    reservations_sweep()

    assert Reservation.objects.get().state == "expired"
    assert CordBloodUnit.objects.get().status == "LISTED"


def test_a_cancelled_reservation_takes_the_wish_with_it(patient: Patient, he_lan: User) -> None:
    coordinator = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    order = OrderFactory(for_patient=patient)

    reservation_cancel(reservation_id=order.reservation_id, user=he_lan, reason="r")

    order.refresh_from_db()
    assert order.state == "withdrawn"
    codes = Notification.objects.filter(user=coordinator).values_list("code", flat=True)
    assert set(codes) == {"order.withdrawn", "reservation.cancelled"}


# --- held -----------------------------------------------------------------------------------------

HOLDS: list[Any] = [
    lambda: CordBloodUnit.objects.update(recalled=True),
    lambda: CordBloodUnit.objects.update(consent_withdrawn=True),
    lambda: Patient.objects.update(
        state="inactive", inactive_reason="died", deactivated_at="2026-01-01T00:00Z"
    ),
]


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("state", ["approved", "released"])
def test_both_sides_hear_once_that_it_cannot_go_on(
    patient: Patient, he_lan: User, shen_jia: User, hold: Any, state: str
) -> None:
    order = OrderFactory(state=state, for_patient=patient)
    assert orders_sweep() == {"held": 0, "unheld": 0}
    hold()

    found = [orders_sweep() for _ in range(2)]

    assert found == [{"held": 1, "unheld": 0}, {"held": 0, "unheld": 0}]
    rows = Notification.objects.filter(code="order.held", user__in=[he_lan, shen_jia])
    assert rows.count() == 2
    CordBloodUnit.objects.update(recalled=False, consent_withdrawn=False)
    Patient.objects.update(state="active", inactive_reason="", deactivated_at=None)
    assert orders_sweep() == {"held": 0, "unheld": 1}
    assert Notification.objects.filter(code="order.unheld", user=he_lan).exists()
    order.refresh_from_db()
    assert order.held_told_at is None


@pytest.mark.parametrize("state", ["asked", "shipped", "delivered", "infused"])
def test_of_others_nobody_is_told_here(patient: Patient, state: str) -> None:
    OrderFactory(state=state, for_patient=patient)
    CordBloodUnit.objects.update(recalled=True)

    assert orders_sweep() == {"held": 0, "unheld": 0}


def test_of_a_withdrawn_one_nobody_is_told_any_more(patient: Patient, he_lan: User) -> None:
    order = ready(OrderFactory(state="approved", for_patient=patient))
    CordBloodUnit.objects.update(recalled=True)
    orders_sweep()
    services.order_withdraw(order_id=order.pk, user=he_lan, reason="recalled")

    assert orders_sweep()["unheld"] == 1
    assert not Notification.objects.filter(code="order.unheld").exists()
