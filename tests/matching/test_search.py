"""The engine against its twin: classes, counts, funnel and order, for typings of every resolution."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hla.loci import SEARCH_LOCI
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from hla.typing import Typing, parse_pair
from matching.engine import evidence
from matching.engine.policy import Policy
from matching.engine.ranking import LOCUS_DIRECTIONS, UNIT_DIRECTIONS
from matching.engine.search import SCORE_COLUMNS, CannotSearch, Criteria, SearchOutcome, search
from matching.engine.snapshot import Snapshot, build
from tests.matching.inventories import STATUSES, pair, units
from tests.matching.twin import Twin, twin_search

RESOLVER: Resolver = resolver_for(Nomenclature.builtin(), EMPTY_MAC)


def person(seed: int, untyped: float = 0.1) -> Typing:
    rng = random.Random(seed)
    return parsed(
        {locus: pair(rng, locus, untyped=untyped if locus in ("C", "DQB1") else 0) for locus in SEARCH_LOCI}
    )


def parsed(pairs: dict[str, tuple[str, str]]) -> Typing:
    return Typing.of(parse_pair(locus, *texts, RESOLVER) for locus, texts in pairs.items())


def snapshot_of(rows: Any) -> Snapshot:
    return build(rows, resolver=RESOLVER, ledger_number=1)


def twin_of(patient: Typing, rows: Any, **criteria: Any) -> Twin:
    pairs = {name: (locus.first, locus.second) for name, locus in patient.loci.items()}
    return twin_search(pairs, rows, RESOLVER, **criteria)


def assert_same(outcome: SearchOutcome, twin: Twin, snapshot: Snapshot) -> None:
    for name, counts in outcome.counts.items():
        assert [(c.value, c.possible, c.certain) for c in counts] == twin.counts(name), name
    funnel = outcome.funnel
    assert (funnel.other_status, funnel.not_searchable, funnel.below_dose, funnel.below_floor) == (
        twin.other_status,
        twin.not_searchable,
        twin.below_dose,
        twin.below_floor,
    )
    assert funnel.candidates == len(twin.order)
    kept = twin.order[: len(outcome.ranked)]
    assert ids_of(outcome, snapshot) == [found.row.unit_id for found in kept]
    for place, found in enumerate(kept):
        assert_same_unit(outcome, place, found)


def ids_of(outcome: SearchOutcome, snapshot: Snapshot) -> list[bytes]:
    return [unit.tobytes() for unit in snapshot.unit_ids(outcome.ranked.rows)]


def assert_same_unit(outcome: SearchOutcome, place: int, found: Any) -> None:
    ranked = outcome.ranked
    assert {name: tuple(values[place]) for name, values in ranked.classes.items()} == found.classes
    assert UNIT_DIRECTIONS[ranked.direction[place]] == found.direction
    for locus, counts in found.loci.items():
        assert dict(zip(SCORE_COLUMNS, ranked.locus[locus][place].tolist(), strict=True)) == vars(counts)


@pytest.mark.parametrize("seed", range(12))
def test_engine_equals_twin(seed: int) -> None:
    rows = units(seed, 400)
    snapshot = snapshot_of(rows)
    patient = person(100 + seed)

    outcome = search(patient, Criteria(), snapshot)

    assert_same(outcome, twin_of(patient, rows), snapshot)


@pytest.mark.parametrize(
    "criteria",
    [
        {"loci": ("A", "B", "DRB1")},
        {"loci": ("A", "B", "C", "DRB1"), "floors": {"antigen6": 3, "allele8": 5}},
        {"floors": {"antigen6": 5, "allele10": 6}},
        {"floors": {"antigen6": 0}},
        {"weight_kg": Decimal("52.5"), "min_tnc_e7_per_kg": Decimal("2.5")},
        {"weight_kg": Decimal(20), "statuses": frozenset({"LISTED"})},
        {"statuses": frozenset()},
        {"statuses": frozenset({"NEVER"})},
    ],
    ids=str,
)
def test_engine_equals_twin_with_criteria(criteria: dict[str, Any]) -> None:
    rows = units(50, 300)
    snapshot = snapshot_of(rows)
    patient = person(51)

    outcome = search(patient, Criteria(**criteria), snapshot)

    assert_same(outcome, twin_of(patient, rows, **criteria), snapshot)


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_the_best_are_kept_and_the_cut_ones_are_counted(limit: int) -> None:
    rows = units(60, 300)
    snapshot = snapshot_of(rows)
    patient = person(61)

    outcome = search(patient, Criteria(limit=limit, floors={"antigen6": 2}), snapshot)

    assert_same(outcome, twin_of(patient, rows, floors={"antigen6": 2}), snapshot)
    assert outcome.funnel.kept == min(limit, outcome.funnel.candidates)
    assert outcome.funnel.kept + outcome.funnel.cut == outcome.funnel.candidates > limit


def test_where_every_unit_went_adds_up() -> None:
    criteria = Criteria(
        weight_kg=Decimal(60),
        min_tnc_e7_per_kg=Decimal(2),
        statuses=frozenset({STATUSES[0]}),
        floors={"antigen6": 4},
    )

    funnel = search(person(70), criteria, snapshot_of(units(71, 500))).funnel

    removed = funnel.other_status + funnel.not_searchable + funnel.below_dose + funnel.below_floor
    assert removed + funnel.candidates == funnel.units == 500
    assert min(funnel.other_status, funnel.not_searchable, funnel.below_dose, funnel.below_floor) > 0
    assert max(funnel.not_searchable_at.values()) <= funnel.not_searchable
    assert sum(funnel.not_searchable_at.values()) >= funnel.not_searchable


def test_empty_inventory() -> None:
    outcome = search(person(80), Criteria(statuses=frozenset({"LISTED"})), snapshot_of([]))

    assert len(outcome.ranked) == 0
    assert outcome.counts["antigen6"] == ()
    assert outcome.funnel.units == outcome.funnel.candidates == outcome.funnel.cut == 0


def test_a_floor_removes_a_unit_only_when_its_possible_matches_lie_below() -> None:
    patient = parsed(
        {"A": ("A*02:01", "A*11:01"), "B": ("B*40:01", "B*46:01"), "DRB1": ("DRB1*09:01", "DRB1*15:01")}
    )
    base = units(90, 1)[0]
    sure = base._replace(
        typing=(
            ("A*02:01", "A*11:01"),
            ("B*40:01", "B*46:01"),
            ("", ""),
            ("DRB1*07:01", "DRB1*08:03"),
            ("", ""),
        )
    )
    open_ = sure._replace(
        unit_id=bytes(16), typing=(*sure.typing[:3], ("DRB1*09:XX", "DRB1*15:XX"), ("", ""))
    )
    below = sure._replace(unit_id=b"\x01" * 16, typing=(("A*01:01", "A*03:01"), *sure.typing[1:]))

    outcome = search(patient, Criteria(floors={"antigen6": 4}), snapshot_of([sure, open_, below]))

    assert [tuple(span) for span in outcome.ranked.classes["antigen6"]] == [(4, 6), (4, 4)]
    assert outcome.funnel.below_floor == 1


def test_a_dose_exactly_at_the_limit_passes_and_one_cell_less_does_not() -> None:
    """62.7 ×10⁷ for 25.08 kg is exactly 2.5 ×10⁷/kg; in binary fractions it would fall below."""
    at = units(91, 40)[0]._replace(tnc_e4=62_700)
    less = at._replace(unit_id=b"\x01" * 16, tnc_e4=62_699)
    unknown = at._replace(unit_id=b"\x02" * 16, tnc_e4=-1)
    criteria = Criteria(weight_kg=Decimal("25.08"), min_tnc_e7_per_kg=Decimal("2.5"), floors={"antigen6": 0})

    outcome = search(person(92), criteria, snapshot_of([at, less, unknown]))

    assert outcome.funnel.below_dose == 1
    assert outcome.funnel.dose_unknown == 1
    assert outcome.ranked.tnc_e7_per_kg[0] == pytest.approx(2.5)
    assert np.isnan(outcome.ranked.tnc_e7_per_kg[1])


def test_doses_are_per_kilogram_and_unknown_without_weight() -> None:
    row = units(93, 40)[0]._replace(tnc_e4=150_000, cd34_e3=4_500)
    snapshot = snapshot_of([row])
    floors = {"antigen6": 0}

    with_weight = search(person(94), Criteria(weight_kg=Decimal(60), floors=floors), snapshot).ranked
    without = search(person(94), Criteria(floors=floors), snapshot).ranked

    assert with_weight.tnc_e7_per_kg.tolist() == [2.5]
    assert with_weight.cd34_e5_per_kg.tolist() == [pytest.approx(0.75)]
    assert np.isnan(without.tnc_e7_per_kg).all()
    assert np.isnan(without.cd34_e5_per_kg).all()


@pytest.mark.parametrize(
    ("patient", "criteria", "code"),
    [
        ({"A": ("A*02:01", ""), "B": ("B*40:01", "")}, Criteria(), "patient_untyped"),
        (None, Criteria(loci=("A", "B")), "primary_class_not_asked"),
        (None, Criteria(loci=("A", "B", "DRB1"), floors={"allele8": 5}), "floor_of_class_not_asked"),
        (None, Criteria(min_tnc_e7_per_kg=Decimal(2)), "dose_without_weight"),
    ],
)
def test_what_cannot_be_searched_is_said(patient: Any, criteria: Criteria, code: str) -> None:
    typing = parsed(patient) if patient else person(95)

    with pytest.raises(CannotSearch) as caught:
        search(typing, criteria, snapshot_of([]))

    assert caught.value.code == code
    assert code in str(caught.value)


def test_a_typing_that_todays_release_cannot_read_counts_as_untyped_and_is_counted() -> None:
    """As when a release is put to use that does not know a name, or a table without a unit's code."""
    rows = units(120, 200)
    at_c = [row._replace(typing=(*row.typing[:2], ("C*07:ZZZZ", ""), *row.typing[3:])) for row in rows[:50]]
    at_b = [
        row._replace(typing=(row.typing[0], ("B*07:ZZZZ", "B*08:01"), *row.typing[2:])) for row in rows[50:90]
    ]
    blank_c = [row._replace(typing=(*row.typing[:2], ("", ""), *row.typing[3:])) for row in at_c]
    blank_b = [row._replace(typing=(row.typing[0], ("", ""), *row.typing[2:])) for row in at_b]
    patient, floors = person(121), {"antigen6": 2}

    snapshot = snapshot_of([*at_c, *at_b, *rows[90:]])
    outcome = search(patient, Criteria(floors=floors), snapshot)

    blanked = snapshot_of([*blank_c, *blank_b, *rows[90:]])
    expected = search(patient, Criteria(floors=floors), blanked)
    assert outcome.counts == expected.counts
    assert ids_of(outcome, snapshot) == ids_of(expected, blanked)
    assert outcome.funnel.not_searchable == expected.funnel.not_searchable
    assert (outcome.funnel.unreadable, outcome.funnel.unreadable_at) == (90, {"C": 50, "B": 40})
    assert (expected.funnel.unreadable, expected.funnel.unreadable_at) == (0, {})
    explained = evidence.explain(patient, outcome.ranked, snapshot, outcome.policy)["C"]
    (code,) = np.flatnonzero(snapshot.books["C"].unreadable)
    first, second = explained[code].positions
    assert (first.unit, first.verdict, first.why.code) == ("C*07:ZZZZ", "potential", "unreadable")
    assert (second.unit, second.verdict, second.why.code) == ("", "potential", "untyped")
    assert "C*07:ZZZZ" in first.why.text


