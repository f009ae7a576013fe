"""The kernel against its slow twin."""

from __future__ import annotations

import pytest

from scripts.validate_hla import RealData
from tests.hla.prediction import full
from tests.hla.prediction.compared import Deviation, compare
from tests.hla.prediction.twin import Twin
from tests.hla.prediction.world import Chance, resolver

UNITS = 4
PARTS = 5


@pytest.mark.parametrize("part", range(PARTS))
def test_small_sets_equal_enumeration(part: int) -> None:
    """2,000 pairs in all, typings of every sort, one to five loci."""
    found = Deviation()
    for number in range(2_000 // PARTS // UNITS):
        chance = Chance(f"small {part} {number}")
        loci = chance.loci()
        haplotypes = chance.haplotypes(loci)
        twin = Twin(loci, haplotypes, resolver(), chance.random.choice(("absent", "absent", "as-named")))
        people = [chance.typing(loci, haplotypes) for _ in range(UNITS + 1)]
        found.add(compare(twin, people[0], people[1:]))

    assert found.wrong == []
    assert found.pairs == 2_000 // PARTS
    assert found.largest < 1e-10
    assert found.unknown + found.too_many < found.pairs / 100


@pytest.mark.slow
@pytest.mark.validation
@pytest.mark.parametrize("name", ["CAU", "API"])
def test_real_sets_equal_enumeration(real: RealData, name: str) -> None:
    """Two patients with five units each of the 500 pairs of scripts/validate_prediction.py."""
    found = Deviation()
    for number in range(2):
        found.add(full.part(real, name, number))

    assert found.wrong == []
    assert (found.pairs, found.too_many) == (10, 0)
    assert found.largest < 1e-9
