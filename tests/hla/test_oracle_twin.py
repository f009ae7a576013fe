"""Kernel and slow twin on random typings of mixed resolution over the real release.

make validate compares 200,000 pairs.
"""

from __future__ import annotations

import os

import pytest

from hla.loci import LOCI
from scripts.validate_hla import RealData
from tests.hla.oracle.twin import Source, Tally, compared

SEED = os.environ.get("QIDAI_TEST_SEED", "3")


@pytest.fixture(scope="session")
def source(real: RealData) -> Source:
    return Source(real)


def test_kernel_and_twin_agree_and_the_evidence_fits(source: Source) -> None:
    tally = Tally()
    for locus in LOCI:
        tally.add(compared(source, locus, f"{SEED} {locus}", 14, 14))

    assert tally.differences == []
    assert tally.pairs > 2000
    assert tally.explained > 500
    assert tally.enumerated > 500
    assert {"allele", "list", "mac", "xx", "serology", "g_group", "p_group", "null"} <= tally.kinds.keys()
    assert tally.kinds["genotype list"]
    assert tally.kinds["homozygous"]
