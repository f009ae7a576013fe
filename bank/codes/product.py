"""ISBT 128 product code (data structure 003): `=<` and eight characters αooootds.

αoooo is the product description code (α = S: cellular therapy), t the type of collection, ds the division: 00
undivided, 99 where another data structure says it. What a description code means stands in the table of ICCBBA, which
a bank loads under its own licence (`load_product_codes`); none is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bank.codes.errors import CodeError

# The second character of a division is a small letter, so capitals are not put for small ones.
PATTERN = "[A-Z][A-Z0-9]{4}[A-Z0-9][A-Z0-9][a-z0-9]"
DESCRIPTION_PATTERN = "[A-Z][A-Z0-9]{4}"
SCANNED_BY = "=<"
CELLULAR = "S"
UNDIVIDED = "00"
_PRODUCT = re.compile(rf"(?:{SCANNED_BY})?({DESCRIPTION_PATTERN})([A-Z0-9])([A-Z0-9][a-z0-9])")


@dataclass(frozen=True)
class Product:
    """description_code: αoooo; collection: t; division: ds."""

    description_code: str
    collection: str = "0"
    division: str = UNDIVIDED

    @property
    def code(self) -> str:
        """The eight characters."""
        return self.description_code + self.collection + self.division

    @property
    def scanned(self) -> str:
        return SCANNED_BY + self.code

    @property
    def is_cellular(self) -> bool:
        return self.description_code.startswith(CELLULAR)

    def __str__(self) -> str:
        return self.code


def build(description_code: str, collection: str = "0", division: str = UNDIVIDED) -> Product:
    """Raises CodeError: product_form."""
    return parse(description_code + collection + division)


def parse(text: str) -> Product:
    """Typed or scanned. Raises CodeError: product_form."""
    found = _PRODUCT.fullmatch("".join(text.split()))
    if not found:
        raise CodeError("product_form", text=text.strip()[:40])
    return Product(*found.groups())
