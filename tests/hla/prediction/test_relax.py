"""The ladder of what is said of a typing that no two haplotypes explain, each step by hand."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

import numpy as np
import pytest

from hla.loci import SEARCH_LOCI
from hla.prediction import fits, impute, relax
from hla.prediction.combine import Patient, predict
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Part
from hla.prediction.relax import likeliest, pairs_to_keep
from hla.prediction.table import HaplotypeTable
from tests.hla.prediction.compared import made_set
from tests.hla.prediction.toys import at, basis, imputed, near, table
from tests.hla.prediction.world import Chance, resolver, typing

CLASS_I = {"A": ("01:01", "02:01"), "B": ("01:01", "02:01"), "C": ("01:01", "02:01")}


@pytest.fixture
def toy() -> HaplotypeTable:
    """Two haplotypes with family 01 at class II, one with 02."""
    return table(
        {
            "01:01 01:01 01:01 01:01 01:01": 0.5,
            "01:01 01:01 01:01 01:03 01:01": 0.3,
            "02:01 02:01 02:01 02:01 02:01": 0.2,
        }
    )


# 0.5² and 0.3² and twice their product, of 0.64
CLASS_II = {
    ("01:01P", "01:01P"): 0.25 / 0.64,
    ("01:01P", "01:03"): 0.30 / 0.64,
    ("01:03", "01:03"): 0.09 / 0.64,
}


def test_class_i_and_class_ii_by_themselves(toy: HaplotypeTable) -> None:
    found = imputed(toy, typing({**CLASS_I, "DRB1": ("01:XX", "01:XX"), "DQB1": ("01:01", "01:01")}))

    assert (basis(found), found.relaxed) == (Basis.BLOCKS, ((),))
    assert at(found, "DRB1") == near(CLASS_II)
    assert at(found, "A") == near({("01:01P", "02:01P"): 1.0})
    assert found.lost.tolist() == [0.0]


def test_single_loci(toy: HaplotypeTable) -> None:
    """DRB1*01 and DQB1*02 are never on one haplotype."""
    found = imputed(toy, typing({**CLASS_I, "DRB1": ("01:XX", "01:XX"), "DQB1": ("02:01", "02:01")}))

    assert (basis(found), found.relaxed) == (Basis.LOCI, (("DRB1", "DQB1"),))
    assert at(found, "DRB1") == near(CLASS_II)
    assert at(found, "DQB1") == near({("02:01P", "02:01P"): 1.0})


def test_a_locus_without_any_fitting_allele_counts_its_groups_alike(toy: HaplotypeTable) -> None:
    """A*03 has three P groups; all other loci keep their linkage."""
    others = {"B": ("01:01", "01:01"), "DRB1": ("01:XX", "01:XX")}
    found = imputed(toy, typing({"A": ("03:XX", "03:XX"), **others}))

    assert (basis(found), found.relaxed) == (Basis.LISTED, (("A",),))
    assert at(found, "A") == near(
        {
            ("03:01P", "03:01P"): 1 / 9,
            ("03:02P", "03:02P"): 1 / 9,
            ("03:03", "03:03"): 1 / 9,
            ("03:01P", "03:02P"): 2 / 9,
            ("03:01P", "03:03"): 2 / 9,
            ("03:02P", "03:03"): 2 / 9,
        }
    )
    assert at(found, "DRB1") == near(CLASS_II)
    assert at(found, "C") == near({("01:01P", "01:01P"): 1.0})


def test_a_listed_locus_and_blocks_that_are_not_linked(toy: HaplotypeTable) -> None:
    classes = {**CLASS_I, "DRB1": ("01:XX", "01:XX"), "DQB1": ("01:01", "01:01")}
    found = imputed(toy, typing({**classes, "A": ("03:01", "03:01")}))

    assert (basis(found), found.relaxed) == (Basis.LISTED, (("A",),))
    assert at(found, "A") == near({("03:01P", "03:01P"): 1.0})
    assert at(found, "DRB1") == near(CLASS_II)


def test_the_known_one_of_two_alleles_keeps_its_frequencies(toy: HaplotypeTable) -> None:
    """DRB1*01:XX is 01:01 or 01:03 as 5 to 3; DRB1*03:XX is unknown to the set."""
    found = imputed(toy, typing({"DRB1": ("01:XX", "03:XX")}))

    assert basis(found) is Basis.LISTED
    assert at(found, "DRB1") == near(
        {
            (known, unknown): share / 3
            for known, share in (("01:01P", 5 / 8), ("01:03", 3 / 8))
            for unknown in ("03:01P", "03:02P", "03:03")
        }
    )


def test_half_a_typing_with_an_unknown_allele(toy: HaplotypeTable) -> None:
    """The other may be any allele of the set."""
    found = imputed(toy, typing({"A": ("03:01", "")}))

    assert basis(found) is Basis.LISTED
    assert at(found, "A") == near({("01:01P", "03:01P"): 0.8, ("02:01P", "03:01P"): 0.2})


def test_alternatives_of_a_genotype_list_count_alike(toy: HaplotypeTable) -> None:
    found = imputed(toy, typing({"A": ("03:01|03:02", "03:03|01:01")}))

    assert at(found, "A") == near({("03:01P", "03:03"): 0.5, ("01:01P", "03:02P"): 0.5})


@pytest.mark.parametrize(
    ("nulls", "expected"),
    [("absent", ("01:01P", "01:01P")), ("as-named", ("01:01P", "03:04N"))],
)
def test_a_null_that_the_set_does_not_have(nulls: str, expected: tuple[str, str]) -> None:
    rows = {"01:01 01:01 01:01 01:01 01:01": 0.5, "01:01 01:01 01:01 01:03 01:01": 0.5}
    found = imputed(table(rows, nulls=nulls), typing({"A": ("03:04N", "01:01"), "DRB1": ("01:XX", "01:XX")}))

    assert basis(found) is Basis.LISTED
    assert at(found, "A") == near({expected: 1.0})
    assert len(at(found, "DRB1")) == 3


def test_a_null_of_the_set_that_no_partner_goes_with() -> None:
    """The set has A*02:04N; beside it A*03, which the set does not have, is twice what it may be."""
    found = imputed(table({"02:04N": 0.5, "01:01": 0.5}, ("A",)), typing({"A": ("02:04N", "03:01/03:02")}))

    assert basis(found) is Basis.LISTED
    assert at(found, "A") == near({("03:01P", "03:01P"): 0.5, ("03:02P", "03:02P"): 0.5})


def test_too_open_a_typing_has_no_estimate(toy: HaplotypeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "MAX_PAIRS_LISTED", 2)
    people = [
        typing({"A": ("03:XX", "03:01")}),
        typing({"A": ("03:01", "03:01")}),
        typing({"A": ("01:XX", "")}),
    ]
    found = imputed(toy, *people)

    assert [basis(found, person) for person in range(3)] == [Basis.NONE, Basis.LISTED, Basis.SET]
    assert (found.relaxed[0], np.diff(found.starts)[0]) == (("A",), 0)
    result = predict(Patient.of(found, 1), found)
    assert result.unknown.tolist() == [True, False, False]
    assert np.isnan(result.classes[6][0]).all()
    assert not np.isnan(result.classes[6][1:]).any()
    assert predict(Patient.of(found, 0), found).unknown.all()


def test_a_long_list_unknown_to_the_set(toy: HaplotypeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside one allele: the product is small enough, the list is not."""
    monkeypatch.setattr(fits, "MAX_PAIRS_LISTED", 2)

    assert basis(imputed(toy, typing({"A": ("03:01/03:02/03:03", "01:01")}))) is Basis.NONE


