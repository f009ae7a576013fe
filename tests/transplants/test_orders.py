"""Orders: asked for, signed, approved, released by two; what each step refuses, and that nothing is half-written."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from bank.models import CordBloodUnit
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.orders import OrderFactory, prescribed, ready, sign
from tests.factories.reservations import ReservationFactory, in_days
from transplants import prescription
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants.checklist import open_since_release
from transplants.models import Order, OrderSignature, Reservation
from transplants.order_signatures import RELEASES, write
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


@pytest.fixture
def nothing_written() -> Iterator[None]:
    """A refusal leaves no order, no signature, no entry and no notice behind."""

    def counts() -> list[Any]:
        rows = Order.objects.order_by("pk").values_list("pk", "state", "version", "updated_at")
        models = (OrderSignature, AuditEntry, Notification)
        return [list(rows), *(model.objects.count() for model in models)]

    before = counts()
    yield
    assert counts() == before


def test_from_the_wish_to_the_release(
    kept: Reservation, he_lan: User, wu_min: User, shen_jia: User, qian_yu: User, lu_ying: User
) -> None:
    order = ask(kept, he_lan)
    assert (order.state, unit_of(order), order.hospital) == ("asked", "RESERVED", kept.hospital)
    ready(order, signed=False)
    signing.order_sign(order_id=order.pk, user=wu_min, password=PASSWORD, version=1)
    order = services.order_approve(order_id=order.pk, user=shen_jia, version=1)
    assert (order.state, unit_of(order)) == ("approved", "ORDERED")
    assert (order.approved_by, order.approved_by_user) == ("Shen Jia", shen_jia)
    seen = signing.releasing(order).digest
    release(order, qian_yu, seen=seen)
    assert Order.objects.get().state == "approved"
    release(order, lu_ying, seen=seen)

    order.refresh_from_db()
    assert (order.state, unit_of(order)) == ("released", "RELEASED")
    assert order.released_at is not None
    assert {row["outcome"] for row in order.release_checks} == {"passed"}
    meanings = OrderSignature.objects.filter(void_at=None).values_list("meaning", flat=True)
    assert set(meanings) == {"prescription", "release", "release_second"}
    assert [one.code for one in open_since_release(order)] == ["papers"]
    assert actions() == [
        "order.ask",
        "order.sign",
        "order.approve",
        "order.release_sign",
        "order.release_sign",
        "order.release",
    ]


def test_who_is_told_what(
    kept: Reservation, he_lan: User, wu_min: User, shen_jia: User, qian_yu: User, lu_ying: User
) -> None:
    shipping = UserFactory(roles=[Role.SHIPPING])
    order = ready(ask(kept, he_lan), signed=False)
    signing.order_sign(order_id=order.pk, user=wu_min, password=PASSWORD)
    services.order_approve(order_id=order.pk, user=shen_jia)
    release(order, qian_yu)
    release(order, lu_ying)

    told: dict[str, set[User]] = {}
    for row in Notification.objects.select_related("user"):
        told.setdefault(row.code, set()).add(row.user)
    everybody = {he_lan, wu_min, shen_jia, qian_yu, lu_ying, shipping}
    assert told["order.asked"] & everybody == {wu_min, shen_jia, lu_ying}
    assert told["order.signed"] & everybody == {he_lan, shen_jia, lu_ying}
    assert told["order.approved"] & everybody == {he_lan, wu_min, qian_yu, lu_ying}
    assert told["order.half_released"] & everybody == {lu_ying}
    assert told["order.released"] & everybody == {he_lan, wu_min, shen_jia, shipping}


# --- asked for ------------------------------------------------------------------------------------


def test_a_form_sent_twice_is_one_order(kept: Reservation, he_lan: User) -> None:
    key = uuid4()

    first, second = (ask(kept, he_lan, key) for _ in range(2))

    assert first.pk == second.pk == key
    assert actions() == ["order.ask"]


def test_the_id_of_another_form_is_not_taken_over(kept: Reservation, he_lan: User) -> None:
    other = OrderFactory()

    assert ask(kept, he_lan, other.pk).pk != other.pk


def test_the_bank_orders_for_a_hospital(kept: Reservation, shen_jia: User) -> None:
    assert ask(kept, shen_jia).asked_by == shen_jia


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("role", [Role.QA, Role.SHIPPING, Role.MEDICAL_DIRECTOR])
def test_others_of_the_bank_do_not(kept: Reservation, role: Role) -> None:
    user = UserFactory(roles=[role])

    with pytest.raises(NotAllowed, match="may not"):
        ask(kept, user)


def test_another_hospital_does_not(kept: Reservation) -> None:
    with pytest.raises(NotAllowed):
        ask(kept, member_of(HospitalFactory()))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda kept: kept.patient.__class__.objects.update(**INACTIVE), "patient_inactive"),
        (lambda kept: kept.hospital.__class__.objects.update(active=False), "hospital_inactive"),
        (lambda kept: Reservation.objects.update(**ENDED), "reservation_ended"),
        (lambda kept: Reservation.objects.update(**ASKED), "not_reserved"),
        (lambda kept: CordBloodUnit.objects.update(recalled=True), "unit_blocked"),
        (lambda kept: CordBloodUnit.objects.update(**HELD), "unit_not_ready"),
        (lambda kept: OrderFactory(unit=kept.unit, reservation=kept), "ordered_already"),
    ],
)
def test_what_cannot_be_ordered(kept: Reservation, he_lan: User, change: Any, code: str) -> None:
    change(kept)
    before = Order.objects.count()

    with pytest.raises(Conflict) as refused:
        ask(kept, he_lan)

    assert refused.value.code == code
    assert (Order.objects.count(), actions()) == (before, [])


HELD = {"status": "ON_HOLD", "status_before_hold": "RESERVED", "hold_reason": "r"}
INACTIVE = {"state": "inactive", "inactive_reason": "died", "deactivated_at": "2026-01-01T00:00Z"}
ASKED = {"state": "asked", "confirmed_at": None, "confirmed_by": "", "until": None}
ENDED = {
    "state": "cancelled",
    "ended_at": "2026-01-01T00:00Z",
    "ended_by": "s",
    "end_cause": "bank",
}


def dated(values: dict[str, Any]) -> dict[str, Any]:
    """Days from today as dates: parameters are older than the test where a night lies between."""
    return {name: in_days(one) if isinstance(one, int) else one for name, one in values.items()}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"weight_kg": Decimal("0.9")}, "weight_kg"),
        ({"weight_kg": Decimal("250.1")}, "weight_kg"),
        ({"weight_kg": Decimal("NaN")}, "weight_kg"),
        ({"conditioning_on": -1}, "conditioning_on"),
        ({"deliver_on": -1}, "deliver_on"),
        ({"infusion_on": 366}, "infusion_on"),
        ({"conditioning_on": 28}, "conditioning_on"),
        ({"deliver_on": 28}, "deliver_on"),
        ({"ship_to": " \0"}, "ship_to"),
        ({"contact": ""}, "contact"),
        ({"contact_phone": ""}, "contact_phone"),
        ({"country": "C1"}, "country"),
        ({"note": "x" * 401}, "note"),
        ({"conditioning": "x" * 201}, "conditioning"),
    ],
)
def test_a_wrong_field_is_named(kept: Reservation, he_lan: User, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(kept, he_lan, **dated(values))

    assert refused.value.field == field
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    "values",
    [
        {"conditioning_on": 0, "deliver_on": 0, "infusion_on": 0},
        {"infusion_on": 365},
        {"deliver_on": 27},  # after the conditioning begins: warned of, not refused
        {"weight_kg": Decimal(1), "country": "cn"},
    ],
)
def test_what_lies_at_the_bounds_is_taken(kept: Reservation, he_lan: User, values: dict[str, Any]) -> None:
    order = ask(kept, he_lan, **dated(values))

    order.refresh_from_db()
    assert order.country == "CN"


ROWS: list[tuple[str, Any]] = [
    ("order_one_open", lambda: twice_of_one_promise()),
    ("order_days_in_order", lambda: OrderFactory(deliver_on=in_days(28))),
    ("order_days_in_order", lambda: OrderFactory(conditioning_on=in_days(28))),
    ("order_weight_range", lambda: OrderFactory(weight_kg=Decimal("0.5"))),
    ("order_state_known", lambda: Order.objects.filter(pk=ended().pk).update(state="lost")),
    ("order_ended_paired", lambda: OrderFactory(state="withdrawn", ended_at=None)),
    ("order_approved_paired", lambda: OrderFactory(state="approved", approved_by="")),
    ("order_released_first", lambda: OrderFactory(state="shipped", released_at=None)),
    ("order_signed_once", lambda: [sign(order) for order in [OrderFactory()] * 2]),
    ("order_released_by_two", lambda: released_by_one(OrderFactory(state="approved"))),
]


def twice_of_one_promise() -> None:
    kept = ReservationFactory(active=True)
    for _ in range(2):
        OrderFactory(reservation=kept, unit=kept.unit)


def ended() -> Order:
    found: Order = OrderFactory(state="withdrawn")
    return found


def released_by_one(order: Order) -> None:
    user = UserFactory(roles=[Role.QA])
    for meaning in RELEASES:
        write(order, meaning, user, "0" * 64)


@pytest.mark.parametrize(("name", "write_it"), ROWS)
def test_the_database_keeps_what_must_hold(name: str, write_it: Any) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        write_it()


def test_the_signed_digest_changes_with_each_field_of_the_prescription(patient: Patient) -> None:
    order = OrderFactory(for_patient=patient)
    known = {prescription.digest(order)}
    others: dict[str, Any] = {
        "weight_kg": Decimal("12.41"),
        "conditioning": "x",
        "conditioning_on": in_days(19),
        "deliver_on": in_days(17),
        "infusion_on": in_days(26),
        "country": "SG",
        "ship_to": "x",
        "contact": "x",
        "contact_phone": "x",
        "note": "x",
        "department_id": uuid4(),
        "version": 2,
    }
    assert set(others) == {*prescription.FIELDS, "version"}
    for name, value in others.items():
        changed = Order.objects.get(pk=order.pk)
        setattr(changed, name, value)
        known.add(prescription.digest(changed))
    assert len(known) == len(others) + 1
