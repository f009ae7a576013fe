"""Haplotype sets as match prediction reads them, and numbers for what alleles express."""

from __future__ import annotations

import numpy as np
import pytest

from hla.loci import SEARCH_LOCI
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.prediction.combine import Patient, predict
from hla.prediction.imputed import Basis
from hla.prediction.states import NOTHING, StateSpace, space_of, state_name
from hla.prediction.table import HaplotypeTable, read_allele
from hla.resolve import Resolver
from tests.hla.prediction.compared import made_set
from tests.hla.prediction.toys import at, basis, imputed, near, table
from tests.hla.prediction.world import typing


def test_names_of_one_protein_are_one_allele() -> None:
    found = table(
        {"01:01": 0.1, "01:01:02": 0.2, "01:01:01G": 0.1, "01:01P": 0.1, "01:01g": 0.1, "02:01": 0.4}, ("A",)
    )

    assert len(found) == 2
    assert found.frequencies.tolist() == pytest.approx([0.6, 0.4])
    assert [allele.name for allele in found.alleles["A"]] == ["A*01:01", "A*02:01"]
    assert (found.unread, found.unread_share) == ((), 0.0)


def test_haplotypes_stand_by_frequency() -> None:
    found = table({"01:01 02:01": 1.0, "02:01 02:01": 3.0, "02:01 01:01": 1.0}, ("A", "B"))

    assert found.frequencies.tolist() == [0.6, 0.2, 0.2]
    assert found.codes[0].tolist() == [1, 1]
    starts, places = found.postings
    assert starts.tolist() == [[0, 1, 3], [0, 1, 3]]
    assert sorted(places[0].tolist()) == [0, 1, 2]


def test_nulls_stand_for_themselves(small: Resolver) -> None:
    allele = read_allele("A", "A*01:04N", small)

    assert (allele.p_group, allele.nulls, allele.readable) == (None, frozenset({"01:04N"}), True)
    assert allele.key == "A*01:04N"
    absent, named = (
        table({"01:04N": 0.5, "01:01": 0.5}, ("A",), nulls=nulls) for nulls in ("absent", "as-named")
    )
    assert sorted(absent.states[0].tolist()) == sorted([NOTHING, int(absent.states[0].max())])
    assert (named.states > 0).all()


@pytest.mark.parametrize("name", ["A*09:99", "A*01:XX", "A*01:AB", "A*rubbish"])
def test_what_cannot_be_read_fits_only_what_is_unknown(small: Resolver, name: str) -> None:
    allele = read_allele("A", name, small)
    found = HaplotypeTable.of(made_set(("A",), [((name,), 0.25), (("A*01:01",), 0.75)]), small)

    assert (allele.readable, allele.p_group, allele.nulls) == (False, None, frozenset())
    assert (found.unread, found.unread_share) == ((name,), 0.25)
    assert basis(imputed(found, typing({"A": ("01:XX", "01:XX")}))) is Basis.SET
    rest = imputed(found, typing({"A": ("01:01", "")}))
    assert at(rest, "A") == near({("01:01P", "01:01P"): 0.6, ("01:01P", name.partition("*")[2]): 0.4})
    assert len(imputed(found, typing({})).rows) == 3


def test_a_mixture_weighs_its_sets(small: Resolver) -> None:
    one = made_set(("A", "B"), [(("A*01:01", "B*01:01"), 1.0)])
    two = made_set(("A", "C"), [(("A*02:01", "C*01:01"), 1.0), (("A*01:01", "C*01:01"), 1.0)])
    found = HaplotypeTable.mixture([(1.0, one), (3.0, two)], small)

    assert found.loci == ("A",)
    assert found.frequencies.tolist() == [0.625, 0.375]  # (1 + 3 / 2) / 4 and 3 / 2 / 4
    assert [allele.name for allele in found.alleles["A"]] == ["A*01:01", "A*02:01"]


def test_sets_without_a_common_locus_do_not_mix(small: Resolver) -> None:
    sets = [(1.0, made_set((locus,), [((f"{locus}*01:01",), 1.0)])) for locus in ("A", "B")]

    with pytest.raises(ValueError, match="no locus in common"):
        HaplotypeTable.mixture(sets, small)


