"""Every act on an order × every role × every state: who may, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from core.errors import Conflict, NotAllowed
from core.models import User
from core.roles import HOSPITAL_ROLES, Role
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import HospitalFactory, MembershipFactory, PatientFactory
from tests.factories.orders import OrderFactory, prescribed, ready
from tests.factories.reservations import in_days
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants.choices_orders import OrderState
from transplants.models import Order
from transplants.services_orders import Permit

pytestmark = pytest.mark.django_db

R, S = Role, OrderState
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
APPROVE = frozenset({R.SEARCH_COORDINATOR, R.MEDICAL_DIRECTOR})
RELEASE = frozenset({R.QA, R.MEDICAL_DIRECTOR})

# act -> (who may, in which states, the state afterwards; None: as before)
MAY: dict[str, tuple[frozenset[Role], frozenset[OrderState], OrderState | None]] = {
    "amend": (HOSPITAL | {R.SEARCH_COORDINATOR}, frozenset({S.ASKED, S.APPROVED}), None),
    "sign": (frozenset({R.HOSPITAL_PHYSICIAN}), frozenset({S.ASKED, S.APPROVED}), None),
    "approve": (APPROVE, frozenset({S.ASKED}), S.APPROVED),
    "decline": (APPROVE, frozenset({S.ASKED}), S.DECLINED),
    "withdraw": (HOSPITAL | APPROVE, frozenset({S.ASKED, S.APPROVED}), S.WITHDRAWN),
    "permit": (APPROVE, frozenset({S.ASKED, S.APPROVED, S.RELEASED}), None),
    "release": (RELEASE, frozenset({S.APPROVED}), None),
    "revoke": (RELEASE, frozenset({S.RELEASED}), S.APPROVED),
}


def act(name: str, order: Order, user: User) -> Any:
    permit = Permit(permit_no="P", authority="A", country="SG", valid_until=in_days(90))
    works: dict[str, Callable[..., Any]] = {
        "amend": lambda **key: services.order_amend(**key, prescribed=prescribed(note="x"), reason="r"),
        "sign": lambda **key: signing.order_sign(**key, password=PASSWORD),
        "approve": lambda **key: services.order_approve(**key),
        "decline": lambda **key: services.order_decline(**key, reason="r"),
        "withdraw": lambda **key: services.order_withdraw(**key, reason="r"),
        "permit": lambda **key: services.permit_record(**key, permit=permit),
        "release": lambda **key: signing.order_release_sign(**key, password=PASSWORD),
        "revoke": lambda **key: signing.order_release_revoke(**key, reason="r"),
    }
    return works[name](order_id=order.pk, user=user)


@pytest.mark.parametrize("state", list(OrderState))
@pytest.mark.parametrize("name", list(MAY))
def test_who_may_do_what_when(name: str, state: OrderState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])
    monkeypatch.setattr("transplants.checklist.may_go_abroad", lambda ids: set(ids))
    roles, states, after = MAY[name]
    hospital = HospitalFactory()
    country = "SG" if name == "permit" else "CN"
    patient = PatientFactory(hospital=hospital)
    order = ready(
        OrderFactory(state=state, for_patient=patient, country=country), signed=name not in ("sign", "amend")
    )

    got, wanted = {}, {}
    for role in Role:
        user = UserFactory(roles=[role])
        if role in HOSPITAL_ROLES:
            MembershipFactory(user=user, hospital=hospital)
        with transaction.atomic():
            got[role] = outcome(lambda user=user: act(name, order, user))
            found = Order.objects.get(pk=order.pk).state
            transaction.set_rollback(True)
        may = "done" if state in states else "conflict"
        wanted[role] = may if role in roles else "not allowed"
        assert found == (after or state if wanted[role] == "done" else state)
    assert got == wanted


def outcome(work: Callable[[], Any]) -> str:
    try:
        work()
    except NotAllowed:
        return "not allowed"
    except Conflict:
        return "conflict"
    return "done"
