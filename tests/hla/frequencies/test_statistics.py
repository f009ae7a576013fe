"""Figures of a set."""

from __future__ import annotations

import pytest

from hla.frequencies.demo import A_ALLELES, demo_set
from hla.frequencies.statistics import allele_frequencies, covered, needed, top_haplotypes
from tests.hla.frequencies.test_sets import made


def test_top_haplotypes_with_their_sums() -> None:
    top = top_haplotypes(made(), 2)

    assert [(one.rank, one.names, one.frequency, one.cumulative) for one in top] == [
        (1, ("A*02:01", "DRB1*15:01"), pytest.approx(0.5), pytest.approx(0.5)),
        (2, ("A*01:01", "DRB1*03:01"), pytest.approx(0.3), pytest.approx(0.8)),
    ]
    assert len(top_haplotypes(made(), 99)) == 4


def test_alleles_of_each_locus() -> None:
    found = allele_frequencies(made())

    assert [(one.names, one.frequency) for one in found["A"]] == [
        (("A*02:01",), pytest.approx(0.6)),
        (("A*01:01",), pytest.approx(0.4)),
    ]
    assert found["DRB1"][-1].cumulative == pytest.approx(1)


def test_how_many_haplotypes_cover_how_much() -> None:
    assert list(covered(made())) == pytest.approx([0.5, 0.8, 0.9, 1])
    assert [needed(made(), share) for share in (0.4, 0.6, 0.99, 1)] == [1, 2, 4, 4]


def test_a_truncated_set_covers_no_more_than_its_part() -> None:
    found = made(coverage=0.5)

    assert list(covered(found)) == pytest.approx([0.25, 0.4, 0.45, 0.5])
    assert [needed(found, share) for share in (0.3, 0.5, 0.6)] == [2, 4, None]


def test_the_demo_set_comes_near_the_published_figures() -> None:
    found = demo_set()
    alleles = {one.names[0]: one.frequency for ranked in allele_frequencies(found).values() for one in ranked}

    assert "synthetic" in found.name
    assert found.total == pytest.approx(1)
    assert top_haplotypes(found, 1)[0].names == ("A*33:03", "B*58:01", "C*03:02", "DRB1*03:01", "DQB1*02:01")
    assert top_haplotypes(found, 1)[0].frequency == pytest.approx(0.0402, abs=0.001)
    assert alleles["A*11:01"] == pytest.approx(A_ALLELES["11:01"] / 100, abs=0.005)
    for name, share in (
        ("B*40:01", 0.1597),
        ("B*46:01", 0.1148),
        ("C*07:02", 0.1903),
        ("C*01:02", 0.1765),
        ("DRB1*09:01", 0.1796),
        ("DRB1*12:02", 0.0957),
        ("DQB1*03:01", 0.2105),
        ("DQB1*06:01", 0.1208),
    ):
        assert alleles[name] == pytest.approx(share, abs=0.015)
    assert demo_set() is found