def test_people_of_different_mixtures_meet(small: Resolver) -> None:
    """A patient of one set, a unit of another: 01:01/01:01 or 01:01/02:01 …, each by his own frequencies."""
    one, two = table({"01:01": 0.5, "02:01": 0.5}, ("A",)), table({"02:01": 0.9, "03:01": 0.1}, ("A",))
    nobody = typing({})
    found = predict(Patient.of(imputed(one, nobody)), imputed(two, nobody))

    # patient 1/1 ¼, 1/2 ½, 2/2 ¼; unit 2/2 .81, 2/3 .18, 3/3 .01
    assert found.loci["A"][0].tolist() == pytest.approx(
        [0.25 * 0.81, 0.5 * 0.99 + 0.25 * 0.18, 0.25 + 0.5 * 0.01 + 0.25 * 0.01]
    )


def test_fewer_loci_are_kept(small: Resolver) -> None:
    found = table({"01:01 01:01": 0.5, "01:01 02:01": 0.5}, ("A", "DRB1"))

    assert found.only(["DRB1", "A"]) is found
    assert found.only(["A"]) is found.only(("A",))
    assert (found.only(["A"]).loci, found.only(["A"]).frequencies.tolist()) == (("A",), [1.0])


def test_a_set_without_a_locus_gives_the_classes_that_it_can() -> None:
    found = table({"01:01 01:01 01:01": 1.0}, ("A", "B", "DRB1"))
    people = imputed(found, typing({"A": ("01:01", "01:XX"), "C": ("01:01", "02:01")}))
    result = predict(Patient.of(people), people)

    assert (list(result.classes), list(result.loci)) == ([6], ["A", "B", "DRB1"])


def test_a_patient_with_more_loci_than_the_unit() -> None:
    wide = imputed(table({"01:01 01:01 01:01 01:01 01:01": 1.0}), typing({}))
    narrow = imputed(table({"01:01 02:01": 1.0}, ("A", "C")), typing({}))
    for patient, unit in ((wide, narrow), (narrow, wide)):
        result = predict(Patient.of(patient), unit)

        assert result.classes == {}
        assert {locus: shares.tolist() for locus, shares in result.loci.items()} == {
            "A": [[1.0, 0.0, 0.0]],
            "C": [[0.0, 0.0, 1.0]],
        }


def test_no_locus_in_common() -> None:
    one, two = (imputed(table({"01:01": 1.0}, (locus,)), typing({})) for locus in ("A", "B"))
    result = predict(Patient.of(one), two)

    assert (result.classes, result.loci, result.unknown.tolist()) == ({}, {}, [False])


def test_states_are_dense_and_stay(small: Resolver) -> None:
    space = StateSpace()

    assert (space.size("A"), list(space.keys("A"))) == (1, [""])
    assert [space.code("A", key) for key in (7, "A*01:04N", 7, 0)] == [1, 2, 1, 3]
    assert (space.size("A"), list(space.keys("A"))) == (4, ["", 7, "A*01:04N", 0])
    assert space.code("B", 7) == 1
    assert space_of(small) is space_of(small)


def test_two_threads_that_number_the_same_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second finds it numbered when its turn comes."""
    space = StateSpace()

    class Meanwhile:
        def __enter__(self) -> None:
            space._codes["A"][7] = 1
            space._keys["A"] = ["", 7]

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(space, "_lock", Meanwhile())

    assert space.code("A", 7) == 1
    assert list(space.keys("A")) == ["", 7]


def test_more_states_than_sixteen_bits_hold() -> None:
    space = StateSpace()
    for key in range((1 << 16) - 1):
        space.code("A", key)

    with pytest.raises(ValueError, match="alleles and groups at A"):
        space.code("A", 1 << 16)


def test_names_of_states(small: Resolver) -> None:
    found = table({"01:04N 01:01": 0.5, "02:01 01:01": 0.5}, ("A", "B"), nulls="as-named")
    names = {
        state_name(small, locus, int(code))
        for place, locus in enumerate(found.loci)
        for code in [NOTHING, *found.states[place, : found.sizes[place]]]
    }

    assert names == {"", "A*01:04N", "A*02:01P", "B*01:01P"}


def test_the_nomenclature_at_hand_reads_a_set_too() -> None:
    """Without any release: the built-in one."""
    resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    rows = [(tuple(f"{locus}*01:01" for locus in SEARCH_LOCI), 1.0)]
    found = HaplotypeTable.of(made_set(SEARCH_LOCI, rows), resolver)

    assert (len(found), found.unread) == (1, ())
    assert np.array_equal(found.sizes, [1] * 5)
