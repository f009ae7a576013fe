"""Double grafts: the edges of each rule of two units."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from matching.engine import abo, pairs
from matching.engine.pairs import (
    CANNOT_TELL,
    FAILED,
    PASSED,
)
from matching.engine.selection.rules import PairSettings
from tests.matching.pair_candidates import (
    found,
    some,
    two,
    verdict_of,
)


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
