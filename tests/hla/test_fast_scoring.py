"""Compiled scores of frozen tables are those of hla.scoring; a part of a table scores as the whole."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hla import frozen_table, scoring, scoring_kernels
from hla.antigens import ANTIGEN_RULES, AntigenRule
from hla.fast_scoring import packed_scores
from hla.frozen_table import FrozenTable, NotReadable
from hla.genotypes import Shape
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from hla.scoring import COUNT_NAMES, score_locus
from hla.table import LocusTable
from hla.typing import LocusTyping
from tests.hla.prediction.uncompiled import plain_python
from tests.hla.small_world import SmallResolver, all_typings, genotype_lists
from tests.matching.inventories import pair

RESOLVER = SmallResolver()
TYPINGS = all_typings()
LISTS = genotype_lists(200, seed=5)
TABLE = LocusTable.build("B", [*TYPINGS, *LISTS], RESOLVER)
FROZEN = FrozenTable.of(TABLE)
ALONE = FrozenTable.of(LocusTable.build("B", TYPINGS, RESOLVER))  # no genotype lists: one alternative each


def typing(texts: tuple[str, str], locus: str = "B") -> LocusTyping:
    return LocusTyping(locus, *texts, "pair")


def packed(patient: LocusTyping, table: LocusTable, rule: AntigenRule) -> np.ndarray:
    """The slow scores, packed."""
    scores = score_locus(patient, table, antigen_rule=rule)
    names = ("match_min", "match_max", "antigen_min", "antigen_max")
    parts = [getattr(scores, name).astype(np.uint8) << 2 * place for place, name in enumerate(names)]
    return np.bitwise_or.reduce(parts)


def differences(patient: LocusTyping, table: LocusTable, frozen: FrozenTable, rule: AntigenRule) -> list[str]:
    fast = packed_scores(patient, frozen, antigen_rule=rule)
    slow = packed(patient, table, rule)
    wrong = np.flatnonzero(fast != slow)
    return [f"{patient} {table.pairs[code]}: {fast[code]:08b} {slow[code]:08b}" for code in wrong[:3]]


@pytest.mark.parametrize("rule", ANTIGEN_RULES)
def test_every_patient_of_the_small_world(rule: AntigenRule) -> None:
    for patient in [*TYPINGS[::2], *TYPINGS[-20:], *LISTS[:60]]:
        assert differences(typing(patient), TABLE, FROZEN, rule) == []


def test_without_compiling() -> None:
    with plain_python():
        for patient in [*random.Random(3).sample(TYPINGS, 12), ("N", "N"), ("", ""), LISTS[0]]:
            assert differences(typing(patient), TABLE, FROZEN, "split") == []
        assert np.array_equal(FrozenTable.of(TABLE).columns["in_gaps"], FROZEN.columns["in_gaps"])


@pytest.mark.parametrize("compiled", [True, False])
def test_sets_that_lie_far_apart_are_found(compiled: bool) -> None:
    sets = np.array([2, 65_536, 65_537, 131_072, 131_073, 400_000, 0, 65_535, 131_070], dtype=np.int32)
    starts = np.array([0, 6, 9], dtype=np.int32)
    if compiled:
        found = flagged(starts, sets)
    else:
        with plain_python():
            found = flagged(starts, sets)

    assert np.flatnonzero(found & 1).tolist() == sets[:6].tolist()
    assert np.flatnonzero(found & 2).tolist() == sets[6:].tolist()


def flagged(starts: np.ndarray, sets: np.ndarray) -> np.ndarray:
    found = np.zeros(400_001, dtype=np.uint16)
    groups, bits = np.array([0, 1]), np.array([1, 2], dtype=np.uint16)
    scoring_kernels.add_flags(found, groups, bits, *scoring_kernels.gaps(starts, sets))
    return found


def test_where_antigens_do_not_count_only_they_are_left_out() -> None:
    patient = typing(TYPINGS[40])

    found = packed_scores(patient, FROZEN, antigens=False)

    assert np.array_equal(found, packed_scores(patient, FROZEN) & 15)


@pytest.mark.parametrize("seed", range(5))
def test_some_typings_score_as_they_do_among_all(seed: int) -> None:
    rng = random.Random(seed)
    patient = typing(rng.choice([*TYPINGS, *LISTS]))
    codes = np.array([rng.randrange(len(TABLE)) for _ in range(50)])

    some = score_locus(patient, FROZEN.taken(codes))

    whole = score_locus(patient, TABLE)
    for name in COUNT_NAMES:
        assert np.array_equal(getattr(some, name), getattr(whole, name)[codes]), name


def test_no_typings_and_untyped_ones() -> None:
    assert len(score_locus(typing(TYPINGS[3]), FROZEN.taken(np.array([], dtype=np.int64))).match_max) == 0
    untyped = FrozenTable.of(LocusTable("B", RESOLVER))

    assert packed_scores(typing(TYPINGS[3]), untyped).tolist() == [0b10001000]
    assert score_locus(typing(TYPINGS[3]), untyped.taken(np.array([0]))).match_max.tolist() == [2]


def test_many_p_groups_are_numbered_with_more_bits() -> None:
    """The built-in nomenclature has 1,999 P groups a family: a bank of registry typings has more than 65,536."""
    resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    pairs = [(f"B*{first:02d}:XX", f"B*{first:02d}:01") for first in range(1, 40)]
    table = LocusTable.build("B", pairs, resolver)
    frozen = FrozenTable.of(table)
    other = FrozenTable.read("B", Resolver(Nomenclature.builtin(), EMPTY_MAC), frozen.columns, frozen.header)

    assert len(frozen.groups) > 65_536
    for texts in [("B*07:02", "B*39:XX"), ("B*01:XX", "B*02:05"), ("B*38:01", "B*38:02")]:
        assert differences(typing(texts), table, frozen, "split") == []
        assert differences(typing(texts), table, other, "split") == []


def test_more_members_than_can_be_placed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_table, "MOST", 5)

    with pytest.raises(ValueError, match="5 have room"):
        FrozenTable.of(TABLE)


def test_a_locus_whose_alleles_are_antigens_is_not_counted_here() -> None:
    resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    table = LocusTable.build("DPB1", [("DPB1*04:01", "DPB1*02:01")], resolver)
    patient = LocusTyping("DPB1", "DPB1*04:01", "DPB1*05:01", "pair")

    with pytest.raises(ValueError, match=r"hla\.scoring"):
        packed_scores(patient, FrozenTable.of(table))
    assert (
        packed_scores(patient, FrozenTable.of(table), antigens=False)[1] & 15
        == packed(patient, table, "split")[1] & 15
    )


def test_another_locus_is_refused() -> None:
    with pytest.raises(ValueError, match="typing of A"):
        packed_scores(typing(("1", "2"), "A"), FROZEN)


@pytest.mark.parametrize("locus", ["A", "B", "C", "DRB1", "DQB1"])
def test_a_table_comes_back_from_columns_and_names(locus: str) -> None:
    """In another process the nomenclature numbers its P groups otherwise."""
    rng = random.Random(locus)
    pairs = [pair(rng, locus) for _ in range(300)]
    frozen = FrozenTable.of(LocusTable.build(locus, pairs, Resolver(Nomenclature.builtin(), EMPTY_MAC)))
    other = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    for texts in [pair(rng, locus) for _ in range(50)]:
        other.pairs(locus, *texts)
    table = LocusTable.build(locus, pairs, other)

    read = FrozenTable.read(locus, other, frozen.columns, frozen.header)

    for texts in pairs[:40]:
        assert differences(typing(texts, locus), table, read, "split") == []


def test_a_table_of_another_nomenclature_is_refused() -> None:
    resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
    frozen = FrozenTable.of(LocusTable.build("A", [("A*02:01", "A*24:02")], resolver))

    with pytest.raises(NotReadable, match="no P group"):
        FrozenTable.read("A", resolver, frozen.columns, {**frozen.header, "groups": ["A*02", "A*nonsense"]})


def test_the_loops_mean_by_their_numbers_what_scoring_does() -> None:
    """They hold them themselves: what is compiled is kept by the file that it stands in, and these alone."""
    for name in ("IN_FIRST", "IN_SECOND", "IN_BOTH"):
        assert getattr(scoring_kernels, name) == getattr(scoring, name)
    assert scoring_kernels.OPTIONS == scoring.FIRST_OPTION_BIT
    for shape in (Shape.HOMOZYGOUS, Shape.NONE, Shape.UNTYPED):
        assert getattr(scoring_kernels, shape.name) == shape
