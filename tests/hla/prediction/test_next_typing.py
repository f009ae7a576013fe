"""The value of the next typing, against trying every answer."""

from __future__ import annotations

import numpy as np
import pytest

from hla.prediction import combine, next_typing
from hla.prediction.combine import CLASS_LOCI, Patient
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Imputed
from hla.prediction.next_typing import most_gained, typing_values
from hla.prediction.table import HaplotypeTable
from tests.hla.prediction.compared import made_set, shares_of
from tests.hla.prediction.twin import Shares, mismatches
from tests.hla.prediction.world import Chance, resolver, typing

LOCI = ("A", "B", "C", "DRB1", "DQB1")


def chance_of_fit(patient: Shares, unit: Shares, loci: tuple[str, ...], allowed: int) -> float:
    at = [LOCI.index(locus) for locus in loci]
    return sum(
        weight * share
        for mine, weight in patient.items()
        for theirs, share in unit.items()
        if sum(mismatches(mine[place], theirs[place]) for place in at) <= allowed
    )


def gain(
    patient: Shares, units: list[Shares], which: int, locus: str, loci: tuple[str, ...], allowed: int
) -> float:
    """Type one unit at one locus: for each answer the best unit then, weighed, less the best one now."""
    now = [chance_of_fit(patient, unit, loci, allowed) for unit in units]
    others = max([0.0, *now[:which], *now[which + 1 :]])
    place = LOCI.index(locus)
    after = 0.0
    for answer in {genotype[place] for genotype in units[which]}:
        left = {genotype: share for genotype, share in units[which].items() if genotype[place] == answer}
        weight = sum(left.values())
        known = {genotype: share / weight for genotype, share in left.items()}
        after += weight * max(chance_of_fit(patient, known, loci, allowed), others)
    return after - max(now)


def imputed(seed: int, count: int) -> Imputed:
    chance = Chance(f"next {seed}")
    haplotypes = chance.haplotypes(LOCI, most=12)
    imputer = Imputer(HaplotypeTable.of(made_set(LOCI, haplotypes), resolver()))
    return imputer.impute([chance.typing(LOCI, haplotypes) for _ in range(count)])


def test_many_genotypes_are_shared_between_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    found = imputed(2, 6)
    alone = typing_values(Patient.of(found), found)
    monkeypatch.setattr(combine, "ALONE_BELOW", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    assert typing_values(Patient.of(found), found).gains.tolist() == alone.gains.tolist()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("size", "allowed"), [(8, 1), (6, 0), (10, 2)])
def test_gains_are_those_of_trying_every_answer(seed: int, size: int, allowed: int) -> None:
    found = imputed(seed, 6)
    patient, units = Patient.of(found, 0), found.taken(range(1, 6))
    values = typing_values(patient, units, size=size, allowed=allowed)

    mine, theirs = shares_of(found), [shares_of(units, at) for at in range(5)]
    loci = CLASS_LOCI[size]
    assert values.loci == loci
    now = [chance_of_fit(mine, one, loci, allowed) for one in theirs]
    assert values.reached == pytest.approx(now, abs=1e-9)
    assert values.best == pytest.approx(max(now), abs=1e-9)
    for which in range(5):
        for at, locus in enumerate(loci):
            expected = gain(mine, theirs, which, locus, loci, allowed)
            assert values.gains[which, at] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("elsewhere", [0.0, 0.2, 0.7, 1.0])
def test_nothing_gains_more_than_the_bound(seed: int, elsewhere: float) -> None:
    found = imputed(seed, 6)
    patient = Patient.of(found)

    for at in range(1, 6):
        values = typing_values(patient, found.taken([at]), elsewhere=elsewhere)
        assert values.gains.max() <= most_gained(float(values.reached[0]), elsewhere) + 1e-12


def test_the_bound_is_reached_by_a_typing_that_leaves_no_doubt() -> None:
    assert most_gained(0.5, 0.25) == pytest.approx(0.5 * 1.0 + 0.5 * 0.25 - 0.5)
    assert most_gained(0.25, 0.5) == pytest.approx(0.25 * 1.0 + 0.75 * 0.5 - 0.5)


def test_by_hand() -> None:
    """A unit that fits with 0.5: typed, it is known to fit or not. Beside one of 0.4 the answer no costs less."""
    haplotypes = [((f"A*01:0{at}", "B*01:01", "DRB1*01:01"), 0.5) for at in (1, 3)]
    imputer = Imputer(HaplotypeTable.of(made_set(("A", "B", "DRB1"), haplotypes), resolver()))
    whole = {"A": ("01:01", "01:01"), "B": ("01:01", "01:01"), "DRB1": ("01:01", "01:01")}
    found = imputer.impute([typing(whole), typing({**whole, "A": ("01:01", "01:01/01:03")})])
    patient, unit = Patient.of(found), found.taken([1])

    share = 1 / 3  # 01:01+01:01 (0.25) beside 01:01+01:03 (0.5)
    alone = typing_values(patient, unit, size=6, allowed=0)
    beside = typing_values(patient, unit, size=6, allowed=0, elsewhere=0.2)
    behind = typing_values(patient, unit, size=6, allowed=0, elsewhere=0.9)

    assert alone.best == pytest.approx(share)
    assert alone.gains.tolist() == [[0.0, 0.0, 0.0]]  # nothing else could be chosen
    assert beside.gains[0] == pytest.approx([share + (1 - share) * 0.2 - share, 0, 0])
    assert behind.best == 0.9
    assert behind.gains[0] == pytest.approx([share + (1 - share) * 0.9 - 0.9, 0, 0])


def test_no_units_and_units_without_an_estimate() -> None:
    found = imputed(1, 2)
    nobody = typing_values(Patient.of(found), found.taken([]))
    assert (nobody.best, nobody.gains.shape) == (0.0, (0, 4))

    empty = Imputed(
        found.table,
        found.rows[:0],
        found.shares[:0],
        np.zeros(2, dtype=np.int64),
        np.zeros(1),
        np.zeros(1),
        ((),),
    )
    values = typing_values(Patient.of(found), empty, elsewhere=0.5)
    assert values.gains.tolist() == [[0.0] * 4]


@pytest.mark.parametrize("seed", range(4))
def test_many_genotypes_are_numbered_as_few_are_sorted(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    found = imputed(40 + seed, 5)
    patient = Patient.of(found)
    sorted_ones = typing_values(patient, found)
    monkeypatch.setattr(next_typing, "SORTED_UP_TO", 0)

    numbered = typing_values(patient, found)

    assert np.allclose(numbered.gains, sorted_ones.gains, rtol=0, atol=1e-14)
    assert numbered.best == sorted_ones.best
