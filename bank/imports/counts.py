"""Counts that a file gives in another unit of measure than the tables keep: rewritten as text, digit for digit.

Nobody agrees what the TNC of an exchange file is counted in: one note says 10⁸, older texts say 10⁷, the limits of the
schema look like cells. A factor of ten is the difference between a unit for an adult and one for a child, so a file
whose form does not say it is not read until a person has said it (bank.choices.CountUnit).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from bank.choices import CountUnit
from bank.imports.raw import RawFile

# Column of a file -> column of the tables, and by which power of ten the value is to be multiplied.
SCALED: Mapping[str, tuple[str, int]] = {
    "tnc_e8": ("tnc_e7", 1),
    "tnc_cells": ("tnc_e7", -7),
    "cd34_cells": ("cd34_e6", -6),
}
TNC_COLUMN = {CountUnit.E8: "tnc_e8", CountUnit.E7: "tnc_e7", CountUnit.CELLS: "tnc_cells"}
CD34_COLUMN = {CountUnit.E8: "cd34_e6", CountUnit.E7: "cd34_e6", CountUnit.CELLS: "cd34_cells"}

_NUMBER = re.compile(r"[+-]?[0-9]{1,25}(?:\.[0-9]{1,25})?(?:[eE][+-]?[0-9]{1,2})?")


def rescaled(raw: RawFile) -> RawFile:
    """The file with counts in the units of measure of the tables. What is no number stays, to be refused so."""
    header = [name.lower() for name in raw.header]
    for place, name in enumerate(header):
        if name in SCALED:
            ours, power = SCALED[name]
            raw.names[ours] = raw.names.pop(name, raw.header[place])
            raw.header[place] = ours
            for _line, cells in raw.rows:
                if place < len(cells):
                    cells[place] = shifted(cells[place], power)
    return raw


def shifted(text: str, power: int) -> str:
    """The number times ten to the `power`: "13.05", 1 -> "130.5"."""
    plain = text.strip()
    if not _NUMBER.fullmatch(plain):
        return text
    return plain_number(Decimal(plain).scaleb(power))


def plain_number(value: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
