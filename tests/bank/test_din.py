"""ISBT 128 DIN: published vectors, both forms, and messages that name the cure."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank import din

VECTORS = [("G123498654321", "H", "77"), ("A999914123458", "J", "79")]
codes = st.from_regex(f"\\A{din.PATTERN}\\Z").filter(str.isascii)


@pytest.mark.parametrize(("code", "check", "flag"), VECTORS)
def test_check_character_of_published_vectors(code: str, check: str, flag: str) -> None:
    assert din.check_character(code) == check
    assert din.check_flag(code) == flag


@pytest.mark.parametrize(
    "text",
    [
        "G123498654321H",
        "G1234 98 654321 H",
        "g1234-98-654321-h",
        "=G12349865432177",
        "=G12349865432100",  # default flags: nothing to verify
        "=G12349865432119",
    ],
)
def test_parse_takes_typed_and_scanned_form(text: str) -> None:
    assert din.parse(text).code == "G123498654321"


def test_parsed_din_knows_its_parts() -> None:
    parsed = din.parse("=G12349865432177")

    assert (parsed.flag, parsed.check, str(parsed)) == ("77", "H", "G1234 98 654321 H")
    assert din.scanned(parsed.code) == "=G12349865432177"
    assert din.compact(parsed.code) == "G123498654321H"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "din_empty", "empty"),
        ("   ", "din_empty", "empty"),
        ("G123498654321", "din_check_missing", "it is H"),
        ("G123498654321J", "din_check_wrong", "is H, not J"),
        ("=G12349865432178", "din_check_wrong", "is H, not I"),
        ("=G12349865432198", "din_flag_unknown", "98"),
        ("=G123498654321", "din_form", "not a DIN"),
        ("O123498654321H", "din_form", "13 characters"),
        ("0123498654321H", "din_form", "13 characters"),
        ("GO23498654321H", "din_form", "13 characters"),
        ("G1234986543H", "din_form", "13 characters"),
        ("G123498654321H" * 20, "din_form", "13 characters"),
    ],
)
def test_parse_says_what_is_wrong(text: str, code: str, words: str) -> None:
    with pytest.raises(din.DinError) as caught:
        din.parse(text)

    assert caught.value.code == code
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250


@settings(deadline=None)
@given(codes)
def test_every_form_reads_back(code: str) -> None:
    assert {din.parse(form(code)).code for form in (din.compact, din.spaced, din.scanned)} == {code}


@settings(deadline=None)
@given(codes, st.integers(0, 12), st.sampled_from("0123456789"))
def test_a_slip_of_one_digit_is_caught(code: str, place: int, digit: str) -> None:
    slipped = code[:place] + digit + code[place + 1 :]
    if slipped == code:
        return

    with pytest.raises(din.DinError):
        din.parse(slipped + din.check_character(code))


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        outcome = din.parse(text).code
    except din.DinError as error:
        outcome = str(error)

    assert len(outcome) >= 13
