"""GRID, product codes, Single European Codes, CBU ids, and what a scanned text is."""

from __future__ import annotations

import datetime as dt
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank.code_messages import told
from bank.codes import cbu, din, grid, product, scan, sec, structures
from bank.codes.errors import CodeError
from bank.codes.scan import Kind
from bank.codes.sec import CodingSystem
from tests.bank.twin_mod_37_2 import check_value as slow_check_value

GRID = "6939DKM001392612726"
CAPITALS = string.ascii_uppercase + string.digits
dins = st.from_regex(f"\\A{din.PATTERN}\\Z").filter(str.isascii)
products = st.from_regex(f"\\A{product.PATTERN}\\Z").filter(str.isascii)
donors = st.builds(grid.build, st.integers(1000, 9999).map(str), st.text(CAPITALS, min_size=13, max_size=13))
european = st.builds(
    sec.build,
    country=st.text(string.ascii_uppercase, min_size=2, max_size=2),
    establishment=st.text(CAPITALS, min_size=6, max_size=6),
    donation=st.text(CAPITALS, min_size=13, max_size=13),
    product=st.text(CAPITALS, min_size=1, max_size=7),
    system=st.sampled_from(CodingSystem),
    split=st.text(CAPITALS, min_size=3, max_size=3),
    expires_on=st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2999, 12, 31)),
)


def wrong(read: Any, text: str) -> CodeError:
    with pytest.raises(CodeError) as caught:
        read(text)
    assert "%(" not in told(caught.value)
    return caught.value


# --- GRID ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [GRID, "6939 DKM0 0139 2612 726", "6939-dkm0013926127-26", "&:" + GRID])
def test_the_published_grid_in_every_form(text: str) -> None:
    found = grid.parse(text)

    assert (found.issuer, found.donor, found.code) == ("6939", "DKM0013926127", GRID)
    assert grid.build("6939", "DKM0013926127") == found
    assert str(found) == "6939 DKM0 0139 2612 726"
    assert slow_check_value(GRID[:17]) == 26


def test_a_grid_with_wrong_check_digits_is_refused_with_the_right_ones() -> None:
    error = wrong(grid.parse, "6939DKM001392612727")

    assert error.code == "grid_check_wrong"
    assert "are 26, not 27" in told(error)


@pytest.mark.parametrize("text", ["", "0939DKM001392612726", GRID[:-1], GRID + "0", "6939DKM0013926127AB"])
def test_what_is_no_grid(text: str) -> None:
    assert wrong(grid.parse, text).code == "grid_form"


@pytest.mark.parametrize(
    ("issuer", "donor"), [("693", "9DKM0013926127"), ("6939", "DKM"), ("0999", "D" * 13)]
)
def test_no_grid_is_built_of_other_parts(issuer: str, donor: str) -> None:
    with pytest.raises(CodeError):
        grid.build(issuer, donor)


@settings(deadline=None)
@given(donors)
def test_a_built_grid_reads_back(made: grid.Grid) -> None:
    assert grid.parse(made.code) == grid.parse(str(made)) == scan.read(made.scanned).grid == made
    assert scan.read(made.code).grid == made


@settings(deadline=None)
@given(donors, st.integers(0, 18), st.sampled_from(CAPITALS))
def test_any_single_wrong_character_of_a_grid_is_found(made: grid.Grid, place: int, sign: str) -> None:
    slipped = made.code[:place] + sign + made.code[place + 1 :]
    if slipped != made.code:
        wrong(grid.parse, slipped)


# --- product -------------------------------------------------------------------------------------


def test_a_product_code_has_its_parts() -> None:
    found = product.parse("=<S9999A0a")

    assert (found.description_code, found.collection, found.division) == ("S9999", "A", "0a")
    assert found.is_cellular
    assert (found.code, found.scanned, str(found)) == ("S9999A0a", "=<S9999A0a", "S9999A0a")
    assert product.build("S9999").division == product.UNDIVIDED


@pytest.mark.parametrize("text", ["", "S9999", "s9999000", "S999900000", "9S999000", "S9999A aA"])
def test_what_is_no_product_code(text: str) -> None:
    assert wrong(product.parse, text).code == "product_form"


@settings(deadline=None)
@given(products)
def test_a_product_code_reads_back(code: str) -> None:
    made = product.parse(code)

    assert product.parse(made.code) == product.parse(made.scanned) == scan.read(made.scanned).product == made
    assert product.build(made.description_code, made.collection, made.division) == made


# --- Single European Code ------------------------------------------------------------------------


def test_a_european_code_is_printed_in_two_parts() -> None:
    made = sec.of_isbt(
        country="DE", establishment="001234", din="G123498654321", product=product.parse("S999900a")
    )

    assert made.code == "DE001234G123498654321A00S999900A00000000"
    assert str(made) == "SEC: DE001234G123498654321 A00S999900A00000000"
    assert (len(made.first_part), len(made.second_part), made.expires_on) == (21, 19, None)
    assert sec.first_part("DE", "001234", "G123498654321") == made.first_part


