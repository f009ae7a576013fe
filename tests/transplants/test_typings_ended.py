"""Confirmatory typings, how they end: confirmed, contradicted, settled, cancelled; who may make each step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank import services as bank_services
from bank.models import HLA_COLUMNS, CordBloodUnit, HlaTyping
from bank.results import changed_since
from bank.services_typing import unit_typing_settle
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import Notification, User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL, PatientFactory, member_of
from tests.factories.reservations import ReservationFactory
from tests.factories.typings import (
    OTHER_A,
    ConfirmatoryTypingFactory,
    given,
    promised,
    shown,
    typing_row,
)
from tests.transplants.typing_steps import entered, own_coordinator, refused, sampled, told, verified
from transplants import services as reservations
from transplants import services_sweep
from transplants import services_typings as services
from transplants.choices_orders import TypingState
from transplants.models import Charge, ConfirmatoryTyping, Incident, Price, Reservation

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab(db: None) -> User:
    return UserFactory(roles=[Role.LAB], full_name="Lin Yue")


@pytest.fixture
def qa(db: None) -> User:
    return UserFactory(roles=[Role.QA], full_name="Qian Wei")


# --- the second person ----------------------------------------------------------------------------


def test_a_result_that_agrees_confirms_the_unit_and_changes_no_search(lab: User, qa: User) -> None:
    row = promised()
    he_lan, shen_jia = own_coordinator(row), UserFactory(roles=[Role.SEARCH_COORDINATOR])
    columns = CordBloodUnit.objects.filter(pk=row.unit_id).values(*HLA_COLUMNS, "hla_tags", "status").get()
    price()

    done = verified(lab, qa, row=row)

    done.refresh_from_db()
    listed = HlaTyping.objects.get(unit=row.unit, is_current=True)
    assert (done.state, done.differing, done.verified_by, done.compared_with) == ("confirmed", [], qa, listed)
    result = done.result
    assert (result.is_current, result.source, result.entered_by, result.verified_by) == (
        False,
        "confirmatory",
        lab,
        qa,
    )
    unit = CordBloodUnit.objects.filter(pk=row.unit_id)
    assert unit.values(*HLA_COLUMNS, "hla_tags", "status").get() == columns
    assert unit.get().typing_conflict is False
    assert {he_lan.pk, shen_jia.pk} <= told("confirmed")
    assert Charge.objects.get().reference == done.number
    assert not Incident.objects.exists()


def price() -> None:
    Price.objects.create(
        kind="typing",
        amount=Decimal("1200.00"),
        currency="CNY",
        valid_from=dt.date(2020, 1, 1),
        **_by(),
    )


def _by() -> dict[str, Any]:
    names = {field.name for field in Price._meta.fields}
    return {"entered_by": UserFactory(roles=[Role.DIRECTOR])} if "entered_by" in names else {}


def test_a_contradiction_stops_the_unit_opens_an_incident_and_tells_everybody(lab: User, qa: User) -> None:
    row = promised()
    he_lan, shen_jia = own_coordinator(row), UserFactory(roles=[Role.SEARCH_COORDINATOR])

    done = verified(lab, qa, OTHER_A, row)

    done.refresh_from_db()
    unit = CordBloodUnit.objects.get(pk=row.unit_id)
    assert (done.state, done.differing) == ("discrepant", ["A"])
    assert unit.typing_conflict
    assert unit.hla_a_1 == "A*11:01"
    with pytest.raises(Conflict) as stopped:
        bank_services.move(unit, "ORDERED", actor=Actor.user(qa), action="unit.order", reason="", fields={})
    assert stopped.value.code == "typing_conflict"
    incident = Incident.objects.get()
    assert (incident.kind, incident.hospital, incident.patient) == ("typing", row.hospital, row.patient)
    assert [one.unit for one in incident.units.all()] == [unit]
    assert done.number in incident.title
    assert "HLA-A" in incident.what
    assert {he_lan.pk, shen_jia.pk} <= told("discrepant")
    assert qa.pk not in told("discrepant")
    services_sweep.reservations_sweep()  # the hospital knows already that it cannot count on the unit
    assert not Notification.objects.filter(code="reservation.held").exists()


def test_a_hospital_does_not_pay_for_the_proof_that_the_list_was_wrong(lab: User, qa: User) -> None:
    price()

    verified(lab, qa, OTHER_A, promised())

    assert not Charge.objects.exists()


@pytest.mark.parametrize("of_bank", [True, False])
def test_a_hospital_pays_for_what_it_asked_for(of_bank: bool, lab: User, qa: User) -> None:
    row = promised()
    price()
    user = UserFactory(roles=[Role.SEARCH_COORDINATOR]) if of_bank else own_coordinator(row)
    asked = services.typing_ask(reservation_id=row.pk, user=user)
    User.objects.filter(pk=user.pk).update(is_active=False)  # who asked may have left since
    services.typing_sample(typing_id=asked.pk, user=lab)
    services.typing_report(typing_id=asked.pk, given=given(), method="ngs", user=lab)

    services.typing_verify(typing_id=asked.pk, user=qa, shown=shown(ConfirmatoryTyping.objects.get()))

    assert Charge.objects.exists() == (not of_bank)


def test_who_entered_it_does_not_verify_it(lab: User) -> None:
    row = entered(lab)

    refused(
        "own_work", lambda: services.typing_verify(typing_id=row.pk, user=lab, shown=shown(row)), NotAllowed
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        ConfirmatoryTyping.objects.filter(pk=row.pk).update(verified_by=lab)


def test_what_is_verified_is_what_was_shown(lab: User, qa: User) -> None:
    row = entered(lab)
    seen = shown(row)
    row.unit.typings.update(is_current=False)
    typing_row(row.unit, OTHER_A)  # another typing came into force since

    refused("typing_changed", lambda: services.typing_verify(typing_id=row.pk, user=qa, shown=seen))
    assert services.typing_verify(typing_id=row.pk, user=qa, shown=shown(row)).state == "discrepant"


def test_a_confirmation_asks_for_no_new_release(lab: User, qa: User) -> None:
    row, moment = promised(), timezone.now()

    verified(lab, qa, row=row)

    assert not changed_since(CordBloodUnit.objects.get(pk=row.unit_id), moment)


def test_a_typing_that_comes_into_force_by_settling_does(lab: User, qa: User) -> None:
    row, moment = promised(), timezone.now()
    done = verified(lab, qa, OTHER_A, row)
    judge = Actor.user(UserFactory(roles=[Role.QA]))
    unit_typing_settle(
        unit_id=row.unit_id, typing_id=done.result_id, actor=judge, reason="swapped at listing"
    )

    assert changed_since(CordBloodUnit.objects.get(pk=row.unit_id), moment)


# --- settled --------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", ["listed", "found"])
def test_a_settled_conflict_is_told_and_asks_for_a_new_confirmation(right: str, lab: User, qa: User) -> None:
    row = promised()
    he_lan = own_coordinator(row)
    done = verified(lab, qa, OTHER_A, row)
    listed = HlaTyping.objects.get(unit=row.unit, is_current=True)
    judge = UserFactory(roles=[Role.QA])

    chosen = listed.pk if right == "listed" else done.result_id
    unit_typing_settle(
        unit_id=row.unit_id, typing_id=chosen, actor=Actor.user(judge), reason="typed a third time"
    )

    done.refresh_from_db()
    unit = CordBloodUnit.objects.get(pk=row.unit_id)
    assert done.settled_at is not None
    assert (unit.typing_conflict, unit.hla_a_1) == (False, "A*11:01" if right == "listed" else "A*02:01")
    assert he_lan.pk in told("settled")
    # whichever is right: one independent sample has still to say so
    again = services.typing_ask(reservation_id=row.pk, user=he_lan)
    assert again.state == "asked"


def test_an_earlier_confirmation_vouches_no_more_once_there_was_a_conflict(lab: User, qa: User) -> None:
    row = promised()
    done = verified(lab, qa, row=row)
    other = typing_row(row.unit, OTHER_A, is_current=False)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(typing_conflict=True)
    listed = HlaTyping.objects.get(unit=row.unit, is_current=True)
    judge = Actor.user(UserFactory(roles=[Role.QA]))

    unit_typing_settle(unit_id=row.unit_id, typing_id=listed.pk, actor=judge, reason="the other was mistyped")

    done.refresh_from_db()
    assert (done.state, done.settled_at is not None) == ("confirmed", True)
    assert ConfirmatoryTyping.objects.vouching(row.unit, listed) is None
    assert other.pk != listed.pk


# --- ended ----------------------------------------------------------------------------------------


def test_the_hospital_cancels_until_the_segment_is_cut_the_bank_until_a_result(lab: User) -> None:
    row = promised()
    he_lan, taken = own_coordinator(row), sampled(row)

    refused("sampled_already", lambda: services.typing_cancel(typing_id=taken.pk, user=he_lan, reason="r"))
    refused(
        "reason_needed",
        lambda: services.typing_cancel(typing_id=taken.pk, user=lab, reason=" "),
        InvalidInput,
    )
    ended = services.typing_cancel(typing_id=taken.pk, user=lab, reason="the tube broke")
    assert (ended.state, ended.end_reason, ended.ended_at is not None) == (
        "cancelled",
        "the tube broke",
        True,
    )
    assert he_lan.pk in told("cancelled")
    asked = services.typing_ask(reservation_id=row.pk, user=he_lan)
    assert services.typing_cancel(typing_id=asked.pk, user=he_lan, reason="other unit").state == "cancelled"


def test_a_result_is_not_cancelled_away(lab: User) -> None:
    row = entered(lab, OTHER_A)

    refused("typing_state", lambda: services.typing_cancel(typing_id=row.pk, user=lab, reason="unwelcome"))


def test_with_its_reservation_ends_what_nobody_has_cut_yet(lab: User, qa: User) -> None:
    asked, cut = ConfirmatoryTypingFactory(), sampled()
    shen_jia = UserFactory(roles=[Role.SEARCH_COORDINATOR])

    for row in (asked, cut):
        reservations.reservation_cancel(reservation_id=row.reservation_id, user=shen_jia, reason="r")
        row.refresh_from_db()

    assert (asked.state, asked.end_reason) == ("cancelled", asked.reservation.number)
    assert cut.state == "sampled"
    # what was cut is typed to the end, and a contradiction takes the unit off offer
    found = services.typing_report(typing_id=cut.pk, given=given(OTHER_A), method="ngs", user=lab)
    services.typing_verify(typing_id=cut.pk, user=qa, shown=shown(found))
    unit = CordBloodUnit.objects.get(pk=cut.unit_id)
    assert (unit.status, unit.typing_conflict) == ("LISTED", True)


@pytest.mark.parametrize(("gl", "code"), [(GL, "unit_confirmed"), (OTHER_A, "unit_discrepant")])
def test_who_has_the_unit_now_is_told_of_it_and_not_of_who_asked(
    gl: str, code: str, lab: User, qa: User
) -> None:
    cut = entered(lab, gl)
    Reservation.objects.filter(pk=cut.reservation_id).update(
        state="cancelled", ended_at=timezone.now(), ended_by="x", end_cause="hospital"
    )
    now = ReservationFactory(active=True, unit=cut.unit)
    theirs = own_coordinator(now)

    services.typing_verify(typing_id=cut.pk, user=qa, shown=shown(cut))

    notice = Notification.objects.get(user=theirs, code=f"typing.{code}")
    assert (notice.params["number"], notice.hospital_id) == (now.number, now.hospital_id)
    assert cut.number not in str(notice.params)
    assert cut.patient.code not in str(notice.params)


# --- every act, every state, every role -----------------------------------------------------------

ACTS: dict[str, Callable[[ConfirmatoryTyping, User], Any]] = {
    "sample": lambda row, user: services.typing_sample(typing_id=row.pk, user=user),
    "report": lambda row, user: services.typing_report(
        typing_id=row.pk, given=given(), method="ngs", user=user
    ),
    "verify": lambda row, user: services.typing_verify(typing_id=row.pk, user=user, shown=shown(row)),
    "take_back": lambda row, user: services.typing_take_back(
        typing_id=row.pk, user=user, reason="r", shown=shown(row)
    ),
    "cancel": lambda row, user: services.typing_cancel(typing_id=row.pk, user=user, reason="r"),
}
OPEN_IN = {
    "sample": {"asked"},
    "report": {"sampled"},
    "verify": {"reported"},
    "take_back": {"reported"},
    "cancel": {"asked", "sampled"},
}
ALLOWED = {
    "sample": {Role.LAB},
    "report": {Role.LAB},
    "verify": {Role.LAB, Role.QA, Role.MEDICAL_DIRECTOR},
    "take_back": {Role.LAB, Role.QA, Role.MEDICAL_DIRECTOR},
    "cancel": {Role.LAB, Role.SEARCH_COORDINATOR, Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN},
}


def in_state(state: str) -> ConfirmatoryTyping:
    kinds: dict[str, dict[str, Any]] = {
        "asked": {},
        "sampled": {"sampled": True},
        "reported": {"reported_now": True},
        "cancelled": {"cancelled": True},
    }
    if state in kinds:
        return ConfirmatoryTypingFactory(**kinds[state])
    lab, qa = UserFactory(roles=[Role.LAB]), UserFactory(roles=[Role.QA])
    return verified(lab, qa, GL if state == "confirmed" else OTHER_A)


@pytest.mark.parametrize("state", TypingState.values)
@pytest.mark.parametrize("act", ACTS)
def test_each_step_is_open_in_its_states_only(act: str, state: str) -> None:
    row, user = in_state(state), UserFactory(roles=[Role.LAB])

    if state in OPEN_IN[act]:
        ACTS[act](row, user)
        row.refresh_from_db()
        assert row.state != state
    else:
        refused("typing_state", lambda: ACTS[act](row, user))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("act", ACTS)
def test_each_step_is_open_to_its_people_only(act: str, role: Role) -> None:
    row = in_state(sorted(OPEN_IN[act])[0])
    hospital_role = role in (Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN)
    user = member_of(row.hospital, role) if hospital_role else UserFactory(roles=[role])

    if role in ALLOWED[act]:
        ACTS[act](row, user)
    else:
        refused("not_yours", lambda: ACTS[act](row, user), NotAllowed)


def test_another_hospital_cancels_nothing() -> None:
    row, user = in_state("asked"), member_of(PatientFactory().hospital)

    refused("not_yours", lambda: services.typing_cancel(typing_id=row.pk, user=user, reason="r"), NotAllowed)
