"""Pseudonymous patient codes: `P-7Q4-2W3K`, six random characters and a check character.

The alphabet leaves out what a hand or a telephone confuses (O beside 0, I and L beside 1, S
beside 5, U beside V). It has 29 characters, a
prime, so the check (sum of weight × value ≡ 0 modulo 29, all weights different and non-zero) finds every
single wrong character and every swap of two characters. A mistyped code can then never open another patient.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence

ALPHABET = "23456789ABCDEFGHJKMNPQRTVWXYZ"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_LENGTH = 6
_SHAPE = re.compile(rf"(?:P-?)?([{ALPHABET}]{{3}})-?([{ALPHABET}]{{4}})")


def check_character(body: str) -> str:
    """The seventh character for six characters of the alphabet."""
    total = sum(weight * _VALUE[character] for weight, character in enumerate(body, start=1))
    # weight of the check character itself is 7; 7 * 25 = 175 = 1 modulo 29
    return ALPHABET[-total * 25 % 29]


def patient_code(choice: Callable[[Sequence[str]], str] = secrets.choice) -> str:
    """A new random code; `choice` is replaced by a seeded one in demonstration data."""
    body = "".join(choice(ALPHABET) for _ in range(_LENGTH))
    return f"P-{body[:3]}-{body[3:]}{check_character(body)}"


def normalise_code(text: str) -> str | None:
    """The code in its written form when `text` is one, whatever the case and hyphens; None otherwise."""
    match = _SHAPE.fullmatch("".join(text.split()).upper())
    if match is None:
        return None
    body = match[1] + match[2]
    return f"P-{match[1]}-{match[2]}" if check_character(body[:_LENGTH]) == body[_LENGTH] else None
