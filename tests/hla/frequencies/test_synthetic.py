"""Synthetic sets of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hla.frequencies.errors import FrequencyError
from hla.frequencies.files import read_set
from hla.frequencies.sets import HaplotypeSet
from hla.frequencies.statistics import allele_frequencies
from hla.frequencies.synthetic import recombine
from hla.frequencies.writing import gzipped_csv
from tests.hla.frequencies.test_sets import made


def random_set(size: int = 400) -> HaplotypeSet:
    """Five loci with strong linkage, frequencies that fall as in real sets."""
    rng = np.random.default_rng(1)
    rows = []
    for rank in range(1, size + 1):
        family, other = int(rng.integers(1, 20)), int(rng.integers(1, 20))
        names = (f"A*{rng.integers(1, 20):02}:01", f"B*{family:02}:01", f"C*{family:02}:02")
        rows.append(((*names, f"DRB1*{other:02}:01", f"DQB1*{other:02}:02"), 1 / rank))
    return HaplotypeSet.of(
        rows, name="random", population="TOY", loci=("A", "B", "C", "DRB1", "DQB1"), release="3.58.0"
    )


@pytest.mark.parametrize("size", [1, 50, 300, 1000, 20_000])
def test_exactly_as_many_distinct_haplotypes_as_asked_for(size: int) -> None:
    source = random_set()
    found = recombine(source, size, seed=3)

    assert len(found) == size
    assert len(np.unique(found.codes, axis=0)) == size
    assert f"synthetic, {size} haplotypes, seed 3" in found.name
    assert (found.loci, found.release, found.population) == (source.loci, "3.58.0", "TOY")
    assert found.checksum == recombine(source, size, seed=3).checksum
    assert size == 1 or found.checksum != recombine(source, size, seed=4).checksum


def test_alleles_keep_about_their_frequencies() -> None:
    source = random_set()
    before, after = allele_frequencies(source), allele_frequencies(recombine(source, 20_000, seed=1))

    for locus in source.loci:
        kept = {one.names: one.frequency for one in after[locus]}
        assert {one.names for one in before[locus]} == set(kept)
        for one in before[locus]:
            assert kept[one.names] == pytest.approx(one.frequency, abs=0.05)


def test_all_that_its_alleles_give_and_no_more() -> None:
    assert len(recombine(made(made_rows(3)), 9, seed=1)) == 9
    assert len(recombine(made(made_rows(3)), 5, seed=1)) == 5
    with pytest.raises(FrequencyError) as refused:
        recombine(made(made_rows(3)), 10, seed=1)
    assert (refused.value.code, refused.value.params) == ("demand", {"size": 10, "limit": 9})
    with pytest.raises(ValueError, match="at least one"):
        recombine(made(), 0, seed=1)


def made_rows(count: int) -> list[tuple[tuple[str, str], float]]:
    return [((f"DRB1*{at:02}:01", f"A*{at:02}:01"), 1.0) for at in range(1, count + 1)]


def test_a_set_of_one_block() -> None:
    rows = [((f"A*{at:03}:01", f"B*{at:03}:01"), 1.0) for at in range(1, 101)]
    found = recombine(made(rows, loci=("A", "B")), 500, seed=1)

    assert len(found) == 500


def test_written_and_read_again(tmp_path: Path) -> None:
    found = recombine(random_set(), 1000, seed=1)
    path = tmp_path / "synthetic.csv.gz"
    path.write_bytes(gzipped_csv(found))
    again, notes = read_set(path, name=found.name, population="TOY", release="3.58.0")

    assert notes == ()
    assert again.loci == found.loci
    assert [again.names(place) for place in range(50)] == [found.names(place) for place in range(50)]
    assert again.frequencies == pytest.approx(found.frequencies, abs=1e-15)
    assert gzipped_csv(found) == path.read_bytes()
