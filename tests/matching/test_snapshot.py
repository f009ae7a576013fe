"""A snapshot that followed changes equals one built afresh; a file is used whole or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from matching.engine import column_file, files
from matching.engine.files import SnapshotUnusable
from matching.engine.snapshot import Snapshot, arrays, build
from tests.matching.inventories import unit, units


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(Nomenclature.builtin(), EMPTY_MAC)


def equal(left: Snapshot, right: Snapshot) -> bool:
    return left.checksum == right.checksum and all(
        np.array_equal(mine, theirs)
        for (_, mine), (_, theirs) in zip(arrays(left.columns), arrays(right.columns), strict=True)
    )


@pytest.mark.parametrize("seed", range(6))
def test_following_changes_equals_building_afresh(resolver: Resolver, seed: int) -> None:
    rng = random.Random(seed)
    inventory = {row.unit_id: row for row in units(seed, 150)}
    snapshot = build(inventory.values(), resolver=resolver, ledger_number=1)
    assert snapshot.dictionaries  # resolved before: the following ones share the tables

    for step in range(2, 7):
        ids = list(inventory)
        changed = [unit(rng) for _ in range(rng.randint(0, 10))]
        changed += [unit(rng)._replace(unit_id=key) for key in rng.sample(ids, rng.randint(0, 10))]
        withdrawn = rng.sample(ids, rng.randint(0, 20))
        for key in withdrawn:
            inventory.pop(key)
        inventory |= {row.unit_id: row for row in changed}
        snapshot = snapshot.apply(changed=changed, withdrawn=withdrawn, ledger_number=step)

    afresh = build(inventory.values(), resolver=resolver, ledger_number=6)
    assert equal(snapshot, afresh)
    for locus, dictionary in snapshot.dictionaries.items():
        read = [dictionary.table.pairs[place] for place in dictionary.places]
        assert read == list(afresh.columns.pairs[locus])


def test_withdrawing_what_was_never_listed_changes_nothing(resolver: Resolver) -> None:
    snapshot = build(units(1, 20), resolver=resolver, ledger_number=1)

    following = snapshot.apply(changed=[], withdrawn=[b"\x00" * 16], ledger_number=9, ledger_mark="ab")

    assert equal(following, snapshot)
    assert following.origin.ledger_number == 9
    assert following.origin.ledger_mark == "ab"


def test_what_was_computed_moves_on_with_an_unchanged_inventory(resolver: Resolver) -> None:
    snapshot = build(units(1, 20), resolver=resolver, ledger_number=1)
    dictionaries = snapshot.dictionaries

    following = snapshot.apply(changed=[], withdrawn=[], ledger_number=2)
    untouched = build(units(1, 20), resolver=resolver, ledger_number=1).apply(
        changed=[], withdrawn=[], ledger_number=2
    )

    assert following.dictionaries is dictionaries
    assert equal(untouched, following)


def test_all_units_withdrawn(resolver: Resolver) -> None:
    rows = units(2, 5)
    snapshot = build(rows, resolver=resolver, ledger_number=1)

    empty = snapshot.apply(changed=[], withdrawn=[row.unit_id for row in rows], ledger_number=2)

    assert len(empty) == 0
    assert equal(empty, build([], resolver=resolver, ledger_number=2))


def test_a_change_wins_over_a_withdrawal_of_the_same_unit(resolver: Resolver) -> None:
    row = units(3, 1)[0]
    snapshot = build([row], resolver=resolver, ledger_number=1)

    following = snapshot.apply(
        changed=[row._replace(status="RESERVED")], withdrawn=[row.unit_id], ledger_number=2
    )

    assert following.columns.row(0).status == "RESERVED"


def test_find(resolver: Resolver) -> None:
    rows = units(4, 30)
    snapshot = build(rows, resolver=resolver, ledger_number=1)

    places = [snapshot.find(row.unit_id) for row in rows]

    assert [snapshot.columns.row(place) for place in places if place is not None] == rows
    assert snapshot.find(b"\x00" * 16) is None
    assert snapshot.find(b"\xff" * 16) is None


def test_checksum_tells_every_change(resolver: Resolver) -> None:
    rows = units(5, 10)
    base = build(rows, resolver=resolver, ledger_number=1).checksum
    first = rows[0]
    changes = [
        first._replace(tnc_e4=first.tnc_e4 + 1),
        first._replace(status="DISCARDED"),
        first._replace(typing=(("A*01:01", "A*01:02"), *first.typing[1:])),
    ]

    checksums = {
        build([change, *rows[1:]], resolver=resolver, ledger_number=1).checksum for change in changes
    }

    assert len(checksums | {base}) == 4


def test_file_comes_back_as_it_was(resolver: Resolver, tmp_path: Path) -> None:
    snapshot = build(units(6, 400), resolver=resolver, ledger_number=77, ledger_mark="cafe")
    path = tmp_path / "deep" / "inventory"

    files.save(snapshot, path)
    loaded = files.load(path, resolver=resolver)

    assert equal(loaded, snapshot)
    assert loaded.origin == snapshot.origin
    assert loaded.columns.vocabulary == snapshot.columns.vocabulary
    assert not loaded.columns.unit_ids.flags.writeable


def test_loaded_snapshot_follows_changes(resolver: Resolver, tmp_path: Path) -> None:
    rows = units(7, 100)
    files.save(build(rows, resolver=resolver, ledger_number=1), tmp_path / "f")

    following = files.load(tmp_path / "f", resolver=resolver).apply(
        changed=[rows[0]._replace(abo="AB")], withdrawn=[rows[1].unit_id], ledger_number=2
    )

    expected = [rows[0]._replace(abo="AB"), *rows[2:]]
    assert equal(following, build(expected, resolver=resolver, ledger_number=2))


def test_empty_inventory_as_file(resolver: Resolver, tmp_path: Path) -> None:
    files.save(build([], resolver=resolver, ledger_number=0), tmp_path / "f")

    assert len(files.load(tmp_path / "f", resolver=resolver)) == 0


def test_saving_leaves_no_other_file_even_when_it_fails(
    resolver: Resolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = build(units(8, 10), resolver=resolver, ledger_number=1)
    files.save(snapshot, tmp_path / "f")
    before = (tmp_path / "f").read_bytes()

    def broken(*args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(column_file.os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        files.save(build(units(9, 10), resolver=resolver, ledger_number=2), tmp_path / "f")

    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == before


def test_missing_and_empty_files_are_refused(resolver: Resolver, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    for name in ("missing", "empty"):
        with pytest.raises(SnapshotUnusable, match="no readable file"):
            files.load(tmp_path / name, resolver=resolver)


@pytest.mark.parametrize("length", [4, 60, 1_000, -16, -1])
def test_a_file_cut_short_is_refused(resolver: Resolver, tmp_path: Path, length: int) -> None:
    path = tmp_path / "f"
    files.save(build(units(10, 100), resolver=resolver, ledger_number=1), path)
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(SnapshotUnusable):
        files.load(path, resolver=resolver)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999999])
def test_one_altered_byte_is_noticed_wherever_it_is(resolver: Resolver, tmp_path: Path, share: float) -> None:
    path = tmp_path / "f"
    files.save(build(units(11, 100), resolver=resolver, ledger_number=1), path)
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1
    path.write_bytes(content)

    with pytest.raises(SnapshotUnusable):
        files.load(path, resolver=resolver)


def test_a_file_of_another_mac_table_is_refused(resolver: Resolver, tmp_path: Path) -> None:
    files.save(build(units(12, 10), resolver=resolver, ledger_number=1), tmp_path / "f")
    other = Resolver(resolver.nomenclature, MacTable.of("none", {"AB": "01/02"}))

    with pytest.raises(SnapshotUnusable, match="nomenclature built-in"):
        files.load(tmp_path / "f", resolver=other)
