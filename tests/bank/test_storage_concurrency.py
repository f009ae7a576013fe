"""Many hands at one slot: one wins, the others are told; nothing is doubled, nothing waits for ever."""

from __future__ import annotations

import pytest

from bank.models import Slot
from bank.services_placing import units_place
from bank.services_storage import unit_move, unit_place, unit_put
from core.errors import Conflict
from core.models import AuditEntry
from tests.bank.conftest import SYSTEM
from tests.factories.bank import UnitFactory
from tests.factories.storage import slot, tank
from tests.parallel import all_at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PEOPLE = 50


def test_fifty_units_at_one_slot_one_wins_the_rest_are_told_who_lies_there() -> None:
    tank()
    target = slot().pk
    units = [UnitFactory() for _ in range(PEOPLE)]

    outcomes = all_at_once(
        [lambda pk=unit.pk: unit_place(unit_id=pk, slot_id=target, actor=SYSTEM) for unit in units]
    )

    conflicts = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    winner = Slot.objects.get(pk=target).unit
    assert len(conflicts) == PEOPLE - 1
    assert {conflict.code for conflict in conflicts} == {"slot_taken"}
    assert {conflict.message for conflict in conflicts} == {
        f"T1-R1-C1-01 is taken by {winner.public_no}. Choose another place, or move that unit first."
    }
    assert AuditEntry.objects.filter(action="unit.place").count() == 1


def test_fifty_hands_with_one_unit_place_it_once() -> None:
    tank(slots=PEOPLE)
    unit = UnitFactory()
    slots = list(Slot.objects.values_list("pk", flat=True))

    outcomes = all_at_once(
        [lambda pk=pk: unit_place(unit_id=unit.pk, slot_id=pk, actor=SYSTEM) for pk in slots]
    )

    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"placed_already"}
    assert Slot.objects.filter(unit=unit).count() == 1
    assert AuditEntry.objects.filter(action="unit.place").count() == 1


def test_moves_in_a_ring_never_wait_for_each_other() -> None:
    """Each unit into the slot of its neighbour, and some into the free one: who loses is told, nobody is stuck."""
    tank(slots=13)
    slots = [slot(position) for position in range(1, 14)]
    units = [UnitFactory() for _ in range(12)]
    for unit, one in zip(units, slots, strict=False):
        unit_place(unit_id=unit.pk, slot_id=one.pk, actor=SYSTEM)

    def walk(number: int) -> set[str]:
        refused = set()
        for step in range(1, 6):
            target = slots[(number + step) % 13]
            try:
                unit_move(unit_id=units[number].pk, slot_id=target.pk, actor=SYSTEM)
            except Conflict as conflict:
                refused.add(conflict.code)
        return refused

    outcomes = all_at_once([lambda n=number: walk(n) for number in range(12)])

    assert set().union(*outcomes) <= {"slot_taken"}
    lying = list(Slot.objects.filter(unit__isnull=False).values_list("unit", flat=True))
    assert sorted(lying) == sorted(unit.pk for unit in units)


def test_a_file_and_single_moves_at_once_leave_each_unit_in_one_slot() -> None:
    tank(slots=20)
    units = [UnitFactory(unit_no=f"F{number}") for number in range(10)]
    slots = [slot(position) for position in range(1, 21)]
    text = "unit,place\n" + "".join(f"F{n},{slots[n].place}\n" for n in range(10))

    outcomes = all_at_once(
        [lambda: units_place(data=text.encode(), actor=SYSTEM) for _ in range(3)]
        + [
            lambda n=n: unit_put(unit_id=units[n].pk, slot_id=slots[19 - n].pk, actor=SYSTEM)
            for n in range(10)
        ]
    )

    assert not [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert Slot.objects.filter(unit__in=units).count() == 10
