"""Columns: what goes in comes out; digests tell every value apart."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from matching.engine.columns import CATEGORIES, Block, Gatherer, UnitRow, as_ids, digest_of, id_keys
from tests.matching.inventories import unit, units


def gathered(rows: list[UnitRow], vocabulary: dict[str, tuple[str, ...]] | None = None) -> Gatherer:
    found = Gatherer(vocabulary)
    for row in rows:
        found.add(row, range(5))
    return found


def test_values_come_back() -> None:
    rows = units(1, 50)

    found = gathered(rows)
    block, words = found.block(), found.vocabulary()

    assert [ids.tobytes() for ids in block.unit_ids] == [row.unit_id for row in rows]
    assert block.numbers["tnc_e4"].tolist() == [row.tnc_e4 for row in rows]
    for name in CATEGORIES:
        assert [words[name][code] for code in block.categories[name]] == [getattr(row, name) for row in rows]
    assert found.tallies() == {"cord": (50, sum(digest_of(row) for row in rows))}


def test_known_words_keep_their_codes() -> None:
    rows = units(2, 20)
    words = dict.fromkeys(CATEGORIES, ("from before",))

    found = gathered(rows, words).vocabulary()

    assert all(texts[0] == "from before" and len(texts) > 1 for texts in found.values())


def test_blocks_are_joined_and_parted() -> None:
    block = gathered(units(3, 30)).block()

    again = block.taken(np.arange(10)).joined(block.taken(np.arange(10, 30)))

    for (name, mine), (_, theirs) in zip(block.named(), again.named(), strict=True):
        assert np.array_equal(mine, theirs), name
        assert mine.dtype == theirs.dtype, name
    assert Block.of(dict(block.named())).named()[0][0] == "unit_ids"


@pytest.mark.parametrize("name", UnitRow._fields)
def test_the_digest_tells_every_value(name: str) -> None:
    row = unit(random.Random(5), number=1)
    other: dict[str, Any] = {
        "unit_id": bytes(16),
        "typing": (("A*01:01", "A*01:99"), *row.typing[1:]),
        **dict.fromkeys(("status", "abo", "rh", "bank", "populations", "donor_type"), "other"),
        **dict.fromkeys(("tnc_e4", "cd34_e3", "year", "flags"), 77),
    }

    assert digest_of(row) == digest_of(row._replace())
    assert digest_of(row) != digest_of(row._replace(**{name: other[name]}))


def test_ids_sort_as_bytes_even_with_zero_bytes_at_the_end() -> None:
    ids = [bytes(15) + b"\x01", b"\x01" + bytes(15), b"\x80" + bytes(15), bytes(16), b"\xff" * 16]

    keys = id_keys(as_ids(ids))

    assert [ids[place] for place in np.argsort(keys)] == sorted(ids)
    assert len(np.unique(keys)) == len(ids)


def test_more_different_texts_than_codes_are_refused() -> None:
    rng = random.Random(6)
    rows = [unit(rng)._replace(status=f"S{number}") for number in range(256)]

    gathered(rows[:255]).block()
    with pytest.raises(ValueError, match="status has 256"):
        gathered(rows).block()
