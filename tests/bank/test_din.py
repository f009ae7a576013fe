"""ISBT 128 DIN: published vectors, both forms, and messages that name the cure."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank.code_messages import told
from bank.codes import din
from bank.codes.din import Flag
from bank.codes.errors import CodeError
from tests.bank.twin_mod_37_2 import check_value as slow_check_value

VECTORS = [("G123498654321", "H", "77"), ("A999914123458", "J", "79"), ("G123417654321", "A", "70")]
codes = st.from_regex(f"\\A{din.PATTERN}\\Z").filter(str.isascii)


@pytest.mark.parametrize(("code", "check", "flag"), VECTORS)
def test_check_character_of_published_vectors(code: str, check: str, flag: str) -> None:
    assert din.check_character(code) == check
    assert din.check_flag(code) == flag
    assert slow_check_value(code) == int(flag) - 60


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        ("00", Flag.DEFAULT),
        ("01", Flag.PROCESS),
        ("19", Flag.PROCESS),
        ("20", Flag.LOCAL),
        ("59", Flag.LOCAL),
        ("77", Flag.CHECK),
    ],
)
def test_flags_are_no_part_of_the_din_and_say_what_they_are(digits: str, kind: Flag) -> None:
    parsed = din.parse(f"=G123498654321{digits}")

    assert (parsed.code, parsed.flag_kind) == ("G123498654321", kind)
    assert din.scanned(parsed.code, digits) == f"=G123498654321{digits}"


def test_a_typed_din_has_no_flag() -> None:
    assert din.parse("G123498654321H").flag_kind is None


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
        ("=G12349865432178", "din_flag_wrong", "right is 77 (check character H)"),
        ("=G12349865432160", "din_flag_wrong", "60 was read"),
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
    with pytest.raises(CodeError) as caught:
        din.parse(text)

    assert caught.value.code == code
    assert words in told(caught.value)
    assert len(told(caught.value)) < 250


@settings(deadline=None)
@given(codes)
def test_every_form_reads_back(code: str) -> None:
    assert {din.parse(form(code)).code for form in (din.compact, din.spaced, din.scanned)} == {code}


SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@settings(deadline=None)
@given(codes, st.integers(0, 13), st.sampled_from(SIGNS + "*"))
def test_any_single_wrong_character_is_found(code: str, place: int, sign: str) -> None:
    right = din.compact(code)
    slipped = right[:place] + sign + right[place + 1 :]
    if slipped == right:
        return

    with pytest.raises(CodeError):
        din.parse(slipped)


@settings(deadline=None)
@given(codes, st.integers(0, 12))
def test_any_two_neighbours_swapped_are_found(code: str, place: int) -> None:
    right = din.compact(code)
    swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    if swapped == right:
        return

    with pytest.raises(CodeError):
        din.parse(swapped)


@settings(deadline=None)
@given(codes)
def test_the_library_and_the_slow_twin_agree(code: str) -> None:
    assert din.check_flag(code) == f"{60 + slow_check_value(code)}"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        outcome = din.parse(text).code
    except CodeError as error:
        outcome = told(error)

    assert len(outcome) >= 13
