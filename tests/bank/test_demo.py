"""The synthetic inventory: the same for the same seed, near the published figures, readable as an import is."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest

from bank.codes import din
from bank.demo import population
from bank.demo.collected import TooManyUnits
from bank.demo.reporting import FIVE, Reporter
from bank.demo.units import FIN, Maker, Plan, units
from bank.imports.rows import UnitRow
from core.reference import builtin_nomenclature
from hla.frequencies.demo import PUBLISHED_HAPLOTYPES
from hla.kinship import differences
from hla.mac import EMPTY_MAC, MacTable
from hla.resolve import Resolver, resolver_for

BUILTIN = resolver_for(builtin_nomenclature(), EMPTY_MAC)
TODAY = dt.date(2026, 3, 1)
COUNT = 3_000


@pytest.fixture(scope="module")
def sample() -> list[UnitRow]:
    return list(units(COUNT, 1, BUILTIN, TODAY))


def share(sample: list[UnitRow], wanted: object, name: str) -> float:
    return sum(row.values[name] == wanted for row in sample) / len(sample)


def digests(count: int, seed: int) -> list[str]:
    return [row.digest for row in units(count, seed, BUILTIN, TODAY)]


def test_the_same_seed_gives_the_same_units() -> None:
    assert digests(50, 1) == digests(50, 1)
    assert digests(50, 1) != digests(50, 2)


def test_a_chunk_is_the_same_whoever_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bank.demo.units.CHUNK", 20)
    monkeypatch.setattr("bank.demo.units.CHUNKS_PER_READER", 2)
    plan = Plan.of(50, 1, TODAY)
    whole = digests(50, 1)

    alone = [Maker(plan, BUILTIN.nomenclature, BUILTIN.mac, None).chunk(number) for number in (2, 0, 1)]

    last, first, second = ([row.digest for row in rows] for rows in alone)
    assert [*first, *second, *last] == whole
    assert len(last) == 10


def test_units_are_numbered_from_1_within_each_year(sample: list[UnitRow]) -> None:
    days = [row.values["collected_on"] for row in sample]
    of_years: dict[int, list[str]] = {}
    for day, row in zip(days, sample, strict=True):
        of_years.setdefault(day.year, []).append(row.unit_no)

    assert days == sorted(days)
    assert set(of_years) == set(range(2008, 2026))
    for year, numbers in of_years.items():
        assert numbers == [f"QD{year % 100:02d}-{serial:06d}" for serial in range(1, len(numbers) + 1)]


def test_no_year_has_more_units_than_serial_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bank.demo.collected.LAST_SERIAL", 10)

    with pytest.raises(TooManyUnits):
        Plan.of(COUNT, 1, TODAY)
    assert Plan.of(20, 1, TODAY).count == 20


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


def test_quality_is_the_same_for_the_same_seed() -> None:
    def known(seed: int) -> list[object]:
        return [(row.values, row.mother_as_typed) for row in units(60, seed, BUILTIN, TODAY)]

    assert known(1) == known(1)
    assert known(1) != known(2)


def test_a_third_of_the_mothers_are_typed_and_each_shares_a_haplotype(sample: list[UnitRow]) -> None:
    typed = [row for row in sample if row.mother]

    assert len(typed) / COUNT == pytest.approx(0.3, abs=0.03)
    assert all(set(row.mother) == set(FIVE) for row in typed)
    for row in typed:
        assert differences(row.mother.values(), row.typing.values(), BUILTIN) == [], row.unit_no


def test_potency_and_viability_are_plausible(sample: list[UnitRow]) -> None:
    def values(name: str) -> list[float]:
        return sorted(row.values[name] for row in sample if name in row.values)

    thawed, colonies = values("segment_cd34_viability_percent"), values("cfu_e5")
    assert thawed[len(thawed) // 2] == pytest.approx(92, abs=1.5)
    assert sum(one < 75 for one in thawed) / len(thawed) == pytest.approx(0.08, abs=0.05)
    assert 5 < colonies[len(colonies) // 2] < 15
    assert 0 < values("viability_percent")[0] <= values("viability_percent")[-1] < 100
    assert share(sample, "depleted", "red_cells") == pytest.approx(0.94, abs=0.02)
    assert sum("haemoglobinopathy" in row.values for row in sample) / COUNT == pytest.approx(0.96, abs=0.02)


def test_only_units_that_go_to_nobody_are_thawed_whole(sample: list[UnitRow]) -> None:
    thawed = [row for row in sample if row.values["thawed"]]

    assert len(thawed) > 0.01 * COUNT
    assert {row.status for row in thawed} == {"DISCARDED"}


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

    with_table = [reporter(mac).report(person, rng) for _ in range(300)]
    without = [reporter(EMPTY_MAC).report(person, rng) for _ in range(300)]

    codes = {text.rpartition(":")[2] for report in with_table for pair in report.values() for text in pair}
    assert "AB" in codes
    assert not {"AN", "XYZ", "LONG"} & codes
    assert not any("AB" in text for report in without for pair in report.values() for text in pair)


def reporter(mac: MacTable) -> Reporter:
    return Reporter(resolver_for(builtin_nomenclature(), mac))


def test_what_is_reported_holds_the_allele_that_the_person_has() -> None:
    mac = MacTable.of("test", {"AB": "01/02", "AC": "01/03/07", "BD": "02/06", "FN": "03/05"})

    assert_true_alleles_are_reported(reporter(mac), people=1_500)


def assert_true_alleles_are_reported(reporter: Reporter, *, people: int) -> None:
    rng = random.Random(11)
    seen: Counter[str] = Counter()
    for _ in range(people):
        person = population.genotype(rng)
        for locus, texts in reporter.report(person, rng).items():
            for name, text in zip(person[locus], texts, strict=True):
                held = reporter.resolver.position(locus, text)
                assert reporter.resolver.position(locus, name).p_groups <= held.p_groups, (name, text)
                seen[held.kind.name] += 1
    assert {"ALLELE", "LIST", "XX", "MAC", "P_GROUP", "SEROLOGY"} <= set(seen)


def test_hardly_two_units_have_the_same_lists(sample: list[UnitRow]) -> None:
    for locus in ("A", "B", "C", "DRB1", "DQB1"):
        pairs = [row.typing[locus] for row in sample if locus in row.typing]
        listed = [(pair.first, pair.second) for pair in pairs if "/" in pair.first + pair.second]

        assert len(listed) > 0.15 * COUNT
        assert len(set(listed)) > 0.9 * len(listed)


def test_old_records_have_antigens_or_families(sample: list[UnitRow]) -> None:
    old = [row for row in sample if set(row.typing) == {"A", "B", "DRB1"}]
    texts = [pair.first for row in old for pair in row.typing.values()]

    coarse = sum(text.endswith(":XX") for text in texts)
    serology = sum("*" not in text for text in texts)

    assert serology > 0.15 * len(texts)
    assert coarse + serology > 0.7 * len(texts)
    assert "B46" in texts


@pytest.mark.parametrize(("locus", "first"), [("A", "24"), ("B", "46"), ("DRB1", "14")])
def test_families_hold_our_own_names(locus: str, first: str) -> None:
    family = population.family(locus, first)

    assert len(family) > 8
    assert set(family) >= {
        f"{locus}*{name}" for name in population.OWN_NAMES[locus] if name.startswith(first)
    }
    assert "A*24:09" not in family  # withdrawn: it is null


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


@pytest.fixture
def release(shared_data: object) -> Resolver:
    from pathlib import Path

    from hla.release import compile_release

    folder = Path(str(shared_data))
    mac = MacTable.from_file(folder / "mac" / "numer.v3.subset.txt")
    return resolver_for(compile_release(folder / "imgt" / "3580"), mac)


@pytest.mark.slow
def test_every_value_is_known_to_a_real_release(release: Resolver) -> None:
    rows = list(units(3_000, 1, release, TODAY))

    left_out = [(row.as_typed, set(row.typing)) for row in rows if set(row.as_typed) != set(row.typing)]
    assert left_out == []
    assert_true_alleles_are_reported(Reporter(release), people=1_500)


@pytest.mark.slow
def test_our_own_relatives_are_alleles_of_a_real_release(release: Resolver) -> None:
    """Lists of a bank without a release can be read when it loads one."""
    for locus in ("A", "B", "C", "DRB1", "DQB1"):
        for first in {name.partition(":")[0] for name in population.OWN_NAMES[locus]}:
            for name in population.family(locus, first):
                assert not release.position(locus, name).null, name
