"""GRID, the Global Registration Identifier for Donors: 19 characters, of adult donors only.

Issuing organisation (4 digits, 1000–9999), the registry's own identifier of the donor (13), and the check value of
these 17 characters as two digits, 00 to 36. Scanned (data structure 039) with `&:` before it. WMDA: only for donors; a
cord blood unit is known by DIN, unit number and CBU id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bank.codes import checks
from bank.codes.errors import CodeError

PATTERN = "[1-9][0-9]{3}[A-Z0-9]{13}[0-9]{2}"
SCANNED_BY = "&:"
_GRID = re.compile(f"(?:{SCANNED_BY})?([1-9][0-9]{{3}})([A-Z0-9]{{13}})([0-9]{{2}})")
_NO_CHECK = re.compile("[1-9][0-9]{3}[A-Z0-9]{13}")


@dataclass(frozen=True)
class Grid:
    """A verified GRID. issuer: ION of the organisation; donor: its own 13 characters."""

    issuer: str
    donor: str

    @property
    def code(self) -> str:
        """The 19 characters."""
        body = self.issuer + self.donor
        return body + checksum(body)

    @property
    def scanned(self) -> str:
        return SCANNED_BY + self.code

    def __str__(self) -> str:
        """In groups of four, as people read it."""
        return " ".join(re.findall("..?.?.?", self.code))


def checksum(body: str) -> str:
    """Of the 17 characters: 00 to 36."""
    return f"{checks.check_value(body):02d}"


def build(issuer: str, donor: str) -> Grid:
    """Raises CodeError: grid_form."""
    if not _NO_CHECK.fullmatch(issuer + donor) or len(issuer) != 4:
        raise CodeError("grid_form", text=f"{issuer} {donor}"[:40])
    return Grid(issuer, donor)


def parse(text: str) -> Grid:
    """Typed (spaces and hyphens allowed) or scanned. Raises CodeError: grid_form, grid_check_wrong."""
    plain = re.sub(r"[\s\-]", "", text).upper()
    found = _GRID.fullmatch(plain)
    if not found:
        raise CodeError("grid_form", text=text.strip()[:40])
    issuer, donor, given = found.groups()
    expected = checksum(issuer + donor)
    if given != expected:
        raise CodeError("grid_check_wrong", grid=issuer + donor, expected=expected, given=given)
    return Grid(issuer, donor)
