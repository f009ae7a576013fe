"""ISO/IEC 7064 mod 37-2, which DIN and GRID share: a value from 0 to 36, written as a character or as two digits."""

from __future__ import annotations

from stdnum.iso7064 import mod_37_2

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"


def check_character(text: str) -> str:
    """0–9, A–Z or *. `text`: digits and capital letters only."""
    return str(mod_37_2.calc_check_digit(text))


def check_value(text: str) -> int:
    """0 to 36."""
    return ALPHABET.index(check_character(text))
