"""Genotypes kept in files: the same as imputed anew, whatever process wrote them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from hla.frequencies.demo import demo_set
from hla.frequencies.sets import HaplotypeSet
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.prediction.fits import Pair
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Imputed, Part, states_of
from hla.prediction.states import state_name
from hla.prediction.table import HaplotypeTable
from hla.resolve import Resolver
from matching.engine import imputed_store
from matching.engine.column_file import FileUnusable
from matching.engine.imputed_store import UNSEEN, ImputedStore, read_key, typing_digest
from matching.engine.prediction import imputed
from tests.matching import inventories

Typings = list[tuple[Pair, ...]]


def fresh_imputer() -> Imputer:
    """As another process has it: states are numbered in the order in which they are met."""
    return Imputer(HaplotypeTable.of(demo_set(), Resolver(Nomenclature.builtin(), EMPTY_MAC)))


@pytest.fixture(autouse=True)
def everything_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imputed_store, "MAX_GENOTYPES", 10**9)


@pytest.fixture(scope="module")
def typings() -> Typings:
    rng = random.Random(11)
    return list(dict.fromkeys(inventories.unit(rng).typing for _ in range(60)))


@pytest.fixture(scope="module")
def digests(typings: Typings) -> list[bytes]:
    return [typing_digest(pairs) for pairs in typings]


def kept(folder: Path, imputer: Imputer, typings: Typings) -> Imputed:
    """Imputed, and stored in the folder as by a process of its own."""
    found = imputer.impute_pairs(typings)
    ImputedStore(folder, imputer.table).add([typing_digest(pairs) for pairs in typings], found)
    return found


def alleles(imputer: Imputer, part: Part | None) -> dict[tuple[object, ...], float]:
    """Genotypes by what their states stand for: comparable between processes."""
    assert part is not None
    states = states_of(part.rows)
    resolver, loci = imputer.table.resolver, imputer.table.loci
    return {
        tuple(
            tuple(sorted(state_name(resolver, locus, state) for state in row[slot]))
            for slot, locus in enumerate(loci)
        ): share
        for row, share in zip(states.tolist(), part.shares.tolist(), strict=True)
    }


def test_another_process_finds_what_was_imputed(
    tmp_path: Path, typings: Typings, digests: list[bytes]
) -> None:
    mine, theirs = fresh_imputer(), fresh_imputer()
    theirs.impute_pairs(typings[::-1])  # numbers its states in another order
    found = kept(tmp_path, mine, typings)

    read = ImputedStore(tmp_path, theirs.table).find(digests)

    for at, part in enumerate(read):
        assert alleles(theirs, part) == pytest.approx(alleles(mine, found.part(at)))
        assert (part.basis, part.relaxed, part.lost) == (  # type: ignore[union-attr]
            found.part(at).basis,
            found.relaxed[at],
            float(found.lost[at]),
        )


def test_a_process_that_met_the_families_in_another_order_reads_the_same_alleles(
    tmp_path: Path, typings: Typings, digests: list[bytes]
) -> None:
    """The built-in nomenclature numbers P groups by the order in which it meets their families."""
    resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    for locus in ("A", "B", "C", "DRB1", "DQB1"):
        for family in (9, 3, 30, 24, 11, 2, 4, 12, 15, 40, 46):
            resolver.nomenclature.name(locus, f"{family:02d}:01")
    mine, theirs = fresh_imputer(), Imputer(HaplotypeTable.of(demo_set(), resolver))
    found = kept(tmp_path, mine, typings)

    read = ImputedStore(tmp_path, theirs.table).find(digests)

    for at, part in enumerate(read):
        assert alleles(theirs, part) == pytest.approx(alleles(mine, found.part(at)))


def test_a_name_that_the_nomenclature_does_not_know_makes_the_file_unusable(tmp_path: Path) -> None:
    table = fresh_imputer().table

    for name in ("A*999:01P", "A*02:XX"):
        with pytest.raises(FileUnusable):
            read_key(table, "A", [name])


def test_what_is_not_kept_is_imputed_again(tmp_path: Path, typings: Typings, digests: list[bytes]) -> None:
    imputer = fresh_imputer()
    store = ImputedStore(tmp_path, imputer.table)
    store.add(digests[::2], imputer.impute_pairs(typings[::2]))

    with_store, without = imputed(imputer, store, typings), imputed(imputer, None, typings)

    assert [part is None for part in store.find(digests)] == [at % 2 == 1 for at in range(len(typings))]
    for at in range(len(typings)):
        assert alleles(imputer, with_store.part(at)) == pytest.approx(alleles(imputer, without.part(at)))
    assert with_store.basis.tolist() == without.basis.tolist()


def test_several_typings_are_read_as_each_by_itself(
    tmp_path: Path, typings: Typings, digests: list[bytes]
) -> None:
    mine, theirs = fresh_imputer(), fresh_imputer()
    kept(tmp_path, mine, typings)
    (segment,) = ImputedStore(tmp_path, theirs.table).segments()
    places = [*range(len(segment)), 0, 0]

    together = segment.parts(places[::-1])[::-1]

    for place, part in zip(places, together, strict=True):
        (alone,) = segment.parts([place])
        assert part.rows.tolist() == alone.rows.tolist()
        assert part.shares.tolist() == alone.shares.tolist()
        assert (part.basis, part.relaxed, part.lost) == (alone.basis, alone.relaxed, alone.lost)


def test_an_empty_store_and_no_typings(tmp_path: Path, typings: Typings) -> None:
    imputer = fresh_imputer()
    store = ImputedStore(tmp_path, imputer.table)
    store.add([], imputer.impute_pairs([]))

    assert store.find([]) == []
    assert store.bases([]).tolist() == []
    assert len(imputed(imputer, store, typings)) == len(typings)
    assert list(tmp_path.iterdir()) == []


def test_very_open_typings_are_remembered_without_their_genotypes(
    tmp_path: Path, typings: Typings, digests: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imputed_store, "MAX_GENOTYPES", 1)
    imputer = fresh_imputer()
    store = ImputedStore(tmp_path, imputer.table)
    found = imputer.impute_pairs(typings)
    store.add(digests, found)

    kept = store.find(digests)

    sizes = np.diff(found.starts)
    assert [part is not None for part in kept] == [
        size == 1 or basis == Basis.NONE for size, basis in zip(sizes, found.basis, strict=True)
    ]
    assert store.bases(digests).tolist() == found.basis.tolist()
    assert store.bases([typing_digest((("A*99:99", ""),))]).tolist() == [UNSEEN]
    assert len(imputed(imputer, store, typings).shares) == len(found.shares)


def test_many_small_files_become_one(
    tmp_path: Path, typings: Typings, digests: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imputed_store, "MAX_SEGMENTS", 3)
    monkeypatch.setattr(imputed_store, "MAX_GENOTYPES", 20)
    imputer = fresh_imputer()
    writer, reader = (ImputedStore(tmp_path, imputer.table) for _ in range(2))
    for at in range(0, 40, 10):
        writer.add(digests[at : at + 10], imputer.impute_pairs(typings[at : at + 10]))
        assert len(reader.segments()) == len(list(tmp_path.iterdir()))

    assert len(list(tmp_path.iterdir())) == 2
    assert reader.bases(digests[:40]).tolist() == imputer.impute_pairs(typings[:40]).basis.tolist()


def test_large_files_stay_as_they_are(
    tmp_path: Path, typings: Typings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imputed_store, "MAX_SEGMENTS", 1)
    monkeypatch.setattr(imputed_store, "MAX_SEGMENT_BYTES", 1)
    imputer = fresh_imputer()
    store = ImputedStore(tmp_path, imputer.table)
    for at in range(4):
        store.add([typing_digest(typings[at])], imputer.impute_pairs([typings[at]]))

    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_that_cannot_be_read_now_is_left_alone(
    tmp_path: Path, typings: Typings, digests: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    imputer = fresh_imputer()
    kept(tmp_path, imputer, typings)

    def full(*args: object, **options: object) -> None:
        raise OSError("too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("matching.engine.column_file.np.memmap", full)
        assert ImputedStore(tmp_path, imputer.table).find(digests) == [None] * len(digests)
    assert UNSEEN not in ImputedStore(tmp_path, imputer.table).bases(digests)


def test_one_file_that_holds_all_survives_putting_together(
    tmp_path: Path, typings: Typings, digests: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imputed_store, "MAX_SEGMENTS", 1)
    imputer = fresh_imputer()
    store = ImputedStore(tmp_path, imputer.table)
    found = imputer.impute_pairs(typings)
    ImputedStore(tmp_path, imputer.table).add(digests[:5], found.taken(range(5)))
    store.add(digests, found)

    assert len(list(tmp_path.iterdir())) == 1
    assert UNSEEN not in store.bases(digests)


def test_a_damaged_file_is_removed_and_its_typings_imputed(
    tmp_path: Path, typings: Typings, digests: list[bytes]
) -> None:
    imputer = fresh_imputer()
    kept(tmp_path, imputer, typings)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    store = ImputedStore(tmp_path, imputer.table)

    assert store.find(digests) == [None] * len(digests)
    assert not path.exists()


def test_digests_tell_texts_and_places_apart() -> None:
    assert typing_digest((("A*01:01", ""), ("", ""))) != typing_digest((("", ""), ("A*01:01", "")))
    assert typing_digest((("A*01:01", "A*02:01"),)) == typing_digest((("A*01:01", "A*02:01"),))


def test_digests_that_end_in_zeros_are_found(tmp_path: Path, typings: Typings) -> None:
    imputer = fresh_imputer()
    store = ImputedStore(tmp_path, imputer.table)
    digests = [bytes([at]) + bytes(15) for at in range(5)]
    store.add(digests, imputer.impute_pairs(typings[:5]))

    assert store.bases(digests).tolist() == imputer.impute_pairs(typings[:5]).basis.tolist()
    assert store.bases([bytes(16 - 1) + b"\x01"]).tolist() == [UNSEEN]


def test_alleles_that_the_nomenclature_does_not_know_are_kept_by_name(tmp_path: Path) -> None:
    rows = [(("A*100:01", "B*08:01"), 0.5), (("A*02:01", "B*07:02"), 0.5)]
    found = HaplotypeSet.of(rows, name="odd", population="", loci=("A", "B"))
    mine, theirs = (
        Imputer(HaplotypeTable.of(found, Resolver(Nomenclature.builtin(), EMPTY_MAC))) for _ in range(2)
    )
    open_one: tuple[Pair, ...] = (("", ""), ("B*08:01", "B*07:02"))
    imputed_by_me = kept(tmp_path, mine, [open_one])

    (part,) = ImputedStore(tmp_path, theirs.table).find([typing_digest(open_one)])

    assert alleles(theirs, part) == alleles(mine, imputed_by_me.part(0))
    assert "A*100:01" in str(alleles(theirs, part))
