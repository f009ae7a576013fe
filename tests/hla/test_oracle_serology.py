"""rel_dna_ser.txt and rel_ser_ser.txt read a second time, by a reader that shares nothing with hla/."""

from __future__ import annotations

import pytest

from hla.loci import LOCI
from scripts.validate_hla import RealData
from tests.hla.oracle.expansions import SEROLOGY_LOCI, Expansions
from tests.hla.oracle.serology import Serology, antigens_of

ALLELES = 39_083
ANTIGENS = 137


@pytest.fixture(scope="session")
def serology(real: RealData) -> Serology:
    return Serology(real.folder / "imgt" / "3580")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["62", "", "", "15"], {"62"}),
        (["", "15/21", "", "13"], {"15", "21"}),
        (["", "", "0/1", ""], {"1"}),
        (["?", "", "", "7"], {"12"}),
        (["0", "", "", "44"], {"12"}),
        (["", "", "", ""], {"12"}),
    ],
)
def test_rule_of_the_columns(columns: list[str], expected: set[str]) -> None:
    assert antigens_of("12:14:01", columns) == expected


def test_antigens_of_every_allele(real: RealData, serology: Serology) -> None:
    compared, different = 0, []
    for locus in LOCI:
        content = real.nomenclature._contents[locus]  # type: ignore[attr-defined]
        for name, place in zip(content.alleles, content.antigen_ids, strict=True):
            compared += 1
            ours, theirs = set(content.antigens[place].split("/")), serology.assigned[locus][name]
            if ours != theirs:
                different.append((locus, name, ours, theirs))

    assert different == []
    assert compared == ALLELES


def test_alleles_of_every_antigen(real: RealData, serology: Serology) -> None:
    """Upwards, downwards and associated, for every antigen in the WHO's list."""
    compared = 0
    for locus in SEROLOGY_LOCI:
        for antigen in serology.antigens(locus):
            compared += 1
            text = Expansions.called(locus) + antigen
            assert set(real.resolver.alleles(locus, text)) == serology.alleles(locus, antigen), text
    assert compared == ANTIGENS


def test_an_antigen_is_its_own_locus(real: RealData, serology: Serology) -> None:
    """The same antigens are known to both, none more."""
    for locus in SEROLOGY_LOCI:
        assert set(real.nomenclature.serology_names(locus)) == set(serology.antigens(locus))