def test_never_nothing_where_there_is_an_estimate(toy: HaplotypeTable) -> None:
    """Unexplained typings of one person, as patient and as unit: the probability is that of the estimate, not 0."""
    person = typing({**CLASS_I, "DRB1": ("01:XX", "01:XX"), "DQB1": ("02:01", "02:01")})
    found = imputed(toy, person)
    result = predict(Patient.of(found), found)

    assert result.classes[10][0, 0] == pytest.approx(sum(share**2 for share in CLASS_II.values()))


def test_many_genotypes_of_independent_parts_are_cut_within_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each block pruned by itself, then their product: together not more than was allowed."""
    rows = {}
    for number, share in enumerate((0.5, 0.3, 0.15, 0.05)):
        one, two = f"01:0{min(number, 2) + 1}", f"02:0{min(number, 2) + 1}"
        rows[f"{one} {one} 01:0{number % 3 + 1} 01:01 01:01"] = share
        rows[f"{two} {two} 02:01 02:0{number % 3 + 1} {two}"] = share
    class_i = dict.fromkeys(("A", "B", "C"), ("01:XX", "01:XX"))
    person = typing({**class_i, **dict.fromkeys(("DRB1", "DQB1"), ("02:XX", "02:XX"))})
    exact = imputed(table(rows), person)
    for limit in (10, 1):
        monkeypatch.setattr(relax, "MANY_ROWS", limit)
        for bound in (0.5, 0.2, 0.1, 0.01, 0.0):
            found = imputed(table(rows), person, bound=bound, exact_pairs=1)

            assert basis(found) is basis(exact) is Basis.BLOCKS
            assert 0 <= found.lost[0] <= bound
            assert found.shares.sum() == pytest.approx(1 - found.lost[0])
            assert len(found.shares) <= len(exact.shares)
            if bound == 0.5:
                assert found.lost[0] > 0.01


def test_more_genotypes_than_can_be_held(toy: HaplotypeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relax, "MANY_ROWS", 1)
    monkeypatch.setattr(relax, "TOO_MANY_ROWS", 2)
    found = imputed(toy, typing({"A": ("03:XX", "03:XX"), "DRB1": ("01:XX", "01:XX")}))

    assert (basis(found), found.relaxed, len(found.rows)) == (Basis.NONE, (("A",),), 0)


@pytest.mark.slow
def test_a_typing_that_leaves_too_many_pairs_of_haplotypes() -> None:
    """4,000 haplotypes alike: eight million pairs, of which none is unlikely. Not even the memory is asked for."""
    names = [f"0{family}:0{member}" for family in (1, 2, 3) for member in (1, 2, 3)]
    rows = {" ".join(one): 1.0 for one in islice(product(names, repeat=5), 4_000)}
    found = imputed(table(rows), typing({}), typing({"A": ("01:01", "01:01"), "B": ("01:XX", "02:XX")}))

    assert [basis(found, person) for person in range(2)] == [Basis.NONE, Basis.SET]
    result = predict(Patient.of(found, 1), found)
    assert result.unknown.tolist() == [True, False]


def test_a_block_that_leaves_too_many_pairs(toy: HaplotypeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a block cannot say, its product cannot."""
    explained = Imputer.explained

    def nothing_of_class_ii(self: Imputer, people: Any, **options: bool) -> Any:
        return [Part()] if self.table.loci == ("DRB1", "DQB1") else explained(self, people, **options)

    monkeypatch.setattr(Imputer, "explained", nothing_of_class_ii)
    found = imputed(toy, typing({**CLASS_I, "DRB1": ("01:XX", "01:XX"), "DQB1": ("01:01", "01:01")}))

    assert (basis(found), len(found.rows)) == (Basis.NONE, 0)


