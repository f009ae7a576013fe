"""The typing of a unit: added to, contradicted, settled by somebody else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bank import services_typing as services
from bank.models import CordBloodUnit, HlaTyping
from bank.querysets import waiting_for
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.typings import TypingInput
from tests.factories.bank import UnitFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
FIRST = {"A": ("A*11:01", "A*24:02"), "B": ("B*40:01", "B*46:01"), "DRB1": ("DRB1*09:01", "DRB1*15:01")}


def typed(
    unit: CordBloodUnit, values: dict[str, tuple[str, str]], actor: Actor = SYSTEM, **more: Any
) -> HlaTyping:
    given = TypingInput(values=values, laboratory="HLA lab", typed_on=dt.date(2024, 5, 6), **more)
    return services.unit_typing_record(unit_id=unit.pk, given=given, actor=actor)


@pytest.fixture
def unit(db: None) -> CordBloodUnit:
    empty = {f"hla_{locus}_{place}": "" for locus in ("a", "b", "c", "drb1", "dqb1") for place in (1, 2)}
    row: CordBloodUnit = UnitFactory(status="QUARANTINE", hla_tags=[], **empty)
    return row


def test_a_first_typing_stands_on_the_unit_and_waits_for_a_second_person(
    unit: CordBloodUnit, lab: User, qa: User
) -> None:
    row = typed(unit, FIRST, Actor.user(lab))

    unit.refresh_from_db()
    assert (unit.hla_a_1, unit.hla_b_2, unit.hla_drb1_2, unit.hla_dqb1_1) == (
        "A*11:01",
        "B*46:01",
        "DRB1*15:01",
        "",
    )
    assert {"A*24:02", "A24", "B46"} <= set(unit.hla_tags)
    assert row in waiting_for(unit, qa.pk)
    assert not waiting_for(unit, lab.pk)
    assert AuditEntry.objects.get(action="unit.typing").after["hla_a_1"] == "A*11:01"


def test_a_later_one_adds_and_narrows_but_takes_nothing_away(unit: CordBloodUnit) -> None:
    first = typed(unit, {**FIRST, "A": ("A*11", "A*24:02")})
    second = typed(unit, {"A": ("A*11:01", "A*24"), "DQB1": ("DQB1*03:03", "DQB1*06:01")})

    unit.refresh_from_db()
    first.refresh_from_db()
    assert (first.is_current, second.is_current, unit.typing_conflict) == (False, True, False)
    assert unit.hla_b_1 == "B*40:01"  # not named by the second
    assert unit.hla_dqb1_1 == "DQB1*03:03"
    third = typed(unit, {"DRB1": ("DRB1*09", "DRB1*15")})  # says less than what is known
    unit.refresh_from_db()
    assert (unit.hla_drb1_1, unit.hla_drb1_2) == ("DRB1*09:01", "DRB1*15:01")
    assert "DRB1*09:01+DRB1*15:01" in third.canonical_gl


def test_a_contradiction_keeps_both_and_the_unit_off_offer(unit: CordBloodUnit, lab: User, qa: User) -> None:
    first = typed(unit, FIRST, Actor.user(lab))
    other = typed(unit, {"A": ("A*02:01", "A*24:02")}, Actor.user(lab))

    unit.refresh_from_db()
    assert (unit.typing_conflict, unit.hla_a_1, other.is_current) == (True, "A*11:01", False)
    assert "HLA-A" in AuditEntry.objects.filter(action="unit.typing").latest("at").reason
    settle: dict[str, Any] = {"unit_id": unit.pk, "typing_id": other.pk, "reason": "first sample was swapped"}
    for actor in (Actor.user(lab), SYSTEM):
        with pytest.raises(NotAllowed):
            services.unit_typing_settle(actor=actor, **settle)
    with pytest.raises(InvalidInput):
        services.unit_typing_settle(actor=Actor.user(qa), **{**settle, "typing_id": unit.pk})
    services.unit_typing_settle(actor=Actor.user(qa), **settle)

    unit.refresh_from_db()
    first.refresh_from_db()
    assert (unit.typing_conflict, unit.hla_a_1, first.is_current) == (False, "A*02:01", False)
    with pytest.raises(Conflict) as refused:
        services.unit_typing_settle(actor=Actor.user(qa), **settle)
    assert refused.value.code == "no_conflict"


def test_antigens_that_contradict_the_dna_are_a_conflict_too(unit: CordBloodUnit) -> None:
    row = typed(unit, FIRST, gl="A2+A24")

    unit.refresh_from_db()
    assert (unit.typing_conflict, row.is_current) == (True, True)


def test_the_typing_of_a_unit_on_offer_is_not_changed_under_who_relies_on_it() -> None:
    with pytest.raises(Conflict) as refused:
        typed(UnitFactory(), FIRST)

    assert refused.value.code == "listed_unit"


@pytest.mark.parametrize("values", [{}, {"A": ("A*99:99:99:99:99", "")}])
def test_what_says_nothing_or_cannot_be_read_is_refused(
    unit: CordBloodUnit, values: dict[str, tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInput):
        typed(unit, values)

    assert not HlaTyping.objects.exists()
