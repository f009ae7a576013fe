"""ISBT 128 Donation Identification Number: the 13 characters αppppyynnnnnn and their check character.

Typed form: 13 characters and the check character, spaces and hyphens allowed (`G1234 98 654321 H`).
Scanned form (data structure 001): `=` + 13 characters + two flag digits, which are no part of the DIN.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bank.codes import checks
from bank.codes.errors import CodeError

PATTERN = "[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{10}"
_DIN = re.compile(PATTERN)
_TYPED = re.compile(f"({PATTERN})([0-9A-Z*])")
_SCANNED = re.compile(f"=({PATTERN})([0-9]{{2}})")
DEFAULT_FLAG = "00"
_FIRST_CHECK_FLAG = 60
_LAST_CHECK_FLAG = 96


class Flag(StrEnum):
    """What the two digits behind a scanned DIN say. 97 to 99 say nothing."""

    DEFAULT = "default"  # 00
    PROCESS = "process"  # 01–19, ICCBBA: which container of a set, and the like
    LOCAL = "local"  # 20–59, the facility's own
    CHECK = "check"  # 60–96: 60 + the check value, verified

    @classmethod
    def of(cls, digits: str) -> Flag:
        """Raises CodeError: din_flag_unknown."""
        number = int(digits)
        if number > _LAST_CHECK_FLAG:
            raise CodeError("din_flag_unknown", flag=digits)
        if number >= _FIRST_CHECK_FLAG:
            return cls.CHECK
        if number >= 20:
            return cls.LOCAL
        return cls.PROCESS if number else cls.DEFAULT


@dataclass(frozen=True)
class Din:
    """A verified DIN; `flag`: the two digits as scanned, "" when typed."""

    code: str
    flag: str = ""

    @property
    def check(self) -> str:
        return check_character(self.code)

    @property
    def flag_kind(self) -> Flag | None:
        """None when it was typed."""
        return Flag.of(self.flag) if self.flag else None

    def __str__(self) -> str:
        return spaced(self.code)


def check_character(code: str) -> str:
    """Of the 13 characters: 0–9, A–Z or *."""
    return checks.check_character(code)


def check_flag(code: str) -> str:
    """The two flag digits that a label printer puts behind a DIN to carry its check value: 60–96."""
    return f"{_FIRST_CHECK_FLAG + checks.check_value(code):02d}"


def spaced(code: str) -> str:
    """As people read it: `G1234 98 654321 H`."""
    return f"{code[:5]} {code[5:7]} {code[7:]} {check_character(code)}"


def compact(code: str) -> str:
    """As files carry it: 13 characters and the check character."""
    return code + check_character(code)


def scanned(code: str, flag: str = "") -> str:
    """As a scanner reads it, with these flag digits; without any they carry the check value."""
    return f"={code}{flag or check_flag(code)}"


def parse(text: str) -> Din:
    """Read a typed or scanned DIN and verify what check it carries.

    Raises CodeError: din_empty, din_form, din_check_missing, din_check_wrong, din_flag_wrong, din_flag_unknown.
    """
    plain = re.sub(r"[\s\-]", "", text).upper()
    if not plain:
        raise CodeError("din_empty")
    if plain.startswith("="):
        return _parse_scanned(plain)
    if typed := _TYPED.fullmatch(plain):
        code, given = typed.groups()
        if given != (expected := check_character(code)):
            raise CodeError("din_check_wrong", din=code, expected=expected, given=given)
        return Din(code)
    if _DIN.fullmatch(plain):
        raise CodeError("din_check_missing", din=plain, expected=check_character(plain))
    raise CodeError("din_form", text=text.strip()[:40])


def _parse_scanned(plain: str) -> Din:
    scan = _SCANNED.fullmatch(plain)
    if not scan:
        raise CodeError("din_form", text=plain[:40])
    code, flag = scan[1], scan[2]
    if Flag.of(flag) == Flag.CHECK and flag != (expected := check_flag(code)):
        raise CodeError(
            "din_flag_wrong", din=code, expected=expected, given=flag, check=check_character(code)
        )
    return Din(code, flag)
