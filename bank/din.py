"""ISBT 128 Donation Identification Number: the 13 characters αppppyynnnnnn and their check character.

Typed form: 13 characters and the check character, spaces and hyphens allowed (`G1234 98 654321 H`).
Scanner form (data structure 001): `=` + 13 characters + two flag digits; flags 60–96 are 60 + the check
value and are verified, 00–59 are control or local flags and carry no check (the barcode has its own).
Source: ISBT 128 ST-001 v6.2.2 as excerpted in the domain notes; ISO/IEC 7064 mod 37-2 by python-stdnum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from stdnum.iso7064 import mod_37_2

PATTERN = "[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{10}"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_DIN = re.compile(PATTERN)
_TYPED = re.compile(f"({PATTERN})([0-9A-Z*])")
_SCANNED = re.compile(f"=({PATTERN})([0-9]{{2}})")
_FIRST_CHECK_FLAG = 60
_LAST_CHECK_FLAG = 96

MESSAGES: dict[str, str | Promise] = {
    "din_empty": _("The DIN is empty."),
    "din_form": _(
        "“%(text)s” is not a DIN: write 13 characters and the check character, for example "
        "G1234 98 654321 H, or scan the label."
    ),
    "din_check_missing": _("The check character of %(din)s is missing; it is %(expected)s."),
    "din_check_wrong": _("The check character of %(din)s is %(expected)s, not %(given)s."),
    "din_flag_unknown": _("%(flag)s is not a flag of ISBT 128 (00 to 96)."),
}


class DinError(ValueError):
    """A text that is no DIN. `code` is a key of MESSAGES, `params` fill its message."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return str(MESSAGES[self.code]) % self.params


@dataclass(frozen=True)
class Din:
    """A verified DIN; `flag` as scanned, "" when typed."""

    code: str
    flag: str = ""

    @property
    def check(self) -> str:
        return check_character(self.code)

    def __str__(self) -> str:
        return spaced(self.code)


def check_character(code: str) -> str:
    """The mod 37-2 check character of the 13 characters: 0–9, A–Z or *."""
    return str(mod_37_2.calc_check_digit(code))


def check_flag(code: str) -> str:
    """The two flag digits that a label printer puts behind a DIN to carry its check value: 60–96."""
    return f"{_FIRST_CHECK_FLAG + _ALPHABET.index(check_character(code)):02d}"


def spaced(code: str) -> str:
    """As people read it: `G1234 98 654321 H`."""
    return f"{code[:5]} {code[5:7]} {code[7:]} {check_character(code)}"


def compact(code: str) -> str:
    """As files carry it: 13 characters and the check character."""
    return code + check_character(code)


def scanned(code: str) -> str:
    """As a scanner reads a label whose flags carry the check value."""
    return f"={code}{check_flag(code)}"


def parse(text: str) -> Din:
    """Read a typed or scanned DIN and verify what check it carries.

    Raises DinError: din_empty, din_form, din_check_missing, din_check_wrong, din_flag_unknown.
    """
    plain = re.sub(r"[\s\-]", "", text).upper()
    if not plain:
        raise DinError("din_empty")
    if plain.startswith("="):
        return _parse_scanned(plain)
    if typed := _TYPED.fullmatch(plain):
        _verify(typed[1], typed[2])
        return Din(typed[1])
    if _DIN.fullmatch(plain):
        raise DinError("din_check_missing", din=plain, expected=check_character(plain))
    raise DinError("din_form", text=text.strip()[:40])


def _parse_scanned(plain: str) -> Din:
    scan = _SCANNED.fullmatch(plain)
    if not scan:
        raise DinError("din_form", text=plain[:40])
    code, flag = scan[1], scan[2]
    if int(flag) > _LAST_CHECK_FLAG:
        raise DinError("din_flag_unknown", flag=flag)
    if int(flag) >= _FIRST_CHECK_FLAG:
        _verify(code, _ALPHABET[int(flag) - _FIRST_CHECK_FLAG])
    return Din(code, flag)


def _verify(code: str, given: str) -> None:
    expected = check_character(code)
    if given != expected:
        raise DinError("din_check_wrong", din=code, expected=expected, given=given)
