"""Shares of new units that serve a patient: exact against drawing every pair; gains by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hla.loci import SEARCH_LOCI
from hla.matching import CLASSES
from matching.engine.planning import planned
from matching.engine.planning_expected import Expected, matches_of_kinds
from matching.engine.planning_people import Population
from matching.engine.planning_plan import GRID
from matching.engine.planning_scan import Matcher
from matching.engine.policy import Policy
from tests.factories.planning import ONE, RESOLVER, TWO, toy_plan, toy_set, toy_snapshot, toy_unit
from tests.matching.test_planning import RANDOM_SET


@pytest.mark.parametrize("name", CLASSES)
def test_a_distribution_is_that_of_all_pairs(name: str) -> None:
    """Every pair of haplotypes as a unit, searched by the kernel and weighed by its frequency."""
    population = Population.of(RANDOM_SET, RESOLVER)
    expected = Expected(population, RESOLVER, Policy(), name)
    shares = np.diff(population.upto, prepend=0.0)
    pairs = np.array(list(product(range(len(population)), repeat=2)))
    matcher = Matcher(toy_snapshot(population.units(pairs, [1] * len(pairs))), population.loci, Policy())
    weights = shares[pairs[:, 0]] * shares[pairs[:, 1]]
    place = matcher.classes.index(name)
    for genotype in population.genotypes(population.drawn(np.random.default_rng(1), 6, 2)):
        found = matcher.candidates(population.pairs(genotype.tolist()))
        numbers = matcher.numbers()[found.rows]
        most = found.packed >> np.uint32(8 * place) & np.uint32(15)
        patient = population.pairs(genotype.tolist())
        distribution = expected.distribution(patient)
        assert distribution.sum() == pytest.approx(1.0)
        for floor in GRID[name]:
            reached = weights[numbers[most >= floor]].sum()
            assert distribution[floor:].sum() == pytest.approx(reached)
            by_haplotype = expected.shares(expected.kinds(patient), floor)
            assert expected.frequencies @ by_haplotype == pytest.approx(reached)


def test_matches_of_two_kinds() -> None:
    none, first, second, both = range(4)
    found = matches_of_kinds(1)

    assert found[first, second] == found[both, both] == found[both, first] == 2
    assert found[first, first] == found[none, both] == found[second, none] == 1
    assert found[none, none] == 0
    assert matches_of_kinds(3).max() == 6


def test_gains_by_hand() -> None:
    """Half of the haplotypes are TWO. Who is twice TWO, one of four, has no unit; a unit of twice TWO serves him."""
    plan = toy_plan(patients=400, target=("antigen6", 6))
    rows = [toy_unit(1, ONE, ONE, 100), toy_unit(2, ONE, TWO, 100), toy_unit(3, ONE, ONE, 10)]

    gains = planned(plan, toy_set((ONE, 0.5), (TWO, 0.5)), toy_snapshot(rows)).gains

    (best,) = gains.best
    enough = 2 / 3  # of the units on offer have the cells
    assert best.haplotype == "A*02:01~B*07:02~DRB1*15:01"
    assert best.frequency == pytest.approx(0.5)
    assert (gains.patients, best.gain) == (200, pytest.approx(gains.unserved / 200 * 0.5 * enough))
    assert gains.anybody.gain == pytest.approx(gains.unserved / 200 * 0.25 * enough)
    assert best.low < best.gain < best.high
    assert 30 < gains.unserved < 70


def test_no_gain_where_everybody_is_served() -> None:
    gains = planned(toy_plan(), toy_set(), toy_snapshot([toy_unit(1, ONE, ONE, 100)])).gains

    assert (gains.best, gains.unserved, gains.anybody.gain) == ((), 0, 0.0)


def test_a_name_that_cannot_be_read_matches_nobody() -> None:
    bad = ONE.replace("01:01", "01:ZZZZ", 1)
    population = Population.of(toy_set((ONE, 0.7), (bad, 0.3), loci=SEARCH_LOCI), RESOLVER)
    expected = Expected(population, RESOLVER, Policy(), "antigen6")

    patient = {locus: (f"{locus}*{name}",) * 2 for locus, name in zip(SEARCH_LOCI, ONE.split(), strict=True)}
    assert expected.distribution(patient).tolist() == [0, 0, 0, 0, 0, 0, 1]
