"""Engine and loop over the database, before and after changes: a seeded part of scripts/validate_equality.py."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from bank.demo.load import load
from bank.services import unit_hold
from core.audit import Actor
from matching import inventory, reference
from scripts import inventory_changes
from scripts.validate_equality import LISTED, patients, prove, state

UNITS, PATIENTS, CHANGES, SEED = 300, 4, 60, 11
ACTOR = Actor.system("test")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.validation]


@pytest.fixture
def people() -> list[dict[str, tuple[str, str]]]:
    load(count=UNITS, seed=SEED, actor=ACTOR)
    return patients(PATIENTS, random.Random(SEED), reference.resolver())


def test_the_engine_equals_a_loop_over_the_database_before_and_after_changes(people: Any) -> None:
    resolver, rng = reference.resolver(), random.Random(SEED)
    before = state("before", resolver)

    done = inventory_changes.change(inventory_changes.mixed(CHANGES, rng), rng)
    after = state("after", resolver)
    proof = prove([before, after], people, resolver)

    assert proof.differences == []
    assert proof.searches == 2 * PATIENTS
    assert proof.candidates > PATIENTS
    assert sum(map(len, done.values())) == CHANGES
    assert [kind for kind in inventory_changes.KINDS if not done[kind]] == []
    assert before.snapshot.checksum != after.snapshot.checksum
    assert after.snapshot.checksum == inventory.build(resolver).checksum


def test_a_snapshot_that_missed_a_change_is_found_out(people: Any) -> None:
    resolver = reference.resolver()
    old = state("old", resolver)
    best = next(row for row in old.rows if row.status in LISTED)
    unit_hold(unit_id=UUID(bytes=best.unit_id), actor=ACTOR, reason="test")

    proof = prove([replace(state("new", resolver), snapshot=old.snapshot)], people[:1], resolver)

    assert [text for text in proof.differences if "left out" in text] == proof.differences[:1] != []
