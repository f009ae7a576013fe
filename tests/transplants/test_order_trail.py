"""Nothing of an order changes without its trail: whichever audit entry of a service fails, no table has moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bank.models import CordBloodUnit
from core import audit
from core.models import Notification, User
from core.roles import Role
from hospitals.models import Patient
from matching.models import MatchRequest
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.matching import MatchRequestFactory
from tests.factories.orders import OrderFactory, prescribed, ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants import services_sweep
from transplants.models import ExportPermit, Order, OrderSignature, Reservation
from transplants.services_orders import OrderWish, Permit

pytestmark = pytest.mark.django_db
MODELS = (Order, OrderSignature, ExportPermit, Reservation, CordBloodUnit, MatchRequest, Notification)

# act -> how many entries it writes
ENTRIES = {
    "ask": 1,
    "amend": 1,
    "sign": 1,
    "approve": 3,  # unit, request, order
    "decline": 1,
    "withdraw": 3,
    "permit": 1,
    "release_first": 1,
    "release_second": 3,  # the signature, unit, order
    "revoke": 2,
    "expire": 4,  # order, unit, request, reservation
    "tell_held": 1,
}


@pytest.fixture
def physician(patient: Patient) -> User:
    return member_of(patient.hospital, Role.HOSPITAL_PHYSICIAN)


@pytest.fixture
def acts(patient: Patient, physician: User, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])
    monkeypatch.setattr("transplants.checklist.may_go_abroad", lambda ids: set(ids))
    bank, director = (UserFactory(roles=[role]) for role in (Role.SEARCH_COORDINATOR, Role.MEDICAL_DIRECTOR))
    qa = [UserFactory(roles=[Role.QA]) for _ in range(2)]

    def request(state: str) -> MatchRequest:
        found: MatchRequest = MatchRequestFactory(patient=patient, submitted=True, state=state)
        return found

    def order(state: str, **values: Any) -> Order:
        asked = state == "asked"
        values.setdefault("request", request("RESERVED" if asked else "ORDERED"))
        return OrderFactory(state=state, for_patient=patient, **values)

    unsigned, signed, abroad = order("asked"), ready(order("asked")), order("asked", country="SG")
    approved, half, released = ready(order("approved")), ready(order("approved")), order("released")
    signing.order_release_sign(order_id=half.pk, user=qa[0], password=PASSWORD)
    over, held = order("asked"), order("approved")
    Reservation.objects.filter(pk=over.reservation_id).update(until=in_days(-1))
    CordBloodUnit.objects.filter(pk=held.unit_id).update(recalled=True)
    kept = ReservationFactory(active=True, patient=patient)
    wish = OrderWish(reservation_id=kept.pk, prescribed=prescribed())
    permit = Permit(permit_no="P", authority="A", country="SG", valid_until=in_days(60))
    changed = prescribed(note="x")
    return {
        "ask": lambda: services.order_ask(wish=wish, user=bank),
        "amend": lambda: services.order_amend(order_id=signed.pk, prescribed=changed, user=bank),
        "sign": lambda: signing.order_sign(order_id=unsigned.pk, user=physician, password=PASSWORD),
        "approve": lambda: services.order_approve(order_id=signed.pk, user=bank),
        "decline": lambda: services.order_decline(order_id=signed.pk, user=bank, reason="r"),
        "withdraw": lambda: services.order_withdraw(order_id=approved.pk, user=bank, reason="r"),
        "permit": lambda: services.permit_record(order_id=abroad.pk, permit=permit, user=bank),
        "release_first": lambda: signing.order_release_sign(
            order_id=approved.pk, user=qa[0], password=PASSWORD
        ),
        "release_second": lambda: signing.order_release_sign(order_id=half.pk, user=qa[1], password=PASSWORD),
        "revoke": lambda: signing.order_release_revoke(order_id=released.pk, user=director, reason="r"),
        "expire": lambda: services_sweep.reservation_expire(reservation_id=over.reservation_id),
        "tell_held": lambda: services_sweep.order_tell_held(told=held.pk),
    }


def state_of_all() -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in MODELS]


@pytest.mark.parametrize(("act", "entries"), list(ENTRIES.items()))
def test_nothing_changes_where_the_audit_fails(
    act: str, entries: int, acts: dict[str, Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of its entries; and it writes no more of them than are told here."""
    real, before = audit.record, state_of_all()
    left = [0]

    def record(**values: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("no audit")
        return real(**values)

    monkeypatch.setattr("core.audit.record", record)
    for written in range(entries):
        left[0] = written
        with pytest.raises(RuntimeError, match="no audit"):
            acts[act]()
        assert state_of_all() == before

    left[0] = entries
    acts[act]()
    assert state_of_all() != before
    assert left[0] == 0
