"""Orders changed, signed, approved, declined, withdrawn: what each step does and refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bank.models import CordBloodUnit
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.orders import OrderFactory, prescribed, ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants.models import Order, OrderSignature, Reservation
from transplants.services_orders import OrderWish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What typings ask has tests of its own."""
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


@pytest.fixture
def wu_min(hospital: Any) -> User:
    """Physician of the hospital that asks."""
    return member_of(hospital, Role.HOSPITAL_PHYSICIAN, full_name="Wu Min")


@pytest.fixture
def qian_yu(db: None) -> User:
    found: User = UserFactory(roles=[Role.QA], full_name="Qian Yu")
    return found


@pytest.fixture
def lu_ying(db: None) -> User:
    found: User = UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Lu Ying")
    return found


@pytest.fixture
def kept(patient: Patient) -> Reservation:
    found: Reservation = ReservationFactory(active=True, patient=patient)
    return found


@pytest.fixture
def approved(patient: Patient) -> Order:
    return ready(OrderFactory(state="approved", for_patient=patient))


def ask(kept: Reservation, user: User, order_id: Any = None, **values: Any) -> Order:
    wish = OrderWish(reservation_id=kept.pk, prescribed=prescribed(**values), order_id=order_id)
    return services.order_ask(wish=wish, user=user)


def unit_of(order: Order) -> str:
    return str(CordBloodUnit.objects.get(pk=order.unit_id).status)


def release(order: Order, user: User, **given: Any) -> OrderSignature:
    return signing.order_release_sign(order_id=order.pk, user=user, password=PASSWORD, **given)


def actions() -> list[str]:
    trail = AuditEntry.objects.filter(action__startswith="order.").order_by("at", "pk")
    return [row.action for row in trail]


# --- changed and signed ---------------------------------------------------------------------------


def amend(order: Order, user: User, *, version: int | None = None, reason: str = "", **values: Any) -> Order:
    return services.order_amend(
        order_id=order.pk, prescribed=prescribed(**values), user=user, version=version, reason=reason
    )


def test_a_change_makes_the_signature_void(patient: Patient, he_lan: User, wu_min: User) -> None:
    order = ready(OrderFactory(for_patient=patient))

    changed = amend(order, he_lan, version=1, note="door 3")

    assert (changed.version, changed.note) == (2, "door 3")
    row = OrderSignature.objects.get()
    assert row.void_at is not None
    assert row.void_reason == "version 2"
    entry = AuditEntry.objects.get(action="order.amend")
    assert (entry.before, entry.after) == ({"note": ""}, {"note": "door 3"})
    signing.order_sign(order_id=order.pk, user=wu_min, password=PASSWORD, version=2)
    assert order.signatures.filter(void_at=None).count() == 1


def test_the_same_again_changes_nothing(patient: Patient, he_lan: User) -> None:
    order = ready(OrderFactory(for_patient=patient))

    assert amend(order, he_lan, weight_kg=Decimal("12.4")).version == 1
    assert order.signatures.get().void_at is None
    assert actions() == []


def test_an_approved_order_changes_with_a_reason_and_is_signed_anew(
    approved: Order, he_lan: User, wu_min: User, qian_yu: User, lu_ying: User
) -> None:
    release(approved, qian_yu)
    with pytest.raises(InvalidInput, match="Write why"):
        amend(approved, he_lan, deliver_on=in_days(25))

    amend(approved, he_lan, deliver_on=in_days(25), reason="the patient has a fever")

    assert not approved.signatures.filter(void_at=None).exists()
    with pytest.raises(Conflict) as refused:
        release(approved, lu_ying)
    assert [one["code"] for one in refused.value.details] == ["prescription"]
    signing.order_sign(order_id=approved.pk, user=wu_min, password=PASSWORD)
    assert release(approved, lu_ying).meaning == "release"


def test_a_day_that_passed_meanwhile_stays_while_another_is_changed(patient: Patient, he_lan: User) -> None:
    order = OrderFactory(
        for_patient=patient, conditioning_on=in_days(-2), deliver_on=in_days(-3), infusion_on=in_days(4)
    )
    given = {"conditioning_on": in_days(-2), "infusion_on": in_days(4)}

    assert amend(order, he_lan, **given, deliver_on=in_days(-3), note="x").version == 2
    with pytest.raises(InvalidInput):
        amend(order, he_lan, **given, deliver_on=in_days(-1))


def test_a_stale_page_changes_and_signs_nothing(
    patient: Patient, he_lan: User, wu_min: User, shen_jia: User
) -> None:
    order = ready(OrderFactory(for_patient=patient, version=3), signed=False)
    works: list[Any] = [
        lambda: amend(order, he_lan, version=2, note="x"),
        lambda: signing.order_sign(order_id=order.pk, user=wu_min, password=PASSWORD, version=2),
        lambda: services.order_approve(order_id=order.pk, user=shen_jia, version=2),
    ]

    for work in works:
        with pytest.raises(Conflict) as refused:
            work()
        assert refused.value.code == "changed_meanwhile"
    assert (actions(), OrderSignature.objects.count()) == ([], 0)


