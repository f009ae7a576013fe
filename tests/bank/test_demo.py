"""The synthetic inventory: the same for the same seed, near the published figures, readable as an import is."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest

from bank import din
from bank.demo import population
from bank.demo.reporting import FIVE, Reporter
from bank.demo.units import FIN, units
from bank.imports.rows import UnitRow
from bank.imports.typings import TypingReader
from core.reference import builtin_nomenclature
from hla.frequencies.demo import PUBLISHED_HAPLOTYPES
from hla.mac import EMPTY_MAC, MacTable
from hla.resolve import resolver_for

BUILTIN = resolver_for(builtin_nomenclature(), EMPTY_MAC)
TODAY = dt.date(2026, 3, 1)
COUNT = 3_000


@pytest.fixture(scope="module")
def sample() -> list[UnitRow]:
    return list(units(COUNT, 1, TypingReader(BUILTIN), TODAY))


def share(sample: list[UnitRow], wanted: object, name: str) -> float:
    return sum(row.values[name] == wanted for row in sample) / len(sample)


def test_the_same_seed_gives_the_same_units(sample: list[UnitRow]) -> None:
    reader = TypingReader(BUILTIN)

    assert [row.digest for row in units(50, 1, reader, TODAY)] == [row.digest for row in sample[:50]]
    assert [row.digest for row in units(50, 2, reader, TODAY)] != [row.digest for row in sample[:50]]


def test_numbers_are_unique_and_the_dins_made_up(sample: list[UnitRow]) -> None:
    assert len({row.unit_no for row in sample}) == COUNT
    codes = {row.values["din"] for row in sample}
    assert len(codes) == COUNT
    assert all(code.startswith(FIN) and din.parse(din.compact(code)) for code in codes)


def test_dates_lie_in_the_past(sample: list[UnitRow]) -> None:
    assert all(dt.date(2008, 1, 1) <= row.values["collected_on"] < TODAY for row in sample)


def test_doses_are_those_of_a_public_bank(sample: list[UnitRow]) -> None:
    doses = sorted(row.values["tnc_e7"] for row in sample)
    shares = sorted(row.values["cd34_e6"] / row.values["tnc_e7"] * 10 for row in sample)

    assert 115 < doses[COUNT // 2] < 140
    assert 0.2 < shares[COUNT // 2] < 0.4


def test_blood_groups_and_states(sample: list[UnitRow]) -> None:
    assert share(sample, "A", "abo") == pytest.approx(0.31, abs=0.04)
    assert share(sample, "-", "rh") < 0.012
    states = Counter(row.status for row in sample)
    assert states["LISTED"] / COUNT == pytest.approx(0.9, abs=0.03)
    assert set(states) == {"LISTED", "RESERVED", "ON_HOLD", "QUARANTINE", "DISCARDED"}


def test_most_people_have_a_population(sample: list[UnitRow]) -> None:
    assert share(sample, population.CODE, "population") == pytest.approx(0.9, abs=0.02)
    assert {row.values["population"] for row in sample} == {"HAN", ""}


def test_slips_of_the_unit_of_measure_wait_for_confirmation(sample: list[UnitRow]) -> None:
    held = [row for row in sample if row.held]

    assert held
    assert all(row.status == "QUARANTINE" for row in held)
    assert len(held) < 0.01 * COUNT


def test_the_mix_of_resolutions_is_that_of_a_registry(sample: list[UnitRow]) -> None:
    loci = Counter(frozenset(row.typing) - {"DPB1"} for row in sample)
    coarse = sum(
        set(row.typing) >= set(FIVE) and all(pair.first.endswith(":XX") for pair in row.typing.values())
        for row in sample
    )
    lists = sum(any("/" in pair.first + pair.second for pair in row.typing.values()) for row in sample)

    assert loci[frozenset(("A", "B", "DRB1"))] / COUNT == pytest.approx(0.25, abs=0.03)
    assert loci[frozenset(("A", "B", "C", "DRB1"))] / COUNT == pytest.approx(0.10, abs=0.02)
    assert coarse / COUNT == pytest.approx(0.05, abs=0.015)
    assert lists / COUNT == pytest.approx(0.2, abs=0.03)


def test_codes_appear_only_with_a_table() -> None:
    mac = MacTable.of(
        "test",
        {
            "AB": "01/02",
            "AN": "03/06/11/12",
            "XYZ": "07:01/07:27",
            "LONG": "/".join(f"{n:02}" for n in range(1, 30)),
        },
    )
    rng, person = random.Random(1), {locus: (f"{locus}*01:01", f"{locus}*01:09") for locus in population.LOCI}

    with_table = [Reporter(mac).report(person, rng) for _ in range(300)]
    without = [Reporter(EMPTY_MAC).report(person, rng) for _ in range(300)]

    codes = {text.rpartition(":")[2] for report in with_table for pair in report.values() for text in pair}
    assert "AB" in codes
    assert not {"AN", "XYZ", "LONG"} & codes
    assert not any("AB" in text for report in without for pair in report.values() for text in pair)


def test_haplotypes_follow_the_published_shares() -> None:
    rng = random.Random(5)
    people = (population.haplotype(rng).alleles for _ in range(40_000))
    drawn = Counter(tuple(alleles[locus] for locus in population.LOCI[:5]) for alleles in people)
    total = sum(drawn.values())

    for percent, text in PUBLISHED_HAPLOTYPES[:3]:
        assert drawn[tuple(text.split())] / total * 100 == pytest.approx(percent, abs=0.4)


@pytest.mark.parametrize(
    ("locus", "name", "percent"),
    [
        ("A", "11:01", 25.81),
        ("A", "24:02", 16.70),
        ("B", "46:01", 11.48),
        ("C", "01:02", 17.65),
        ("DRB1", "09:01", 17.96),
    ],
)
def test_leading_alleles_stay_near_the_published_frequencies(locus: str, name: str, percent: float) -> None:
    rng = random.Random(7)
    drawn = Counter(population.haplotype(rng).alleles[locus] for _ in range(20_000))

    assert drawn[name] / 200 == pytest.approx(percent, abs=1.5)


def test_tables_are_complete() -> None:
    for table in (population.A_ALLELES, population.BC_BLOCKS, population.DR_BLOCKS, population.DPB1_ALLELES):
        assert sum(table.values()) == pytest.approx(100, abs=0.5)


@pytest.mark.slow
def test_every_value_is_known_to_a_real_release(shared_data: object) -> None:
    from pathlib import Path

    from hla.release import compile_release

    reader = TypingReader(
        resolver_for(
            compile_release(Path(str(shared_data)) / "imgt" / "3580"),
            MacTable.from_file(Path(str(shared_data)) / "mac" / "numer.v3.subset.txt"),
        )
    )

    rows = list(units(1_500, 1, reader, TODAY))

    left_out = [(row.as_typed, set(row.typing)) for row in rows if set(row.as_typed) != set(row.typing)]
    assert left_out == []
