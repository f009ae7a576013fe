"""The file of the snapshot is damaged under a running system: it is made anew, and never used."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from matching import inventory
from tests.faults.searches import UNITS, are_over, assert_done_once, offered_units, submitted
from tests.faults.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BUILDING = "building the inventory snapshot"


def made() -> int:
    """The file is there; this process does not map it."""
    units = len(inventory.warm())
    inventory.forget()
    return units


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut_short, emptied, altered])
def test_a_damaged_file_is_never_used_by_a_fresh_worker(
    workers: Workers, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    offered_units()
    made()
    damage(inventory.file_path())
    runs = submitted(2)

    with workers.worker():
        workers.until(lambda: are_over(runs), "the searches")

    assert_done_once(runs)
    assert workers.said().count(BUILDING) == 1
    caplog.clear()
    assert made() == UNITS
    assert BUILDING not in caplog.text  # the file is whole again


@pytest.mark.parametrize("damage", [cut_short, emptied])
def test_a_file_damaged_under_a_worker_that_maps_it_costs_no_search(
    workers: Workers, damage: Callable[[Path], None]
) -> None:
    """The program never writes in place; people and disks do. Touching pages that are lost kills the process."""
    offered_units()
    made()
    before = submitted()
    with workers.with_beat():
        workers.until(lambda: are_over(before), "a search")
        damage(inventory.file_path())
        after = submitted(3)
        workers.until(lambda: are_over(after), "the searches after the damage")

    assert_done_once([*before, *after])
