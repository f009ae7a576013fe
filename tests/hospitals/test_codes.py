"""Patient codes: random, unambiguous, and a slip never gives another patient's code."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from hospitals.codes import ALPHABET, check_character, normalise_code, patient_code

CODES = st.builds(lambda seed: patient_code(random.Random(seed).choice), st.integers())


@given(CODES)
def test_code_has_only_unambiguous_characters(code: str) -> None:
    assert len(code) == 10
    assert code[:2] == "P-"
    assert code[5] == "-"
    assert set(code[2:5] + code[6:]) <= set(ALPHABET)
    assert not set(ALPHABET) & set("01ILOSU")


@given(CODES)
def test_code_is_found_however_it_is_written(code: str) -> None:
    assert normalise_code(code) == code
    assert normalise_code(f" {code.lower()} ") == code
    assert normalise_code(code.replace("-", "")) == code
    assert normalise_code(code.removeprefix("P-")) == code


@given(CODES, st.integers(0, 6), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(code: str, at: int, other: str) -> None:
    body = list(code[2:5] + code[6:])
    changed = body[at] != other
    body[at] = other

    wrong = "".join(body)

    assert (normalise_code(f"P-{wrong[:3]}-{wrong[3:]}") is None) is changed


@given(CODES, st.integers(0, 6), st.integers(0, 6))
def test_two_swapped_characters_are_noticed(code: str, one: int, two: int) -> None:
    body = list(code[2:5] + code[6:])
    changed = body[one] != body[two]
    body[one], body[two] = body[two], body[one]

    wrong = "".join(body)

    assert (normalise_code(f"P-{wrong[:3]}-{wrong[3:]}") is None) is changed


def test_check_character_by_hand() -> None:
    # 1*5+2*2+3*20 = 69; 7x = -69 = 18 (mod 29) -> x = 18*25 = 450 = 15 (mod 29)
    body = ALPHABET[5] + ALPHABET[2] + ALPHABET[20] + ALPHABET[0] * 3

    assert check_character(body) == ALPHABET[15]


@given(st.text())
def test_any_text_is_a_code_or_nothing(text: str) -> None:
    found = normalise_code(text)

    assert found is None or normalise_code(found) == found
