"""The release of an order: the export permit, two signatures by two people, exceptions, what makes them void."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import translation

from bank.models import CordBloodUnit, Slot
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Patient, PatientWeight
from tests.factories.bank import CultureFactory, SpecificationFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.orders import OrderFactory, papers_made, prescribed, ready, sign
from tests.factories.reservations import ReservationFactory, in_days
from transplants import services_orders as services
from transplants import services_signing as signing
from transplants.checklist import Checklist, checklist_of, open_since_release, permit_file_of
from transplants.models import ExportPermit, Order, OrderSignature, PermitFile, Reservation
from transplants.services_orders import OrderWish, Permit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What typings ask has tests of its own."""
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


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


# --- the export permit ----------------------------------------------------------------------------


def permit(order: Order, user: User, **values: Any) -> ExportPermit:
    given: dict[str, Any] = {
        "permit_no": "P-1",
        "authority": "Health office",
        "country": "SG",
        "valid_until": in_days(60),
    }
    return services.permit_record(order_id=order.pk, permit=Permit(**given | values), user=user)


def test_a_permit_is_recorded_and_replaced_with_a_trail(patient: Patient, shen_jia: User) -> None:
    order = OrderFactory(for_patient=patient, country="SG")

    permit(order, shen_jia)
    permit(order, shen_jia)  # the same again
    permit(order, shen_jia, permit_no="P-2")

    assert ExportPermit.objects.get().permit_no == "P-2"
    entries = AuditEntry.objects.filter(action="order.permit").order_by("at")
    assert [entry.before for entry in entries] == [None, {"permit_no": "P-1"}]


@pytest.mark.parametrize(("state", "may"), [("asked", True), ("released", True), ("shipped", False)])
def test_a_newer_permit_is_recorded_until_the_unit_leaves(
    patient: Patient, shen_jia: User, state: str, may: bool
) -> None:
    order = OrderFactory(state=state, for_patient=patient, country="SG")

    if may:
        permit(order, shen_jia)
    else:
        with pytest.raises(Conflict):
            permit(order, shen_jia)

    assert ExportPermit.objects.exists() is may


def test_its_document_is_kept_as_it_came(patient: Patient, shen_jia: User) -> None:
    """Encrypted; a newer permit has its own, and who takes it away is on record."""
    order, paper = OrderFactory(for_patient=patient, country="SG"), b"%PDF-1.7 permit"

    permit(order, shen_jia, document=paper)
    permit(order, shen_jia, document=paper)  # the same again

    row = PermitFile.objects.get()
    assert paper not in bytes(row.content)
    assert services.permit_file_open(file=row, user=shen_jia)[1] == paper
    assert AuditEntry.objects.filter(action="order.permit").count() == 1
    assert AuditEntry.objects.filter(action="order.permit_open").count() == 1
    newer = permit(order, shen_jia, permit_no="P-2")
    assert permit_file_of(newer) is None


def test_a_unit_that_stays_needs_none(patient: Patient, shen_jia: User) -> None:
    with pytest.raises(Conflict, match="needs no export permit"):
        permit(OrderFactory(for_patient=patient), shen_jia)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"permit_no": " "}, "permit_no"),
        ({"permit_no": "x" * 61}, "permit_no"),
        ({"authority": ""}, "authority"),
        ({"valid_until": dt.date(2020, 1, 1)}, "valid_until"),
        ({"country": "MY"}, "country"),
        ({"country": ""}, "country"),
        ({"document": b"MZ no paper"}, "document"),
    ],
)
def test_what_is_no_permit(patient: Patient, shen_jia: User, values: dict[str, Any], field: str) -> None:
    order = OrderFactory(for_patient=patient, country="SG")

    with pytest.raises(InvalidInput) as refused:
        permit(order, shen_jia, **values)

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
    assert [one.code for one in open_since_release(order)] == ["papers"]
    papers_made(order)
    assert open_since_release(order) == []


def test_nobody_goes_over_what_may_not_be_excepted(approved: Order, lu_ying: User) -> None:
    unmet(approved)
    hard = {"kind": "culture", "test": "bacterial", "allowed": ["no_growth"]}
    SpecificationFactory(bank=approved.unit.bank, approved=True, criteria=[hard], effective_from=in_days(-1))

    with pytest.raises(Conflict) as refused:
        release(approved, lu_ying, justification="urgent")

    assert [one["code"] for one in refused.value.details] == ["cultures"]


@pytest.mark.parametrize("had_a_hand", ["asked", "prescribed"])
def test_who_asked_or_prescribed_releases_nothing(patient: Patient, had_a_hand: str) -> None:
    """A physician who is quality assurance besides."""
    person = UserFactory(roles=[Role.QA, Role.HOSPITAL_PHYSICIAN])
    values = {"asked_by": person} if had_a_hand == "asked" else {}
    order = ready(OrderFactory(state="approved", for_patient=patient, **values), signed=False)
    sign(order, person if had_a_hand == "prescribed" else None)

    with pytest.raises(NotAllowed) as refused:
        release(order, person)

    assert refused.value.code == "own_work"
    assert not order.signatures.filter(meaning="release").exists()


def test_who_prescribed_does_not_approve(patient: Patient, shen_jia: User) -> None:
    both = UserFactory(roles=[Role.SEARCH_COORDINATOR, Role.HOSPITAL_PHYSICIAN])
    order = ready(OrderFactory(for_patient=patient), signed=False)
    sign(order, both)

    with pytest.raises(NotAllowed) as refused:
        services.order_approve(order_id=order.pk, user=both)

    assert refused.value.code == "own_work"
    assert services.order_approve(order_id=order.pk, user=shen_jia).state == "approved"


def test_the_release_keeps_what_was_looked_at_and_signed(
    approved: Order, qian_yu: User, lu_ying: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes about the unit between two looks: there is one look only, and the record is of it."""
    release(approved, qian_yu)

    def looked(order: Order) -> Checklist:
        found = checklist_of(order)
        order.unit.cultures.update(result="growth")
        return found

    monkeypatch.setattr("transplants.checklist.checklist_of", looked)
    monkeypatch.setattr("transplants.services_signing.checklist_of", looked)
    release(approved, lu_ying)

    kept = {row["code"]: row["outcome"] for row in Order.objects.get().release_checks}
    assert kept["cultures"] == "passed"


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
