"""Asking, confirming, declining, extending, cancelling: what happens, who may, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from bank.models import CordBloodUnit
from core import audit
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.matching import MatchRequestFactory
from tests.factories.reservations import ReservationFactory, in_days
from transplants import services
from transplants.models import Reservation, ReservationRules
from transplants.services import Wish

pytestmark = pytest.mark.django_db


def ask(unit: CordBloodUnit, patient: Patient, user: User, **more: Any) -> Reservation:
    return services.reservation_ask(wish=Wish(unit.pk, patient.pk, **more), user=user)


def status(unit: CordBloodUnit) -> str:
    return str(CordBloodUnit.objects.values_list("status", flat=True).get(pk=unit.pk))


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("created_at").values_list("code", flat=True))


# --- asking


def test_the_bank_decides_for_a_hospital_that_does_not_reserve_itself(
    patient: Patient, he_lan: User, shen_jia: User
) -> None:
    unit = UnitFactory()

    row = ask(unit, patient, he_lan, note="planned for May")

    assert (row.state, row.until, row.number[:3], status(unit)) == ("asked", None, "RS-", "LISTED")
    assert (told(shen_jia), told(he_lan)) == (["reservation.asked"], [])
    entry = AuditEntry.objects.get(action="reservation.ask")
    assert (entry.hospital_id, entry.target_key) == (patient.hospital_id, str(row.pk))


def test_a_trusted_hospital_has_it_at_once(own: Patient, tan_xi: User) -> None:
    unit, colleague = UnitFactory(), member_of(own.hospital, Role.HOSPITAL_PHYSICIAN)

    row = ask(unit, own, tan_xi)

    assert (row.state, row.until, row.confirmed_by) == ("active", in_days(30), "Tan Xi")
    assert status(unit) == "RESERVED"
    assert (told(tan_xi), told(colleague)) == ([], ["reservation.reserved"])
    assert list(AuditEntry.objects.filter(target_key=str(unit.pk)).values_list("action", "reason")) == [
        ("unit.reserve", row.number)  # who reads the unit's trail may know of no patient
    ]


@pytest.mark.parametrize("change", [{"qualified_until": in_days(-1)}, {"self_service_reservation": False}])
def test_an_expired_qualification_asks_the_bank(own: Patient, tan_xi: User, change: dict[str, Any]) -> None:
    Hospital.objects.filter(pk=own.hospital_id).update(**change)

    assert ask(UnitFactory(), own, tan_xi).state == "asked"


def test_the_bank_reserves_for_any_hospital(patient: Patient, shen_jia: User, he_lan: User) -> None:
    row = ask(UnitFactory(), patient, shen_jia)

    assert (row.state, told(he_lan)) == ("active", ["reservation.reserved"])


def test_who_asks_for_a_promised_unit_stands_in_line(own: Patient, tan_xi: User, shen_jia: User) -> None:
    kept = ReservationFactory(active=True)

    mine, second = ask(kept.unit, own, tan_xi), ask(kept.unit, PatientFactory(), shen_jia)

    assert (mine.state, second.state) == ("asked", "asked")
    assert list(Reservation.objects.line_of(kept.unit.pk)) == [mine, second]


def test_nobody_overtakes_who_asked_before(
    patient: Patient, own: Patient, he_lan: User, tan_xi: User
) -> None:
    unit = UnitFactory()
    first = ask(unit, patient, he_lan)

    second = ask(unit, own, tan_xi)

    assert (first.state, second.state, status(unit)) == ("asked", "asked", "LISTED")


def test_a_unit_that_entered_as_reserved_is_nobodys_until_the_bank_says_whose_it_was(
    own: Patient, tan_xi: User, shen_jia: User
) -> None:
    unit = UnitFactory(status="RESERVED")
    mine, theirs = ask(unit, own, tan_xi), ask(unit, PatientFactory(), shen_jia)
    assert (mine.state, theirs.state, told(shen_jia)) == ("asked", "asked", [])

    with pytest.raises(Conflict) as refused:
        services.reservation_confirm(reservation_id=mine.pk, user=shen_jia)
    assert (refused.value.code, status(unit)) == ("unit_not_free", "RESERVED")

    row = services.reservation_confirm(reservation_id=mine.pk, user=shen_jia, earlier=True)
    assert (row.state, status(unit)) == ("active", "RESERVED")
    with pytest.raises(Conflict):
        services.reservation_confirm(reservation_id=theirs.pk, user=shen_jia, earlier=True, reason="r")


def test_the_bank_frees_a_unit_whose_earlier_promise_has_ended(shen_jia: User, tan_xi: User) -> None:
    unit, kept = UnitFactory(status="RESERVED"), ReservationFactory(active=True)

    with pytest.raises(NotAllowed):
        services.unit_free(unit_id=unit.pk, user=tan_xi, reason="r")
    for other in (kept.unit, UnitFactory()):
        with pytest.raises(Conflict) as refused:
            services.unit_free(unit_id=other.pk, user=shen_jia, reason="r")
        assert refused.value.code == "not_unnamed"
    services.unit_free(unit_id=unit.pk, user=shen_jia, reason="the old system says so")

    assert [status(one) for one in (unit, kept.unit)] == ["LISTED", "RESERVED"]


def held_as_entered() -> CordBloodUnit:
    unit: CordBloodUnit = UnitFactory(
        status="ON_HOLD", status_before_hold="RESERVED", hold_reason="tank alarm"
    )
    return unit


def test_one_that_is_held_is_freed_too(shen_jia: User) -> None:
    unit = held_as_entered()

    services.unit_free(unit_id=unit.pk, user=shen_jia, reason="the old system says so")

    unit.refresh_from_db()
    assert (unit.status, unit.status_before_hold, unit.hold_reason) == ("ON_HOLD", "LISTED", "tank alarm")


def test_one_that_is_held_gets_its_name_and_stays_held(patient: Patient, shen_jia: User) -> None:
    row = ReservationFactory(patient=patient, unit=held_as_entered())

    row = services.reservation_confirm(reservation_id=row.pk, user=shen_jia, earlier=True)

    assert (row.state, status(row.unit), row.unit.status_before_hold) == ("active", "ON_HOLD", "RESERVED")


def test_no_earlier_promise_of_a_unit_on_offer(patient: Patient, shen_jia: User) -> None:
    row = ReservationFactory(patient=patient)

    with pytest.raises(Conflict):
        services.reservation_confirm(reservation_id=row.pk, user=shen_jia, earlier=True)


def test_the_same_form_sent_twice_asks_once(patient: Patient, he_lan: User) -> None:
    unit, key = UnitFactory(), uuid4()

    first, again = (ask(unit, patient, he_lan, reservation_id=key) for _ in range(2))

    assert (first.pk, again.pk, Reservation.objects.count()) == (key, key, 1)


def test_a_form_of_what_has_ended_says_so(patient: Patient, he_lan: User) -> None:
    unit, key = UnitFactory(), uuid4()
    ask(unit, patient, he_lan, reservation_id=key)
    services.reservation_cancel(reservation_id=key, user=he_lan, reason="r")

    with pytest.raises(Conflict) as refused:
        ask(unit, patient, he_lan, reservation_id=key)
    assert refused.value.code == "reservation_ended"


def test_the_id_of_another_tells_nothing_and_is_not_used(patient: Patient, he_lan: User) -> None:
    other = ReservationFactory()

    row = ask(UnitFactory(), patient, he_lan, reservation_id=other.pk)

    assert row.pk != other.pk


def test_the_request_follows(own: Patient, tan_xi: User) -> None:
    request = MatchRequestFactory(patient=own, submitted=True, state="SEARCHED")

    row = ask(UnitFactory(), own, tan_xi, request_id=request.pk)
    request.refresh_from_db()
    assert request.state == "RESERVED"

    services.reservation_cancel(reservation_id=row.pk, user=tan_xi, reason="other unit")
    request.refresh_from_db()
    assert request.state == "SEARCHED"
    actions = AuditEntry.objects.filter(target_key=str(request.pk)).order_by("at")
    assert [one.action for one in actions] == ["request.reserved", "request.unreserved"]


def test_a_request_stays_reserved_while_another_unit_is(own: Patient, tan_xi: User) -> None:
    request = MatchRequestFactory(patient=own, submitted=True, state="SEARCHED")
    first, _second = (ask(UnitFactory(), own, tan_xi, request_id=request.pk) for _ in range(2))

    services.reservation_cancel(reservation_id=first.pk, user=tan_xi, reason="one is enough")

    request.refresh_from_db()
    assert request.state == "RESERVED"


Refusal = tuple[type[DomainError], str]
UNITS: list[tuple[Callable[[], CordBloodUnit], str]] = [
    (lambda: UnitFactory(status="QUARANTINE"), "unit_not_on_offer"),
    (lambda: UnitFactory(on_hold=True), "unit_not_on_offer"),
    (lambda: UnitFactory(status="DISCARDED", discard_reason="clots"), "unit_not_on_offer"),
    (lambda: UnitFactory(status="ORDERED"), "unit_not_on_offer"),
    (lambda: UnitFactory(recalled=True), "unit_blocked"),
    (lambda: UnitFactory(consent_withdrawn=True), "unit_blocked"),
    (lambda: UnitFactory(typing_conflict=True), "unit_blocked"),
    (lambda: UnitFactory(source="partner", bank=BankFactory(code="P1")), "not_own"),
    (lambda: UnitFactory(source="partner", donor_type="adult", bank=BankFactory(code="P2")), "adult_donor"),
]


@pytest.mark.parametrize(("unit", "code"), UNITS)
def test_a_unit_that_cannot_be_promised(
    unit: Callable[[], CordBloodUnit], code: str, own: Patient, tan_xi: User, shen_jia: User
) -> None:
    wanted = unit()
    before = CordBloodUnit.objects.values().get(pk=wanted.pk)

    for user in (tan_xi, shen_jia):
        with pytest.raises(Conflict) as refused:
            ask(wanted, own, user)
        assert refused.value.code == code
    assert CordBloodUnit.objects.values().get(pk=wanted.pk) == before
    assert not Reservation.objects.exists()


def test_not_twice_for_one_patient_and_not_too_many(own: Patient, tan_xi: User) -> None:
    units = [UnitFactory() for _ in range(5)]
    for unit in units[:4]:
        ask(unit, own, tan_xi)

    with pytest.raises(Conflict, match="already"):
        ask(units[0], own, tan_xi)
    with pytest.raises(Conflict) as refused:
        ask(units[4], own, tan_xi)
    assert (refused.value.code, refused.value.params) == ("too_many_units", {"n": 4})


def test_an_inactive_patient_or_hospital_gets_none(own: Patient, tan_xi: User) -> None:
    unit = UnitFactory()
    Hospital.objects.filter(pk=own.hospital_id).update(active=False)
    with pytest.raises(Conflict) as refused:
        ask(unit, own, tan_xi)
    assert refused.value.code == "hospital_inactive"

    gone = PatientFactory(
        hospital=own.hospital, state="inactive", inactive_reason="died", deactivated_at="2026-01-01T00:00Z"
    )
    with pytest.raises(Conflict) as refused:
        ask(unit, gone, tan_xi)
    assert refused.value.code == "patient_inactive"


@pytest.mark.parametrize("role", [Role.HOSPITAL_PHYSICIAN, Role.LAB, Role.SHIPPING, Role.ADMIN])
def test_others_may_not_ask(role: Role, own: Patient) -> None:
    user = member_of(own.hospital, role)

    with pytest.raises(NotAllowed):
        ask(UnitFactory(), own, user)


def test_no_hospital_asks_for_another(patient: Patient, tan_xi: User) -> None:
    with pytest.raises(NotAllowed):
        ask(UnitFactory(), patient, tan_xi)


def test_a_coordinator_of_both_never_confirms_the_own_wish_as_the_bank_without_the_banks_role(
    patient: Patient, he_lan: User
) -> None:
    row = ask(UnitFactory(), patient, he_lan)

    for act in (
        lambda: services.reservation_confirm(reservation_id=row.pk, user=he_lan),
        lambda: services.reservation_decline(reservation_id=row.pk, user=he_lan, reason="r"),
    ):
        with pytest.raises(NotAllowed):
            act()


@pytest.mark.parametrize(
    "more", [{"purpose": "fun"}, {"request_id": "other"}], ids=["purpose", "request of another patient"]
)
def test_nothing_is_written_of_a_wrong_wish(own: Patient, tan_xi: User, more: dict[str, Any]) -> None:
    if "request_id" in more:
        more = {"request_id": MatchRequestFactory(submitted=True, state="SEARCHED").pk}
    unit = UnitFactory()

    with pytest.raises(DomainError):
        ask(unit, own, tan_xi, **more)

    assert (Reservation.objects.count(), status(unit)) == (0, "LISTED")


# --- deciding


def test_the_bank_confirms_until_a_day(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = ask(UnitFactory(), patient, he_lan)

    row = services.reservation_confirm(reservation_id=row.pk, user=shen_jia, until=in_days(90))

    assert (row.state, row.until, status(row.unit)) == ("active", in_days(90), "RESERVED")
    assert told(he_lan) == ["reservation.reserved"]
    with pytest.raises(Conflict, match="confirmed already"):
        services.reservation_confirm(reservation_id=row.pk, user=shen_jia)


@pytest.mark.parametrize("days", [-1, 366])
def test_no_promise_into_the_past_or_for_ever(patient: Patient, shen_jia: User, days: int) -> None:
    row = ReservationFactory(patient=patient)

    with pytest.raises(InvalidInput) as refused:
        services.reservation_confirm(reservation_id=row.pk, user=shen_jia, until=in_days(days))
    assert (refused.value.field, status(row.unit)) == ("until", "LISTED")


def test_the_bank_says_why_somebody_overtakes(patient: Patient, own: Patient, shen_jia: User) -> None:
    first = ReservationFactory(patient=patient)
    second = ReservationFactory(patient=own, unit=first.unit)

    with pytest.raises(InvalidInput) as refused:
        services.reservation_confirm(reservation_id=second.pk, user=shen_jia, reason=" ")
    assert (refused.value.code, refused.value.field) == ("not_first", "reason")
    services.reservation_confirm(reservation_id=second.pk, user=shen_jia, reason="relapsing fast")

    entry = AuditEntry.objects.get(action="reservation.confirm")
    assert (entry.target_key, entry.reason) == (str(second.pk), "relapsing fast")


def test_what_is_promised_is_not_confirmed_to_another(patient: Patient, shen_jia: User) -> None:
    kept = ReservationFactory(active=True)
    row = ReservationFactory(patient=patient, unit=kept.unit)

    with pytest.raises(Conflict) as refused:
        services.reservation_confirm(reservation_id=row.pk, user=shen_jia)
    assert refused.value.code == "unit_reserved"


def test_the_database_itself_promises_a_unit_once() -> None:
    kept = ReservationFactory(active=True)

    with pytest.raises(IntegrityError, match="reservation_one_active"), transaction.atomic():
        ReservationFactory(active=True, unit=kept.unit)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"state": "active"}, "reservation_active_has_end|reservation_confirmed_paired"),
        ({"state": "expired"}, "reservation_ended_paired"),
        ({"state": "kept"}, "reservation_state_known|reservation_ended_paired"),
        ({"confirmed_by": "Shen Jia"}, "reservation_confirmed_paired"),
    ],
)
def test_no_row_says_half_of_it(row: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        ReservationFactory(**row)


def test_the_bank_declines_with_a_reason(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = ask(UnitFactory(), patient, he_lan)

    with pytest.raises(InvalidInput):
        services.reservation_decline(reservation_id=row.pk, user=shen_jia, reason=" ")
    services.reservation_decline(reservation_id=row.pk, user=shen_jia, reason="too few cells")

    row.refresh_from_db()
    assert (row.state, row.end_cause, row.end_reason) == ("declined", "bank", "too few cells")
    assert (status(row.unit), told(he_lan)) == ("LISTED", ["reservation.declined"])


# --- longer, and ended


def test_a_hospital_extends_as_often_as_it_may(own: Patient, tan_xi: User, shen_jia: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)

    for days in (44, 58):
        row = services.reservation_extend(reservation_id=row.pk, user=tan_xi, reason="fever")
        assert row.until == in_days(days)
    with pytest.raises(Conflict) as refused:
        services.reservation_extend(reservation_id=row.pk, user=tan_xi, reason="fever")
    assert refused.value.code == "no_extension_left"

    row = services.reservation_extend(
        reservation_id=row.pk, user=shen_jia, reason="they wait for a bed", until=in_days(100)
    )
    assert (row.until, row.extensions) == (in_days(100), 2)


def test_a_hospital_names_no_day_itself(own: Patient, tan_xi: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)

    row = services.reservation_extend(reservation_id=row.pk, user=tan_xi, reason="r", until=in_days(300))

    assert row.until == in_days(44)


@pytest.mark.parametrize(
    "held",
    [
        {"status": "ON_HOLD", "status_before_hold": "RESERVED", "hold_reason": "tank alarm"},
        {"status": "QUARANTINE"},
    ],
)
def test_what_the_bank_holds_is_kept_longer_too(held: dict[str, str], own: Patient, tan_xi: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(**held)

    assert services.reservation_extend(reservation_id=row.pk, user=tan_xi, reason="r").until == in_days(44)


def test_an_extension_is_longer_and_of_a_promise(own: Patient, tan_xi: User, shen_jia: User) -> None:
    row, asked = ask(UnitFactory(), own, tan_xi), ReservationFactory()

    with pytest.raises(InvalidInput) as refused:
        services.reservation_extend(reservation_id=row.pk, user=shen_jia, reason="r", until=in_days(29))
    assert refused.value.code == "not_longer"
    with pytest.raises(Conflict) as conflict:
        services.reservation_extend(reservation_id=asked.pk, user=shen_jia, reason="r")
    assert conflict.value.code == "not_reserved"


def test_what_is_over_is_not_revived(own: Patient, tan_xi: User, shen_jia: User) -> None:
    row = ReservationFactory(active=True, patient=own, until=in_days(-1))

    for user in (tan_xi, shen_jia):
        with pytest.raises(Conflict) as refused:
            services.reservation_extend(reservation_id=row.pk, user=user, reason="r", until=in_days(9))
        assert refused.value.code == "over_already"


def test_nothing_is_extended_for_a_hospital_that_ended(own: Patient, tan_xi: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)
    Hospital.objects.update(active=False)

    with pytest.raises(Conflict) as refused:
        services.reservation_extend(reservation_id=row.pk, user=tan_xi, reason="r")
    assert refused.value.code == "hospital_inactive"


def test_the_hospital_lets_go_and_the_unit_is_on_offer(own: Patient, tan_xi: User, shen_jia: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)

    services.reservation_cancel(reservation_id=row.pk, user=tan_xi, reason="relapse")

    row.refresh_from_db()
    assert (row.state, row.end_cause, status(row.unit)) == ("cancelled", "hospital", "LISTED")
    assert told(shen_jia) == ["reservation.cancelled"]
    with pytest.raises(Conflict) as refused:
        services.reservation_cancel(reservation_id=row.pk, user=tan_xi, reason="again")
    assert refused.value.code == "reservation_ended"


def test_another_hospital_lets_go_of_nothing(own: Patient, tan_xi: User, he_lan: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)

    for act in (services.reservation_cancel, services.reservation_extend):
        with pytest.raises(NotAllowed):
            act(reservation_id=row.pk, user=he_lan, reason="r")
    assert status(row.unit) == "RESERVED"


def test_what_is_ordered_is_not_simply_let_go_of(own: Patient, tan_xi: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(status="ORDERED")

    with pytest.raises(Conflict) as refused:
        services.reservation_cancel(reservation_id=row.pk, user=tan_xi, reason="r")
    assert refused.value.code == "unit_ordered"


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn", "typing_conflict"])
def test_a_blocked_unit_that_is_let_go_is_not_on_offer(flag: str, own: Patient, tan_xi: User) -> None:
    row = ask(UnitFactory(), own, tan_xi)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(**{flag: True})

    services.reservation_cancel(reservation_id=row.pk, user=tan_xi, reason="r")

    unit = CordBloodUnit.objects.get(pk=row.unit_id)
    assert (unit.status, unit.status_before_hold) == ("ON_HOLD", "LISTED")
    assert unit.hold_reason == f"{row.number}: {', '.join(unit.block_labels)}"


def test_a_held_unit_that_is_let_go_is_not_promised_when_the_hold_is_lifted(
    own: Patient, tan_xi: User
) -> None:
    row = ask(UnitFactory(), own, tan_xi)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(
        status="ON_HOLD", status_before_hold="RESERVED", hold_reason="tank alarm"
    )

    services.reservation_cancel(reservation_id=row.pk, user=tan_xi, reason="r")

    unit = CordBloodUnit.objects.get(pk=row.unit_id)
    assert (unit.status, unit.status_before_hold, unit.hold_reason) == ("ON_HOLD", "LISTED", "tank alarm")


@pytest.mark.parametrize(
    ("act", "written"),
    [
        *(("ask", n) for n in range(3)),
        *(("confirm", n) for n in range(2)),
        ("decline", 0),
        ("extend", 0),
        *(("cancel", n) for n in range(3)),
    ],
)
def test_nothing_changes_where_the_audit_fails(
    act: str, written: int, own: Patient, tan_xi: User, shen_jia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its first entry, or after `written` others."""
    request = MatchRequestFactory(patient=own, submitted=True, state="SEARCHED")
    kept = ask(UnitFactory(), own, tan_xi, request_id=request.pk)
    asked, new = ReservationFactory(patient=own), UnitFactory()
    other = MatchRequestFactory(patient=own, submitted=True, state="SEARCHED")
    before = list(Reservation.objects.order_by("pk").values())
    left, real = [written], audit.record

    def fail(**values: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("no audit")
        return real(**values)

    monkeypatch.setattr("core.audit.record", fail)
    acts: dict[str, Callable[[], Any]] = {
        "ask": lambda: ask(new, own, tan_xi, request_id=other.pk),
        "confirm": lambda: services.reservation_confirm(reservation_id=asked.pk, user=shen_jia),
        "decline": lambda: services.reservation_decline(reservation_id=asked.pk, user=shen_jia, reason="r"),
        "extend": lambda: services.reservation_extend(reservation_id=kept.pk, user=tan_xi, reason="r"),
        "cancel": lambda: services.reservation_cancel(reservation_id=kept.pk, user=tan_xi, reason="r"),
    }
    with pytest.raises(RuntimeError):
        acts[act]()
    assert list(Reservation.objects.order_by("pk").values()) == before
    assert [status(one) for one in (kept.unit, asked.unit, new)] == ["RESERVED", "LISTED", "LISTED"]
    request.refresh_from_db()
    assert request.state == "RESERVED"


# --- rules


def test_numbers_run_without_gaps(own: Patient, tan_xi: User) -> None:
    """Also over a wish that was given one and failed."""
    first = ask(UnitFactory(), own, tan_xi)
    with transaction.atomic():
        ask(UnitFactory(), own, tan_xi)
        transaction.set_rollback(True)
    second = ask(UnitFactory(), own, tan_xi)

    assert int(second.number[-4:]) == int(first.number[-4:]) + 1


def test_the_rules_count_from_now_on(own: Patient, tan_xi: User) -> None:
    ReservationRules.objects.create(days=10, warn_days=3)

    assert ask(UnitFactory(), own, tan_xi).until == in_days(10)


def test_a_bank_person_without_the_right_to_decide_speaks_not_for_the_bank(own: Patient) -> None:
    assert not services.may_decide(UserFactory(roles=[Role.LAB]))
    assert not services.may_decide(member_of(own.hospital))
    assert services.may_decide(UserFactory(roles=[Role.MEDICAL_DIRECTOR]))
