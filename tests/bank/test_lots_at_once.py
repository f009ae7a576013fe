"""Fifty hands at one lot: made once, blocked once, and nobody slips a use past the block."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from bank import lots, services_lots
from bank.choices_lots import LotKind, LotStep
from bank.lot_use import LotGiven, use_lots
from bank.models import CordBloodUnit, Lot, LotUse
from bank.writing import locked_unit
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.parallel import all_at_once, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PEOPLE = 50
SYSTEM = Actor.system("test")


def use(unit: CordBloodUnit, *numbers: str) -> Any:
    with transaction.atomic():
        locked_unit(unit.pk)
        given = [LotGiven(LotKind.BAG, number, LotStep.PROCESSING) for number in numbers]
        return use_lots(unit, given, on=None, actor=SYSTEM)


def test_a_number_that_fifty_write_is_one_lot() -> None:
    units = [UnitFactory() for _ in range(PEOPLE)]
    # in either order: nobody waits for somebody who waits for him
    works = [
        lambda unit=unit, n=n: use(unit, *(("B-1", "B-2") if n % 2 else ("B-2", "B-1")))
        for n, unit in enumerate(units)
    ]
    errors = [one for one in all_at_once(works) if isinstance(one, Exception)]

    assert errors == []
    assert sorted(Lot.objects.values_list("number", flat=True)) == ["B-1", "B-2"]
    assert LotUse.objects.count() == 2 * PEOPLE


def test_one_blocks_a_lot_the_rest_are_told() -> None:
    qa, unit = UserFactory(roles=[Role.QA]), UnitFactory()
    lot = Lot.objects.create(kind="bag", number="B-1")
    LotUse.objects.create(unit=unit, lot=lot, step="processing")
    seen = lots.digest(lot)

    def block() -> Lot:
        return services_lots.lot_block(
            lot_id=lot.pk, user=qa, password=PASSWORD, reason="leaks", hold_units=[unit.pk], seen=seen
        )

    told = [one.code for one in at_once(block, PEOPLE) if isinstance(one, Conflict)]

    assert told == ["blocked_already"] * (PEOPLE - 1)
    assert AuditEntry.objects.filter(action="unit.hold").count() == 1


@pytest.mark.parametrize("_again", range(5))
def test_a_use_is_either_seen_by_the_block_or_asked_for_its_reason(_again: int) -> None:
    """Whoever uses the lot at the moment in which it is blocked: the block was refused for him, or he was."""
    qa = UserFactory(roles=[Role.QA])
    lot = Lot.objects.create(kind="bag", number="B-1")
    units = [UnitFactory(status="PROCESSING") for _ in range(8)]
    seen = lots.digest(lot)

    def block() -> Lot:
        return services_lots.lot_block(
            lot_id=lot.pk, user=qa, password=PASSWORD, reason="leaks", hold_units=[], seen=seen
        )

    works: list[Any] = [lambda unit=unit: use(unit, "B-1") for unit in units]
    *users, blocked = all_at_once([*works, block])
    lot.refresh_from_db()
    refused = [one for one in users if isinstance(one, Conflict)]

    assert LotUse.objects.count() == len(users) - len(refused)
    if lot.is_blocked:
        assert {one.code for one in refused} == {"lot_deviation"}
        assert len(refused) == len(users)
    else:
        assert isinstance(blocked, Conflict)
        assert (blocked.code, refused) == ("units_changed", [])
