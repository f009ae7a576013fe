"""One pair looked at closely, the value of the next typing, rows of the matrix."""

from __future__ import annotations

import numpy as np
import pytest

from hla.loci import SEARCH_LOCI
from hla.people import Column, People
from hla.prediction import whole
from hla.prediction.combine import CLASS_LOCI, Patient, predict
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Imputed
from hla.prediction.matrix import PredictedMatrix
from hla.prediction.next_typing import typing_values
from hla.prediction.table import HaplotypeTable
from hla.prediction.whole import TooOpen, likely_genotypes, whole_distribution
from hla.typing import Typing, parse_pair
from scripts.validate_hla import RealData
from tests.hla.prediction.compared import made_set, shares_of
from tests.hla.prediction.toys import imputed, table
from tests.hla.prediction.twin import CLASSES, Shares, mismatches
from tests.hla.prediction.wmda import percent
from tests.hla.prediction.world import Chance, resolver, typing

FIVE = {
    "01:01 01:01 01:01 01:01 01:01": 0.5,
    "01:02 01:01 01:01 01:03 01:01": 0.3,
    "02:01 02:01 02:01 02:01 02:01": 0.2,
}


def test_the_likeliest_genotypes_by_name() -> None:
    rows = {"01:04N 01:01": 0.5, "02:01 01:01": 0.3, "02:01 02:01": 0.2}
    found = imputed(
        table(rows, ("A", "B"), nulls="as-named"), typing({"A": ("01:04N", "02:01"), "B": ("01:01", "")})
    )

    first, second = likely_genotypes(found, 0)
    assert first.alleles == {"A": ("A*01:04N", "A*02:01P"), "B": ("B*01:01P", "B*01:01P")}
    assert (first.share, second.share) == pytest.approx((0.6, 0.4))
    assert second.alleles["B"] == ("B*01:01P", "B*02:01P")
    assert len(likely_genotypes(found, 0, 1)) == 1


def test_genotypes_that_are_equally_likely_come_by_name_whatever_their_numbers() -> None:
    """Numbers of states are those of a process; a later one, or another order of rows, must name the same ten."""
    names = ["02:01 02:01", "01:02 01:01", "01:01 02:01", "02:01 01:01", "01:02 02:01", "01:01 01:01"]
    firsts = []
    for order in (names, names[::-1]):
        found = imputed(table(dict.fromkeys(order, 1 / 6), ("A", "B")), typing({}))
        firsts.append([(one.alleles, round(one.share, 9)) for one in likely_genotypes(found, 0, 7)])
        everything = likely_genotypes(found, 0, 999)
        ordered = sorted(everything, key=lambda one: (-round(one.share, 9), list(one.alleles.values())))
        assert everything == ordered
        assert [one.alleles for one in everything[:7]] == [alleles for alleles, _ in firsts[-1]]

    assert firsts[0] == firsts[1]
    assert firsts[0][0] == ({"A": ("A*01:01P", "A*01:02P"), "B": ("B*01:01P", "B*02:01P")}, round(4 / 36, 9))


def test_the_likeliest_genotype_of_two_nulls_says_nothing() -> None:
    found = imputed(table({"01:04N": 1.0}, ("A",)), typing({"A": ("01:XX", "")}))

    assert [one.alleles for one in likely_genotypes(found, 0)] == [{"A": ("", "")}]


def test_a_whole_distribution_adds_up_and_agrees() -> None:
    found = imputed(table(FIVE), typing({}), typing({"A": ("01:XX", "01:XX")}))
    patient = Patient.of(found, 1)
    result = whole_distribution(patient, found)
    expected = predict(patient, found.taken([0]), upto=10)

    assert result is not None
    assert result.lost == 0.0
    for size, shares in result.classes.items():
        assert shares == pytest.approx(expected.classes[size][0], abs=1e-10)
        assert shares.sum() == pytest.approx(1.0)


def test_a_whole_distribution_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hla.prediction.fits.MAX_PAIRS_LISTED", 0)
    found = imputed(table(FIVE), typing({"A": ("03:XX", "03:01")}), typing({}))

    assert whole_distribution(Patient.of(found, 1), found, 0) is None
    assert whole_distribution(Patient.of(found, 0), found, 1) is None


def test_a_very_open_pair_loses_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {f"{one} {two} 01:01 01:01 01:01": 10.0 ** -(3 * at) for at, (one, two) in enumerate(NAMES)}
    found = imputed(table(rows), typing({}), exact_pairs=1_000_000)
    exact = whole_distribution(Patient.of(found), found)
    monkeypatch.setattr(whole, "PAIRS_AT_MOST", 9)
    cut = whole_distribution(Patient.of(found), found)

    assert exact is not None
    assert cut is not None
    assert 0 < cut.lost <= 1e-3
    for size, shares in cut.classes.items():
        assert (shares <= exact.classes[size] + 1e-12).all()
        assert shares.sum() >= 1 - cut.lost - 1e-12

    monkeypatch.setattr(whole, "PAIRS_AT_MOST", 0)
    with pytest.raises(TooOpen):
        whole_distribution(Patient.of(found), found)


NAMES = [(f"0{family}:01", f"0{other}:01") for family in (1, 2, 3) for other in (1, 2)]


