"""Confirmatory typings, the first steps: asked for, the segment, the result; each refusal writes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bank.models import CordBloodUnit, HlaTyping, UnitSample
from core.audit import Actor
from core.errors import InvalidInput, NotAllowed
from core.models import AuditEntry, User
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
    typed_unit,
)
from tests.transplants.typing_steps import entered, own_coordinator, refused, sampled, told, verified
from transplants import services_typings as services
from transplants.models import ConfirmatoryTyping, Reservation

pytestmark = pytest.mark.django_db
HELD = {"status": "ON_HOLD", "status_before_hold": "RESERVED", "hold_reason": "tank alarm"}


@pytest.fixture
def lab(db: None) -> User:
    return UserFactory(roles=[Role.LAB], full_name="Lin Yue")


@pytest.fixture
def qa(db: None) -> User:
    return UserFactory(roles=[Role.QA], full_name="Qian Wei")


# --- asked ----------------------------------------------------------------------------------------


def test_the_hospital_asks_and_the_laboratory_is_told(lab: User) -> None:
    row = promised()
    he_lan = own_coordinator(row)

    asked = services.typing_ask(reservation_id=row.pk, user=he_lan, note=" before\0 March ")

    asked.refresh_from_db()
    assert (asked.state, asked.note, asked.asked_by) == ("asked", "before March", he_lan)
    assert (asked.unit, asked.patient, asked.hospital) == (row.unit, row.patient, row.hospital)
    assert asked.number.startswith(f"CT-{timezone.localdate().year}-")
    assert lab.pk in told("asked")
    entry = AuditEntry.objects.get(action="typing.ask")
    assert (entry.hospital_id, entry.actor_label) == (row.hospital_id, Actor.user(he_lan).label)


def test_the_bank_asks_too_and_a_double_click_asks_once() -> None:
    row, user, key = promised(), UserFactory(roles=[Role.SEARCH_COORDINATOR]), uuid4()

    found = [services.typing_ask(reservation_id=row.pk, user=user, typing_id=key) for _ in range(2)]

    assert {one.pk for one in found} == {key}
    assert ConfirmatoryTyping.objects.count() == 1


def test_a_form_that_comes_again_after_the_end_is_told_so() -> None:
    row, user, key = promised(), UserFactory(roles=[Role.SEARCH_COORDINATOR]), uuid4()
    asked = services.typing_ask(reservation_id=row.pk, user=user, typing_id=key)
    services.typing_cancel(typing_id=asked.pk, user=user, reason="another unit")

    refused("typing_state", lambda: services.typing_ask(reservation_id=row.pk, user=user, typing_id=key))


def test_another_persons_form_id_gives_a_new_row() -> None:
    key = ConfirmatoryTypingFactory(cancelled=True).pk
    row, user = promised(), UserFactory(roles=[Role.SEARCH_COORDINATOR])

    assert services.typing_ask(reservation_id=row.pk, user=user, typing_id=key).pk != key


@pytest.mark.parametrize("role", [Role.LAB, Role.QA, Role.SHIPPING, Role.MEDICAL_DIRECTOR])
def test_whoever_orders_nothing_asks_for_nothing(role: Role) -> None:
    row, user = promised(), UserFactory(roles=[role])

    refused("not_yours", lambda: services.typing_ask(reservation_id=row.pk, user=user), NotAllowed)


def test_another_hospital_does_not_ask() -> None:
    row, user = promised(), member_of(PatientFactory().hospital)

    refused("not_yours", lambda: services.typing_ask(reservation_id=row.pk, user=user), NotAllowed)


def _asked_of(row: Reservation) -> Callable[[], Any]:
    user = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    return lambda: services.typing_ask(reservation_id=row.pk, user=user)


def test_only_a_promise_is_typed_for() -> None:
    refused("not_reserved", _asked_of(ReservationFactory(unit=typed_unit())))
    refused("reservation_ended", _asked_of(ReservationFactory(ended=True, unit=typed_unit())))


@pytest.mark.parametrize("state", [HELD, {"recalled": True}, {"typing_conflict": True}])
def test_a_unit_that_cannot_be_counted_on_loses_no_segment(state: dict[str, Any]) -> None:
    row = promised()
    CordBloodUnit.objects.filter(pk=row.unit_id).update(**state)

    refused("unit_not_ready", _asked_of(row))


def test_a_unit_without_typing_or_segment_is_not_typed_anew() -> None:
    none_left, uncounted, untyped = promised(segments=0), promised(), promised()
    CordBloodUnit.objects.filter(pk=uncounted.unit_id).update(segments=None)
    untyped.unit.typings.all().delete()

    refused("no_segment", _asked_of(none_left))
    refused("no_segment", _asked_of(uncounted))
    refused("unit_untyped", _asked_of(untyped))


def test_no_segment_is_cut_for_what_is_known_or_under_way(lab: User, qa: User) -> None:
    open_row = promised()
    ConfirmatoryTypingFactory(reservation=open_row)
    done = promised()
    verified(lab, qa, row=done)

    refused("typing_open", _asked_of(open_row))
    refused("confirmed_already", _asked_of(done))


# --- the segment ----------------------------------------------------------------------------------


def test_the_segment_leaves_the_stock_with_the_step(lab: User) -> None:
    row = ConfirmatoryTypingFactory()

    services.typing_sample(typing_id=row.pk, user=lab)

    row.refresh_from_db()
    stock = UnitSample.objects.get(unit=row.unit)
    assert (row.state, row.sampled_on) == ("sampled", timezone.localdate())
    assert (row.sample_use.sample, row.sample_use.for_what, row.sample_use.purpose) == (
        stock,
        row.number,
        "confirmatory",
    )
    assert (stock.remaining, CordBloodUnit.objects.get(pk=row.unit_id).segments) == (2, 2)


def test_without_a_segment_left_nothing_is_half_written(lab: User) -> None:
    row = ConfirmatoryTypingFactory()
    UnitSample.objects.create(unit=row.unit, subject="unit", kind="segment", opening=1, remaining=0)

    refused("sample_none_left", lambda: services.typing_sample(typing_id=row.pk, user=lab))
    assert UnitSample.objects.get().remaining == 0


def test_the_day_of_the_segment_lies_between_the_wish_and_today(lab: User) -> None:
    row = ConfirmatoryTypingFactory()
    today = timezone.localdate()

    for code, day in (("sampled_before_asked", -1), ("date_future", 1)):
        used_on = today + dt.timedelta(days=day)
        error = refused(
            code,
            lambda on=used_on: services.typing_sample(typing_id=row.pk, user=lab, used_on=on),
            InvalidInput,
        )
        assert error.field == "used_on"


def test_a_unit_that_has_left_gives_no_segment(lab: User) -> None:
    row = ConfirmatoryTypingFactory()
    CordBloodUnit.objects.filter(pk=row.unit_id).update(status="SHIPPED")

    refused("unit_not_in_store", lambda: services.typing_sample(typing_id=row.pk, user=lab))


def test_a_withdrawn_consent_keeps_the_segment(lab: User) -> None:
    row = ConfirmatoryTypingFactory()
    CordBloodUnit.objects.filter(pk=row.unit_id).update(consent_withdrawn=True)

    refused("consent_withdrawn", lambda: services.typing_sample(typing_id=row.pk, user=lab))


# --- the result -----------------------------------------------------------------------------------


def test_a_result_changes_nothing_of_the_unit_before_a_second_person_saw_it(lab: User, qa: User) -> None:
    row = sampled()
    before = CordBloodUnit.objects.filter(pk=row.unit_id).values().get()

    services.typing_report(typing_id=row.pk, given=given(OTHER_A), method="sso", user=lab)

    row.refresh_from_db()
    assert (row.state, row.method, row.reported_by, row.result) == ("reported", "sso", lab, None)
    assert row.reported["gl"].startswith("A*02:01+A*24:02")
    assert CordBloodUnit.objects.filter(pk=row.unit_id).values().get() == before
    assert HlaTyping.objects.filter(unit=row.unit).count() == 1
    assert qa.pk in told("reported")
    assert lab.pk not in told("reported")
    trail = AuditEntry.objects.get(action="typing.report")
    assert "02:01" not in str(trail.after)  # genetic data stand in no trail


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"gl": "A*11:01+A*24:02^B*40:01+B*46:01"}, "loci_needed", "hla_DRB1_1"),
        ({"gl": GL.replace("B*40:01+B*46:01", "B*40:01")}, "loci_needed", "hla_B_2"),
        ({"gl": "nonsense"}, "typing_invalid", "typing"),
        ({"gl": ""}, "typing_empty", "typing"),
        ({"gl": GL, "laboratory": " "}, "laboratory_needed", "laboratory"),
        ({"gl": GL, "typed_on": None}, "day_needed", "typed_on"),
        ({"gl": GL, "typed_on": dt.date(2999, 1, 1)}, "date_future", "typed_on"),
        ({"gl": GL, "typed_on": dt.date(2020, 1, 1)}, "typed_before_sampled", "typed_on"),
    ],
)
def test_a_result_that_confirms_nothing_is_refused_with_its_place(
    change: dict[str, Any], code: str, field: str, lab: User
) -> None:
    row = sampled()

    error = refused(
        code,
        lambda: services.typing_report(typing_id=row.pk, given=given(**change), method="ngs", user=lab),
        InvalidInput,
    )
    assert error.field == field


def test_antigens_that_the_dna_typing_excludes_are_a_slip(lab: User) -> None:
    row = sampled()
    values = {"A": ("A*11:01", "A*24:02"), "B": ("B*40:01", "B*46:01"), "DRB1": ("DRB1*09:01", "DRB1*15:01")}
    entered = given("A1+A24", values=values)

    error = refused(
        "contradicts_itself",
        lambda: services.typing_report(typing_id=row.pk, given=entered, method="ngs", user=lab),
        InvalidInput,
    )
    assert "HLA-A" in error.message


def test_an_unknown_method_is_refused(lab: User) -> None:
    row = sampled()

    refused(
        "method_unknown",
        lambda: services.typing_report(typing_id=row.pk, given=given(), method="guess", user=lab),
        InvalidInput,
    )


def test_a_result_entered_wrongly_is_taken_back_and_stays_known(lab: User, qa: User) -> None:
    row = entered(lab, OTHER_A)
    before = shown(row)

    services.typing_take_back(typing_id=row.pk, user=qa, reason="wrong tube on the form", shown=before)

    row.refresh_from_db()
    assert (row.state, row.reported, row.method, row.reported_by) == ("sampled", {}, "", None)
    assert row.withdrawn[0]["gl"].startswith("A*02:01")
    assert (row.withdrawn[0]["reported_by"], row.withdrawn[0]["reason"]) == (
        str(lab.pk),
        "wrong tube on the form",
    )
    assert (
        HlaTyping.objects.filter(unit=row.unit).count() == 1
    )  # the wrong one never became a typing of the unit
    again = services.typing_report(typing_id=row.pk, given=given(), method="ngs", user=qa_and_lab())
    refused("typing_changed", lambda: services.typing_verify(typing_id=row.pk, user=qa, shown=before))
    assert services.typing_verify(typing_id=row.pk, user=qa, shown=shown(again)).state == "confirmed"


def qa_and_lab() -> User:
    return UserFactory(roles=[Role.QA, Role.LAB])
