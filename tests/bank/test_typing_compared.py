"""Two typings of one unit beside one another: what can be one person's, what says more, what contradicts."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank.typing_compared import Agreement, Reported, compared, differing, half_typed, loci_of
from core.typings import TypingInput, interpret
from hla.loci import LOCI

pytestmark = pytest.mark.django_db  # the nomenclature in use is a row

# Each allele of a locus beside others that cannot be it: of other P groups.
ALLELES = {
    "A": ("A*01:01", "A*02:01", "A*02:07", "A*11:01", "A*24:02", "A*33:03"),
    "B": ("B*13:01", "B*15:02", "B*40:01", "B*46:01", "B*58:01"),
    "C": ("C*01:02", "C*03:04", "C*07:02", "C*08:01"),
    "DRB1": ("DRB1*04:05", "DRB1*09:01", "DRB1*12:02", "DRB1*15:01"),
    "DQB1": ("DQB1*03:01", "DQB1*03:03", "DQB1*06:01"),
}


def read(gl: str, **values: Any) -> dict[str, Any]:
    return dict(interpret(TypingInput(gl=gl, **values)).loci)


def agreement(listed: str, found: str) -> dict[str, str]:
    return {one.locus: one.agreement.value for one in compared(read(listed), read(found))}


@pytest.mark.parametrize(
    ("listed", "found", "wanted"),
    [
        ("A*11:01+A*24:02", "A*24:02+A*11:01", "agrees"),
        ("A*11:01+A*24:02", "A*11:01:01:01+A*24:02:01", "agrees"),  # more fields, the same P group
        ("A*11:01+A*24:02", "A*11:01+A*24:03", "differs"),
        ("A*11:01+A*24:02", "A*11:01+A*11:01", "differs"),  # one of two fell out
        ("A*11:01+A*24:02", "A*11:01", "less"),  # the second value is not known: it may be anything
        ("A*11:01", "A*11:01+A*24:02", "more"),
        ("A*11:01/A*11:02+A*24:02", "A*11:01+A*24:02", "more"),
        ("A*11:01+A*24:02", "A*11:01/A*11:02+A*24:02", "less"),
        ("A*11:01/A*11:02+A*24:02", "A*11:03+A*24:02", "differs"),
        ("A*11+A*24", "A*11:01+A*24:02", "more"),
        ("A*11+A*24", "A*02:01+A*24:02", "differs"),
        ("A11+A24", "A*11:01+A*24:02", "more"),  # serology, as it may be
        ("A*11:01+A*24:02", "A11+A24", "less"),
        ("A*11:01+A*24:02", "A1+A24", "differs"),
        ("A*02:01+A*24:02|A*02:05+A*24:03", "A*02:05+A*24:03", "more"),
        ("A*02:01+A*24:02|A*02:05+A*24:03", "A*02:01+A*24:03", "differs"),  # of no single genotype
        ("A*24:02+A*11:01", "A*24:09N+A*11:01", "differs"),  # a null allele is no expressed one
    ],
)
def test_a_locus_beside_another(listed: str, found: str, wanted: str) -> None:
    assert agreement(listed, found) == {"A": wanted}


def test_loci_that_only_one_of_them_names_contradict_nothing() -> None:
    found = agreement("A*11:01+A*24:02^B*40:01+B*46:01", "A*11:01+A*24:02^C*01:02+C*07:02")

    assert found == {"A": "agrees", "B": "not_typed", "C": "not_listed"}
    assert list(found) == [locus for locus in LOCI if locus in found]
    assert differing(read("B*40:01+B*46:01"), read("C*01:02+C*07:02")) == []


@pytest.mark.parametrize(
    ("gl", "wanted"),
    [
        ("A*11:01+A*24:02^B*40:01+B*46:01", []),
        ("A*11:01^B*40:01+B*46:01", ["A"]),
        ("B*40:01+B*46:01", ["A"]),
        ("A*11:01+A*24:02|A*11:02^B*40:01", ["A", "B"]),
    ],
)
def test_a_half_typed_locus_is_seen(gl: str, wanted: list[str]) -> None:
    assert half_typed(read(gl), ("A", "B")) == wanted


def test_a_single_value_that_is_said_to_be_homozygous_is_whole() -> None:
    assert half_typed(read("A*11:01", blank="homozygous"), ("A",)) == []


def test_what_was_entered_comes_back_as_it_was() -> None:
    given_in = TypingInput(gl="A*11:01+A*24:02", laboratory=" HLA lab ", typed_on=dt.date(2026, 5, 6))
    row = Reported.of(given_in, interpret(given_in))

    assert Reported.from_json(row.as_json()) == row
    assert (row.day, row.laboratory, row.loci) == (
        dt.date(2026, 5, 6),
        "HLA lab",
        {"A": ["A*11:01", "A*24:02"]},
    )
    assert Reported.of(TypingInput(gl="A*11:01"), interpret(TypingInput(gl="A*11:01"))).day is None


# --- laws -----------------------------------------------------------------------------------------


@st.composite
def typings(draw: st.DrawFn) -> dict[str, tuple[str, str]]:
    loci = draw(st.lists(st.sampled_from(sorted(ALLELES)), min_size=1, unique=True))
    return {
        locus: (draw(st.sampled_from(ALLELES[locus])), draw(st.sampled_from(ALLELES[locus])))
        for locus in loci
    }


def gl(typing: dict[str, tuple[str, str]]) -> str:
    return "^".join("+".join(pair) for pair in typing.values())


def swapped(typing: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {locus: (second, first) for locus, (first, second) in reversed(typing.items())}


@settings(max_examples=60, deadline=None)
@given(typings(), typings())
def test_order_of_loci_alleles_and_sides_never_matters(
    one: dict[str, tuple[str, str]], other: dict[str, tuple[str, str]]
) -> None:
    plain = set(differing(read(gl(one)), read(gl(other))))

    assert set(differing(read(gl(swapped(one))), read(gl(other)))) == plain
    assert set(differing(read(gl(one)), read(gl(swapped(other))))) == plain
    assert set(differing(read(gl(other)), read(gl(one)))) == plain


@settings(max_examples=60, deadline=None)
@given(typings())
def test_a_typing_agrees_with_itself_as_it_is_stored(one: dict[str, tuple[str, str]]) -> None:
    stored = loci_of(interpret(TypingInput(gl=gl(one))).typing().gl())

    assert differing(stored, read(gl(swapped(one)))) == []
    assert {line.agreement for line in compared(stored, read(gl(one)))} == {Agreement.AGREES}


@settings(max_examples=60, deadline=None)
@given(typings(), st.data())
def test_one_allele_that_cannot_be_the_other_contradicts_its_locus_alone(
    one: dict[str, tuple[str, str]], data: st.DataObject
) -> None:
    locus = data.draw(st.sampled_from(sorted(one)))
    place = data.draw(st.sampled_from((0, 1)))
    others = [allele for allele in ALLELES[locus] if allele not in one[locus]]
    pair = list(one[locus])
    pair[place] = data.draw(st.sampled_from(others))

    changed = {**one, locus: (pair[0], pair[1])}

    assert differing(read(gl(one)), read(gl(changed))) == [locus]


def test_the_alleles_of_the_laws_are_all_different_persons() -> None:
    """Else the third law would say nothing."""
    for locus, names in ALLELES.items():
        for one, other in product(names, names):
            differ = differing(read(f"{one}+{one}"), read(f"{other}+{other}"))
            assert differ == ([] if one == other else [locus])
