"""Single European Code: 40 characters, printed behind “SEC” in two parts (directives 2006/86 Annex VII, 2015/565).

The donation: country (2), tissue establishment (6), donation number (13, a DIN fits). The product: coding system (1),
product number (7), split (3), day of expiry YYYYMMDD, 00000000 where there is none. Electronic (data structure 038):
`&,4` and the 40 characters. A donation may bear no full code before its product is known: `first_part`.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from bank.codes.errors import CodeError
from bank.codes.product import Product

ESTABLISHMENT_PATTERN = "[A-Z0-9]{6}"
COUNTRY_PATTERN = "[A-Z]{2}"
SCANNED_BY = "&,4"
NO_EXPIRY = "00000000"
_SEC = re.compile(
    rf"({COUNTRY_PATTERN})({ESTABLISHMENT_PATTERN})([A-Z0-9]{{13}})([A-Z])([A-Z0-9]{{7}})([A-Z0-9]{{3}})([0-9]{{8}})",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"^(?:SEC:?|&,4)", re.IGNORECASE)


class CodingSystem(StrEnum):
    """Whose product number it is (ST-012)."""

    ISBT_128 = "A"
    EUROCODE = "B"
    EUTC = "E"


@dataclass(frozen=True)
class Sec:
    """expires_on: None where the product has no day of expiry."""

    country: str
    establishment: str
    donation: str
    system: CodingSystem
    product: str
    split: str = "000"
    expires_on: dt.date | None = None

    @property
    def first_part(self) -> str:
        """The donation identification sequence, 21 characters."""
        return first_part(self.country, self.establishment, self.donation)

    @property
    def second_part(self) -> str:
        """The product identification sequence, 19 characters."""
        expiry = self.expires_on.strftime("%Y%m%d") if self.expires_on else NO_EXPIRY
        return f"{self.system}{self.product}{self.split}{expiry}"

    @property
    def code(self) -> str:
        """The 40 characters."""
        return self.first_part + self.second_part

    @property
    def scanned(self) -> str:
        return SCANNED_BY + self.code

    def __str__(self) -> str:
        """As it is printed."""
        return f"SEC: {self.first_part} {self.second_part}"


def first_part(country: str, establishment: str, donation: str) -> str:
    return country + establishment + donation


def build(
    *,
    country: str,
    establishment: str,
    donation: str,
    product: str,
    system: CodingSystem = CodingSystem.ISBT_128,
    split: str = "000",
    expires_on: dt.date | None = None,
) -> Sec:
    """product: filled with zeros from the left to seven characters. Raises CodeError: sec_form, sec_system."""
    expiry = expires_on.strftime("%Y%m%d") if expires_on else NO_EXPIRY
    return parse(f"{country}{establishment}{donation}{system}{product.rjust(7, '0')}{split}{expiry}")


def of_isbt(
    *, country: str, establishment: str, din: str, product: Product, expires_on: dt.date | None = None
) -> Sec:
    """Of an ISBT 128 donation and product; the split is the product's division. Raises CodeError: sec_form."""
    return build(
        country=country,
        establishment=establishment,
        donation=din,
        product=product.description_code,
        split=product.division.upper().rjust(3, "0"),
        expires_on=expires_on,
    )


def parse(text: str) -> Sec:
    """Printed (with or without “SEC”, in one part or two) or scanned.

    Raises CodeError: sec_form, sec_system, sec_expiry.
    """
    plain = "".join(text.split())
    # first as it is: the code of a Swedish establishment may begin with SEC itself
    found = _SEC.fullmatch(plain) or _SEC.fullmatch(_BEFORE.sub("", plain, count=1))
    if not found:
        raise CodeError("sec_form", text=text.strip()[:60])
    country, establishment, donation, system, product, split, expiry = (
        part.upper() for part in found.groups()
    )
    if system not in list(CodingSystem):
        raise CodeError("sec_system", given=system, known=", ".join(CodingSystem))
    return Sec(country, establishment, donation, CodingSystem(system), product, split, _expiry(expiry))


def _expiry(digits: str) -> dt.date | None:
    """Raises CodeError: sec_expiry."""
    if digits == NO_EXPIRY:
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise CodeError("sec_expiry", text=digits) from None