def test_who_does_not_sign(patient: Patient, he_lan: User, wu_min: User, shen_jia: User) -> None:
    order = OrderFactory(for_patient=patient)
    elsewhere = member_of(HospitalFactory(), Role.HOSPITAL_PHYSICIAN)

    for user in (he_lan, shen_jia, elsewhere):
        with pytest.raises(NotAllowed, match="Only a physician"):
            signing.order_sign(order_id=order.pk, user=user, password=PASSWORD)
    with pytest.raises(NotAllowed, match="not your password"):
        signing.order_sign(order_id=order.pk, user=wu_min, password="wrong")
    assert OrderSignature.objects.count() == 0
    assert actions() == []


def test_what_is_signed_is_not_signed_again(patient: Patient, wu_min: User) -> None:
    order = ready(OrderFactory(for_patient=patient))

    with pytest.raises(Conflict) as refused:
        signing.order_sign(order_id=order.pk, user=wu_min, password=PASSWORD)

    assert refused.value.code == "signed_already"


# --- approved, declined, withdrawn ----------------------------------------------------------------


def test_an_approval_names_all_that_is_open(patient: Patient, shen_jia: User) -> None:
    order = OrderFactory(for_patient=patient)

    with pytest.raises(Conflict) as refused:
        services.order_approve(order_id=order.pk, user=shen_jia)

    assert refused.value.code == "not_ready"
    assert {one["code"] for one in refused.value.details} == {"prescription", "hospital", "weight"}
    assert (Order.objects.get().state, unit_of(order)) == ("asked", "RESERVED")
    assert actions() == []


def test_an_expired_promise_is_not_ordered(patient: Patient, shen_jia: User) -> None:
    order = ready(OrderFactory(for_patient=patient))
    Reservation.objects.update(until=in_days(-1))

    with pytest.raises(Conflict) as refused:
        services.order_approve(order_id=order.pk, user=shen_jia)

    assert [one["code"] for one in refused.value.details] == ["reservation"]


def test_a_declined_order_leaves_the_reservation(patient: Patient, shen_jia: User) -> None:
    order = OrderFactory(for_patient=patient)

    services.order_decline(order_id=order.pk, user=shen_jia, reason="another unit is better")

    order.refresh_from_db()
    assert (order.state, order.end_reason, unit_of(order)) == (
        "declined",
        "another unit is better",
        "RESERVED",
    )
    assert Reservation.objects.get().state == "active"


@pytest.mark.parametrize("state", ["asked", "approved"])
@pytest.mark.parametrize("who", ["he_lan", "shen_jia"])
def test_withdrawn_the_unit_is_reserved_as_before(
    patient: Patient, state: str, who: str, request: pytest.FixtureRequest
) -> None:
    order = OrderFactory(state=state, for_patient=patient)

    services.order_withdraw(order_id=order.pk, user=request.getfixturevalue(who), reason="relapse")

    order.refresh_from_db()
    assert (order.state, unit_of(order)) == ("withdrawn", "RESERVED")
    assert Reservation.objects.get().state == "active"


def test_withdrawing_voids_the_first_release_signature(approved: Order, he_lan: User, qian_yu: User) -> None:
    release(approved, qian_yu)

    services.order_withdraw(order_id=approved.pk, user=he_lan, reason="relapse")

    assert not approved.signatures.filter(void_at=None, meaning="release").exists()


def test_a_blocked_unit_is_given_back_too(approved: Order, he_lan: User) -> None:
    CordBloodUnit.objects.update(recalled=True)

    services.order_withdraw(order_id=approved.pk, user=he_lan, reason="recalled")

    assert unit_of(approved) == "RESERVED"


def test_a_released_order_is_revoked_first(patient: Patient, he_lan: User) -> None:
    order = OrderFactory(state="released", for_patient=patient)

    with pytest.raises(Conflict, match="revokes the release first"):
        services.order_withdraw(order_id=order.pk, user=he_lan, reason="relapse")


@pytest.mark.parametrize("act", ["decline", "withdraw", "revoke"])
def test_a_reason_is_needed(patient: Patient, act: str, shen_jia: User, qian_yu: User) -> None:
    state = {"decline": "asked", "withdraw": "approved", "revoke": "released"}[act]
    order = OrderFactory(state=state, for_patient=patient)
    works: dict[str, Any] = {
        "decline": lambda: services.order_decline(order_id=order.pk, user=shen_jia, reason=" \0"),
        "withdraw": lambda: services.order_withdraw(order_id=order.pk, user=shen_jia, reason=""),
        "revoke": lambda: signing.order_release_revoke(order_id=order.pk, user=qian_yu, reason=""),
    }

    with pytest.raises(InvalidInput, match="Write why"):
        works[act]()

    assert Order.objects.get().state == state
