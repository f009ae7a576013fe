"""A frequency set: order, sums, stored form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hla.frequencies import sets
from hla.frequencies.errors import CODES, HINTS, NOTES, FrequencyError, FrequencyNote
from hla.frequencies.sets import MAGIC, HaplotypeSet
from hla.nomenclature import NomenclatureError

ROWS = [
    (("DRB1*03:01", "A*01:01"), 0.2),
    (("DRB1*15:01", "A*02:01"), 0.5),
    (("DRB1*03:01", "A*02:01"), 0.1),
    (("DRB1*03:01", "A*01:01"), 0.1),
    (("DRB1*15:01", "A*01:01"), 0.1),
]


def made(rows: Any = ROWS, **values: Any) -> HaplotypeSet:
    return HaplotypeSet.of(rows, **{"name": "toy", "population": "TOY", "loci": ("DRB1", "A"), **values})


def test_a_set_is_ordered_and_adds_up_to_one() -> None:
    found = made(release="3.58.0", resolution="g", coverage=0.9)

    assert (found.loci, found.release, found.resolution, found.coverage) == (
        ("A", "DRB1"),
        "3.58.0",
        "g",
        0.9,
    )
    assert found.alleles == {"A": ("A*01:01", "A*02:01"), "DRB1": ("DRB1*03:01", "DRB1*15:01")}
    assert [found.names(place) for place in range(len(found))] == [
        ("A*02:01", "DRB1*15:01"),
        ("A*01:01", "DRB1*03:01"),
        ("A*01:01", "DRB1*15:01"),
        ("A*02:01", "DRB1*03:01"),
    ]
    assert found.frequencies == pytest.approx([0.5, 0.3, 0.1, 0.1])
    assert found.total == pytest.approx(1.0)
    assert (found.codes.dtype, found.frequencies.dtype) == (np.uint16, np.float64)


def test_the_order_of_lines_and_loci_does_not_matter() -> None:
    turned = [((a, dr), frequency) for (dr, a), frequency in reversed(ROWS)]

    assert made(turned, loci=("A", "DRB1")).to_bytes() == made().to_bytes()


def test_frequencies_of_any_sum_are_divided_by_it() -> None:
    rng = np.random.default_rng(4)
    rows = [((f"A*{number:04}",), value) for number, value in enumerate(rng.random(3000), 1)]
    found = made(rows, loci=("A",))

    assert abs(math.fsum(found.frequencies) - 1) < 1e-12
    assert found.total == pytest.approx(math.fsum(value for _, value in rows))


def test_the_arrays_cannot_be_written() -> None:
    for found in (made(), HaplotypeSet.from_bytes(made().to_bytes())):
        with pytest.raises(ValueError, match="read-only"):
            found.frequencies[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            found.codes[0, 0] = 1


def test_stored_and_read_again() -> None:
    first = made(release="2.16.0", coverage=0.5)
    again = HaplotypeSet.from_bytes(first.to_bytes())

    assert again.checksum == first.checksum
    assert again.to_bytes() == first.to_bytes()
    assert (again.name, again.population, again.release, again.coverage) == ("toy", "TOY", "2.16.0", 0.5)
    assert (again.loci, again.alleles) == (first.loci, first.alleles)
    assert np.array_equal(again.codes, first.codes)
    assert np.array_equal(again.frequencies, first.frequencies)
    assert made(name="other").checksum != made().checksum


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MAGIC,
        b"QHLA-haplotypes-0\n" + made().to_bytes()[len(MAGIC) :],
        made().to_bytes()[:-5],
        MAGIC + bytes(32) + made().to_bytes()[len(MAGIC) + 32 :],
        MAGIC + bytes(32) + b"not compressed",
    ],
)
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FrequencyError, match="damaged") as refused:
        HaplotypeSet.from_bytes(data)

    assert refused.value.code == "damaged"
    assert isinstance(refused.value, NomenclatureError)


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(FrequencyError) as refused:
        made([])

    assert (refused.value.code, refused.value.params) == ("empty", {"text": "toy"})


def test_sets_beyond_any_size_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "MAX_HAPLOTYPES", 3)
    with pytest.raises(FrequencyError, match="more than 3 haplotypes"):
        made()
    monkeypatch.setattr(sets, "MAX_HAPLOTYPES", 30)
    monkeypatch.setattr(sets, "MAX_NAMES", 1)
    with pytest.raises(FrequencyError, match="more than 1 names of HLA-A"):
        made()


@pytest.mark.parametrize(
    "values",
    [
        {"loci": ()},
        {"loci": ("A", "A")},
        {"loci": ("A", "DPB1")},
        {"resolution": "antigen"},
        {"coverage": 0.0},
        {"coverage": 1.1},
        {"rows": [(("A", "B"), 0.0)]},
        {"rows": [(("A", "B"), -0.1)]},
        {"rows": [(("A", "B"), math.nan)]},
        {"rows": [(("A", "B"), math.inf)]},
    ],
)
def test_what_no_reader_may_give(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        made(**values)


def test_every_error_has_a_cure() -> None:
    assert set(HINTS) == set(CODES)


def test_errors_quote_what_is_long_only_in_part() -> None:
    assert len(str(FrequencyError("no_loci", text="x" * 10_000))) < 300


def test_notes_keep_code_and_params() -> None:
    note = FrequencyNote("zero", count=14)

    assert note == "Lines with the frequency 0, left out: 14."
    assert (note.code, note.params) == ("zero", {"count": 14})
    assert "zero" in NOTES
