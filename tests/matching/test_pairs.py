"""Double grafts: the engine against its twin, the edges of each rule, and the laws that pairs obey."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from matching.engine import abo, pairs
from matching.engine.columns import as_ids
from matching.engine.pairs import (
    CANNOT_TELL,
    FAILED,
    PASSED,
    VERDICTS,
    Candidates,
    Pairs,
    best_pairs,
)
from matching.engine.selection.rules import PairSettings
from tests.hla.reference import Counts
from tests.matching.inventories import NAMES, Pool, pool
from tests.matching.pairs_twin import TwinPair, twin_pairs

RESOLVER: Resolver = resolver_for(Nomenclature.builtin(), EMPTY_MAC)
LOCI: Final = ("A", "B", "C", "DRB1")
# Few typings, so that the slow twin can remember its comparisons from one example to the next.
POOL: Final = pool(random.Random(4), size=12)
PLAIN: Final = {
    locus: [(f"{locus}*{one}", f"{locus}*{NAMES[locus][0]}") for one in NAMES[locus]] for locus in LOCI
}
KNOWN: Final[dict[Any, Counts]] = {}
WEIGHT: Final = Decimal(20)
LOOKED_AT: Final = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def spans(rng: random.Random, count: int, size: int) -> np.ndarray[Any, Any]:
    return np.array(
        [sorted((rng.randint(size - 3, size), rng.randint(size - 3, size))) for _ in range(count)],
        dtype=np.int8,
    ).reshape(-1, 2)


def some(seed: int, count: int = 8, loci: Sequence[str] = LOCI, typings: Pool = PLAIN) -> Candidates:
    """Candidates with doses near the lines for WEIGHT, here and there with something unknown."""
    rng = random.Random(seed)
    verdicts = [PASSED] * 8 + [FAILED, CANNOT_TELL]
    tnc = [-1, 0, 29_999, 30_000, 30_001, 35_000, 40_000, 70_000, 70_001, 120_000]
    cd34 = [-1, 1_999, 2_000, 2_001, 5_000, 9_000]
    return Candidates(
        ids=as_ids(rng.randbytes(16) for _ in range(count)),
        ranks=np.array(rng.sample(range(1, count + 1), count), dtype=np.int64),
        classes={"antigen6": spans(rng, count, 6), "allele8": spans(rng, count, 8)},
        typings={locus: [rng.choice(typings[locus]) for _ in range(count)] for locus in loci},
        tnc_e4=np.array([rng.choice(tnc) for _ in range(count)], dtype=np.int64),
        cd34_e3=np.array([rng.choice(cd34) for _ in range(count)], dtype=np.int64),
        invented=np.array([rng.random() < 0.2 for _ in range(count)], dtype=np.bool_),
        abo=np.array([rng.randrange(5) for _ in range(count)], dtype=np.uint8),
        passes={
            name: np.array([rng.choice(verdicts) for _ in range(count)], dtype=np.uint8)
            for name in ("offer", "dsa")
        },
    )


def found(candidates: Candidates, weight_kg: Decimal | None = WEIGHT, **options: Any) -> Pairs:
    return best_pairs(candidates, **{"resolver": RESOLVER, "weight_kg": weight_kg, "failed": True, **options})


def two(**values: Any) -> Candidates:
    """Two units that make a good pair of the same blood group, but for what is given."""
    base = some(1, 2)
    good = {
        "tnc_e4": np.array([80_000, 80_000]),
        "cd34_e3": np.array([8_000, 8_000]),
        "invented": np.zeros(2, dtype=np.bool_),
        "abo": np.array([abo.O, abo.O], dtype=np.uint8),
        "passes": {},
        "typings": {
            "A": [("A*02:01", "A*11:01")] * 2,
            "B": [("B*40:01", "B*46:01")] * 2,
            "C": [("C*01:02", "C*07:02")] * 2,
            "DRB1": [("DRB1*09:01", "DRB1*15:01")] * 2,
        },
    }
    return replace(base, **{**good, **values})


def verdict_of(found: Pairs, rule: str = "") -> str:
    return VERDICTS[int((found.rules[rule] if rule else found.verdicts)[0])]


def ids_of(candidates: Candidates, found: Pairs) -> list[tuple[bytes, ...]]:
    return [tuple(candidates.ids[row].tobytes() for row in rows) for rows in found.units.tolist()]


def assert_same(candidates: Candidates, mine: Pairs, twin: Sequence[TwinPair]) -> None:
    assert ids_of(candidates, mine) == [tuple(unit.unit_id for unit in pair.units) for pair in twin]
    for at, pair in enumerate(twin):
        assert mine.units[at].tolist() == [unit.place for unit in pair.units]
        assert VERDICTS[mine.verdicts[at]] == pair.verdict
        assert {name: VERDICTS[values[at]] for name, values in mine.rules.items()} == pair.rules
        assert {name: tuple(values[at]) for name, values in mine.unit_unit.items()} == pair.unit_unit
        assert abo.BETWEEN[mine.abo[at]] == pair.abo
        for value, expected in (
            (mine.tnc_e7_per_kg[at], pair.tnc_e7_per_kg),
            (mine.cd34_e5_per_kg[at], pair.cd34_e5_per_kg),
        ):
            assert np.isnan(value) if expected is None else value == pytest.approx(float(expected))


rules_drawn = st.builds(
    PairSettings,
    tnc_e7_each=st.sampled_from([Decimal(0), Decimal("1.5"), Decimal("2")]),
    cd34_e5_each=st.sampled_from([Decimal(0), Decimal("1.0")]),
    tnc_e7_total_above=st.sampled_from([Decimal(0), Decimal("3.5"), Decimal("7.00")]),
    unit_unit_least=st.sampled_from([None, 0, 3, 6]),
)


@LOOKED_AT
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 9),
    rules=rules_drawn,
    weight_kg=st.sampled_from([None, WEIGHT, Decimal("20.01")]),
    antigen_rule=st.sampled_from(["split", "broad"]),
    primary=st.sampled_from(["antigen6", "allele8"]),
)
def test_engine_equals_twin(seed: int, count: int, rules: PairSettings, **options: Any) -> None:
    candidates = some(seed, count, typings=POOL)

    mine = found(candidates, rules=rules, **options)

    assert_same(
        candidates, mine, twin_pairs(candidates, resolver=RESOLVER, rules=rules, known=KNOWN, **options)
    )


@LOOKED_AT
@given(seed=st.integers(0, 10_000), rules=rules_drawn)
def test_where_every_pair_went_adds_up(seed: int, rules: PairSettings) -> None:
    candidates = some(seed, 8)
    twin = twin_pairs(candidates, weight_kg=WEIGHT, resolver=RESOLVER, rules=rules, known=KNOWN)
    failures = [[name for name, verdict in pair.rules.items() if verdict == "failed"] for pair in twin]

    counts = found(candidates, rules=rules, failed=False, keep=3).counts

    assert counts.pairs == counts.passed + counts.cannot_tell + counts.failed == 28
    assert counts.kept + counts.cut == counts.passed + counts.cannot_tell
    assert counts.kept == min(3, counts.passed + counts.cannot_tell)
    assert counts.failed == sum(map(bool, failures))
    assert counts.failed_by == {name: sum(name in names for names in failures) for name in twin[0].rules}
    assert counts.failed_only_by == {name: failures.count([name]) for name in twin[0].rules}
    assert counts.open_by == {
        name: sum(pair.rules[name] == "cannot_tell" for pair in twin) for name in twin[0].rules
    }


@LOOKED_AT
@given(seed=st.integers(0, 10_000), shuffle=st.integers(0, 10_000))
def test_the_order_of_units_and_of_alleles_is_irrelevant(seed: int, shuffle: int) -> None:
    rng, candidates = random.Random(shuffle), some(seed, 6, typings=POOL)
    order = np.array(rng.sample(range(len(candidates)), len(candidates)))
    turned = candidates.taken(order)
    turned = replace(
        turned,
        typings={
            locus: [texts[::-1] if all(texts) and rng.random() < 0.5 else texts for texts in typed]
            for locus, typed in turned.typings.items()
        },
    )

    straight, other = found(candidates), found(turned)

    assert ids_of(turned, other) == ids_of(candidates, straight)
    assert other.counts == straight.counts
    for name in ("verdicts", "worse", "better", "abo", "abo_to_patient"):
        assert getattr(other, name).tolist() == getattr(straight, name).tolist(), name
    for name in ("rules", "unit_unit"):
        for key, values in getattr(straight, name).items():
            assert getattr(other, name)[key].tolist() == values.tolist(), key
    assert np.array_equal(other.tnc_e7_per_kg, straight.tnc_e7_per_kg, equal_nan=True)
    assert np.array_equal(other.cd34_e5_per_kg, straight.cd34_e5_per_kg, equal_nan=True)


@LOOKED_AT
@given(
    seed=st.integers(0, 10_000),
    weight=st.decimals(Decimal("0.5"), Decimal(150), places=2),
    more=st.decimals(Decimal("0.01"), Decimal(50), places=2),
)
def test_a_higher_weight_never_raises_a_dose_nor_passes_more(
    seed: int, weight: Decimal, more: Decimal
) -> None:
    candidates = some(seed)

    light, heavy = (by_ids(candidates, found(candidates, weight_kg=one)) for one in (weight, weight + more))

    for ids, (doses, verdicts) in heavy.items():
        was, before = light[ids]
        assert not any(dose > earlier for dose, earlier in zip(doses, was, strict=True))
        for name in ("tnc_each", "cd34_each", "tnc_total"):
            assert (before[name], verdicts[name]) != (FAILED, PASSED)
            assert verdicts[name] == before[name] or verdicts[name] != PASSED


def by_ids(candidates: Candidates, found: Pairs) -> dict[tuple[bytes, ...], Any]:
    """Doses and verdicts of each pair."""
    return {
        ids: (
            (found.tnc_e7_per_kg[at], found.cd34_e5_per_kg[at]),
            {name: int(values[at]) for name, values in found.rules.items()},
        )
        for at, ids in enumerate(ids_of(candidates, found))
    }


@LOOKED_AT
@given(seed=st.integers(0, 10_000), unit=st.integers(0, 7))
def test_an_antibody_against_a_unit_never_helps_its_pairs(seed: int, unit: int) -> None:
    candidates = some(seed)
    struck = candidates.passes["dsa"].copy()
    struck[unit] = FAILED

    before = found(candidates)
    after = found(replace(candidates, passes={**candidates.passes, "dsa": struck}))

    theirs = {tuple(rows): at for at, rows in enumerate(before.units.tolist())}
    for at, rows in enumerate(after.units.tolist()):
        if unit in rows:
            assert after.verdicts[at] == FAILED
        else:
            assert after.verdicts[at] == before.verdicts[theirs[tuple(rows)]]


@pytest.mark.parametrize(
    ("tnc_e4", "expected"),
    [
        ([30_000, 50_000], "passed"),  # 1.5 ×10⁷/kg of 20 kg
        ([29_999, 50_000], "failed"),
        ([0, 50_000], "failed"),
        ([-1, 50_000], "cannot_tell"),
        ([-1, 29_999], "failed"),  # the other one fails, whatever this one has
        ([-1, -1], "cannot_tell"),
    ],
)
def test_each_unit_must_have_its_tnc(tnc_e4: list[int], expected: str) -> None:
    assert verdict_of(found(two(tnc_e4=np.array(tnc_e4))), "tnc_each") == expected


@pytest.mark.parametrize(
    ("cd34_e3", "expected"),
    [
        ([2_000, 9_000], "passed"),  # 1.0 ×10⁵/kg of 20 kg
        ([9_000, 1_999], "failed"),
        ([9_000, -1], "cannot_tell"),
    ],
)
def test_each_unit_must_have_its_cd34(cd34_e3: list[int], expected: str) -> None:
    assert verdict_of(found(two(cd34_e3=np.array(cd34_e3))), "cd34_each") == expected


@pytest.mark.parametrize(
    ("tnc_e4", "expected"),
    [
        ([35_000, 35_000], "failed"),  # 3.5 ×10⁷/kg exactly: the source found survival worse up to here
        ([35_000, 35_001], "passed"),
        ([-1, 70_001], "passed"),  # the known one alone exceeds it
        ([-1, 70_000], "cannot_tell"),
        ([-1, -1], "cannot_tell"),
    ],
)
def test_both_together_must_exceed_the_line(tnc_e4: list[int], expected: str) -> None:
    assert verdict_of(found(two(tnc_e4=np.array(tnc_e4))), "tnc_total") == expected


@pytest.mark.parametrize("weight_kg", [Decimal("23.7"), Decimal("8.13"), Decimal("61.1")])
def test_a_dose_at_a_line_is_decided_in_decimals(weight_kg: Decimal) -> None:
    rules = PairSettings(tnc_e7_each=Decimal("1.1"), tnc_e7_total_above=Decimal("2.2"))
    each = int(Decimal("1.1") * weight_kg * 1000)
    exactly = Decimal("1.1") * weight_kg * 1000 == each

    at = found(two(tnc_e4=np.array([each, each])), weight_kg=weight_kg, rules=rules)

    assert (verdict_of(at, "tnc_each"), verdict_of(at, "tnc_total")) == (
        "passed" if exactly else "failed",
        "failed",
    )


def test_without_a_weight_no_dose_can_be_told() -> None:
    pair = found(two(), weight_kg=None)

    assert {verdict_of(pair, name) for name in ("tnc_each", "cd34_each", "tnc_total")} == {"cannot_tell"}
    assert np.isnan(pair.tnc_e7_per_kg).all()
    assert verdict_of(pair) == "cannot_tell"


@pytest.mark.parametrize(
    ("tnc_e4", "invented", "each", "total"),
    [
        ([80_000, 80_000], [True, False], "cannot_tell", "passed"),  # the measured one alone exceeds the line
        ([80_000, 60_000], [True, False], "cannot_tell", "cannot_tell"),
        ([29_999, 80_000], [True, False], "failed", "passed"),
        ([35_000, 35_000], [True, True], "cannot_tell", "failed"),
        ([80_000, 80_000], [True, True], "cannot_tell", "cannot_tell"),
    ],
)
def test_cells_that_are_made_up_may_fail_and_never_pass(
    tnc_e4: list[int], invented: list[bool], each: str, total: str
) -> None:
    pair = found(two(tnc_e4=np.array(tnc_e4), invented=np.array(invented)))

    assert (verdict_of(pair, "tnc_each"), verdict_of(pair, "tnc_total")) == (each, total)
    assert verdict_of(pair, "cd34_each") == "cannot_tell"


@pytest.mark.parametrize(
    ("a_locus", "floor", "expected"),
    [
        (("A*02:01", "A*11:01"), 6, "passed"),
        (("A*02:01", "A*24:02"), 5, "passed"),
        (("A*02:01", "A*24:02"), 6, "failed"),
        (("A*02:01", "A*11:01/A*24:02"), 6, "cannot_tell"),
        (("", ""), 5, "cannot_tell"),
        (("", ""), 4, "passed"),
    ],
)
def test_units_may_be_asked_to_match_each_other(a_locus: tuple[str, str], floor: int, expected: str) -> None:
    typings = {**two().typings, "A": [("A*02:01", "A*11:01"), a_locus]}

    pair = found(two(typings=typings), rules=PairSettings(unit_unit_least=floor))

    assert verdict_of(pair, "unit_unit") == expected


@pytest.mark.parametrize(
    ("groups", "relation"),
    [
        ((abo.A, abo.A), "identical"),
        ((abo.O, abo.A), "one_way"),
        ((abo.AB, abo.B), "one_way"),
        ((abo.A, abo.B), "both_ways"),
        ((abo.A, abo.UNKNOWN), "unknown"),
    ],
)
def test_blood_groups_of_the_units(groups: tuple[int, int], relation: str) -> None:
    for one, other in (groups, groups[::-1]):
        candidates = two(abo=np.array([one, other], dtype=np.uint8))

        assert abo.BETWEEN[found(candidates).abo[0]] == relation


@pytest.mark.parametrize(
    ("patient", "unit", "relation"),
    [
        ("O", "O", "identical"),
        ("O", "A", "major"),
        ("AB", "A", "minor"),
        ("A", "B", "both"),
        ("", "A", "unknown"),
        ("A", "", "unknown"),
    ],
)
def test_blood_group_of_a_unit_and_the_patient(patient: str, unit: str, relation: str) -> None:
    codes = np.array([abo.code(unit)] * 2, dtype=np.uint8)

    pair = found(two(abo=codes), patient_abo=abo.code(patient))

    assert [abo.TO_RECIPIENT[code] for code in pair.abo_to_patient[0]] == [relation] * 2


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([PASSED, PASSED], "passed"),
        ([PASSED, CANNOT_TELL], "cannot_tell"),
        ([FAILED, CANNOT_TELL], "failed"),
        ([FAILED, PASSED], "failed"),
    ],
)
def test_both_units_must_pass_the_rules_of_units(verdicts: list[int], expected: str) -> None:
    pair = found(two(passes={"segments": np.array(verdicts, dtype=np.uint8)}))

    assert verdict_of(pair, "segments") == verdict_of(pair) == expected


def test_the_best_units_that_can_be_in_a_pair_are_paired_and_the_others_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairs, "MOST_UNITS", 5)
    candidates = replace(
        some(3, 9),
        ranks=np.arange(1, 10),
        tnc_e4=np.array([29_999, 80_000, 80_000, -1, *[80_000] * 5]),
        cd34_e3=np.full(9, 8_000),
        invented=np.zeros(9, dtype=np.bool_),
        passes={"dsa": np.array([1, 1, 0, 2, 1, 1, 0, 1, 1], dtype=np.uint8)},
    )

    mine = found(candidates)
    everything = found(candidates.taken(np.arange(4)))

    assert (mine.counts.units, mine.counts.units_cut, mine.counts.units_failing) == (5, 4, 3)
    assert {int(rank) for rank in candidates.ranks[mine.units.ravel()]} == {2, 4, 5, 6, 8}
    assert (everything.counts.units, everything.counts.units_failing) == (
        4,
        2,
    )  # room for all: all are judged


def test_a_search_without_c_shows_no_class_of_eight() -> None:
    assert set(found(some(5, loci=("A", "B", "DRB1"))).unit_unit) == {"antigen6"}


def test_classes_of_both_units() -> None:
    pair = found(two(classes={"antigen6": np.array([[4, 6], [5, 5]], dtype=np.int8)}))

    assert (pair.worse.tolist(), pair.better.tolist()) == ([[5, 5]], [[4, 6]])


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_units_for_a_pair(count: int) -> None:
    mine = found(some(6, count))

    assert len(mine) == mine.counts.pairs == 0
    assert mine.counts.units == count


@pytest.mark.parametrize("weight_kg", [Decimal(0), Decimal(-3), Decimal("NaN")])
def test_a_weight_that_is_none_is_refused(weight_kg: Decimal) -> None:
    with pytest.raises(ValueError, match="weight"):
        found(two(), weight_kg=weight_kg)


def test_senseless_candidates_are_refused() -> None:
    base = two()
    with pytest.raises(ValueError, match="came twice"):
        found(replace(base, ids=base.ids[[0, 0]]))
    with pytest.raises(ValueError, match="tnc_each"):
        found(two(passes={"tnc_each": np.array([1, 1], dtype=np.uint8)}))
    with pytest.raises(ValueError, match="segments"):
        found(two(passes={"segments": np.array([1, 3], dtype=np.uint8)}))
    with pytest.raises(ValueError, match="-1 pairs"):
        found(base, keep=-1)


def test_a_typing_that_cannot_be_read_counts_as_untyped() -> None:
    unreadable = {**two().typings, "A": [("A*99:ZZZZ", "A*02:01")] * 2}

    assert found(two(typings=unreadable)).unit_unit["antigen6"].tolist() == [[4, 6]]
