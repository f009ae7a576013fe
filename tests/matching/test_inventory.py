"""The snapshot follows the ledger: nothing missed, nothing stale, whoever writes meanwhile."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction

from bank.models import CordBloodUnit
from core.audit import Batch, record
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from matching import inventory
from matching.engine.snapshot import Snapshot
from tests.factories.bank import ImportBatchFactory
from tests.factories.matching import ACTOR, ListedUnitFactory, hla_columns, noted
from tests.matching.snapshots import afresh, changed, held, listed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_file_outside")]


def ids(found: Snapshot) -> set[bytes]:
    return {row.tobytes() for row in found.unit_ids(found.rows())}


def test_new_changed_and_withdrawn_units_appear_without_reading_all(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = listed(3)
    inventory.current(resolver)
    monkeypatch.setattr(inventory, "build", None)  # may not be called any more

    (fourth,) = listed()
    changed(first, tnc_e7=77.7)
    changed(second, status="RESERVED")
    changed(third, status="ON_HOLD", status_before_hold="LISTED", hold_reason="x")
    found = inventory.current(resolver)

    assert ids(found) == {unit.pk.bytes for unit in (first, second, fourth)}
    place, other = found.find(first.pk.bytes), found.find(second.pk.bytes)
    assert place is not None
    assert other is not None
    assert found.row(place).tnc_e4 == 77_700
    assert found.row(other).status == "RESERVED"
    monkeypatch.undo()
    assert found.checksum == afresh(resolver).checksum


def test_one_entry_of_a_batch_stands_for_all_its_units(resolver: Resolver) -> None:
    inventory.current(resolver)
    with transaction.atomic():
        batch = ImportBatchFactory()
        bank = batch.bank
        units = [
            CordBloodUnit(
                bank=bank, unit_no=f"B{n}", status="LISTED", import_batch=batch, **hla_columns("A*01:01")
            )
            for n in range(5)
        ]
        CordBloodUnit.objects.bulk_create(units)
        record(actor=ACTOR, action="units.import", target=batch, batch=Batch(rows=5, sha256="0" * 64))

    found = inventory.current(resolver)

    assert ids(found) == {unit.pk.bytes for unit in units}
    assert found.checksum == afresh(resolver).checksum


def test_so_many_changes_are_read_in_one_pass(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory.current(resolver)
    monkeypatch.setattr(inventory, "REBUILD_ABOVE", 3)
    listed(4)

    found = inventory.current(resolver)

    assert len(found) == 4
    assert found.checksum == afresh(resolver).checksum


def test_reading_all_says_how_far_it_is(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(5)
    monkeypatch.setattr(inventory, "TELL_EVERY", 2)
    told: list[int] = []

    inventory.current(resolver, tell=told.append)

    assert told == [2, 4, *[5] * len(SEARCH_LOCI)]  # then once a locus while typings are resolved


def test_untyped_and_blocked_units(resolver: Resolver) -> None:
    """Untyped units are there to be counted; held, recalled and withdrawn ones are not."""
    (untyped,) = listed(gl="C*01:02")
    listed(recalled=True)
    listed(typing_conflict=True)
    listed(consent_withdrawn=True)
    listed(status="QUARANTINE", held_for_confirmation=True)

    assert ids(inventory.current(resolver)) == {untyped.pk.bytes}


def test_unknown_values_are_minus_one(resolver: Resolver) -> None:
    listed(tnc_e7=None, cd34_e6=None, collected_on=None)

    row = inventory.current(resolver).row(0)

    assert (row.tnc_e4, row.cd34_e3, row.year) == (-1, -1, -1)


def test_a_late_commit_is_not_missed(resolver: Resolver) -> None:
    """A writer that began first and commits last is seen when it commits, though others have passed it."""
    held(resolver, 1)
    began, finish = threading.Event(), threading.Event()

    def slow_writer() -> None:
        try:
            with transaction.atomic():
                unit = ListedUnitFactory(unit_no="SLOW")
                noted(unit)
                began.set()
                assert finish.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=slow_writer)
    writer.start()
    assert began.wait(10)
    before = held(resolver, 2)
    finish.set()
    writer.join(10)
    after = inventory.current(resolver)

    assert (len(before), len(after)) == (3, 4)
    assert after.checksum == afresh(resolver).checksum


def test_many_writers_and_one_reader_end_with_the_same_inventory(resolver: Resolver) -> None:
    import random

    def writer(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for step in range(6):
                with transaction.atomic():
                    unit = ListedUnitFactory(unit_no=f"W{seed}-{step}", tnc_e7=rng.randint(50, 200))
                    noted(unit)
                    time.sleep(rng.random() * 0.03)
        finally:
            connection.close()

    held(resolver, 1)
    writers = [threading.Thread(target=writer, args=(seed,)) for seed in range(4)]
    for thread in writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        inventory.current(resolver)
    for thread in writers:
        thread.join()

    found = inventory.current(resolver)

    assert len(found) == 25
    assert found.checksum == afresh(resolver).checksum


def test_two_threads_of_a_process_take_turns(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that makes itself ready in a thread, and its first search: one builds, the other says that it waits."""
    listed(2)
    held, go = threading.Event(), threading.Event()
    honest = inventory._from_file_or_built
    told: list[int] = []

    def slow(*args: Any) -> Any:
        held.set()
        assert go.wait(10)
        return honest(*args)

    def warming() -> None:
        try:
            sizes.append(len(inventory.current(resolver)))
        finally:
            connection.close()

    def tell(count: int) -> None:
        told.append(count)
        go.set()

    sizes: list[int] = []
    monkeypatch.setattr(inventory, "_from_file_or_built", slow)
    thread = threading.Thread(target=warming)
    thread.start()
    assert held.wait(10)
    found = inventory.current(resolver, tell=tell)
    thread.join(10)

    assert (len(found), sizes) == (2, [2])
    assert told[0] == 0
