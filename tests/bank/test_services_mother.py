"""The mother's typing: read as any other, compared with the unit, a swapped sample never saved silently."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from bank.choices import Source
from bank.graft_facts import graft_facts
from bank.models import CordBloodUnit, HlaTyping
from bank.services_mother import mother_typing_record
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry
from core.typings import TypingInput
from tests.factories.bank import HlaTypingFactory, UnitFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
UNIT_GL = "A*11:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"


def typed_unit(**more: Any) -> CordBloodUnit:
    unit = UnitFactory(**more)
    HlaTypingFactory(unit=unit, canonical_gl=UNIT_GL)
    return unit


def save(unit: CordBloodUnit, reason: str = "", confirmed: Collection[str] = (), **given: Any) -> HlaTyping:
    return mother_typing_record(
        unit_id=unit.pk, given=TypingInput(**given), actor=SYSTEM, reason=reason, confirmed=confirmed
    )


def shown(unit: CordBloodUnit, **given: Any) -> set[str]:
    """The codes that a person is shown who saves this without a reason."""
    with pytest.raises(Conflict) as refusal:
        save(unit, **given)
    return {one["code"] for one in refusal.value.details}


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


def test_who_saw_it_and_says_why_saves_it_and_it_stays_marked() -> None:
    unit = typed_unit()
    gl = "A*02:01+A*33:03^B*46:01"

    save(unit, gl=gl, reason="egg donation", confirmed=shown(unit, gl=gl))

    assert graft_facts([unit.pk])[unit.pk].mother_differs == ("A",)
    entry = AuditEntry.objects.get()
    assert (entry.reason, entry.after["mother_differs"]) == ("egg donation", ["A"])


@pytest.mark.parametrize(
    "gl",
    [
        "A*02:01+A*33:03^B*46:01^DRB1*03:01+DRB1*04:01",  # another locus differs as well
        "A*02:06+A*33:03^B*46:01",  # other values at the same locus
    ],
)
def test_a_reason_covers_only_what_was_shown(gl: str) -> None:
    unit = typed_unit()
    seen = shown(unit, gl="A*02:01+A*33:03^B*46:01")

    for confirmed in ((), seen):
        with pytest.raises(Conflict) as refusal:
            save(unit, gl=gl, reason="egg donation", confirmed=confirmed)
        assert refusal.value.code == "mother_differs"

    assert not unit.typings.filter(subject="mother").exists()


def test_a_reason_covers_only_the_typing_of_the_unit_that_was_shown() -> None:
    unit = typed_unit()
    seen = shown(unit, gl="A*02:01+A*33:03")
    unit.typings.update(is_current=False)
    HlaTypingFactory(unit=unit, canonical_gl="A*26:01+A*24:02")

    with pytest.raises(Conflict, match="share no type"):
        save(unit, gl="A*02:01+A*33:03", reason="egg donation", confirmed=seen)


def test_antigens_stand_beside_her_dna_and_must_not_contradict_it() -> None:
    unit = typed_unit()
    values = {"A": ("A*11:01", "A*33:03")}
    assert save(unit, values=values, gl="A11+A33").loci == {"A": ["A*11:01", "A*33:03"]}

    with pytest.raises(Conflict) as refusal:
        save(unit, values=values, gl="A11+A2", reason="two reports")

    assert refusal.value.code == "mother_conflict"
    codes = {one["code"] for one in refusal.value.details}
    save(unit, values=values, gl="A11+A2", reason="two reports", confirmed=codes)
    assert AuditEntry.objects.latest("at").after["mother_conflict"] == ["A"]


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
    unit = typed_unit()
    values = {"A": ("11:01", "")}

    assert save(unit, values=values).canonical_gl == "A*11:01"
    assert save(unit, values=values, blank="homozygous").canonical_gl == "A*11:01+A*11:01"
