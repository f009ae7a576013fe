"""A scanned text to ISBT 128 data structures: one, several behind one another, or a compound message (023).

A structure is an identifier (`=` or `&` and a sign) and content of a fixed length. A compound message, as in a Data
Matrix, begins with `=+aabbb`: aa structures follow, bbb is 000 or names their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bank.codes.errors import CodeError

DIN, PRODUCT, COMPOUND, SEC, GRID = "001", "003", "023", "038", "039"
# Identifier -> (number, length of what follows it). Structures whose length stands in themselves are not known.
_LENGTHS: dict[str, tuple[str, int]] = {
    "=%": ("002", 4),  # ABO and RhD
    "=<": (PRODUCT, 8),
    "=>": ("004", 6),  # day of expiry
    "&>": ("005", 10),  # and hour
    "=*": ("006", 6),  # day of collection
    "&*": ("007", 10),  # and hour
    "=}": ("008", 6),  # day of production
    "&}": ("009", 10),  # and hour
    "&(": ("010", 5),  # special testing
    "=)": ("017", 10),  # container
    "&)": ("018", 10),  # its lot
    "=+": (COMPOUND, 5),
    "=,": ("032", 6),  # product divisions
    "&+": ("033", 11),  # processing facility
    "=/": ("034", 16),  # processor's product
    "&,1": ("035", 18),  # lot
    "&,2": ("036", 18),  # supplement
    "&,4": (SEC, 40),
    "&:": (GRID, 19),
    "&/": ("040", 15),  # chain of identity
}
_DIN_START = re.compile("=[A-NP-Z1-9]")
_DIN_LENGTH = 16  # the second sign of its identifier is the first of its content


@dataclass(frozen=True)
class Structure:
    """number: of ISBT 128; text: identifier and content, as scanned."""

    number: str
    text: str


def compound(structures: Sequence[str]) -> str:
    """Texts of structures as one message, their order free."""
    return f"=+{len(structures):02d}000{''.join(structures)}"


def split(text: str) -> list[Structure]:
    """What stands in a scanned text; the head of a compound message is left out.

    Raises CodeError: scan_unknown, scan_cut, compound_count.
    """
    found = list(_structures(text))
    if found and found[0].number == COMPOUND:
        told = found.pop(0).text[2:4]
        if told != f"{len(found):02d}":
            raise CodeError("compound_count", given=str(len(found)), expected=told)
    return found


def _structures(text: str) -> Iterator[Structure]:
    at = 0
    while at < len(text):
        number, length = _kind(text, at)
        piece = text[at : at + length]
        if len(piece) < length:
            raise CodeError("scan_cut", text=piece[:40])
        yield Structure(number, piece)
        at += length


def _kind(text: str, at: int) -> tuple[str, int]:
    """Number and whole length of the structure that begins here."""
    if _DIN_START.match(text, at):
        return DIN, _DIN_LENGTH
    for size in (3, 2):
        if known := _LENGTHS.get(text[at : at + size]):
            return known[0], size + known[1]
    raise CodeError("scan_unknown", text=text[at : at + 40])
