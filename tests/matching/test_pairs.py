"""Double grafts: the engine against its twin, the edges of each rule, and the laws that pairs obey."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import abo
from matching.engine.pairs import (
    FAILED,
    PASSED,
    VERDICTS,
    Candidates,
    Pairs,
)
from matching.engine.selection.rules import PairSettings
from tests.matching.pair_candidates import (
    KNOWN,
    LOOKED_AT,
    POOL,
    RESOLVER,
    WEIGHT,
    found,
    some,
)
from tests.matching.pairs_twin import TwinPair, twin_pairs


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
