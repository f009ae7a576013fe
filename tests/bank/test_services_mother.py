"""The mother's typing: read as any other, compared with the unit, a swapped sample never saved silently."""

from __future__ import annotations

from typing import Any

import pytest

from bank.choices import Source
from bank.graft_facts import graft_facts
from bank.models import CordBloodUnit, HlaTyping
from bank.services_mother import MotherInput, mother_typing_record, read_mother
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry
from tests.factories.bank import HlaTypingFactory, UnitFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
UNIT_GL = "A*11:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"


def typed_unit(**more: Any) -> CordBloodUnit:
    unit = UnitFactory(**more)
    HlaTypingFactory(unit=unit, canonical_gl=UNIT_GL)
    return unit


def save(unit: CordBloodUnit, reason: str = "", **given: Any) -> HlaTyping:
    return mother_typing_record(unit_id=unit.pk, given=MotherInput(**given), actor=SYSTEM, reason=reason)


def test_a_typing_that_fits_is_in_force_and_told_to_the_choice_of_a_graft() -> None:
    unit = typed_unit()

    row = save(unit, values={"A": ("11:01", "33:03")}, gl="B*46:01+B*58:01", laboratory="HLA lab")

    assert (row.subject, row.is_current, row.laboratory) == ("mother", True, "HLA lab")
    assert row.loci == {"A": ["11:01", "33:03"], "B": ["B*46:01", "B*58:01"]}
    facts = graft_facts([unit.pk])[unit.pk]
    assert facts.mother_typing == {"A": ("A*11:01", "A*33:03"), "B": ("B*46:01", "B*58:01")}
    assert facts.mother_differs == ()
    assert AuditEntry.objects.get().after == {"mother_typing": row.canonical_gl}


def test_the_units_own_typing_stays_in_force() -> None:
    unit = typed_unit()

    save(unit, gl="A*11:01")

    assert unit.typings.get(subject="unit").is_current


def test_a_new_typing_takes_the_place_of_the_former() -> None:
    unit = typed_unit()
    save(unit, gl="A*11:01")

    save(unit, gl="A*11:01+A*33:03")

    assert [row.canonical_gl for row in unit.typings.filter(subject="mother", is_current=True)] == [
        "A*11:01+A*33:03"
    ]
    assert unit.typings.filter(subject="mother").count() == 2


def test_a_mother_who_shares_nothing_needs_a_reason() -> None:
    unit = typed_unit()

    with pytest.raises(Conflict) as refusal:
        save(unit, gl="A*02:01+A*33:03^B*46:01")

    assert refusal.value.code == "mother_differs"
    assert [one["locus"] for one in refusal.value.details] == ["A"]
    assert not unit.typings.filter(subject="mother").exists()
    assert not AuditEntry.objects.exists()


def test_with_a_reason_it_is_kept_and_stays_marked() -> None:
    unit = typed_unit()

    save(unit, gl="A*02:01+A*33:03^B*46:01", reason="egg donation")

    assert graft_facts([unit.pk])[unit.pk].mother_differs == ("A",)
    entry = AuditEntry.objects.get()
    assert (entry.reason, entry.after["mother_differs"]) == ("egg donation", ["A"])


def test_nothing_is_compared_with_an_untyped_unit() -> None:
    assert save(UnitFactory(), gl="A*02:01").canonical_gl == "A*02:01"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"values": {"A": ("x:y", "11:01")}, "gl": "B*4"}, {"hla_A_1", "gl"}),
        ({"values": {"A": ("11:01", "")}, "gl": "A*24:02"}, {"hla_A_1"}),
    ],
)
def test_all_that_cannot_be_read_is_told_at_once(given: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        save(typed_unit(), **given)

    assert {one["field"] for one in refusal.value.details} == fields
    assert HlaTyping.objects.filter(subject="mother").count() == 0


def test_an_empty_typing_says_nothing() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        save(typed_unit(), values={"A": ("", "")})


def test_a_partners_unit_is_the_partners() -> None:
    with pytest.raises(Conflict, match="partner"):
        save(typed_unit(source=Source.PARTNER), gl="A*11:01")


def test_what_a_blank_means_is_said() -> None:
    values = {"A": ("11:01", "")}

    assert read_mother(MotherInput(values)).gl == "A*11:01"
    assert read_mother(MotherInput(values, blank="homozygous")).gl == "A*11:01+A*11:01"