@pytest.mark.parametrize("size", [6, 8, 10])
def test_the_value_of_a_typing_equals_its_enumeration(size: int) -> None:
    for number in range(12):
        chance = Chance(f"next {size} {number}")
        haplotypes = chance.haplotypes(SEARCH_LOCI)
        patient, *units = (chance.typing(SEARCH_LOCI, haplotypes) for _ in range(4))
        imputer = Imputer(HaplotypeTable.of(made_set(SEARCH_LOCI, haplotypes), resolver()))
        own, others = imputer.impute([patient]), imputer.impute(units)
        allowed, elsewhere = chance.random.randint(0, 3), chance.random.choice((0.0, 0.3))
        found = typing_values(Patient.of(own), others, size=size, allowed=allowed, elsewhere=elsewhere)
        best, gains = values_by_hand(shares_of(own), others, size, allowed, elsewhere)

        assert found.loci == CLASS_LOCI[size]
        assert found.best == pytest.approx(best, abs=1e-9)
        assert found.gains == pytest.approx(gains, abs=1e-9)
        assert (found.gains >= 0).all()


def values_by_hand(
    patient: Shares, units: Imputed, size: int, allowed: int, elsewhere: float
) -> tuple[float, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Each answer of each question: what the best unit then has, less what it has now."""
    places = [SEARCH_LOCI.index(locus) for locus in CLASSES[size]]
    people = [shares_of(units, unit) for unit in range(len(units))]

    def reached(shares: Shares) -> float:
        """Probability that a person with these genotypes has few enough mismatches; shares add up to 1."""
        return sum(
            mine * share
            for own, mine in patient.items()
            for genotype, share in shares.items()
            if sum(mismatches(own[place], genotype[place]) for place in places) <= allowed
        )

    now = [reached(shares) for shares in people]
    best = max([*now, elsewhere])
    gains = np.zeros((len(people), len(places)))
    for unit, shares in enumerate(people):
        rest = max([elsewhere, *(now[other] for other in range(len(people)) if other != unit)])
        for at, place in enumerate(places):
            after = 0.0
            for answer in {genotype[place] for genotype in shares}:
                left = {genotype: share for genotype, share in shares.items() if genotype[place] == answer}
                chance = sum(left.values())
                then = reached({genotype: share / chance for genotype, share in left.items()})
                after += chance * max(then, rest)
            gains[unit, at] = after - best if shares else 0.0
    return best, gains


def test_typing_a_person_of_whom_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hla.prediction.fits.MAX_PAIRS_LISTED", 0)
    found = imputed(table(FIVE), typing({"A": ("03:XX", "03:01")}), typing({"A": ("01:01", "")}))
    values = typing_values(Patient.of(found, 1), found)

    assert values.reached[0] == 0.0
    assert values.gains[0].tolist() == [0.0] * 4


def people(typings: list[Typing], name: str) -> People:
    columns = {
        locus: Column([one.locus(locus) for one in typings], list(range(len(typings))))
        for locus in SEARCH_LOCI
    }
    return People([f"{name}{number}" for number in range(len(typings))], columns)


def test_rows_of_the_matrix_say_what_predictions_say() -> None:
    for number in range(12):
        chance = Chance(f"rows {number}")
        loci = SEARCH_LOCI if number % 2 else chance.loci()
        haplotypes = chance.haplotypes(loci)
        patients, units = ([chance.typing(loci, haplotypes) for _ in range(3)] for _ in "12")
        found = HaplotypeTable.of(made_set(loci, haplotypes), resolver())
        matrix = PredictedMatrix.of(people(patients, "P"), people(units, "U"), found)
        imputer = Imputer(found)
        others = imputer.impute(units)

        assert matrix.header().decode().split(";")[:3] == ["patient", "unit", loci[0]]
        for place, patient in enumerate(patients):
            own = Patient.of(imputer.impute([patient]))
            lines = bytes(matrix.block(place)).decode().splitlines()
            result = predict(own, others)
            for unit, line in enumerate(lines):
                cells = line.split(";")
                assert cells[:2] == [f"P{place}", f"U{unit}"]
                for at, locus in enumerate(loci):
                    share = float(result.loci[locus][unit, 0])
                    assert cells[2 + 2 * at : 4 + 2 * at] == [grade(share), percent(share)]
                if len(loci) == 5:
                    both = [percent(float(result.classes[10][unit, k])) for k in (1, 0)]
                    assert cells[-2:] == both


@pytest.mark.slow
def test_more_pairs_at_a_locus_than_sixteen_bits_number(real: RealData) -> None:
    """370 alleles of one locus make 68,635 pairs."""
    groups: dict[int, str] = {}
    for number in range(1, 600):
        name = real.nomenclature.name("B", f"15:{number:02d}")
        if name is not None and len(name.p_groups) == 1:
            groups.setdefault(min(name.p_groups), f"B*15:{number:02d}")
    names = list(groups.values())[:370]
    rows = [((name,), 1.0 + place / 1_000) for place, name in enumerate(names)]
    found = HaplotypeTable.of(made_set(("B",), rows), real.resolver)
    last = [allele.name for allele in found.alleles["B"][-2:]]  # the highest numbers
    persons = [Typing({}), Typing.of([parse_pair("B", *last, real.resolver)])]
    matrix = PredictedMatrix.of(people(persons, "P"), people(persons, "U"), found)
    imputed_ = Imputer(found).impute(persons)

    assert len(matrix.columns[0].pairs) > 1 << 16
    for place in range(2):
        own = Patient.of(imputed_, place)
        shares = predict(own, imputed_).loci["B"]
        lines = bytes(matrix.block(place)).decode().splitlines()
        assert [line.split(";")[2:4] for line in lines] == [
            [grade(share), percent(share)] for share in shares[:, 0].tolist()
        ]
        _, both = matrix._at_loci(place)
        assert both[0].tolist() == pytest.approx(shares[:, 0].tolist())
        assert matrix._over_all(own) == pytest.approx(shares[:, :2])


def grade(share: float) -> str:
    return "A" if share > 1 - 1e-12 else "M" if share < 1e-12 else "P"
