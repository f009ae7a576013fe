"""What has to be so before an order: the unit's typing, the patient's, the antibodies; each with its cure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from bank.models import CordBloodUnit, HlaTyping
from core.roles import Role
from matching.models import SelectionPolicy
from tests.factories.core import UserFactory
from tests.factories.hospitals import (
    GL,
    AntibodySerumFactory,
    PatientFactory,
    PatientTypingFactory,
    second_sample,
)
from tests.factories.matching import MatchRequestFactory
from tests.factories.policies import bank_policy
from tests.factories.reservations import ReservationFactory
from tests.factories.typings import OTHER_A, ConfirmatoryTypingFactory, promised, shown, typing_row
from transplants import services_typings as services
from transplants.checks import Check, Outcome, Stage
from transplants.checks_typing import checks_for, typing_checks, unit_standing
from transplants.models import ConfirmatoryTyping, Reservation

pytestmark = pytest.mark.django_db


def check(row: Reservation, code: str) -> Check:
    fresh = Reservation.objects.with_names().get(pk=row.pk)
    return next(one for one in checks_for(fresh) if one.code == code)


def verified(row: Reservation, gl: str = GL) -> ConfirmatoryTyping:
    found = ConfirmatoryTypingFactory(reservation=row, reported_now=True, gl=gl)
    qa = UserFactory(roles=[Role.QA])
    return services.typing_verify(typing_id=found.pk, user=qa, shown=shown(found))


def test_three_lines_in_order_all_of_them_before_the_approval() -> None:
    row = promised()

    found = checks_for(row)

    assert [one.code for one in found] == ["unit_typing", "patient_typing", "antibodies"]
    assert {one.stage for one in found} == {Stage.APPROVE}
    assert {one.outcome for one in found} == {Outcome.OPEN}
    assert all(one.says and one.url for one in found)


def test_an_order_is_asked_by_its_own_names() -> None:
    row = promised()

    class Wanted:
        unit, patient, reservation = row.unit, row.patient, row

    assert typing_checks(Wanted()) == checks_for(row)


# --- the unit -------------------------------------------------------------------------------------


def test_a_unit_that_nobody_typed_anew_leads_to_where_that_is_asked_for() -> None:
    row = promised()

    found = check(row, "unit_typing")

    assert (found.outcome, found.url) == (Outcome.OPEN, reverse("transplants:typing-create", args=[row.pk]))


@pytest.mark.parametrize(
    ("values", "outcome", "says"),
    [
        ({}, Outcome.OPEN, "takes a segment"),
        ({"sampled": True}, Outcome.OPEN, "awaited"),
        ({"reported_now": True}, Outcome.OPEN, "second person"),
        ({"reported_now": True, "gl": OTHER_A}, Outcome.FAILED, "contradicts the listed typing at HLA-A"),
    ],
)
def test_what_is_under_way_is_no_confirmation(values: dict[str, Any], outcome: Outcome, says: str) -> None:
    row = promised()
    typing = ConfirmatoryTypingFactory(reservation=row, **values)

    found = check(row, "unit_typing")

    assert found.outcome == outcome
    assert says in found.says
    assert found.url == reverse("transplants:typing-detail", args=[typing.pk])


def test_a_confirmed_unit_passes_for_every_patient_it_is_promised_to_later() -> None:
    row = promised()
    done = verified(row)
    Reservation.objects.filter(pk=row.pk).update(
        state="cancelled", ended_at=timezone.now(), ended_by="x", end_cause="hospital"
    )
    later = ReservationFactory(active=True, unit=row.unit)

    own, theirs = check(row, "unit_typing"), check(later, "unit_typing")

    assert own.is_passed
    assert done.number in own.says
    assert theirs.is_passed
    assert done.number not in theirs.says  # it was another hospital's
    assert theirs.url == ""


def test_a_contradiction_fails_until_it_is_settled_and_confirmed_again() -> None:
    row = promised()
    done = verified(row, OTHER_A)

    found = check(row, "unit_typing")
    assert (found.outcome, found.url) == (
        Outcome.FAILED,
        reverse("transplants:typing-detail", args=[done.pk]),
    )
    ConfirmatoryTyping.objects.update(settled_at=timezone.now())
    CordBloodUnit.objects.update(typing_conflict=False)
    found = check(row, "unit_typing")
    assert (found.outcome, found.url) == (Outcome.OPEN, reverse("transplants:typing-create", args=[row.pk]))
    assert "again" in found.says


def test_a_typing_that_came_into_force_later_is_not_confirmed() -> None:
    row = promised()
    verified(row)
    assert check(row, "unit_typing").is_passed

    HlaTyping.objects.filter(unit=row.unit).update(is_current=False)
    typing_row(row.unit)

    assert check(row, "unit_typing").outcome == Outcome.OPEN


def test_a_cancelled_one_says_nothing_and_an_untyped_unit_cannot_be_confirmed() -> None:
    row = promised()
    ConfirmatoryTypingFactory(reservation=row, cancelled=True)
    assert "Not typed anew" in unit_standing(row.unit).says

    row.unit.typings.all().delete()
    assert "no typing in force" in unit_standing(row.unit).says


def test_a_conflict_of_other_origin_fails_even_a_confirmed_unit() -> None:
    row = promised()
    verified(row)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(typing_conflict=True)

    assert check(row, "unit_typing").outcome == Outcome.FAILED


# --- the patient ----------------------------------------------------------------------------------


def test_the_patient_too_is_typed_twice() -> None:
    row = promised(patient=PatientFactory())
    assert "no HLA typing" in check(row, "patient_typing").says

    PatientTypingFactory(patient=row.patient, sampled_on=dt.date(2026, 1, 2))
    found = check(row, "patient_typing")
    assert (found.outcome, found.url) == (
        Outcome.OPEN,
        reverse("hospitals:patient-detail", args=[row.patient_id]),
    )

    second_sample(row.patient)
    assert check(row, "patient_typing").is_passed


def test_two_samples_that_contradict_one_another_fail() -> None:
    row = promised()
    PatientTypingFactory(patient=row.patient, sampled_on=dt.date(2026, 1, 2))
    second_sample(row.patient, OTHER_A)

    assert check(row, "patient_typing").outcome == Outcome.FAILED


# --- antibodies -----------------------------------------------------------------------------------


def serum(row: Reservation, days: int, **values: Any) -> None:
    on = timezone.localdate() - dt.timedelta(days=days)
    AntibodySerumFactory(patient=row.patient, sampled_on=on, **values)


def policy(*, default: bool, **rule: Any) -> SelectionPolicy:
    """With a rule of its own about the age of sera; policies never change, so it is a new one."""
    if default:
        SelectionPolicy.objects.filter(is_default=True).update(is_default=False)
    rules = {**bank_policy().rules, "selection": {"rules": {"serum_age": rule}}}
    found: SelectionPolicy = SelectionPolicy.objects.create(
        name="Sera", rules=rules, is_default=default, created_by="test"
    )
    return found


@pytest.mark.parametrize(
    ("days", "outcome"), [(0, Outcome.PASSED), (90, Outcome.PASSED), (91, Outcome.FAILED)]
)
def test_the_newest_serum_is_no_older_than_the_default_policy_allows(days: int, outcome: Outcome) -> None:
    row = promised()
    policy(default=True, most_days=90)
    serum(row, days)
    serum(row, days + 300)

    found = check(row, "antibodies")

    assert found.outcome == outcome
    assert f"{days} days ago" in found.says
    assert "90" in found.says


def test_the_policy_of_the_request_goes_before_the_default() -> None:
    strict = policy(default=False, most_days=30)
    patient = PatientFactory()
    PatientTypingFactory(patient=patient)
    request = MatchRequestFactory(patient=patient, policy=strict, submitted=True)
    row = promised(patient=patient, request=request)
    serum(row, 60)

    assert check(row, "antibodies").outcome == Outcome.FAILED
    Reservation.objects.update(request=None)
    assert check(row, "antibodies").is_passed


def test_both_classes_are_tested_and_the_older_counts() -> None:
    row = promised()
    policy(default=True, most_days=90)
    serum(row, 10, classes="I")
    found = check(row, "antibodies")
    assert (found.outcome, "class II" in found.says) == (Outcome.OPEN, True)

    serum(row, 100, classes="II")
    assert check(row, "antibodies").outcome == Outcome.FAILED


def test_a_withdrawn_serum_is_none() -> None:
    row = promised()
    serum(row, 10)
    row.patient.sera.update(
        withdrawn_at=timezone.now(), withdrawn_by=UserFactory(), withdrawn_reason="wrong patient"
    )

    found = check(row, "antibodies")

    assert (found.outcome, "No antibody test" in found.says) == (Outcome.OPEN, True)


def test_a_policy_without_a_limit_still_wants_a_test() -> None:
    row = promised()
    policy(default=True, action="off")
    assert check(row, "antibodies").outcome == Outcome.OPEN

    serum(row, 2_000)
    assert check(row, "antibodies").is_passed


def test_without_a_policy_the_line_is_open_and_says_so() -> None:
    row = promised()
    serum(row, 10)
    SelectionPolicy.objects.update(is_default=False)

    found = check(row, "antibodies")

    assert (found.outcome, "policy" in found.says) == (Outcome.OPEN, True)