def test_progress_goes_up_and_may_stop_the_search() -> None:
    told: list[tuple[str, float, int]] = []
    snapshot = snapshot_of(units(96, 50))

    search(person(97), Criteria(), snapshot, progress=lambda *step: told.append(step))

    assert [stage for stage, _, _ in told] == ["score", "filter", "rank"]
    assert [share for _, share, _ in told] == sorted(share for _, share, _ in told)

    def stop(stage: str, share: float, found: int) -> None:
        if stage == "filter":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(person(97), Criteria(), snapshot, progress=stop)


def test_broad_rule_of_a_policy_lets_two_splits_of_one_broad_match() -> None:
    patient = parsed(
        {"A": ("A*02:01", "A*11:01"), "B": ("B*38:01", "B*46:01"), "DRB1": ("DRB1*09:01", "DRB1*15:01")}
    )
    row = units(98, 1)[0]._replace(
        typing=(
            ("A*02:01", "A*11:01"),
            ("B*39:01", "B*46:01"),
            ("", ""),
            ("DRB1*09:01", "DRB1*15:01"),
            ("", ""),
        )
    )
    snapshot = snapshot_of([row])

    split, broad = (
        search(patient, Criteria(), snapshot, policy=Policy(antigen_rule=rule)).counts["antigen6"][0].value
        for rule in ("split", "broad")
    )

    assert (split, broad) == (5, 6)


