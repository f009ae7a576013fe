"""What may lie where: each guard of the storage, and the promises of its tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank.choices import UnitStatus
from bank.models import CordBloodUnit, Slot, StorageNode
from bank.services import unit_hold
from bank.services_storage import (
    node_quarantine_change,
    slot_block,
    slot_unblock,
    unit_move,
    unit_place,
    unit_put,
    unit_take_out,
)
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry
from tests.bank.conftest import SYSTEM
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db


def code_of(work: Callable[[], Any]) -> str:
    """The code with which the service refuses; its sentence can be said."""
    with pytest.raises(DomainError) as error:
        work()
    assert "%(" not in error.value.message
    return error.value.code


def place(unit: CordBloodUnit, target: Slot) -> Slot:
    return unit_place(unit_id=unit.pk, slot_id=target.pk, actor=SYSTEM)


def move(unit: CordBloodUnit, target: Slot) -> Slot:
    return unit_move(unit_id=unit.pk, slot_id=target.pk, actor=SYSTEM)


def entries(unit: CordBloodUnit) -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.filter(target_key=str(unit.pk)).order_by("at")
    return [(row.action, (row.before or {})["place"], (row.after or {})["place"]) for row in rows]


# --- place, move, take out --------------------------------------------------------------------------


def test_a_unit_is_placed_moved_and_taken_out_and_each_is_recorded() -> None:
    tank()
    unit = UnitFactory()

    place(unit, slot(1))
    move(unit, slot(2))
    assert code_of(lambda: unit_take_out(unit_id=unit.pk, actor=SYSTEM, reason="r")) == "on_offer"
    CordBloodUnit.objects.filter(pk=unit.pk).update(status="RELEASED")
    unit_take_out(unit_id=unit.pk, actor=SYSTEM, reason="shipped")

    assert entries(unit) == [
        ("unit.place", "", "T1-R1-C1-01"),
        ("unit.move", "T1-R1-C1-01", "T1-R1-C1-02"),
        ("unit.take_out", "T1-R1-C1-02", ""),
    ]
    assert not Slot.objects.filter(unit__isnull=False).exists()


def test_into_its_own_slot_is_nothing() -> None:
    tank()
    unit = UnitFactory()
    place(unit, slot(1))

    assert move(unit, slot(1)).place == "T1-R1-C1-01"
    assert len(entries(unit)) == 1


def test_what_somebody_moved_meanwhile_is_not_moved_from_an_old_page() -> None:
    tank(canisters=2)
    unit = UnitFactory()
    seen_in = slot(1).canister_id
    place(unit, Slot.objects.get(canister__code="C2", position=1))

    def from_old_page() -> Slot:
        return unit_move(unit_id=unit.pk, slot_id=slot(2).pk, actor=SYSTEM, canister_id=seen_in)

    assert code_of(from_old_page) == "moved_meanwhile"
    assert Slot.objects.get(unit=unit).canister_id != seen_in


def test_put_places_or_moves() -> None:
    tank()
    unit = UnitFactory()
    for position in (1, 2):
        unit_put(unit_id=unit.pk, slot_id=slot(position).pk, actor=SYSTEM)

    assert [action for action, _before, _after in entries(unit)] == ["unit.place", "unit.move"]


def test_what_lies_is_moved_and_what_does_not_is_placed() -> None:
    tank()
    unit = UnitFactory()

    assert code_of(lambda: move(unit, slot(1))) == "not_stored"
    assert code_of(lambda: unit_take_out(unit_id=unit.pk, actor=SYSTEM, reason="r")) == "not_stored"
    place(unit, slot(1))
    assert code_of(lambda: place(unit, slot(2))) == "placed_already"


def test_a_taken_and_a_blocked_slot_are_refused_with_the_cure() -> None:
    tank()
    first, second = UnitFactory(unit_no="FIRST"), UnitFactory()
    place(first, slot(1))
    slot_block(slot_id=slot(2).pk, actor=SYSTEM, reason="bent")

    with pytest.raises(Conflict) as taken:
        place(second, slot(1))
    with pytest.raises(Conflict) as blocked:
        place(second, slot(2))

    assert (taken.value.code, blocked.value.code) == ("slot_taken", "slot_blocked")
    assert (
        taken.value.message == "T1-R1-C1-01 is taken by FIRST. Choose another place, or move that unit first."
    )
    assert "bent" in blocked.value.message


@pytest.mark.parametrize("status", ["SHIPPED", "DELIVERED", "INFUSED", "PLANNED", "VOID", "NOT_USED"])
def test_what_is_not_here_cannot_be_placed(status: str) -> None:
    tank()

    assert code_of(lambda: place(UnitFactory(status=status), slot())) == "not_in_store"


def test_a_discarded_unit_cannot_be_placed_but_is_taken_out() -> None:
    tank()
    unit = UnitFactory()
    place(unit, slot())
    CordBloodUnit.objects.filter(pk=unit.pk).update(status="DISCARDED", discard_reason="clots")

    assert code_of(lambda: move(unit, slot(2))) == "not_in_store"
    unit_take_out(unit_id=unit.pk, actor=SYSTEM, reason="to the incinerator")
    assert code_of(lambda: place(unit, slot(2))) == "not_in_store"


def test_a_partners_unit_and_another_banks_place_are_refused() -> None:
    tank()
    partner = UnitFactory(source="partner")
    other = UnitFactory(bank=BankFactory(code="ZZ"))

    assert code_of(lambda: place(partner, slot())) == "not_own"
    assert code_of(lambda: unit_take_out(unit_id=partner.pk, actor=SYSTEM, reason="r")) == "not_own"
    assert code_of(lambda: place(other, slot())) == "other_bank"


def test_what_does_not_exist_is_said() -> None:
    tank()
    unit = UnitFactory()

    assert code_of(lambda: unit_place(unit_id=unit.pk, slot_id=uuid4(), actor=SYSTEM)) == "slot_unknown"
    assert code_of(lambda: unit_place(unit_id=uuid4(), slot_id=slot().pk, actor=SYSTEM)) == "unit_unknown"
    assert code_of(lambda: slot_block(slot_id=uuid4(), actor=SYSTEM, reason="r")) == "slot_unknown"
    assert code_of(lambda: unit_take_out(unit_id=unit.pk, actor=SYSTEM, reason=" ")) == "reason_needed"


# --- quarantine -------------------------------------------------------------------------------------


def test_without_a_quarantine_area_waiting_units_lie_among_the_rest() -> None:
    tank()

    assert place(UnitFactory(status=UnitStatus.QUARANTINE), slot()).unit is not None


@pytest.mark.parametrize("status", ["QUARANTINE", "RETURNED_QA"])
def test_a_waiting_unit_lies_in_a_quarantine_area_only(status: str) -> None:
    tank()
    tank("Q1", quarantine=True)
    unit = UnitFactory(status=status)

    assert code_of(lambda: place(unit, slot())) == "quarantine_needed"
    place(unit, slot(1, "Q1"))
    assert code_of(lambda: move(unit, slot())) == "quarantine_needed"


@pytest.mark.parametrize("status", ["LISTED", "RESERVED", "ORDERED", "RELEASED"])
def test_a_released_unit_is_not_put_into_quarantine_and_leaves_it_at_once(status: str) -> None:
    tank()
    tank("Q1", quarantine=True)
    unit = UnitFactory(status=UnitStatus.QUARANTINE)
    place(unit, slot(1, "Q1"))
    CordBloodUnit.objects.filter(pk=unit.pk).update(status=status)

    assert code_of(lambda: move(unit, slot(2, "Q1"))) == "quarantine_only"
    assert move(unit, slot()).place == "T1-R1-C1-01"
    assert code_of(lambda: move(unit, slot(1, "Q1"))) == "quarantine_only"


def test_a_held_unit_lies_where_it_was_or_apart() -> None:
    tank()
    tank("Q1", quarantine=True)
    held = UnitFactory()
    unit_hold(unit_id=held.pk, actor=SYSTEM, reason="tank alarm")
    waiting = UnitFactory(status=UnitStatus.QUARANTINE)
    unit_hold(unit_id=waiting.pk, actor=SYSTEM, reason="tank alarm")

    place(held, slot())
    move(held, slot(1, "Q1"))
    assert code_of(lambda: place(waiting, slot())) == "quarantine_needed"


def test_a_recalled_unit_may_be_kept_apart() -> None:
    tank("Q1", quarantine=True)

    assert place(UnitFactory(recalled=True), slot(1, "Q1")).unit is not None


def test_a_rack_alone_may_be_the_quarantine_area() -> None:
    node = tank(racks=2)
    rack = StorageNode.objects.get(parent=node, code="R1")
    node_quarantine_change(node_id=rack.pk, quarantine=True, actor=SYSTEM, reason="set up")
    node_quarantine_change(node_id=rack.pk, quarantine=True, actor=SYSTEM, reason="again")

    assert place(UnitFactory(status=UnitStatus.QUARANTINE), slot()).unit is not None
    assert AuditEntry.objects.filter(action="storage.quarantine").count() == 1
    assert (
        code_of(lambda: node_quarantine_change(node_id=uuid4(), quarantine=True, actor=SYSTEM, reason="r"))
        == "node_unknown"
    )


# --- slots ------------------------------------------------------------------------------------------


def test_a_slot_is_blocked_and_used_again() -> None:
    tank()
    unit = UnitFactory()
    place(unit, slot(1))

    def block(position: int) -> Slot:
        return slot_block(slot_id=slot(position).pk, actor=SYSTEM, reason="ice")

    assert code_of(lambda: block(1)) == "slot_taken"
    assert block(2).blocked_reason == "ice"
    assert code_of(lambda: block(2)) == "blocked_already"
    slot_unblock(slot_id=slot(2).pk, actor=SYSTEM, reason="thawed")
    assert slot(2).blocked_reason == ""
    assert code_of(lambda: slot_unblock(slot_id=slot(2).pk, actor=SYSTEM, reason="r")) == "not_blocked"
    actions = AuditEntry.objects.filter(action__startswith="storage.").exclude(action="storage.create")
    assert [(row.action, row.target_label) for row in actions.order_by("at")] == [
        ("storage.block", "T1-R1-C1-02"),
        ("storage.unblock", "T1-R1-C1-02"),
    ]


# --- any sequence -----------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["place", "move", "put", "out", "block", "unblock"]),
        st.integers(0, 3),
        st.integers(1, 5),
    ),
    max_size=25,
)


def step(act: str, unit: CordBloodUnit, slot_id: Any) -> Callable[[], Any]:
    """One of STEPS, to be called."""
    of_unit: dict[str, Any] = {"unit_id": unit.pk, "actor": SYSTEM}
    of_slot: dict[str, Any] = {"slot_id": slot_id, "actor": SYSTEM, "reason": "r"}
    return {
        "place": lambda: unit_place(slot_id=slot_id, **of_unit),
        "move": lambda: unit_move(slot_id=slot_id, **of_unit),
        "put": lambda: unit_put(slot_id=slot_id, **of_unit),
        "out": lambda: unit_take_out(reason="r", **of_unit),
        "block": lambda: slot_block(**of_slot),
        "unblock": lambda: slot_unblock(**of_slot),
    }[act]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_sequence_keeps_one_unit_a_slot_and_one_slot_a_unit(
    db: None, steps: list[tuple[str, int, int]]
) -> None:
    """Against a model in two lines: where each unit lies, and which slots are blocked."""
    with transaction.atomic():
        tank()
        units = [UnitFactory(unit_no=f"P{number}", status="RELEASED") for number in range(4)]
        slots = {position: slot(position).pk for position in range(1, 6)}
        lies: dict[int, int] = {}
        blocked: set[int] = set()
        for act, number, position in steps:
            open_ = position not in blocked and position not in lies.values()
            here = lies.get(number)
            expected = {
                "place": here is None and open_,
                "move": here is not None and (open_ or here == position),
                "put": open_ or here == position,
                "out": here is not None,
                "block": open_,
                "unblock": position in blocked,
            }[act]
            work = step(act, units[number], slots[position])
            if not expected:
                with pytest.raises((Conflict, InvalidInput)):
                    work()
                continue
            work()
            if act in ("place", "move", "put"):
                lies[number] = position
            elif act == "out":
                del lies[number]
            elif act == "block":
                blocked.add(position)
            else:
                blocked.discard(position)
        stored = {
            row.unit.unit_no: row.position
            for row in Slot.objects.select_related("unit").filter(unit__isnull=False)
        }
        assert stored == {f"P{number}": position for number, position in lies.items()}
        assert set(Slot.objects.filter(blocked=True).values_list("position", flat=True)) == blocked
        transaction.set_rollback(True)
