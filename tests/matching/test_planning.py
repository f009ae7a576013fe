"""What an inventory is worth: figures counted by hand, laws that hold for any inventory, the search as twin."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEARCH_LOCI
from hla.prediction.calibration import wilson
from hla.typing import Typing, parse_pair
from matching.engine import planning, planning_scan
from matching.engine.planning import Planned, Rate, planned
from matching.engine.planning_people import CannotPlan, Population
from matching.engine.planning_plan import GRID, Plan, ever_best
from matching.engine.policy import Policy
from matching.engine.search import Criteria, search
from tests.factories.planning import ONE, RESOLVER, TWO, toy_plan, toy_set, toy_snapshot, toy_unit
from tests.hla.prediction.uncompiled import plain_python
from tests.matching.inventories import NAMES, units

ELSEWHERE = ("A*03:01", "A*01:01")
OPEN = ("A*01:01/A*03:01", "A*01:01")


def by_hand() -> list[Any]:
    """For patients of twice ONE and 20 kg, who need 50 · 10⁷ for 2.5 and 100 · 10⁷ for 5."""
    return [
        toy_unit(1, ONE, ONE, 100),  # 6/6, exactly at 5.0
        toy_unit(2, ONE, TWO, 300),  # 3/6: below every floor
        toy_unit(3, ONE, ONE, 50, A=ELSEWHERE),  # 5/6, exactly at 2.5
        toy_unit(4, ONE, ONE, None),  # 6/6, cells unknown: meets no dose
        toy_unit(5, ONE, ONE, 300, status="RESERVED"),  # not on offer
        toy_unit(6, ONE, ONE, 300, A=("", "")),  # cannot be searched
        toy_unit(7, ONE, ONE, 49.999, A=OPEN),  # 5–6/6, just below 2.5
    ]


def figures(plan: Plan, haplotypes: HaplotypeSet, rows: list[Any], **more: Any) -> Planned:
    return planned(plan, haplotypes, toy_snapshot(rows), **more)


def rate(found: Planned, name: str, floor: int, dose: str) -> Rate:
    (one,) = [
        one for one in found.rates if (one.class_name, one.floor, one.dose) == (name, floor, Decimal(dose))
    ]
    return one


def test_figures_counted_by_hand() -> None:
    found = figures(toy_plan(), toy_set(), by_hand())

    assert (found.units, found.left_out, found.cells_unknown) == (5, 1, 1)
    counted = {
        (floor, dose): rate(found, "antigen6", floor, dose).units[1]
        for floor in (6, 5, 4)
        for dose in ("0", "2.5", "5")
    }
    assert counted == {
        (6, "0"): 3, (6, "2.5"): 1, (6, "5"): 1,
        (5, "0"): 4, (5, "2.5"): 2, (5, "5"): 1,
        (4, "0"): 4, (4, "2.5"): 2, (4, "5"): 1,
    }  # fmt: skip
    assert rate(found, "antigen6", 6, "0").units_certain == (2, 2, 2)
    assert all(one.possible == 40 for one in found.rates)
    assert (rate(found, "allele10", 10, "5").low, rate(found, "allele10", 10, "5").high) == (
        pytest.approx(0.9124, abs=1e-4),
        1.0,
    )


def test_the_best_unit_gets_all_the_worth() -> None:
    worth = figures(toy_plan(), toy_set(), by_hand()).worth

    shares = {bytes(one)[15]: value for one, value in zip(worth.unit_ids, worth.best, strict=True)}
    useful = {bytes(one)[15]: value for one, value in zip(worth.unit_ids, worth.useful, strict=True)}
    assert shares == {1: 1.0, 2: 0.0, 3: 0.0, 4: 0.0, 7: 0.0}
    assert useful == {1: 1.0, 2: 0.0, 3: 1.0, 4: 0.0, 7: 0.0}
    assert worth.ever.max() == 1.0
    assert worth.unserved == 0.0


def test_equal_units_share_and_certain_goes_before_cells() -> None:
    rows = [
        toy_unit(1, ONE, ONE, 100),
        toy_unit(2, ONE, ONE, 100),
        toy_unit(3, ONE, ONE, 400, A=OPEN),  # 6/6 possible, 5/6 certain
    ]

    worth = figures(toy_plan(), toy_set(), rows).worth
    with plain_python():
        slow = figures(toy_plan(patients=2), toy_set(), rows).worth

    assert sorted(worth.best.tolist()) == sorted(slow.best.tolist()) == [0.0, 0.5, 0.5]


def test_whom_no_unit_serves_is_counted_by_weight() -> None:
    plan = toy_plan(weights=((Decimal(20), 1.0), (Decimal(80), 3.0)), patients=400)

    found = figures(plan, toy_set(), by_hand())

    assert found.worth.unserved == pytest.approx(0.75)  # 80 kg need 200 · 10⁷
    assert [(one.weight_kg, one.served) for one in found.weights] == [
        (Decimal(20), found.weights[0].n),
        (Decimal(80), 0),
    ]
    assert sum(one.n for one in found.weights) == 400
    assert 60 < found.weights[0].n < 140


def test_patients_are_drawn_by_the_frequencies() -> None:
    """One of four is twice ONE, and only he has a unit."""
    plan = toy_plan(patients=4_000, largest=1.0)
    found = figures(plan, toy_set((ONE, 0.5), (TWO, 0.5)), [toy_unit(1, ONE, ONE, 100)])

    only = rate(found, "antigen6", 4, "0")
    assert only.low < 0.25 < only.high
    assert only.high - only.low < 0.03
    assert only.units == (0, 0, 0) or only.units == (0, 0, 1)


def test_ever_best_and_what_few_patients_cannot_see() -> None:
    shares = np.array([0.0, 0.001, 0.5, 1.0])

    found = ever_best(shares, 1_000)

    assert found.tolist() == pytest.approx([0.0, 1 - 0.999**1_000, 1.0, 1.0])
    worth = figures(toy_plan(patients=300, searches_per_year=1, years=1), toy_set(), by_hand()).worth
    assert worth.unseen_at_most == pytest.approx(3 / 300, rel=0.01)  # the rule of three


def test_the_interval_is_wilsons() -> None:
    """81 of 263: 0.2553 to 0.3662, Newcombe, Stat Med 1998;17:857-72, table I, method 3."""
    low, high = wilson([81], [263])

    assert (round(float(low[0]), 4), round(float(high[0]), 4)) == (0.2553, 0.3662)


def test_sizes_of_the_curve() -> None:
    assert planning.curve_sizes(20_000, 3.0) == (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 60_000)
    assert planning.curve_sizes(7, 1.0, (3, 900)) == (7,)
    assert planning.curve_sizes(900, 1.0, (3, 450)) == (200, 450, 500, 900)
    assert planning.curve_sizes(1_000_000, 3.0)[-2:] == (1_000_000, 1_200_000)


# --- any inventory ---

RANDOM_SET = HaplotypeSet.of(
    [
        (tuple(f"{locus}*{rng.choice(NAMES[locus])}" for locus in SEARCH_LOCI), rng.random() + 0.01)
        for rng in [random.Random(5)]
        for _ in range(60)
    ],
    name="Random", population="R", loci=SEARCH_LOCI,
)  # fmt: skip
WEIGHTS = ((Decimal(10), 1.0), (Decimal("33.3"), 2.0))


def random_plan(**values: Any) -> Plan:
    return toy_plan(**{"weights": WEIGHTS, "patients": 30, "largest": 1.5, **values})


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_likelihood_grows_with_the_inventory_and_falls_with_class_and_dose(seed: int) -> None:
    found = figures(random_plan(seed=seed), RANDOM_SET, units(seed, 120))

    for series in found.curve.series:
        assert list(series.hits) == sorted(series.hits)
        here = series.hits[found.curve.sizes.index(found.curve.inventory)]
        assert here == rate(found, series.class_name, series.floor, str(series.dose)).possible
    hits = {(one.class_name, one.floor, one.dose): one for one in found.rates}
    for (name, floor, dose), one in hits.items():
        assert one.certain <= one.possible
        assert one.low <= one.possible / one.n <= one.high
        lower = hits.get((name, floor - 1, dose))
        assert lower is None or lower.possible >= one.possible
        for other in random_plan().all_doses:
            if other < dose:
                assert hits[name, floor, other].possible >= one.possible
    assert found.worth.best.sum() + found.worth.unserved == pytest.approx(1.0)
    assert (found.worth.best <= found.worth.useful + 1e-12).all()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_the_search_is_the_twin(seed: int) -> None:
    """Each simulated patient searched as any other: the same candidates, and nobody below the floor was missed."""
    snapshot = toy_snapshot(units(seed, 150))
    population = Population.of(RANDOM_SET, RESOLVER)
    matcher = planning_scan.Matcher(snapshot, population.loci, Policy(), frozenset({"LISTED"}))
    rng = np.random.default_rng(seed)
    for genotype in population.genotypes(population.drawn(rng, 8, 2)):
        pairs = population.pairs(genotype.tolist())
        patient = Typing.of(parse_pair(locus, *pair, RESOLVER) for locus, pair in pairs.items())
        outcome = search(patient, Criteria(statuses=frozenset({"LISTED"})), snapshot)
        mine = matcher.candidates(pairs)
        for place, name in enumerate(matcher.classes):
            most = (mine.packed >> np.uint32(8 * place) & np.uint32(15)).tolist()
            for floor in GRID[name]:
                expected = sum(one.possible for one in outcome.counts[name] if one.value >= floor)
                assert sum(value >= floor for value in most) == expected


def plain(found: Planned) -> Any:
    values = asdict(found)
    worth = values.pop("worth")
    return values, {name: np.asarray(value).tolist() for name, value in worth.items()}


def test_the_same_seed_gives_the_same_figures_compiled_or_not() -> None:
    rows = units(3, 80)
    plan = random_plan(patients=12)

    once, again = figures(plan, RANDOM_SET, rows), figures(plan, RANDOM_SET, rows[::-1])
    other = figures(replace(plan, seed=2), RANDOM_SET, rows)
    with plain_python():
        slow = figures(plan, RANDOM_SET, rows)

    assert plain(once)[0] == plain(slow)[0]
    assert plain(once)[1] == plain(slow)[1]
    assert once.rates == again.rates
    assert once.rates != other.rates


def test_scores_that_are_too_many_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = units(4, 60)
    known = figures(random_plan(), RANDOM_SET, rows).rates
    monkeypatch.setattr(planning_scan, "KEPT_BYTES", 100)

    assert figures(random_plan(), RANDOM_SET, rows).rates == known


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[str, float]] = []

    figures(toy_plan(), toy_set((ONE, 0.5), (TWO, 0.5)), by_hand(), tell=lambda *said: told.append(said))

    assert [stage for stage, _share in told if told] == sorted(
        (stage for stage, _share in told), key=["prepare", "patients", "haplotypes"].index
    )
    shares = [share for _stage, share in told]
    assert shares == sorted(shares)
    assert shares[-1] <= 1


# --- what cannot be ---


def test_a_set_of_three_loci_gives_the_classes_of_six_only() -> None:
    found = figures(toy_plan(), toy_set(loci=("A", "B", "DRB1")), by_hand())

    assert {one.class_name for one in found.rates} == {"antigen6", "allele6"}


@pytest.mark.parametrize(
    ("loci", "plan", "rows", "code"),
    [
        (("A", "B"), {}, by_hand(), "set_lacks_loci"),
        (("A", "B", "DRB1"), {"target": ("allele8", 7)}, by_hand(), "target_needs_locus"),
        (SEARCH_LOCI, {}, by_hand()[4:6], "no_units"),
        (SEARCH_LOCI, {}, [], "no_units"),
    ],
)
def test_what_cannot_be_planned(loci: Any, plan: dict[str, Any], rows: list[Any], code: str) -> None:
    with pytest.raises(CannotPlan) as error:
        figures(toy_plan(**plan), toy_set(loci=loci), rows)

    assert error.value.code == code


def test_haplotypes_that_cannot_be_read_are_left_out_and_said() -> None:
    bad = ONE.replace("07:01", "07:ZZZZ")
    found = figures(toy_plan(), toy_set((ONE, 0.7), (bad, 0.3)), by_hand())

    assert found.unread == ("C*07:ZZZZ",)
    assert found.unread_share == pytest.approx(0.3)
    with pytest.raises(CannotPlan, match="set_unreadable"):
        figures(toy_plan(), toy_set((ONE, 0.4), (bad, 0.6)), by_hand())


@pytest.mark.parametrize(
    "wrong",
    [
        {"patients": 1},
        {"weights": ()},
        {"weights": ((Decimal(0), 1.0),)},
        {"doses": (Decimal(5), Decimal("2.5"))},
        {"target_dose": Decimal(3)},
        {"target": ("antigen6", 3)},
        {"searches_per_year": 0},
        {"largest": 0.5},
    ],
    ids=str,
)
def test_plans_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        figures(toy_plan(**wrong), toy_set(), by_hand())
