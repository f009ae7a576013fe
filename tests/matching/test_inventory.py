"""The snapshot follows the ledger: nothing missed, nothing stale, one builder at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from bank.models import CordBloodUnit
from core.audit import Batch, record
from hla.mac import MacTable
from hla.resolve import Resolver
from matching import inventory, reference, tasks
from matching.engine import files, snapshot
from matching.engine.snapshot import Snapshot
from tests.factories.bank import ImportBatchFactory
from tests.factories.matching import ACTOR, ListedUnitFactory, hla_columns, noted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def resolver() -> Resolver:
    return reference.resolver()


def ids(found: Snapshot) -> set[bytes]:
    return {row.tobytes() for row in found.columns.unit_ids}


def afresh(resolver: Resolver) -> Snapshot:
    """What a full reading gives now."""
    return inventory.build(resolver)


@transaction.atomic
def listed(count: int = 1, **values: Any) -> list[CordBloodUnit]:
    return [ListedUnitFactory(**values) for _ in range(count)]


@transaction.atomic
def changed(unit: CordBloodUnit, **values: Any) -> None:
    CordBloodUnit.objects.filter(pk=unit.pk).update(**values)
    noted(unit)


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
    assert found.columns.row(place).tnc_e4 == 77_700
    assert found.columns.row(other).status == "RESERVED"
    monkeypatch.undo()
    assert found.checksum == afresh(resolver).checksum


def test_another_process_maps_the_file_and_follows_from_there(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(2)
    inventory.current(resolver)
    inventory.forget()  # another process
    monkeypatch.setattr(inventory, "build", None)
    listed(1)

    found = inventory.current(resolver)

    assert len(found) == 3


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


def test_after_many_changes_the_file_is_written_anew(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory.current(resolver)
    monkeypatch.setattr(inventory, "SAVE_ABOVE", 3)

    listed(3)
    inventory.current(resolver)
    assert len(files.load(inventory.file_path(), resolver=resolver)) == 0
    listed(4)
    inventory.current(resolver)

    assert len(files.load(inventory.file_path(), resolver=resolver)) == 7


@pytest.mark.parametrize("damage", ["truncated", "altered", "garbage"])
def test_a_damaged_file_is_never_used_but_made_anew(
    resolver: Resolver, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    listed(3)
    inventory.current(resolver)
    path = inventory.file_path()
    content = path.read_bytes()
    bad = {
        "truncated": content[:-9],
        "altered": b"".join([content[:400], b"\x07", content[401:]]),
        "garbage": b"x",
    }
    path.write_bytes(bad[damage])
    inventory.forget()

    with caplog.at_level(logging.INFO, logger="qidai.inventory"):
        found = inventory.current(resolver)

    assert len(found) == 3
    assert "building the inventory snapshot" in caplog.text
    assert len(files.load(path, resolver=resolver)) == 3


def test_the_file_of_another_database_is_never_used(resolver: Resolver) -> None:
    """Same number in the ledger, another history: the hash of the entry tells."""
    listed(2)
    ours = inventory.current(resolver)
    foreign = snapshot.build(
        [], resolver=resolver, ledger_number=ours.origin.ledger_number, ledger_mark="ab" * 32
    )
    files.save(foreign, inventory.file_path())
    inventory.forget()

    assert inventory.current(resolver).checksum == ours.checksum


def test_a_snapshot_ahead_of_the_ledger_is_never_used(resolver: Resolver) -> None:
    """A database restored from a backup knows less than the file."""
    listed(2)
    ours = inventory.current(resolver)
    inventory._held.clear()
    ahead = snapshot.build([], resolver=resolver, ledger_number=10_000, ledger_mark="cd" * 32)
    files.save(ahead, inventory.file_path())

    assert inventory.current(resolver).checksum == ours.checksum


def test_another_nomenclature_or_code_table_reads_the_inventory_anew(resolver: Resolver) -> None:
    listed(2)
    inventory.current(resolver)
    other = Resolver(resolver.nomenclature, MacTable.of("2026", {"AB": "01/02"}))

    found = inventory.current(other)

    assert found.origin.mac == "2026"
    assert files.load(inventory.file_path(), resolver=other).checksum == found.checksum


def test_reading_all_says_how_far_it_is(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(5)
    monkeypatch.setattr(inventory, "TELL_EVERY", 2)
    told: list[int] = []

    inventory.current(resolver, tell=told.append)

    assert told == [2, 4]


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

    row = inventory.current(resolver).columns.row(0)

    assert (row.tnc_e4, row.cd34_e3, row.year) == (-1, -1, -1)


def test_a_late_commit_is_not_missed(resolver: Resolver) -> None:
    """A writer that began first and commits last is seen when it commits, though others have passed it."""
    listed(1)
    inventory.current(resolver)
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
    listed(2)
    before = inventory.current(resolver)
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

    listed(1)
    inventory.current(resolver)
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


def test_the_second_of_two_builders_finds_the_file(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(3)
    built: list[str] = []
    honest = inventory.build

    def slow(*args: Any, **kwargs: Any) -> Snapshot:
        built.append(threading.current_thread().name)
        time.sleep(0.3)
        return honest(*args, **kwargs)

    def start() -> None:
        try:
            sizes.append(len(inventory._from_file_or_built(resolver, told.append)))
        finally:
            connection.close()

    sizes: list[int] = []
    told: list[int] = []
    monkeypatch.setattr(inventory, "build", slow)
    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sizes == [3, 3]
    assert len(built) == 1
    assert told, "the one that waits says so"


def test_warming_leaves_a_file_that_other_processes_map(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(2)
    tasks.warm()
    assert files.load(inventory.file_path(), resolver=resolver).checksum == afresh(resolver).checksum
    inventory.forget()  # another process
    monkeypatch.setattr(inventory, "build", None)

    assert len(inventory.current(resolver)) == 2


@pytest.fixture(autouse=True)
def _no_file_outside(own_files: Path) -> Iterator[None]:
    yield
    assert inventory.file_path().is_relative_to(own_files)
