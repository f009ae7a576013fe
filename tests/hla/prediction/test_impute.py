"""Imputation of persons: what a typing leaves, what the set adds, in which company."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hla.errors import TypingError
from hla.loci import SEARCH_LOCI
from hla.prediction import fits, layout
from hla.prediction.combine import Patient, predict, radices
from hla.prediction.fits import FIRST, SECOND, locus_fit
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Part, genotype_rows, joined, pairs_in, states_of
from hla.typing import LocusTyping, Typing
from tests.hla.prediction.compared import shares_of
from tests.hla.prediction.toys import at, basis, imputed, near, table
from tests.hla.prediction.world import typing

TWO = {"01:01": 0.7, "02:01": 0.3}


def test_a_person_by_hand() -> None:
    """Homozygous f², heterozygous 2·f·f."""
    found = imputed(table(TWO, ("A",)), typing({"A": ("01:XX", "")}))

    assert basis(found) is Basis.SET
    assert at(found, "A") == near({("01:01P", "01:01P"): 0.49 / 0.91, ("01:01P", "02:01P"): 0.42 / 0.91})


def test_phases_are_put_together() -> None:
    rows = {"01:01 01:01": 0.4, "02:01 02:01": 0.3, "01:01 02:01": 0.2, "02:01 01:01": 0.1}
    found = imputed(table(rows, ("A", "B")), typing({"A": ("01:01", "02:01"), "B": ("01:XX", "02:XX")}))

    assert list(shares_of(found).values()) == [1.0]


def test_a_null_takes_its_partners_type() -> None:
    rows = {"01:04N": 0.2, "01:01": 0.5, "02:01": 0.3}
    absent, named = (table(rows, ("A",), nulls=nulls) for nulls in ("absent", "as-named"))
    person = typing({"A": ("01:01/01:04N", "02:01")})

    assert at(imputed(absent, person), "A") == near(
        {("01:01P", "02:01P"): 5 / 7, ("02:01P", "02:01P"): 2 / 7}
    )
    assert at(imputed(named, person), "A") == near({("01:01P", "02:01P"): 5 / 7, ("01:04N", "02:01P"): 2 / 7})


def test_two_nulls_express_nothing_and_match_nothing() -> None:
    rows = {"01:04N": 0.5, "02:04N": 0.5}
    found = imputed(table(rows, ("A",)), typing({"A": ("01:04N", "")}))

    assert at(found, "A") == near({("", ""): 1.0})
    assert predict(Patient.of(found), found).loci["A"].tolist() == [[0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("01:01", "02:01"), Basis.TYPING),
        (("01:01:01G", "02:01P"), Basis.TYPING),
        (("01:01:01/01:01:02", "02:01"), Basis.TYPING),  # one P group
        (("01:01:01|01:01:02", "02:01|02:01"), Basis.TYPING),
        (("01:04N", "02:01"), Basis.TYPING),
        (("01:01", ""), Basis.SET),
        (("01:XX", "02:01"), Basis.SET),
        (("01:01/02:01", "01:01"), Basis.SET),
        (("01:01|02:01", "01:01|02:01"), Basis.SET),
    ],
)
def test_what_leaves_one_genotype_needs_no_set(values: tuple[str, str], expected: Basis) -> None:
    assert basis(imputed(table(TWO, ("A",)), typing({"A": values}))) is expected


@pytest.mark.parametrize("values", [("01:01:01G", "02:01"), ("01:01/01:04N", "02:01")])
def test_a_null_of_the_set_that_a_value_sets_aside_leaves_two_genotypes(values: tuple[str, str]) -> None:
    rows = {**TWO, "01:04N": 0.1, "01:01:03N": 0.1}
    found = imputed(table(rows, ("A",)), typing({"A": values}))

    assert basis(found) is Basis.SET
    assert at(found, "A") == near({("01:01P", "02:01P"): 7 / 8, ("02:01P", "02:01P"): 1 / 8})


@pytest.mark.parametrize(
    ("text", "expected"), [("01:04N", ("01:01P", "01:04N")), ("02:04N", ("01:01P", "02:04N"))]
)
def test_a_null_as_named_has_the_name_of_the_set_or_its_own(text: str, expected: tuple[str, str]) -> None:
    found = imputed(table({**TWO, "01:04N": 0.1}, ("A",), nulls="as-named"), typing({"A": ("01:01", text)}))

    assert basis(found) is Basis.TYPING
    assert at(found, "A") == near({expected: 1.0})


def test_nulls_as_named_of_which_the_set_has_two() -> None:
    rows = {**TWO, "01:04N": 0.1, "02:04N": 0.3}
    found = imputed(table(rows, ("A",), nulls="as-named"), typing({"A": ("01:01", "01:04N/02:04N")}))

    assert basis(found) is Basis.SET
    assert at(found, "A") == near({("01:01P", "01:04N"): 0.25, ("01:01P", "02:04N"): 0.75})


def test_nobody() -> None:
    found = imputed(table(TWO, ("A",)))

    assert (len(found), len(found.rows), found.relaxed, found.loci) == (0, 0, (), ("A",))
    assert found.states().shape == (0, 1, 2)
    assert len(found.taken([])) == 0
    assert len(joined(found.table, [])) == 0
    patient = Patient.of(imputed(found.table, typing({})))
    assert predict(patient, found).loci["A"].shape == (0, 3)


def test_equal_typings_are_imputed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    person, other = typing({"A": ("01:XX", "")}), typing({"A": ("02:XX", "")})
    imputer = Imputer(table(TWO, ("A",)))
    asked: list[int] = []
    explained = Imputer.explained
    monkeypatch.setattr(
        Imputer, "explained", lambda self, people: asked.append(len(people)) or explained(self, people)
    )
    found = imputer.impute([person, other, person])

    assert asked == [2]
    assert shares_of(found, 0) == shares_of(found, 2) != shares_of(found, 1)
    assert shares_of(found.taken([1, 0]), 1) == shares_of(found, 0)


def test_a_text_that_cannot_be_read() -> None:
    person = Typing({"A": LocusTyping("A", "A*09:99", "A*01:01", "pair")})

    with pytest.raises(TypingError):
        Imputer(table(TWO, ("A",))).impute([person])


def test_kept_fits_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_KEPT", 3)
    monkeypatch.setattr(layout, "FIRST_ROOM", 1)
    monkeypatch.setattr(fits, "MAX_VALUES_KEPT", 2)
    imputer = Imputer(table({"01:01 01:01": 1.0}, ("A", "B")))
    people = [typing({"A": (text, "")}) for text in ("01:01", "01:XX", "01:01:02", "", "01:01")]
    found = imputer.impute(people)

    assert [shares_of(found, person) for person in range(5)] == [shares_of(found, 0)] * 5
    assert imputer.impute(people[:1]).shares.tolist() == found.of(0)[1].tolist()
    assert len(imputer._known) <= 6
    assert len(imputer.table.value_fits) <= 2


def test_a_cut_keeps_the_likeliest_and_says_what_was_left() -> None:
    rows = {
        f"0{family}:0{member}": share
        for family, member, share in ((1, 1, 0.9), (1, 2, 0.0), (2, 1, 0.09), (3, 1, 0.01))
        if share
    }
    found = imputed(table(rows, ("A",)), typing({}), bound=0.05, exact_pairs=1)

    assert 0 < found.lost[0] <= 0.05
    assert at(found, "A") == near({("01:01P", "01:01P"): 0.81, ("01:01P", "02:01P"): 0.162})
    assert found.lost[0] == pytest.approx(0.028)


def test_a_typing_that_is_exact_by_default() -> None:
    assert imputed(table(TWO, ("A",)), typing({})).lost.tolist() == [0.0]


def test_fits_of_values_in_order() -> None:
    found = locus_fit(table(TWO, ("A",)), "A", "A*01:XX", "A*01:01/A*02:01")

    assert found.bits.tolist() == [FIRST | SECOND, SECOND]
    assert (found.pairs, found.certain) == (None, None)
    listed = locus_fit(table(TWO, ("A",)), "A", "A*01:01|A*02:01", "A*01:01|A*02:01")
    assert listed.pairs is not None
    assert listed.pairs.tolist() == [[True, False], [False, True]]


def test_rows_of_genotypes() -> None:
    rows = genotype_rows([[(2, 1), (3, 3)], [(0, 0), (5, 65_535)]], [0, 4])

    assert states_of(rows)[:, [0, 4]].tolist() == [[[1, 2], [3, 3]], [[0, 0], [5, 65_535]]]
    assert pairs_in(rows)[:, 0].tolist() == [1 + (2 << 16), 0]
    assert pairs_in(rows[:0]).shape == (0, 6)


def test_one_person_as_a_part() -> None:
    found = imputed(table(TWO, ("A",)), typing({"A": ("01:XX", "")}), typing({"A": ("03:XX", "")}))
    part = found.part(1)

    assert (part.basis, part.relaxed, part.lost) == (Basis.LISTED, ("A",), 0.0)
    assert len(part.rows) == len(part.shares) == 6
    assert shares_of(joined(found.table, [found.part(0), part]), 1) == shares_of(found, 1)
    assert (len(Part().rows), Part().basis) == (0, Basis.NONE)


def test_more_alleles_than_a_key_has_room_for() -> None:
    with pytest.raises(ValueError, match="Too many alleles"):
        radices([3_000] * 5)  # type: ignore[arg-type]
    assert len(radices([1_000] * 5)) == len(SEARCH_LOCI)  # type: ignore[arg-type]


def test_threads_that_meet_new_texts_at_once_do_not_mix_them_up() -> None:
    shared = Imputer(table({"01:01 01:01": 0.5, "02:02 02:02": 0.3, "03:03 03:03": 0.2}, ("A", "B")))
    texts = [f"{family}:{member}" for family in ("01", "02", "03") for member in ("01", "02", "03", "XX")]
    people = [typing({"A": (one, other), "B": (other, one)}) for one in texts for other in texts]
    alone = [shares_of(Imputer(shared.table).impute([person])) for person in people]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda person: shares_of(shared.impute([person])), people))

    assert found == alone
