"""The populations of a person: which haplotype frequency sets predict what a typing leaves open. Pure.

Text form: "" unknown, "HAN" one population, "HAN:0.75+UIG:0.25" mixed ancestry with shares that sum to 1. A code
is that of a frequency set of the bank. Shares are kept to four decimals, so that every text fits MAX_LENGTH.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from hla.text import fold_text

MAX_POPULATIONS = 4
MAX_LENGTH = 80  # of the canonical text: 4 × (12 + 7) characters and 3 signs between
MAX_INPUT = 200  # what a person may write: blanks and idle digits go
UNITS = 10_000  # shares are whole numbers of these

CODE = "[A-Z0-9][A-Z0-9_-]{1,11}"
_SHARE = r":0\.[0-9]{1,4}"
# The canonical text, for the CHECK constraints of the database.
PATTERN = rf"^({CODE}|{CODE}{_SHARE}(\+{CODE}{_SHARE}){{1,{MAX_POPULATIONS - 1}}})?$"
_CODE = re.compile(CODE)
_WEIGHT = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})")

HELP = _("code of one of the bank's frequency sets, such as HAN; mixed ancestry with shares: HAN:0.5+UIG:0.5")
FORM_HELP = _(
    "Code of one of the bank's frequency sets, such as HAN; of mixed ancestry each with its share: HAN:0.5+UIG:0.5. "
    "Empty if not known."
)

MESSAGES: dict[str, str | Promise] = {
    "population_too_long": _("The text has more than %(limit)s characters. Write it like HAN:0.5+UIG:0.5."),
    "population_too_many": _(
        "%(count)s populations are given, at most %(limit)s can be. Leave the smallest out."
    ),
    "population_gap": _("Population %(number)s is empty. Take a “+” away, or write its code."),
    "population_code": _(
        "Population %(number)s, “%(text)s”, is no code: write 2 to 12 of the letters A–Z, digits, - and _, as "
        "the bank's frequency sets are named; the first is a letter or a digit."
    ),
    "population_twice": _("Population %(number)s, “%(text)s”, stands there twice. Add its shares up."),
    "population_weight_missing": _(
        "Population %(number)s, “%(text)s”, has no share. Write one behind each code, such as HAN:0.5+UIG:0.5."
    ),
    "population_weight": _(
        "The share “%(text)s” of population %(number)s is no number above 0. Write it with a decimal point, "
        "such as 0.5."
    ),
    "population_weight_small": _("The share of “%(text)s” is below 0.01 %%. Leave this population out."),
}


def parse_populations(text: str) -> dict[str, float]:
    """Share of each population, summing to 1, the largest first; empty where unknown.

    Lower case, blanks, full-width and other look-alike characters are read; shares are normalised and kept to
    four decimals, just as the canonical text writes them. Raises InvalidInput (codes of MESSAGES).
    """
    if len(text) > MAX_INPUT:
        raise _error("population_too_long", limit=MAX_INPUT)
    plain = fold_text(text)
    if not plain.strip():
        return {}
    parts = plain.split("+")
    if len(parts) > MAX_POPULATIONS:
        raise _error("population_too_many", count=len(parts), limit=MAX_POPULATIONS)
    weights: dict[str, Fraction] = {}
    for number, part in enumerate(parts, 1):
        code, weight = _population(part, number, alone=len(parts) == 1)
        if code in weights:
            raise _error("population_twice", number=number, text=code)
        weights[code] = weight
    return {code: units / UNITS for code, units in _units(weights)}


def populations_text(shares: Mapping[str, float]) -> str:
    """The canonical text of these shares (any positive finite weights); raises InvalidInput as parse_populations."""
    if len(shares) > MAX_POPULATIONS:
        raise _error("population_too_many", count=len(shares), limit=MAX_POPULATIONS)
    for number, (code, share) in enumerate(shares.items(), 1):
        if not _CODE.fullmatch(code):
            raise _error("population_code", number=number, text=code[:40])
        if not 0 < share < float("inf"):
            raise _error("population_weight", number=number, text=str(share))
    parts = _units({code: Fraction(share) for code, share in shares.items()})
    if len(parts) == 1:
        return parts[0][0]
    return "+".join(f"{code}:0.{units:04d}".rstrip("0") for code, units in parts)


def canonical_populations(text: str) -> str:
    """What people wrote, as it is stored; raises InvalidInput as parse_populations."""
    return populations_text(parse_populations(text))


def shown_populations(text: str) -> str:
    """A stored text for people: "HAN", "HAN 75 % + UIG 25 %"."""
    shares = parse_populations(text)
    if len(shares) < 2:
        return "".join(shares)
    return " + ".join(f"{code} {share * 100:.4g} %" for code, share in shares.items())


def _population(part: str, number: int, *, alone: bool) -> tuple[str, Fraction]:
    """Code and weight of one part of a folded text."""
    code, colon, weight = (piece.strip() for piece in part.partition(":"))
    if not code and not colon:
        raise _error("population_gap", number=number)
    if not code.isascii() or not _CODE.fullmatch(code.upper()):
        raise _error("population_code", number=number, text=code[:40])
    code = code.upper()
    if not colon and alone:
        return code, Fraction(1)
    if not weight:
        raise _error("population_weight_missing", number=number, text=code)
    if not _WEIGHT.fullmatch(weight) or not Fraction(weight):
        raise _error("population_weight", number=number, text=weight[:40])
    return code, Fraction(weight)


def _units(weights: Mapping[str, Fraction]) -> list[tuple[str, int]]:
    """Weights as whole UNITS that sum to UNITS (largest remainders), the largest first, equal ones by code."""
    if not weights:
        return []
    total = sum(weights.values(), Fraction(0))
    exact = {code: weight * UNITS / total for code, weight in weights.items()}
    units = {code: int(value) for code, value in exact.items()}
    missing = UNITS - sum(units.values())
    for code in sorted(exact, key=lambda code: (units[code] - exact[code], code))[:missing]:
        units[code] += 1
    for code, count in units.items():
        if not count:
            raise _error("population_weight_small", text=code)
    return sorted(units.items(), key=lambda pair: (-pair[1], pair[0]))


def _error(code: str, **params: object) -> InvalidInput:
    return InvalidInput(code, MESSAGES[code], field="populations", params=params)
