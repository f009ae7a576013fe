"""Non-inherited maternal antigens: by hand, against an enumeration of everything that typings may be, and in time."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.release import compile_release
from hla.resolve import Resolver
from matching.engine.selection.nima import NimaAt, Told, nima_matches
from matching.selection.hla_facts import HlaFacts
from tests.hla import toy_release

Texts = tuple[str, str]
BUILTIN = Resolver(Nomenclature.builtin(), EMPTY_MAC)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Resolver:
    """A release in which alleles of one family have antigens of their own: A*02:03 is A203, A*24:03 A2403."""
    return Resolver(compile_release(toy_release.write(tmp_path_factory.mktemp("release"))), EMPTY_MAC)


def pair_of(text: str) -> Texts:
    """ "A*02:01+A*24:02"; alternatives by "|" as a typing keeps them, value by value."""
    pairs = [one.partition("+")[::2] for one in text.split("|")]
    first, second = ("|".join(values) for values in zip(*pairs, strict=True))
    return first, second


def told(resolver: Resolver, locus: str, *texts: str, rule: str = "split") -> Told:
    """Of patient, unit and mother."""
    patient, unit, mother = (resolver.pairs(locus, *pair_of(text)) for text in texts)
    at = NimaAt(locus, patient, resolver.nomenclature.trees[locus], rule)  # type: ignore[arg-type]
    return at.told(unit, mother)


@pytest.mark.parametrize(
    ("patient", "unit", "mother", "answer"),
    [
        # the child has A*02:01 of her; her other, A*03:01, is the patient's mismatch
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "A*02:01+A*03:01", (1, "")),
        ("A*02:01+A*23:01", "A*02:01+A*24:02", "A*02:01+A*03:01", (0, "")),
        # fully matched: nothing to be NIMA, even where the mother is unknown there
        ("A*02:01+A*24:02", "A*02:01+A*24:02", "+", (0, "")),
        ("A*02:01+A*24:02", "A*02:01+A*24:02", "A*02:01+A*03:01", (0, "")),
        # which one she gave is open, but neither is a mismatch of the patient
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "A*02:01+A*24:02", (0, "")),
        ("A*03:01+A*23:01", "A*02:01+A*24:02", "A*02:01+A*02:01", (0, "")),
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "A*03:02+A*23:01", (None, "mother_excluded")),
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "+", (None, "mother_untyped")),
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "A*02:01+", (None, "mother_untyped")),
        ("A*02:01+A*03:01", "A*02:01+", "A*02:01+A*03:01", (None, "typing")),
        ("A*02:01+", "A*02:01+A*24:02", "A*02:01+A*03:01", (None, "typing")),
        # her other is one or the other
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "A*02:01+A*03:01/A*23:01", (None, "typing")),
        ("A*02:01+A*03:02", "A*02:01+A*24:02", "A*02:01+A*03:01/A*03:02", (1, "")),  # A3 either way
        # which of hers the child has decides: A3 is left in one case, A2 or A24 in the other
        ("A*03:01+A*23:01", "A*02:01+A*24:02", "A*02:01/A*03:01+A*24:02/A*23:01", (None, "typing")),
        ("A*03:01+A*23:01", "A*02:01+A*24:02", "A*02:01+A*03:01|A*24:02+A*02:01", (None, "phase")),
        # antigens, not names (2.3): A203 and A2 match, A2403 and A24
        ("A*02:03+A*24:02", "A*02:01+A*24:02", "A*24:02+A*02:03", (0, "")),
        ("A24+A*02:01", "A*24:03+A*02:01", "A*02:01+A*24:02", (0, "")),
        ("A*03:01+A*24:02", "A*03:01+A*02:01", "A*03:01+A*24:03", (1, "")),
        # known to be A9 is not known to be A24
        ("A*24:02+A*03:01", "A*02:01+A*03:01", "A*03:01+A9", (None, "typing")),
        ("A*24:02+A*03:01", "A9+A*03:01", "A*03:01+A*24:02", (None, "typing")),
        ("A9+A*03:01", "A*02:01+A*03:01", "A*03:01+A9", (None, "typing")),
        # she may be the mother: A9 of hers may be the child's A24, A24 its A*24:03
        ("A*02:01+A*03:01", "A*24:02+A*02:01", "A9+A*03:01", (1, "")),
        ("A*02:01+A*03:01", "A*24:03+A*02:01", "A24+A*03:01", (1, "")),
        ("A*02:01+A*03:01", "A9+A*02:01", "A24+A*03:01", (1, "")),
        # of one antigen, but not inherited
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "A*02:03+A*03:01", (None, "mother_excluded")),
        # a null allele is inherited by name and expresses nothing
        ("A*02:01+A*23:01", "A*24:09N+A*23:01", "A*24:09N+A*02:01", (1, "")),
        ("A*24:02+A*03:01", "A*02:01+A*03:01", "A*02:01+A*24:09N", (0, "")),
        ("A*24:02+A*03:01", "A*24:09N+A*03:01", "A*24:09N+A*24:02", (1, "")),
        ("A*24:09N+A*03:01", "A*02:01+A*23:01", "A*02:01+A*03:01", (1, "")),
        ("A*02:03/A*02:10+A*24:02", "A*02:01+A*24:02", "+", (0, "")),  # each is matched by A2
    ],
)
def test_one_locus(toy: Resolver, patient: str, unit: str, mother: str, answer: Told) -> None:
    assert told(toy, "A", patient, unit, mother) == answer


def test_splits_and_the_antigen_rule_of_the_search(toy: Resolver) -> None:
    patient, mother = "B*38:01+B*07:02", "B*38:01+B*07:02"

    assert told(toy, "B", patient, "B*39:05+B*07:02", mother) == (1, "")
    assert told(toy, "B", patient, "B*39:05+B*07:02", mother, rule="broad") == (None, "typing")
    assert told(toy, "B", patient, "B16+B*07:02", mother) == (None, "typing")
    assert told(toy, "B", patient, "B*07:02+B*15:01", "B16+B*07:02") == (None, "typing")


def test_loci_add_up_and_an_open_one_does_not_undo_a_match() -> None:
    assert nima_matches([(1, ""), (0, ""), (1, "")]) == (2, "")
    assert nima_matches([(1, ""), (None, "mother_untyped"), (None, "typing")]) == (1, "")
    assert nima_matches([(0, ""), (None, "mother_untyped"), (None, "typing")]) == (None, "typing")
    assert nima_matches([(1, ""), (None, "mother_excluded"), (0, "")]) == (None, "mother_excluded")


VALUES = [f"DRB1*04:0{number}" for number in (1, 3, 5)]
ONE = st.sampled_from([*VALUES, "DRB1*04:04N"])
OPEN = st.lists(st.sampled_from(VALUES), min_size=1, max_size=3, unique=True).map("/".join)
VALUE = st.one_of(ONE, OPEN)
GENOTYPE = st.tuples(VALUE, VALUE).map("+".join)
TYPING = st.one_of(GENOTYPE, st.tuples(GENOTYPE, GENOTYPE).map("|".join))


def each(text: str) -> list[Texts]:
    """All that a typing may be."""
    return [
        chosen  # type: ignore[misc]
        for pair in text.split("|")
        for chosen in product(*(value.split("/") for value in pair.split("+")))
    ]


def by_definition(patient: Texts, unit: Texts, mother: Texts) -> set[int]:
    """The answers, by which of hers the child has."""
    had, wanted = ({one for one in pair if not one.endswith("N")} for pair in (unit, patient))
    ways = [other for given_, other in (mother, mother[::-1]) if given_ in unit]
    return {int(other in wanted - had) for other in ways}


@given(patient=TYPING, unit=TYPING, mother=TYPING)
def test_told_exactly_where_all_that_the_typings_may_be_agree(patient: str, unit: str, mother: str) -> None:
    answers = set[int]().union(
        *(by_definition(*all_) for all_ in product(each(patient), each(unit), each(mother)))
    )
    found, why = told(BUILTIN, "DRB1", patient, unit, mother)

    if not answers:
        assert (found, why) == (None, "mother_excluded")
    elif len(answers) == 1:
        assert (found, why) == (answers.pop(), "")
    else:
        assert found is None
        assert why in ("typing", "phase")


AT_A = [
    "A*02:01", "A*02:03", "A*02:10", "A*24:02", "A*24:03", "A*23:01", "A*24:09N",
    "A2", "A203", "A9", "A24", "A*02:12", "A*02:01/A*23:01", "A*02:XX", "A*24:02/A*24:03",
]  # fmt: skip
NARROWER = {
    "A2": ["A*02:01", "A203"], "A9": ["A24", "A*23:01", "A*24:03"], "A24": ["A*24:02", "A*24:03"],
    "A*02:XX": ["A*02:01", "A*02:03"], "A203": ["A*02:03"], "A*02:01/A*23:01": ["A*02:01", "A*23:01"],
    "A*24:02/A*24:03": ["A*24:02"],
}  # fmt: skip
PAIR_AT_A = st.tuples(st.sampled_from(AT_A), st.sampled_from(AT_A))


@given(typings=st.tuples(PAIR_AT_A, PAIR_AT_A, PAIR_AT_A), data=st.data())
def test_a_better_typing_never_contradicts_what_was_told(
    toy: Resolver, typings: tuple[Texts, Texts, Texts], data: st.DataObject
) -> None:
    finer = [
        tuple(data.draw(st.sampled_from(NARROWER.get(value, [value]))) for value in pair) for pair in typings
    ]
    before, why = told(toy, "A", *map("+".join, typings))
    after, now = told(toy, "A", *map("+".join, finer))

    if before is not None:
        assert (after, now) in ((before, ""), (None, "mother_excluded"))
    if why == "mother_excluded":
        assert now == "mother_excluded"


def test_families_are_no_matter_of_time() -> None:
    """2,000 alleles at each value: all their genotypes would be 10¹⁹, and no answer would ever come."""
    family = "DRB1*04:XX+DRB1*15:XX"

    open_, given_15 = "DRB1*04:XX+DRB1*13:XX", "DRB1*15:XX+DRB1*12:02"
    assert told(BUILTIN, "DRB1", "DRB1*04:05+DRB1*13:02", family, open_) == (None, "typing")
    assert told(BUILTIN, "DRB1", family, family, family) == (None, "typing")
    assert told(BUILTIN, "DRB1", "DRB1*04:05+DRB1*12:02", family, given_15) == (1, "")


# --- patient, unit and mother at all loci --------------------------------------------------------

PATIENT = {"A": ("A*02:01", "A*03:01"), "B": ("B*07:02", "B*38:01"), "DRB1": ("DRB1*04:05", "DRB1*04:05")}
UNIT = {
    "A": ("A*02:01", "A*24:02"), "B": ("B*07:02", "B*38:01"), "C": ("C*07:02", "C*07:02"),
    "DRB1": ("DRB1*04:05", "DRB1*04:05"), "DQA1": ("DQA1*01:01", ""),
}  # fmt: skip
MOTHER = {
    "A": ("A*02:01", "A*03:01"), "B": ("B*07:02", "B*15:01"), "C": ("C*07:02", "C*12:02"),
    "DRB1": ("DRB1*04:05", ""),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "differing", "answer"),
    [
        ({}, (), (1, "")),
        ({"B": ("", "")}, (), (1, "")),
        (dict.fromkeys(MOTHER, ("", "")), (), (None, "mother_untyped")),
        ({"A": ("", "")}, (), (None, "mother_untyped")),
        # a mother excluded anywhere: where the patient is matched, and at a locus that is not one of NIMA
        ({"B": ("B*15:01", "B*44:02:01:01S")}, (), (None, "mother_excluded")),
        ({"C": ("C*12:02", "C*12:02")}, (), (None, "mother_excluded")),
        ({"C": ("C*77:01", "C*77:02")}, (), (1, "")),  # unknown to the release in use
        ({"DQB1": ("DQB1*03:01", "DQB1*03:02")}, (), (1, "")),  # the unit is not typed there
        # as remarked when she was typed
        ({}, ("A",), (None, "mother_excluded")),
        (dict.fromkeys(MOTHER, ("", "")), ("A",), (None, "mother_excluded")),
    ],
)
def test_a_mother_who_cannot_be_the_mother_is_none(
    toy: Resolver, changed: dict[str, Texts], differing: tuple[str, ...], answer: Told
) -> None:
    facts = HlaFacts(PATIENT, toy)

    assert facts.nima_matches(UNIT, {**MOTHER, **changed}, differing) == answer


def test_more_alternatives_than_are_compared_leave_it_open() -> None:
    """Lists of genotypes on all three sides: 5 × 5 × 5 are above the limit, and cannot be told."""
    five = "|".join(f"A*0{n}:01+A*24:0{n}" for n in (1, 2, 3, 2, 1))

    assert told(BUILTIN, "A", five, five, five) == (None, "typing")
