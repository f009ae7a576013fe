"""ISO/IEC 7064 mod 37-2 by its definition: each character times its weight, slowly."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"


def check_value(text: str) -> int:
    """The value that makes the weighted sum of text and check leave 1 modulo 37; the weights are powers of 2 from the
    right, the check itself having 1."""
    weighted = sum(
        ALPHABET.index(character) * 2 ** (len(text) - place) for place, character in enumerate(text)
    )
    return next(value for value in range(37) if (weighted + value) % 37 == 1)
