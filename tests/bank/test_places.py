"""The number of a place, written and read."""

from __future__ import annotations

import pytest

from bank.places import PlaceText, code_of, parse


@pytest.mark.parametrize(
    "text",
    [
        "T1-R3-C2-07",
        "t1-r3-c2-7",
        " T1 R3 C2 07 ",
        "T1–R3—C2−07",
        "Ｔ１－Ｒ３－Ｃ２－０７",
        "T1/R3/C2/007",
        "T1.R3_C2-07",
    ],
)
def test_a_place_is_read_in_any_case_width_and_with_any_hyphen(text: str) -> None:
    assert parse(text) == PlaceText("T1", "R3", "C2", 7)


def test_what_is_written_is_read_back() -> None:
    for position in (1, 7, 99, 100, 999):
        place = PlaceText("T1", "R3", "C2", position)
        assert parse(str(place)) == place


def test_a_canister_alone_has_no_position() -> None:
    place = parse("T1-R3-C2")

    assert place == PlaceText("T1", "R3", "C2")
    assert str(place) == "T1-R3-C2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T1",
        "T1-R3",
        "T1-R3-C2-00",
        "T1-R3-C2-x",
        "T1-R3-C2-1000",
        "S1-T1-R3-C2-07",
        "T1-R*-C2-07",
        "T1--",
    ],
)
def test_anything_else_is_no_place(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "code"), [("t1", "T1"), (" Ｔ9 ", "T9"), ("T-1", ""), ("", ""), ("罐1", "")]
)
def test_a_code_is_capital_letters_and_digits(text: str, code: str) -> None:
    assert code_of(text) == code