def test_policy_names_itself_and_refuses_rules_it_does_not_know() -> None:
    rules = {"antigen_rule": "split", "required_loci": ["A", "B", "DRB1"], "floors": {"antigen6": 5}}

    policy = Policy.from_data(id="x", name="strict", version=3, rules=rules)
    outcome = search(person(99), Criteria(), snapshot_of(units(99, 30)), policy=policy)

    assert outcome.funnel.below_floor == 0, "only the criteria's floors are applied"
    assert (outcome.policy.id, outcome.policy.name, outcome.policy.version) == ("x", "strict", 3)
    assert outcome.policy.required_loci == ("A", "B", "DRB1")
    assert Policy.from_data(id="x", name="y", version=1, rules={}) == Policy(id="x", name="y")
    with pytest.raises(ValueError, match="wishful"):
        Policy.from_data(id="x", name="y", version=1, rules={"wishful": 1})
    with pytest.raises(ValueError, match="antigen rule"):
        Policy(antigen_rule="none")  # type: ignore[arg-type]


def test_evidence_agrees_with_the_counts_that_ranked_the_unit() -> None:
    snapshot = snapshot_of(units(110, 200))
    patient = person(111)
    outcome = search(patient, Criteria(), snapshot)

    explained = evidence.explain(patient, outcome.ranked, snapshot, outcome.policy)

    for locus in SEARCH_LOCI:
        for place, row in enumerate(outcome.ranked.rows):
            found = evidence.plain(explained[locus][int(snapshot.codes(locus, np.array([row]))[0])])
            scores = dict(zip(SCORE_COLUMNS, outcome.ranked.locus[locus][place].tolist(), strict=True))
            assert found["match"] == [scores["match_min"], scores["match_max"]]
            assert found["antigen"] == [scores["antigen_min"], scores["antigen_max"]]
            assert found["direction"] == LOCUS_DIRECTIONS[outcome.ranked.locus_direction[locus][place]]
            matched = [p["verdict"] in ("allele", "potential") for p in found["positions"]]
            assert sum(matched) == scores["match_max"]
            assert {position["unit"] for position in found["positions"]} == set(
                snapshot.row(int(row)).typing[SEARCH_LOCI.index(locus)]
            )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), shuffle=st.integers(0, 10_000))