def test_a_set_of_one_locus_that_does_not_fit() -> None:
    found = imputed(table({"01:01": 1.0}, ("DQB1",)), typing({"DQB1": ("02:01", "02:XX")}))

    assert (basis(found), found.relaxed) == (Basis.LISTED, (("DQB1",),))


@pytest.mark.parametrize("step", [0.0, 1e-4, 0.05, 0.5])
def test_pairs_that_are_kept_are_the_likeliest(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relax, "MANY_ROWS", 1)
    rng = np.random.default_rng(8)
    for size, other in ((1, 7), (30, 20), (200, 3)):
        shares, others = rng.dirichlet(np.full(size, 0.3)) + 1e-12, rng.dirichlet(np.full(other, 0.3)) + 1e-12
        one, two = pairs_to_keep(shares, others, step)
        assert one is not None
        assert two is not None
        kept = shares[one] * others[two]
        left = set(range(size * other)) - set((one * other + two).tolist())
        products = np.outer(shares, others).ravel()

        assert len(left) + len(one) == size * other
        assert kept.sum() >= products.sum() * (1 - step) - 1e-12
        assert max((products[place] for place in left), default=0.0) <= kept.min()


def test_the_likeliest_genotypes() -> None:
    rows, shares = np.arange(9, dtype=np.uint64).reshape(3, 3), np.array([0.2, 0.5, 0.3])
    kept, of_them = likeliest(rows, shares, 0.25)

    assert kept.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert of_them.tolist() == [0.5, 0.3]
    assert len(likeliest(rows, shares, 0.0)[0]) == 3


def test_loci_are_named_in_their_order(toy: HaplotypeTable) -> None:
    values = dict.fromkeys(SEARCH_LOCI, ("03:XX", "03:01"))

    assert imputed(toy, typing(values)).relaxed == (SEARCH_LOCI,)


def test_what_is_kept_of_single_loci_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Chance("kept")
    haplotypes, strange = chance.haplotypes(SEARCH_LOCI, 6), chance.haplotypes(SEARCH_LOCI, 6)
    found = HaplotypeTable.of(made_set(SEARCH_LOCI, haplotypes), resolver())
    people = [chance.typing(SEARCH_LOCI, strange) for _ in range(12)]
    kept = Imputer(found).impute(people)
    monkeypatch.setattr(impute, "ONES_KEPT", 1)
    monkeypatch.setattr(impute, "ROWS_KEPT", 1)

    again = Imputer(found).impute(people)

    assert (kept.basis != Basis.SET).any()
    for name in ("rows", "shares", "starts", "lost", "basis"):
        assert np.array_equal(getattr(kept, name), getattr(again, name)), name