@settings(deadline=None)
@given(european)
def test_a_european_code_reads_back(made: sec.Sec) -> None:
    two_lines = f"SEC\n{made.first_part}\n{made.second_part}"
    texts = (made.code, str(made), made.scanned, made.code.lower(), two_lines, f"SEC{made.code}")
    assert {sec.parse(text) for text in texts} == {made}
    assert scan.read(made.scanned).sec == scan.read(str(made)).sec == made


def test_an_establishment_that_begins_like_the_word_is_read() -> None:
    made = sec.build(country="SE", establishment="C00001", donation="G123498654321", product="S9999")

    assert sec.parse(made.code) == sec.parse(str(made)) == made


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("SEC: DE001234", "sec_form", "40 characters"),
        ("DE001234G123498654321 C00S999900000000000", "sec_system", "A, B, E"),
        ("DE001234G123498654321 A00S999900020261301", "sec_expiry", "20261301"),
    ],
)
def test_what_is_wrong_with_a_european_code(text: str, code: str, words: str) -> None:
    error = wrong(sec.parse, text)

    assert error.code == code
    assert words in told(error)


# --- CBU id --------------------------------------------------------------------------------------


def test_a_cbu_id_is_hub_and_number() -> None:
    assert cbu.build("CN", "QD-2020-0000001") == "CNQD-2020-0000001"


@pytest.mark.parametrize(
    ("hub", "number", "code"),
    [("", "1", "cbu_hub"), ("cn", "1", "cbu_hub"), ("CN", "1" * 16, "cbu_too_long")],
)
def test_no_cbu_id_where_it_cannot_be(hub: str, number: str, code: str) -> None:
    assert wrong(lambda text: cbu.build(hub, text), number).code == code


@given(st.text(CAPITALS, min_size=2, max_size=4), st.text(CAPITALS, min_size=1, max_size=17))
def test_a_cbu_id_is_never_too_long(hub: str, number: str) -> None:
    try:
        made = cbu.build(hub, number)
    except CodeError:
        assert len(hub + number) > 17
    else:
        assert len(made) <= 17
        assert made.startswith(hub)


# --- data structures and scans -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("=G12349865432177", Kind.DIN),
        ("]C0=G12349865432100", Kind.DIN),
        ("=g12349865432100", Kind.DIN),
        (" g1234 98 654321 h ", Kind.DIN),
        ("=<S9999000", Kind.PRODUCT),
        (GRID, Kind.GRID),
        ("&:" + GRID, Kind.GRID),
        ("SEC: DE001234G123498654321 A00S999900000000000", Kind.SEC),
        ("DE001234G123498654321 A00S999900000000000", Kind.SEC),
        ("&,4DE001234G123498654321A00S999900000000000", Kind.SEC),
        ("T1-R3-C2-07", Kind.PLACE),
        ("t1-r3-c2-7", Kind.PLACE),
        ("QD-2020-000001", Kind.NUMBER),
        ("U000001", Kind.NUMBER),
        ("P" * 40, Kind.NUMBER),
        ("", Kind.NUMBER),
    ],
)
def test_what_a_text_is(text: str, kind: Kind) -> None:
    assert scan.read(text).kind == kind


def test_a_message_of_several_structures_gives_all_that_are_known() -> None:
    text = "]d1=+05000=G12349865432100=%5100=<S9999000&>0263652359&,4DE001234G123498654321A00S999900000000000"

    found = scan.read(text)

    assert found.kind == Kind.DIN
    assert (str(found.din), str(found.product)) == ("G1234 98 654321 H", "S9999000")
    assert found.donation == found.sec.donation == "G123498654321"


def test_two_linear_codes_read_as_one() -> None:
    found = scan.read("=G12349865432100=<S999900a")

    assert (found.donation, found.product.division) == ("G123498654321", "0a")


def test_only_a_european_code_of_isbt_names_a_donation() -> None:
    of_isbt, other = (scan.read(f"SEC: DE001234G123498654321 {system}00S999900000000000") for system in "AE")

    assert (of_isbt.donation, other.donation) == ("G123498654321", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("=G12349865432178", "din_flag_wrong"),
        ("G123498654321J", "din_check_wrong"),
        ("G123498654321", "din_check_missing"),
        ("6939DKM001392612727", "grid_check_wrong"),
        ("=+03000=G12349865432100=<S9999000", "compound_count"),
        ("=G1234986543", "scan_cut"),
        ("=?1", "scan_unknown"),
        ("=G12349865432100?", "scan_unknown"),
        ("=%5100", "scan_unused"),
        ("SEC: DE001234G123498654321 A00S9999000", "sec_form"),
    ],
)
def test_a_code_that_is_wrong_says_so(text: str, code: str) -> None:
    assert wrong(scan.read, text).code == code


@settings(deadline=None)
@given(dins, products)
def test_a_compound_message_reads_back(code: str, made: str) -> None:
    found = scan.read(structures.compound([din.scanned(code), f"=<{made}"]))

    assert (found.donation, found.product.code) == (code, made)


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("=&<+,4:%0123456789ABS", max_size=60))
def test_any_text_is_something_or_refused(text: str) -> None:
    try:
        outcome = str(scan.read(text).kind)
    except CodeError as error:
        outcome = told(error)

    assert outcome
