"""Orders: asked for, signed, approved, released by two; what each step refuses, and that nothing is half-written."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import translation

from bank.models import CordBloodUnit, Slot
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient, PatientWeight
from tests.factories.bank import CultureFactory, SpecificationFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.orders import OrderFactory, prescribed, ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants import prescription
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants.checklist import open_since_release
from transplants.models import ExportPermit, Order, OrderSignature, Reservation
from transplants.services_orders import OrderWish, Permit

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
    assert open_since_release(order) == []
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


# --- the export permit ----------------------------------------------------------------------------


def permit(order: Order, user: User, **values: Any) -> ExportPermit:
    given: dict[str, Any] = {"permit_no": "P-1", "authority": "Health office", "valid_until": in_days(60)}
    return services.permit_record(order_id=order.pk, permit=Permit(**given | values), user=user)


def test_a_permit_is_recorded_and_replaced_with_a_trail(patient: Patient, shen_jia: User) -> None:
    order = OrderFactory(for_patient=patient, country="SG")

    permit(order, shen_jia)
    permit(order, shen_jia)  # the same again
    permit(order, shen_jia, permit_no="P-2")

    assert ExportPermit.objects.get().permit_no == "P-2"
    entries = AuditEntry.objects.filter(action="order.permit").order_by("at")
    assert [entry.before for entry in entries] == [None, {"permit_no": "P-1"}]


def test_a_unit_that_stays_needs_none(patient: Patient, shen_jia: User) -> None:
    with pytest.raises(Conflict, match="needs no export permit"):
        permit(OrderFactory(for_patient=patient), shen_jia)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"permit_no": " "}, "permit_no"),
        ({"permit_no": "x" * 61}, "permit_no"),
        ({"authority": ""}, "authority"),
        ({"valid_until": -1}, "valid_until"),
    ],
)
def test_what_is_no_permit(patient: Patient, shen_jia: User, values: dict[str, Any], field: str) -> None:
    order = OrderFactory(for_patient=patient, country="SG")

    with pytest.raises(InvalidInput) as refused:
        permit(order, shen_jia, **dated(values))

    assert (refused.value.field, ExportPermit.objects.count()) == (field, 0)


# --- the release ----------------------------------------------------------------------------------


def test_one_person_does_not_sign_twice(approved: Order, qian_yu: User) -> None:
    release(approved, qian_yu)

    with pytest.raises(NotAllowed) as refused:
        release(approved, qian_yu)

    assert refused.value.code == "second_person"
    assert (Order.objects.get().state, approved.signatures.count()) == ("approved", 2)


def test_own_work_is_released_by_others(approved: Order, qian_yu: User) -> None:
    """Who entered a result, reported or verified the typing, or approved the order."""
    typing = approved.unit.confirmatory_typings.get()
    hands: list[Any] = [
        lambda: CultureFactory(unit=approved.unit, kind="fungal", entered_by=qian_yu, verified_by=None),
        lambda: typing.__class__.objects.update(reported_by=qian_yu),
        lambda: typing.__class__.objects.update(verified_by=qian_yu, reported_by=UserFactory()),
        lambda: Order.objects.update(approved_by_user=qian_yu),
    ]
    for hand in hands:
        with transaction.atomic():
            hand()
            with pytest.raises(NotAllowed) as refused:
                release(approved, qian_yu)
            assert refused.value.code == "own_work"
            transaction.set_rollback(True)
    assert release(approved, qian_yu).meaning == "release"


@pytest.mark.parametrize("role", [Role.LAB, Role.SEARCH_COORDINATOR, Role.SHIPPING, Role.DIRECTOR])
def test_who_does_not_release(approved: Order, role: Role) -> None:
    with pytest.raises(NotAllowed):
        release(approved, UserFactory(roles=[role]))


def test_a_wrong_password_releases_nothing(approved: Order, qian_yu: User, lu_ying: User) -> None:
    release(approved, qian_yu)

    with pytest.raises(NotAllowed, match="not your password"):
        signing.order_release_sign(order_id=approved.pk, user=lu_ying, password="wrong")

    assert (Order.objects.get().state, unit_of(approved)) == ("approved", "ORDERED")


def test_another_weighing_between_the_signatures_is_other_evidence(
    approved: Order, qian_yu: User, lu_ying: User
) -> None:
    """The outcome of each check is the same; what it rests on is not."""
    first = release(approved, qian_yu)
    seen = signing.releasing(approved).digest
    PatientWeight.objects.create(patient=approved.patient, weight_kg=Decimal("12.50"), measured_on=in_days(0))

    with pytest.raises(Conflict) as refused:
        release(approved, lu_ying, seen=seen)

    first.refresh_from_db()
    assert (refused.value.code, first.void_at) == ("checks_changed", None)


def test_a_permit_changed_between_the_signatures_begins_anew(
    patient: Patient, shen_jia: User, qian_yu: User, lu_ying: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transplants.checklist.may_go_abroad", lambda ids: set(ids))
    order = ready(OrderFactory(state="approved", for_patient=patient, country="SG"))
    permit(order, shen_jia)
    first = release(order, qian_yu)
    seen = signing.releasing(order).digest
    permit(order, shen_jia, permit_no="P-2")

    with pytest.raises(Conflict) as refused:
        release(order, lu_ying, seen=seen)
    assert refused.value.code == "checks_changed"
    again = release(order, lu_ying)

    first.refresh_from_db()
    assert first.void_reason == "what was signed has changed"
    assert (again.meaning, Order.objects.get().state) == ("release", "approved")
    assert release(order, qian_yu).meaning == "release_second"
    assert Order.objects.get().state == "released"


def test_both_languages_sign_one_thing(approved: Order, qian_yu: User, lu_ying: User) -> None:
    with translation.override("zh-hans"):
        release(approved, qian_yu)
    release(approved, lu_ying)

    order = Order.objects.get()
    assert order.state == "released"
    assert {row["label"] for row in order.release_checks} >= {"Weight", "Cultures"}


def test_nothing_leaves_while_something_is_open(approved: Order, qian_yu: User) -> None:
    Slot.objects.update(unit=None)

    with pytest.raises(Conflict) as refused:
        release(approved, qian_yu)

    assert [one["code"] for one in refused.value.details] == ["slot"]


def unmet(order: Order) -> None:
    """A culture of the specification is not there; the specification lets a medical director go over it."""
    order.unit.cultures.all().delete()


def test_what_is_not_met_is_released_by_the_medical_director_who_says_why(
    approved: Order, qian_yu: User, lu_ying: User
) -> None:
    unmet(approved)

    with pytest.raises(NotAllowed) as refused:
        release(approved, qian_yu, justification="urgent")
    assert refused.value.code == "may_not_except"
    with pytest.raises(InvalidInput) as silent:
        release(approved, lu_ying)
    assert silent.value.field == "justification"
    release(approved, lu_ying, justification="no other unit, the physician agreed")
    release(approved, qian_yu)

    order = Order.objects.get()
    assert order.state == "released"
    signature = order.signatures.get(meaning="release")
    assert signature.justification == "no other unit, the physician agreed"
    kept = {row["code"]: row for row in order.release_checks}
    assert (kept["cultures"]["outcome"], kept["cultures"]["excepted"]) == ("open", "yes")
    assert open_since_release(order) == []


def test_nobody_goes_over_what_may_not_be_excepted(approved: Order, lu_ying: User) -> None:
    unmet(approved)
    hard = {"kind": "culture", "test": "bacterial", "allowed": ["no_growth"]}
    SpecificationFactory(bank=approved.unit.bank, approved=True, criteria=[hard], effective_from=in_days(-1))

    with pytest.raises(Conflict) as refused:
        release(approved, lu_ying, justification="urgent")

    assert [one["code"] for one in refused.value.details] == ["cultures"]


def test_revoked_it_is_approved_as_before(patient: Patient, qian_yu: User, lu_ying: User) -> None:
    order = ready(OrderFactory(state="approved", for_patient=patient))
    release(order, qian_yu)
    release(order, lu_ying)

    signing.order_release_revoke(order_id=order.pk, user=qian_yu, reason="the tank warmed up")

    order.refresh_from_db()
    assert (order.state, unit_of(order), order.released_at) == ("approved", "ORDERED", None)
    assert order.release_checks == []
    assert {row.meaning for row in order.signatures.filter(void_at=None)} == {"prescription"}
    assert release(order, qian_yu).meaning == "release"


def test_a_recalled_unit_is_revoked_too(patient: Patient, qian_yu: User) -> None:
    order = OrderFactory(state="released", for_patient=patient)
    CordBloodUnit.objects.update(recalled=True)

    signing.order_release_revoke(order_id=order.pk, user=qian_yu, reason="recalled")

    assert unit_of(order) == "ORDERED"


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
        "version": 2,
    }
    assert set(others) == {*prescription.FIELDS, "version"}
    for name, value in others.items():
        changed = Order.objects.get(pk=order.pk)
        setattr(changed, name, value)
        known.add(prescription.digest(changed))
    assert len(known) == len(others) + 1
