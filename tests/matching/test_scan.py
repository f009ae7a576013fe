"""The pass over the units: the same compiled or not, in one share or several, however asked; ties are settled."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.resolve import resolver_for
from matching.engine import book, columns, scan, scan_kernels
from matching.engine.policy import Policy
from matching.engine.search import Criteria, SearchOutcome, search
from matching.engine.snapshot import Snapshot, build
from tests.hla.prediction.uncompiled import plain_python
from tests.matching.inventories import unit, units
from tests.matching.test_search import ids_of, person

RESOLVER = resolver_for(Nomenclature.builtin(), EMPTY_MAC)
BAD = ("C*07:ZZZZ", "C*07:02")  # cannot be read


def inventory(seed: int, count: int) -> Snapshot:
    """Units of which some came later, some went, some cannot be read at C."""
    rng = random.Random(seed)
    rows = units(seed, count)
    for at in range(0, count, 9):
        rows[at] = rows[at]._replace(typing=(*rows[at].typing[:2], BAD, *rows[at].typing[3:]))
    snapshot = build(rows, resolver=RESOLVER, ledger_number=1)
    changed = [row._replace(tnc_e4=rng.randrange(90_000)) for row in rng.sample(rows, 8)]
    new = [unit(rng) for _ in range(4)]
    withdrawn = [row.unit_id for row in rows[:3]]
    return snapshot.apply(changed=[*changed, *new], withdrawn=withdrawn, ledger_number=2)


def found(snapshot: Snapshot, seed: int, policy: Policy, **criteria: Any) -> tuple[Any, ...]:
    outcome: SearchOutcome = search(person(seed), Criteria(**criteria), snapshot, policy=policy)
    ranked = {name: values.tolist() for name, values in outcome.ranked.classes.items()}
    return outcome.counts, outcome.funnel, ids_of(outcome, snapshot), ranked


ASKED: list[dict[str, Any]] = [
    {},
    {"limit": 5, "floors": {"antigen6": 2}},
    {"limit": 20, "floors": {"antigen6": 4, "allele8": 3, "allele10": 4}, "statuses": frozenset({"LISTED"})},
    {"loci": ("A", "B", "DRB1"), "limit": 3},
    {"weight_kg": Decimal(30), "min_tnc_e7_per_kg": Decimal(5)},
    {"loci": ("A", "B", "C", "DRB1"), "floors": {"allele8": 6}},
]


@pytest.mark.parametrize("criteria", ASKED, ids=str)
@pytest.mark.parametrize("required", [("A", "B", "DRB1"), ("A", "B", "C", "DRB1", "DQB1")])
def test_the_same_without_compiling(criteria: dict[str, Any], required: tuple[str, ...]) -> None:
    snapshot, policy = inventory(1, 120), Policy(required_loci=required)
    patient = next(seed for seed in range(99) if not any(person(seed).locus(one).untyped for one in required))
    compiled = found(snapshot, patient, policy, **criteria)

    with plain_python():
        assert found(snapshot, patient, policy, **criteria) == compiled


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_in_several_shares(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    snapshot = inventory(2, 200)
    whole = [found(snapshot, seed, Policy(), limit=30) for seed in range(5)]
    monkeypatch.setattr(scan, "SHARED_ABOVE", 10)
    monkeypatch.setattr(scan, "THREADS", threads)

    assert [found(snapshot, seed, Policy(), limit=30) for seed in range(5)] == whole


def test_units_alike_come_by_their_ids() -> None:
    """More of them than the list has room for, of known and of unknown dose."""
    row = units(3, 1)[0]
    rng = random.Random(4)
    for cells in (-1, 100_000):
        alike = [row._replace(unit_id=rng.randbytes(16), tnc_e4=cells) for _ in range(300)]
        snapshot = build(alike, resolver=RESOLVER, ledger_number=1)

        outcome = search(person(5), Criteria(limit=40), snapshot)

        assert ids_of(outcome, snapshot) == sorted(one.unit_id for one in alike)[:40]
        assert (outcome.funnel.kept, outcome.funnel.cut) == (40, 260)


def test_doses_beyond_all_bins_are_still_in_order() -> None:
    row = units(3, 1)[0]
    many = [row._replace(unit_id=bytes([n]) * 16, tnc_e4=10_000_000 + n) for n in range(60)]
    snapshot = build(many, resolver=RESOLVER, ledger_number=1)

    outcome = search(person(5), Criteria(limit=10), snapshot)

    assert snapshot.numbers("tnc_e4", outcome.ranked.rows).tolist() == [10_000_059 - n for n in range(10)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(1, 40))
def test_the_cut_is_where_the_limit_is_reached(counts: list[int], wanted: int) -> None:
    place, own = scan._cut(np.array(counts), wanted)

    if sum(counts) <= wanted:
        assert (place, own) == (0, 0)
    else:
        assert sum(counts[place + 1 :]) + own == wanted
        assert 0 < own <= counts[place]


def test_a_pool_of_threads_belongs_to_its_process() -> None:
    assert scan.shared_out(lambda number: number + 1, [1, 2]) == [2, 3]
    if scan.THREADS > 1:
        assert list(scan._pools) == [os.getpid()]
        scan._pools[-1] = scan._pools.pop(os.getpid())  # as a forked process finds it
        assert scan.shared_out(lambda number: number + 1, [1, 2]) == [2, 3]
        assert list(scan._pools) == [os.getpid()]
    scan.close_pools()
    assert not scan._pools
    assert scan.shared_out(lambda number: number + 1, [1, 2]) == [2, 3]


def test_more_classes_than_asked_are_not_counted() -> None:
    snapshot = inventory(6, 50)

    outcome = search(person(8), Criteria(loci=("A", "B", "DRB1")), snapshot)

    assert set(outcome.counts) == {"antigen6", "allele6"}


def test_words_of_scores_stand_for_every_range() -> None:
    assert len(scan.ROWS) == 36 < scan_kernels.NOT_TYPED
    assert len(set(scan.PLACES[[low | high << 2 for low, high in scan.RANGES]].tolist())) == 6


def test_the_loops_mean_by_their_numbers_what_the_rest_of_the_engine_does() -> None:
    """They hold them themselves: what is compiled is kept by the file that it stands in, and these alone."""
    assert (scan_kernels.NOT_TYPED, scan_kernels.UNREADABLE) == (book.NOT_TYPED, book.UNREADABLE)
    assert scan_kernels.GONE == columns.GONE


def test_the_same_block_with_another_status() -> None:
    """A unit that is gone counts nowhere."""
    snapshot = inventory(9, 60)
    empty = replace(
        snapshot, status=np.full(len(snapshot.base), 255, np.uint8), extra=snapshot.extra.taken([])
    )

    outcome = search(person(3), Criteria(), empty)

    assert outcome.funnel.candidates == outcome.funnel.other_status == outcome.funnel.not_searchable == 0
