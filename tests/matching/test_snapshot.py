"""A snapshot that followed changes equals one built afresh; a file is used whole or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from hla.loci import SEARCH_LOCI
from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from hla.typing import Typing, parse_pair
from matching.engine import column_file, evidence, files
from matching.engine.columns import UnitRow
from matching.engine.files import SnapshotUnusable
from matching.engine.search import Criteria, search
from matching.engine.snapshot import Snapshot, build
from tests.matching.inventories import pair, unit, units


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(Nomenclature.builtin(), EMPTY_MAC)


def rows_of(snapshot: Snapshot) -> list[UnitRow]:
    return sorted(snapshot.row(row) for row in snapshot.rows().tolist())


def equal(left: Snapshot, right: Snapshot) -> bool:
    return left.checksum == right.checksum and rows_of(left) == rows_of(right) and len(left) == len(right)


@pytest.mark.parametrize("seed", range(6))
def test_following_changes_equals_building_afresh(resolver: Resolver, seed: int) -> None:
    rng = random.Random(seed)
    inventory = {row.unit_id: row for row in units(seed, 150)}
    snapshot = build(inventory.values(), resolver=resolver, ledger_number=1)

    for step in range(2, 7):
        ids = list(inventory)
        changed = [unit(rng) for _ in range(rng.randint(0, 10))]
        changed += [unit(rng)._replace(unit_id=key) for key in rng.sample(ids, rng.randint(0, 10))]
        changed += [inventory[key]._replace(tnc_e4=step) for key in rng.sample(ids, 3)]
        withdrawn = rng.sample(ids, rng.randint(0, 20))
        for key in withdrawn:
            inventory.pop(key)
        inventory |= {row.unit_id: row for row in changed}
        snapshot = snapshot.apply(changed=changed, withdrawn=withdrawn, ledger_number=step)

        afresh = build(inventory.values(), resolver=resolver, ledger_number=step)
        assert equal(snapshot, afresh)
        assert rows_of(snapshot) == sorted(inventory.values())


@pytest.mark.parametrize("seed", range(4))
def test_a_search_of_what_followed_equals_one_of_what_was_built(resolver: Resolver, seed: int) -> None:
    rng = random.Random(f"followed {seed}")
    inventory = {row.unit_id: row for row in units(seed, 200)}
    snapshot = build(inventory.values(), resolver=resolver, ledger_number=1)
    changed = [unit(rng) for _ in range(30)]
    changed += [unit(rng)._replace(unit_id=key) for key in rng.sample(list(inventory), 40)]
    bad = ("A*02:ZZZZ", "A*02:01")  # cannot be read
    changed += [unit(rng)._replace(typing=(bad, *changed[0].typing[1:])) for _ in range(3)]
    withdrawn = rng.sample(list(inventory), 20)
    for key in withdrawn:
        inventory.pop(key)
    inventory |= {row.unit_id: row for row in changed}
    following = snapshot.apply(changed=changed, withdrawn=withdrawn, ledger_number=2)
    afresh = build(inventory.values(), resolver=resolver, ledger_number=2)
    patient = Typing.of(parse_pair(locus, *pair(rng, locus, untyped=0), resolver) for locus in SEARCH_LOCI)

    for floors in ({}, {"antigen6": 3, "allele8": 2}):
        one = search(patient, Criteria(floors=floors, limit=100), following)
        other = search(patient, Criteria(floors=floors, limit=100), afresh)

        assert (one.counts, one.funnel) == (other.counts, other.funnel)
        assert [following.row(row) for row in one.ranked.rows] == [
            afresh.row(row) for row in other.ranked.rows
        ]
        for name, values in one.ranked.locus.items():
            assert np.array_equal(values, other.ranked.locus[name])
        assert following.typings(one.ranked.rows) == afresh.typings(other.ranked.rows)
        said = [
            evidence.explain(patient, found.ranked, snapshot, found.policy)
            for found, snapshot in ((one, following), (other, afresh))
        ]
        for locus in SEARCH_LOCI:
            mine, theirs = (
                [told[locus][code] for code in snapshot.codes(locus, found.ranked.rows).tolist()]
                for told, found, snapshot in zip(said, (one, other), (following, afresh), strict=True)
            )
            assert mine == theirs


def test_withdrawing_what_was_never_listed_changes_nothing(resolver: Resolver) -> None:
    snapshot = build(units(1, 20), resolver=resolver, ledger_number=1)

    following = snapshot.apply(changed=[], withdrawn=[b"\x00" * 16], ledger_number=9, ledger_mark="ab")

    assert equal(following, snapshot)
    assert following.changes == 0
    assert following.origin.ledger_number == 9
    assert following.origin.ledger_mark == "ab"


def test_nothing_changed_but_the_number(resolver: Resolver) -> None:
    snapshot = build(units(1, 20), resolver=resolver, ledger_number=1)

    following = snapshot.apply(changed=[], withdrawn=[], ledger_number=2)

    assert following.base is snapshot.base
    assert equal(following, snapshot)


def test_a_unit_of_a_later_change_changes_and_goes(resolver: Resolver) -> None:
    rows = units(14, 10)
    new = units(15, 1)[0]
    snapshot = build(rows, resolver=resolver, ledger_number=1)

    snapshot = snapshot.apply(changed=[new], withdrawn=[], ledger_number=2)
    assert snapshot.find(new.unit_id) == len(rows)
    snapshot = snapshot.apply(changed=[new._replace(status="RESERVED")], withdrawn=[], ledger_number=3)
    assert snapshot.row(snapshot.find(new.unit_id) or 0).status == "RESERVED"
    assert snapshot.changes == 1
    snapshot = snapshot.apply(changed=[], withdrawn=[new.unit_id], ledger_number=4)

    assert snapshot.find(new.unit_id) is None
    assert equal(snapshot, build(rows, resolver=resolver, ledger_number=4))


def test_a_unit_that_comes_twice_is_refused(resolver: Resolver) -> None:
    row = units(16, 1)[0]

    with pytest.raises(ValueError, match="came twice"):
        build([row, row._replace(abo="AB")], resolver=resolver, ledger_number=1)


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

    assert following.row(following.find(row.unit_id) or 0).status == "RESERVED"


def test_find(resolver: Resolver) -> None:
    rows = units(4, 30)
    snapshot = build(rows, resolver=resolver, ledger_number=1)

    places = [snapshot.find(row.unit_id) for row in rows]

    assert [snapshot.row(place) for place in places if place is not None] == rows
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
    assert loaded.vocabulary == snapshot.vocabulary
    assert not loaded.base.unit_ids.flags.writeable


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


def test_a_file_of_another_version_of_the_program_is_refused(
    resolver: Resolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.save(build(units(12, 10), resolver=resolver, ledger_number=1), tmp_path / "f")
    monkeypatch.setattr(files, "KERNEL", "another")

    with pytest.raises(SnapshotUnusable, match="another version of the program"):
        files.load(tmp_path / "f", resolver=resolver)


def test_a_file_of_units_chosen_by_other_rules_is_refused(resolver: Resolver, tmp_path: Path) -> None:
    snapshot = build(units(12, 10), resolver=resolver, ledger_number=1)
    files.save(snapshot, tmp_path / "f", rules="listed")

    assert len(files.load(tmp_path / "f", resolver=resolver, rules="listed")) == 10
    with pytest.raises(SnapshotUnusable, match="another version of the program"):
        files.load(tmp_path / "f", resolver=resolver, rules="listed or reserved")


def test_what_comes_later_does_not_change_a_snapshot_that_is_there(resolver: Resolver) -> None:
    """A process makes itself ready in a thread while its first search reads the snapshot of a moment ago."""
    rng = random.Random(21)
    first = build(units(21, 60), resolver=resolver, ledger_number=1)
    first = first.apply(changed=[unit(rng)], withdrawn=[], ledger_number=2)
    patient = Typing.of(parse_pair(locus, *pair(rng, locus, untyped=0), resolver) for locus in SEARCH_LOCI)
    before = search(patient, Criteria(), first)
    sizes = {locus: (len(book), len(book.marks())) for locus, book in first.books.items()}

    second = first.apply(changed=[unit(rng) for _ in range(20)], withdrawn=[], ledger_number=3)

    assert {locus: (len(book), len(book.marks())) for locus, book in first.books.items()} == sizes
    assert any(len(second.books[locus]) > size for locus, (size, _) in sizes.items())
    again = search(patient, Criteria(), first)
    assert (again.counts, again.ranked.rows.tolist()) == (before.counts, before.ranked.rows.tolist())


def test_a_file_whose_names_nobody_knows_is_refused(
    resolver: Resolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = resolver.nomenclature.p_name
    monkeypatch.setattr(resolver.nomenclature, "p_name", lambda locus, group: honest(locus, group) + "x")
    files.save(build(units(12, 10), resolver=resolver, ledger_number=1), tmp_path / "f")

    with pytest.raises(SnapshotUnusable, match="is no P group of"):
        files.load(tmp_path / "f", resolver=resolver)


def test_changes_are_not_saved(resolver: Resolver, tmp_path: Path) -> None:
    rows = units(13, 10)
    snapshot = build(rows, resolver=resolver, ledger_number=1)

    with pytest.raises(ValueError, match="built afresh"):
        files.save(snapshot.apply(changed=[], withdrawn=[rows[0].unit_id], ledger_number=2), tmp_path / "f")


def test_unreadable_typings_come_back_from_a_file(resolver: Resolver, tmp_path: Path) -> None:
    rows = units(17, 30)
    rows[3] = rows[3]._replace(typing=(("A*02:ZZZZ", "A*02:01"), *rows[3].typing[1:]))
    files.save(build(rows, resolver=resolver, ledger_number=1), tmp_path / "f")

    loaded = files.load(tmp_path / "f", resolver=resolver)

    place = loaded.find(rows[3].unit_id)
    assert place is not None
    assert loaded.row(place) == rows[3]
    assert loaded.typings(np.array([place]))[0][0] == ("", "")
