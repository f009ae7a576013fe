"""A blocked lot keeps the units it touched from being listed: only an exceptional release goes over it."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from bank import services, services_lots
from bank.choices_lots import LotKind, LotStep
from bank.desk import DeskState, entries_of
from bank.lot_use import LotGiven, use_lots
from bank.lots import digest
from bank.models import CordBloodUnit, Lot
from bank.release.judge import ReleaseFacts, judge_lots
from bank.services_release import judged
from core.errors import Conflict, NotAllowed
from core.models import User
from tests.bank.conftest import SYSTEM
from tests.bank.release_helpers import release
from tests.factories.bank import SpecificationFactory, UnitFactory
from tests.factories.core import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
GROUP = {"kind": "segments", "threshold": 1}


@pytest.fixture
def unit(db: None) -> CordBloodUnit:
    """In quarantine, meets its specification; its bag and an instrument are noted."""
    row: CordBloodUnit = UnitFactory(status="QUARANTINE", segments=2)
    SpecificationFactory(bank=row.bank, approved=True, criteria=[GROUP])
    bag = LotGiven(LotKind.BAG, "B-1", LotStep.FREEZING)
    counter = LotGiven(LotKind.INSTRUMENT, "S-1", LotStep.PROCESSING)
    use_lots(row, [bag, counter], on=None, actor=SYSTEM)
    return row


def block(number: str, user: User, *, hold: Any = ()) -> Lot:
    row = Lot.objects.get(number=number)
    return services_lots.lot_block(
        lot_id=row.pk, user=user, password=PASSWORD, reason="leaks", hold_units=hold, seen=digest(row)
    )


def unblock(row: Lot, user: User) -> None:
    services_lots.lot_unblock(lot_id=row.pk, user=user, password=PASSWORD, reason="a mistake")


def test_no_lot_passes_and_a_blocked_one_fails_though_excepted() -> None:
    passed, failed = (judge_lots(ReleaseFacts(blocked_lots=lots)) for lots in ((), ("B-1", "S-1")))

    assert (passed.verdict, passed.value) == ("passed", None)
    assert (failed.verdict, failed.value, failed.may_be_excepted) == ("failed", "B-1, S-1", True)


@pytest.mark.parametrize("number", ["B-1", "S-1"])
def test_blocked_it_waits_for_an_exception_and_given_back_it_is_ready(
    unit: CordBloodUnit, qa: User, number: str
) -> None:
    def state() -> DeskState:
        return entries_of([unit])[0].state

    assert state() == DeskState.READY
    lot = block(number, qa)
    assert state() == DeskState.EXCEPTION
    assert [one.value for one in judged([unit])[unit.pk].open] == [number]
    with pytest.raises(Conflict) as caught:
        release(unit, qa)
    assert caught.value.code == "not_released"

    unblock(lot, qa)

    assert state() == DeskState.READY
    assert release(unit, qa).outcome == "passed"


def test_only_the_medical_director_goes_over_it(unit: CordBloodUnit, qa: User, director: User) -> None:
    block("B-1", qa)
    with pytest.raises(NotAllowed):
        release(unit, qa, justification="no other unit")

    row = release(unit, director, justification="the leak was of another batch")

    assert row.outcome == "exceptional"
    assert [one["value"] for one in row.findings if one["kind"] == "lots"] == ["B-1"]


def test_of_another_units_lot_nothing_is_said(unit: CordBloodUnit, qa: User) -> None:
    other = UnitFactory(status="QUARANTINE")
    use_lots(other, [LotGiven(LotKind.BAG, "B-2", LotStep.FREEZING)], on=None, actor=SYSTEM)
    block("B-2", qa)

    assert judged([unit])[unit.pk].open == []


def test_what_was_read_before_the_block_is_not_signed_after_it(unit: CordBloodUnit, qa: User) -> None:
    seen = judged([unit])[unit.pk].digest
    block("B-1", qa)

    with pytest.raises(Conflict) as caught:
        release(unit, qa, seen=seen)

    assert caught.value.code == "results_changed"


def lifted(unit: CordBloodUnit) -> CordBloodUnit:
    return services.unit_unhold(unit_id=unit.pk, actor=SYSTEM, reason="looked at")


def test_a_unit_held_with_its_lot_comes_back_to_the_desk_while_the_lot_is_blocked(
    unit: CordBloodUnit, qa: User
) -> None:
    CordBloodUnit.objects.filter(pk=unit.pk).update(status="LISTED")
    lot = block("B-1", qa, hold=[unit.pk])

    assert lifted(unit).status == "QUARANTINE"

    CordBloodUnit.objects.filter(pk=unit.pk).update(
        status="ON_HOLD", status_before_hold="LISTED", hold_reason="x"
    )
    unblock(lot, qa)
    assert lifted(unit).status == "LISTED"


def test_a_promised_unit_is_freed_first(unit: CordBloodUnit, qa: User) -> None:
    block("B-1", qa)
    CordBloodUnit.objects.filter(pk=unit.pk).update(
        status="ON_HOLD", status_before_hold="RESERVED", hold_reason="x"
    )

    with pytest.raises(Conflict) as caught:
        lifted(unit)

    assert caught.value.code == "lot_blocked"


def test_the_page_of_the_release_says_it(signed_in: Any, unit: CordBloodUnit, qa: User) -> None:
    block("B-1", qa)

    page = signed_in(UserFactory(roles=["qa"])).get(reverse("bank:unit-release", args=[unit.pk]))

    assert "needs an exceptional release" in page.content.decode()