def test_order_of_units_and_of_alleles_does_not_matter(seed: int, shuffle: int) -> None:
    rng = random.Random(shuffle)
    rows = units(seed, 60)
    turned = [
        row._replace(
            typing=tuple(texts[::-1] if all(texts) and rng.random() < 0.5 else texts for texts in row.typing)
        )
        for row in rng.sample(rows, len(rows))
    ]
    pairs = {name: (locus.first, locus.second) for name, locus in person(seed + 1).loci.items()}
    other = {
        name: texts[::-1] if all(texts) else texts
        for name, texts in rng.sample(list(pairs.items()), len(pairs))
    }
    loci = tuple(rng.sample(SEARCH_LOCI, len(SEARCH_LOCI)))

    one, two = snapshot_of(rows), snapshot_of(turned)
    straight = search(parsed(pairs), Criteria(), one)
    changed = search(parsed(other), Criteria(loci=loci), two)

    assert changed.counts == straight.counts
    assert changed.funnel == straight.funnel
    assert ids_of(changed, two) == ids_of(straight, one)
    assert changed.ranked.direction.tolist() == straight.ranked.direction.tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_a_higher_floor_or_dose_only_removes(seed: int) -> None:
    snapshot = snapshot_of(units(seed, 80))
    patient = person(seed + 1)
    wide = Criteria(weight_kg=Decimal(50), min_tnc_e7_per_kg=Decimal(2), floors={"antigen6": 3})
    narrow = Criteria(weight_kg=Decimal(50), min_tnc_e7_per_kg=Decimal(3), floors={"antigen6": 4})

    more, less = search(patient, wide, snapshot), search(patient, narrow, snapshot)

    kept = set(less.ranked.rows.tolist())
    assert [row for row in more.ranked.rows.tolist() if row in kept] == less.ranked.rows.tolist()
