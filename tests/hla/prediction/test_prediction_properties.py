"""Properties of match prediction that hold for any set and any typing."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hla.loci import SEARCH_LOCI
from hla.prediction.combine import CLASS_LOCI, Patient, Predictions, predict
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Imputed
from hla.prediction.table import HaplotypeTable
from hla.typing import LocusTyping, Typing, paired
from tests.hla.prediction.compared import made_set, shares_of
from tests.hla.prediction.world import Chance, Haplotype, resolver, typing

EXACT = 1e-12
ROUNDING = 1e-9  # P(0) to P(10) follow from each other
FEW = settings(max_examples=60, deadline=None)
ANY = st.integers(0, 10**9)


class Drawn:
    """A set, a patient, units."""

    def __init__(self, seed: int, loci: tuple[str, ...] | None = None, units: int = 3) -> None:
        chance = Chance(f"property {seed}")
        self.random = chance.random
        self.loci = loci or chance.loci()
        self.haplotypes = chance.haplotypes(self.loci)
        self.people = [chance.typing(self.loci, self.haplotypes) for _ in range(units + 1)]

    def table(self) -> HaplotypeTable:
        return table_of(self.loci, self.haplotypes)


def table_of(loci: tuple[str, ...], haplotypes: list[Haplotype]) -> HaplotypeTable:
    return HaplotypeTable.of(made_set(loci, haplotypes), resolver())


def predicted(imputer: Imputer, people: list[Typing], upto: int = 2) -> Predictions:
    """The first against all others."""
    return predict(Patient.of(imputer.impute(people[:1])), imputer.impute(people[1:]), upto=upto)


def assert_same(one: Predictions, other: Predictions) -> None:
    """At the loci and classes of the second."""
    for size, shares in other.classes.items():
        assert np.allclose(one.classes[size], shares, rtol=0, atol=ROUNDING, equal_nan=True)
    for locus, shares in other.loci.items():
        assert np.allclose(one.loci[locus], shares, rtol=0, atol=EXACT, equal_nan=True)


def turned(one: LocusTyping, chance: random.Random) -> LocusTyping:
    """The two values the other way about, alternatives in another order."""
    found = resolver().pairs(one.locus, one.first, one.second)
    if len(found) == 1:
        first, second = found[0]
        return LocusTyping(one.locus, second.text, first.text, one.kind) if chance.random() < 0.8 else one
    pairs = [(second.text, first.text) for first, second in chance.sample(found, len(found))]
    return LocusTyping(one.locus, *("|".join(texts) for texts in zip(*pairs, strict=True)), one.kind)


@FEW
@given(ANY)
def test_no_order_matters(seed: int) -> None:
    case = Drawn(seed)
    assume(
        (Imputer(case.table()).impute(case.people).basis < Basis.LISTED).all()
    )  # there alternatives count alike
    expected = predicted(Imputer(case.table()), case.people)
    loci = tuple(case.random.sample(case.loci, len(case.loci)))
    haplotypes = [
        (tuple(names[case.loci.index(locus)] for locus in loci), frequency)
        for names, frequency in case.random.sample(case.haplotypes, len(case.haplotypes))
    ]
    order = case.random.sample(range(3), 3)
    people = [
        Typing({locus: turned(one, case.random) for locus, one in person.loci.items()})
        for person in case.people
    ]
    found = predicted(Imputer(table_of(loci, haplotypes)), [people[0], *(people[1 + at] for at in order)])

    for size, shares in expected.classes.items():
        assert np.allclose(found.classes[size], shares[order], rtol=0, atol=EXACT, equal_nan=True)
    for locus, shares in expected.loci.items():
        assert np.allclose(found.loci[locus], shares[order], rtol=0, atol=EXACT, equal_nan=True)


@FEW
@given(ANY)
def test_probabilities_add_up_to_one(seed: int) -> None:
    case = Drawn(seed)
    found = predicted(Imputer(case.table()), case.people, upto=10)
    known = ~found.unknown

    for size, shares in found.classes.items():
        assert shares.shape == (3, size + 1)
        assert (shares[known] >= 0).all()
        assert np.allclose(shares[known].sum(axis=1), 1, rtol=0, atol=1e-9)
    for shares in found.loci.values():
        assert (shares[known] >= 0).all()
        assert np.allclose(shares[known].sum(axis=1), 1, rtol=0, atol=1e-9)
    for values in (*found.classes.values(), *found.loci.values(), found.lost):
        assert np.isnan(values[found.unknown]).all()


@FEW
@given(ANY, st.integers(1, 20), st.sampled_from([0.0, 0.01, 0.2]))
def test_pruned_probabilities_are_lower_bounds_within_what_was_lost(
    seed: int, pairs: int, bound: float
) -> None:
    case = Drawn(seed)
    exact = predicted(Imputer(case.table()), case.people, upto=10)
    pruned = Imputer(case.table(), bound=bound, exact_pairs=pairs)
    found = predicted(pruned, case.people, upto=10)
    imputed = pruned.impute(case.people)
    known = ~found.unknown
    assume(known.any())

    assert (imputed.lost <= bound + ROUNDING).all()
    sums = np.add.reduceat(imputed.shares, imputed.starts[:-1])[np.diff(imputed.starts) > 0]
    assert np.allclose(sums, 1 - imputed.lost[np.diff(imputed.starts) > 0], rtol=0, atol=ROUNDING)
    for kind, of_exact in ((found.classes, exact.classes), (found.loci, exact.loci)):
        for key, shares in kind.items():  # type: ignore[attr-defined]
            less = of_exact[key][known] - shares[known]  # type: ignore[index]
            assert (less >= -1e-9).all()
            assert (less <= found.lost[known, None] + 1e-9).all()
    for shares in found.loci.values():
        assert (shares[known].sum(axis=1) >= 1 - found.lost[known] - 1e-9).all()


@FEW
@given(ANY)
def test_a_haplotype_in_two_rows_is_one(seed: int) -> None:
    """Also under another name of the same protein."""
    case = Drawn(seed)
    place = case.random.randrange(len(case.haplotypes))
    names, frequency = case.haplotypes[place]
    twin = tuple(case.random.choice(synonyms(name)) for name in names)
    rows = [*case.haplotypes, (twin, frequency * 0.75)]
    rows[place] = (names, frequency * 0.25)

    assert_same(
        predicted(Imputer(case.table()), case.people),
        predicted(Imputer(table_of(case.loci, rows)), case.people),
    )


def synonyms(name: str) -> list[str]:
    """Other names of an allele that mean the same to match prediction."""
    family, _, member = name.partition(":")
    for alike in (("01", "01g", "01:01G", "01:02"), ("02", "02P", "05")):
        if member in alike:
            return [f"{family}:{one}" for one in alike]
    return [name]


@FEW
@given(ANY)
def test_a_set_without_a_locus_is_the_set_with_that_locus_untyped(seed: int) -> None:
    case = Drawn(seed, SEARCH_LOCI)
    kept = case.loci[:2] + case.loci[3:] if seed % 2 else CLASS_LOCI[6]
    untyped = [
        Typing({locus: one for locus, one in person.loci.items() if locus in kept}) for person in case.people
    ]
    whole = Imputer(case.table())
    part = Imputer(case.table().only(kept))
    assume(all(basis <= Basis.SET for basis in whole.impute(untyped).basis))

    found, expected = predicted(part, case.people), predicted(whole, untyped)
    assert set(found.loci) == set(kept)
    assert_same(expected, found)
    rows = [(names_at(names, kept), frequency) for names, frequency in case.haplotypes]
    assert_same(predicted(Imputer(table_of(kept, rows)), case.people), found)


def names_at(names: tuple[str, ...], loci: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name.partition("*")[0] in loci)


@FEW
@given(ANY)
def test_patient_and_unit_may_be_swapped(seed: int) -> None:
    case = Drawn(seed, units=1)
    imputer = Imputer(case.table())

    assert_same(predicted(imputer, case.people, 10), predicted(imputer, case.people[::-1], 10))


@FEW
@given(ANY)
def test_a_resolved_pair_needs_no_set(seed: int) -> None:
    """The set knows nothing of these alleles."""
    chance = random.Random(seed)
    values = {
        locus: tuple(f"0{chance.randint(1, 2)}:0{chance.randint(1, 3)}" for _ in "12")
        for locus in SEARCH_LOCI
    }
    person = typing(values)  # type: ignore[arg-type]
    table = table_of(SEARCH_LOCI, [(tuple(f"{locus}*03:01" for locus in SEARCH_LOCI), 1.0)])
    found = predicted(Imputer(table), [person, person], 10)

    assert Imputer(table).impute([person]).basis.tolist() == [Basis.TYPING]
    for shares in found.classes.values():
        assert shares.tolist() == [[1.0, *([0.0] * (shares.shape[1] - 1))]]
    for shares in found.loci.values():
        assert shares.tolist() == [[1.0, 0.0, 0.0]]
    assert found.lost.tolist() == [0.0]


@FEW
@given(ANY)
def test_equal_typings_have_equal_genotypes_in_any_company(seed: int) -> None:
    case = Drawn(seed)
    imputer = Imputer(case.table())
    alone = [shares_of(imputer.impute([person])) for person in case.people]
    together: Imputed = imputer.impute([*case.people, *reversed(case.people)])

    assert [shares_of(together, number) for number in range(8)] == [*alone, *reversed(alone)]


@FEW
@given(ANY)
def test_a_weighted_mixture_of_one_set_is_the_set(seed: int) -> None:
    case = Drawn(seed)
    found = made_set(case.loci, case.haplotypes)
    mixture = HaplotypeTable.mixture([(3.0, found), (1.0, found)], resolver())

    assert_same(predicted(Imputer(mixture), case.people), predicted(Imputer(case.table()), case.people))


def test_turned_typings_mean_the_same() -> None:
    one = paired("A", [resolver().position("A", text) for text in ("A*01:01", "A*02:XX")], doubled=False)
    swapped = LocusTyping("A", "A*02:XX", "A*01:01", "pair")

    assert turned(one, random.Random(3)) == swapped
    assert pytest.approx(1.0) == sum(
        shares_of(
            Imputer(table_of(("A",), [(("A*01:01",), 1.0), (("A*02:01",), 1.0)])).impute(
                [Typing({"A": swapped})]
            )
        ).values()
    )
