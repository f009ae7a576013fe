"""Columns: equal inventories give equal bytes; every row can be read back."""

from __future__ import annotations

import random

import numpy as np
import pytest

from matching.engine.columns import UnitRow, as_ids, canonical, encode, id_keys, merged
from matching.engine.snapshot import arrays
from tests.matching.inventories import unit, units


def same(left, right) -> bool:
    return (
        left.pairs == right.pairs
        and left.vocabulary == right.vocabulary
        and all(
            np.array_equal(mine, theirs) and mine.dtype == theirs.dtype
            for (_, mine), (_, theirs) in zip(arrays(left), arrays(right), strict=True)
        )
    )


def test_rows_come_back_sorted_by_id() -> None:
    rows = units(1, 200)

    columns = encode(rows)

    assert [columns.row(index) for index in range(len(columns))] == sorted(rows, key=lambda row: row.unit_id)


def test_no_rows_is_an_inventory_too() -> None:
    columns = encode([])

    assert len(columns) == 0
    assert columns.pairs["A"] == (("", ""),)
    assert same(columns, canonical(columns))


def test_order_of_rows_does_not_matter() -> None:
    rows = units(2, 300)
    shuffled = random.Random(5).sample(rows, len(rows))

    assert same(encode(rows), encode(shuffled))


def test_of_two_rows_with_one_id_the_later_counts() -> None:
    first = unit(random.Random(1), number=7)
    second = unit(random.Random(2), number=7)

    columns = encode([first, second])

    assert len(columns) == 1
    assert columns.row(0) == second


def test_untyped_is_code_0_and_dictionaries_hold_only_what_is_used() -> None:
    rows = units(3, 50)

    columns = encode(rows)

    for locus, codes in columns.codes.items():
        assert columns.pairs[locus][0] == ("", "")
        used = {columns.pairs[locus][code] for code in codes} | {("", "")}
        assert set(columns.pairs[locus]) == used
        assert list(columns.pairs[locus][1:]) == sorted(columns.pairs[locus][1:])


def test_ids_sort_as_bytes_even_with_zero_bytes_at_the_end() -> None:
    ids = [bytes(15) + b"\x01", b"\x01" + bytes(15), b"\x80" + bytes(15), bytes(16), b"\xff" * 16]

    keys = id_keys(as_ids(ids))

    assert [ids[place] for place in np.argsort(keys)] == sorted(ids)
    assert len(np.unique(keys)) == len(ids)


def test_merged_equals_encoding_both_at_once() -> None:
    rows = units(4, 120)
    old, new = rows[:90], rows[90:]

    joined = merged(encode(old), np.ones(90, dtype=bool), encode(new))

    assert same(joined, encode(rows))


def test_more_than_256_different_texts_are_refused() -> None:
    rng = random.Random(6)
    rows: list[UnitRow] = [unit(rng)._replace(status=f"S{number}") for number in range(257)]

    with pytest.raises(ValueError, match="status has 257"):
        encode(rows)
