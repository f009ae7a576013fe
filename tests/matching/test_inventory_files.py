"""The file of the snapshot: mapped by every process, made anew by one, never used if it is not what it says."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest
from django.db import connection

from hla.mac import MacTable
from hla.resolve import Resolver
from matching import inventory
from matching.engine import files, snapshot
from matching.engine.snapshot import Snapshot
from tests.matching.snapshots import afresh, held, listed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_file_outside")]


def only_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on another process: it holds nothing, and may map the file but not read all units."""
    inventory.forget()
    monkeypatch.setattr(inventory, "build", None)


def test_another_process_maps_the_file_and_follows_from_there(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(resolver, 2)
    only_mapping(monkeypatch)
    listed(1)

    found = inventory.current(resolver)

    assert len(found) == 3


def test_after_many_changes_the_file_is_made_anew_in_the_background(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory.current(resolver)
    monkeypatch.setattr(inventory, "CROWDED_ABOVE", 3)

    listed(3)
    assert inventory.current(resolver).changes == 3
    assert not inventory.is_crowded()
    assert not inventory.compact(resolver)
    before = held(resolver, 1)
    assert inventory.is_crowded()
    assert inventory.compact(resolver)

    assert len(files.load(inventory.file_path(), resolver=resolver, rules=inventory.RULES)) == 4
    found = inventory.current(resolver)
    assert (found.changes, found.checksum) == (0, before.checksum)
    assert not inventory.is_crowded()


def test_a_process_maps_the_new_file_of_another(resolver: Resolver) -> None:
    listed(2)
    assert inventory.current(resolver).changes == 0
    listed(1)
    assert inventory.current(resolver).changes == 1
    files.save(
        inventory.build(resolver), inventory.file_path(), rules=inventory.RULES
    )  # as another process does

    found = inventory.current(resolver)

    assert (found.changes, len(found)) == (0, 3)


def test_a_file_that_is_damaged_meanwhile_is_not_mapped_but_made_anew(
    resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    held(resolver, 2)
    path = inventory.file_path()
    cut = path.with_suffix(".cut")
    cut.write_bytes(path.read_bytes()[:-100])
    cut.replace(path)

    assert len(inventory.current(resolver)) == 2
    assert "not used: damaged" in caplog.text
    assert inventory.is_crowded()
    assert inventory.compact(resolver)
    assert not inventory.is_crowded()
    assert len(files.load(path, resolver=resolver, rules=inventory.RULES)) == 2


def test_a_file_of_another_history_that_appears_is_not_used(resolver: Resolver) -> None:
    held(resolver, 2)
    files.save(
        snapshot.build([], resolver=resolver, ledger_number=1, ledger_mark="ab"), inventory.file_path()
    )

    assert len(inventory.current(resolver)) == 2


def test_while_one_builds_another_leaves_it_alone(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "CROWDED_ABOVE", 0)
    inventory.current(resolver)
    listed(1)
    assert not inventory.is_crowded()  # nothing was looked at yet
    with inventory._builders_lock() as lock:
        assert inventory._locked(lock)
        assert not inventory.compact(resolver)
    assert inventory.compact(resolver)


def test_nothing_held_is_not_crowded(resolver: Resolver) -> None:
    inventory.forget()

    assert not inventory.is_crowded()


@pytest.mark.parametrize("damage", ["truncated", "altered", "garbage"])
def test_a_damaged_file_is_never_used_but_made_anew(
    resolver: Resolver, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    held(resolver, 3)
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
    assert len(files.load(path, resolver=resolver, rules=inventory.RULES)) == 3


def test_the_file_of_another_database_is_never_used(resolver: Resolver) -> None:
    """Same number in the ledger, another history: the hash of the entry tells."""
    ours = held(resolver, 2)
    foreign = snapshot.build(
        [], resolver=resolver, ledger_number=ours.origin.ledger_number, ledger_mark="ab" * 32
    )
    files.save(foreign, inventory.file_path(), rules=inventory.RULES)
    inventory.forget()

    assert inventory.current(resolver).checksum == ours.checksum


def test_a_snapshot_ahead_of_the_ledger_is_never_used(resolver: Resolver) -> None:
    """A database restored from a backup knows less than the file."""
    ours = held(resolver, 2)
    inventory._held.clear()
    ahead = snapshot.build([], resolver=resolver, ledger_number=10_000, ledger_mark="cd" * 32)
    files.save(ahead, inventory.file_path(), rules=inventory.RULES)

    assert inventory.current(resolver).checksum == ours.checksum


def test_another_nomenclature_or_code_table_reads_the_inventory_anew(resolver: Resolver) -> None:
    held(resolver, 2)
    other = Resolver(resolver.nomenclature, MacTable.of("2026", {"AB": "01/02"}))

    found = inventory.current(other)

    assert found.origin.mac == "2026"
    assert files.load(inventory.file_path(), resolver=other, rules=inventory.RULES).checksum == found.checksum


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
            sizes.append(len(inventory._from_file_or_built(resolver, told.append)[0]))
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
    inventory.warm()
    assert (
        files.load(inventory.file_path(), resolver=resolver, rules=inventory.RULES).checksum
        == afresh(resolver).checksum
    )
    only_mapping(monkeypatch)

    assert len(inventory.current(resolver)) == 2


def test_a_file_that_is_altered_under_its_readers_is_made_anew(
    resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    """What is cut off a mapped file reads as zeros: nothing fails, everything is wrong."""
    before = held(resolver, 3).checksum
    with inventory.file_path().open("r+b") as handle:
        handle.truncate(inventory.file_path().stat().st_size // 2)

    found = inventory.current(resolver)

    assert "altered in its place" in caplog.text
    assert found.checksum == before
    assert len({found.row(row).unit_id for row in found.rows().tolist()}) == 3


def test_what_a_killed_writer_left_is_removed(resolver: Resolver) -> None:
    path = inventory.file_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.abcd")
    half.touch()

    inventory.current(resolver)

    assert not half.exists()


def test_a_usable_file_is_mapped_while_another_process_builds_a_newer_one(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(resolver, 2)
    only_mapping(monkeypatch)

    with inventory._builders_lock() as lock:
        assert inventory._locked(lock)
        assert len(inventory.current(resolver)) == 2


def test_after_very_many_changes_one_process_builds_and_the_others_map(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = held(resolver, 1)
    monkeypatch.setattr(inventory, "REBUILD_ABOVE", 3)
    listed(4)
    found = inventory.follow(known)
    assert (len(found), found.changes) == (5, 0)

    monkeypatch.setattr(inventory, "build", None)  # the file is there: a process that is behind only maps it
    assert len(inventory.follow(known)) == 5
