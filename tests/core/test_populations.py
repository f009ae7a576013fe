"""The populations of a person as text: what is read, what is stored, what is refused and with which cure."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.populations import (
    CODE,
    MAX_LENGTH,
    PATTERN,
    canonical_populations,
    parse_populations,
    populations_text,
    shown_populations,
)

codes = st.from_regex(CODE, fullmatch=True)
weights = st.floats(0.01, 50)
mixtures = st.dictionaries(codes, weights, min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("text", "shares", "canonical"),
    [
        ("", {}, ""),
        ("  \u3000", {}, ""),
        ("HAN", {"HAN": 1.0}, "HAN"),
        (" han ", {"HAN": 1.0}, "HAN"),
        ("HAN:0.3", {"HAN": 1.0}, "HAN"),
        ("HAN:0.5+UIG:0.5", {"HAN": 0.5, "UIG": 0.5}, "HAN:0.5+UIG:0.5"),
        ("uig:1 + han:3", {"HAN": 0.75, "UIG": 0.25}, "HAN:0.75+UIG:0.25"),
        ("ＨＡＮ：０．５＋ＵＩＧ：．５", {"HAN": 0.5, "UIG": 0.5}, "HAN:0.5+UIG:0.5"),
        ("A1:1+B2:1+C3:1", {"A1": 0.3334, "B2": 0.3333, "C3": 0.3333}, "A1:0.3334+B2:0.3333+C3:0.3333"),
        ("SOUTH_HAN:99.99+API-2:0.01", None, "SOUTH_HAN:0.9999+API-2:0.0001"),
    ],
)
def test_what_people_write(text: str, shares: dict[str, float] | None, canonical: str) -> None:
    assert shares is None or parse_populations(text) == shares
    assert canonical_populations(text) == canonical


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("A", "population_code", "Population 1, “A”"),
        ("HAN:0.5+Ü1:0.5", "population_code", "Population 2, “Ü1”"),
        ("ß", "population_code", "letters A–Z"),
        ("H AN", "population_code", "“H AN”"),
        ("-HAN", "population_code", "the first is a letter or a digit"),
        ("ABCDEFGHIJKLM", "population_code", "2 to 12"),
        (":0.5", "population_code", "Population 1"),
        ("HAN\0", "population_code", "no code"),
        ("HAN+UIG", "population_weight_missing", "HAN:0.5+UIG:0.5"),
        ("HAN:0.5+UIG", "population_weight_missing", "Population 2, “UIG”"),
        ("HAN:", "population_weight_missing", "has no share"),
        ("HAN:0+UIG:1", "population_weight", "The share “0” of population 1"),
        ("HAN:-1+UIG:1", "population_weight", "above 0"),
        ("HAN:0,5+UIG:0,5", "population_weight", "decimal point"),
        ("HAN:50%+UIG:50%", "population_weight", "“50%”"),
        ("HAN:nan+UIG:1", "population_weight", "“nan”"),
        ("HAN:1:1", "population_weight", "“1:1”"),
        ("HAN:1+UIG:0.00001", "population_weight_small", "“UIG” is below 0.01 %."),
        ("HAN:0.5+HAN:0.5", "population_twice", "Population 2, “HAN”"),
        ("HAN:0.5+", "population_gap", "Population 2 is empty"),
        ("A1:1+B1:1+C1:1+D1:1+E1:1", "population_too_many", "5 populations"),
        ("H" * 201, "population_too_long", "200"),
    ],
)
def test_what_is_refused_says_where_and_the_cure(text: str, code: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_populations(text)

    assert (caught.value.code, caught.value.field) == (code, "populations")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        ({"han": 1.0}, "population_code"),
        ({"HAN": 0.0, "UIG": 1.0}, "population_weight"),
        ({"HAN": float("nan")}, "population_weight"),
        ({"HAN": float("inf")}, "population_weight"),
        ({"HAN": 1.0, "UIG": 1e-9}, "population_weight_small"),
        (dict.fromkeys(("A1", "B1", "C1", "D1", "E1"), 0.2), "population_too_many"),
    ],
)
def test_shares_that_cannot_be_written(shares: dict[str, float], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        populations_text(shares)

    assert caught.value.code == code


@given(mixtures)
def test_a_written_text_is_canonical_fits_and_sums_to_one(shares: dict[str, float]) -> None:
    text = populations_text(shares)

    read = parse_populations(text)
    assert len(text) <= MAX_LENGTH
    assert re.fullmatch(PATTERN, text)
    assert populations_text(read) == text
    assert canonical_populations(text) == text
    assert sum(read.values()) == pytest.approx(1, abs=1e-9)


@given(mixtures)
def test_shares_stay_what_they_were(shares: dict[str, float]) -> None:
    read = parse_populations(populations_text(shares))

    total = sum(shares.values())
    assert read.keys() == shares.keys()
    assert all(abs(read[code] - share / total) <= 1e-4 for code, share in shares.items())


@given(st.dictionaries(codes, st.integers(1, 999), min_size=1, max_size=4), st.data())
def test_order_scale_and_case_do_not_matter(counts: dict[str, int], data: st.DataObject) -> None:
    pairs = data.draw(st.permutations(list(counts.items())))
    scale = data.draw(st.integers(1, 9))
    text = "+".join(f"{code}:{count}" for code, count in counts.items())
    other = " + ".join(f"{code.lower()} : {count * scale}" for code, count in pairs)

    assert canonical_populations(other) == canonical_populations(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        canonical, sentence = canonical_populations(text), ""
    except InvalidInput as error:
        canonical, sentence = "", error.message

    assert sentence or re.fullmatch(PATTERN, canonical)
    assert canonical_populations(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("HAN", "HAN"), ("HAN:0.7525+UIG:0.2475", "HAN 75.25 % + UIG 24.75 %")],
)
def test_as_people_read_it(text: str, shown: str) -> None:
    assert shown_populations(text) == shown
